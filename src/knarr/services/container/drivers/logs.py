"""What of a container's log is wanted, and how much of it at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

# Bytes of a log that is not followed
LOG_MAX = 16 * 1024 * 1024


class LogChoice(TypedDict, total=False):
    """What of a log is wanted: keywords of `logs` and `follow_logs`, with the defaults of LogQuery."""

    stdout: bool
    stderr: bool
    timestamps: bool
    tail: int | None
    since: float | None


@dataclass(frozen=True)
class LogQuery:
    """``tail``: the last so many lines; ``since``: seconds since the epoch."""

    stdout: bool = True
    stderr: bool = True
    timestamps: bool = False
    tail: int | None = None
    since: float | None = None


def last_bytes(pieces: Iterable[bytes], most: int) -> bytes:
    """The end of a stream of any length, from the beginning of a line on; never more in memory than it and
    a piece."""
    kept: deque[bytes] = deque()
    length, cut = 0, False
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        while length - len(kept[0]) >= most:
            length -= len(kept.popleft())
            cut = True
    whole = b"".join(kept)
    if len(whole) > most or cut:
        whole = whole[-most:]
        whole = whole[whole.find(b"\n") + 1 :]
    return whole
