"""What a client types, beside what goes to the terminal: `~.` at the beginning of a line."""

from __future__ import annotations

LINE_ENDS = b"\r\n"


class Escape:
    """Finds the escape in pieces of input.

    It counts only where somebody typed it: in pieces of their own (a key each, or both together), so that
    pasted text which has a line with `~.` in it passes. A `~` that may begin the escape is kept until the
    next piece tells.
    """

    def __init__(self) -> None:
        self._at_start = True
        self._kept = b""

    def feed(self, data: bytes) -> bytes | None:
        """What of it goes to the terminal; None: the user leaves."""
        if self._kept:
            if data == b".":
                return None
            data, self._kept = self._kept + data, b""
            return self._pass(data)
        line = data.lstrip(LINE_ENDS)
        fresh = self._at_start or line != data
        if fresh and line == b"~.":
            return None
        if fresh and line == b"~":
            self._kept = b"~"
            return data[:-1]
        return self._pass(data)

    def _pass(self, data: bytes) -> bytes:
        if data:
            self._at_start = data[-1] in LINE_ENDS
        return data


class Characters:
    """Cuts output only between characters of UTF-8: the official client decodes each message on its own, and
    fails at half a character. Bytes that are no UTF-8 pass as they are."""

    LONGEST = 4

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        data = self._kept + data
        cut = len(data) - _unfinished(data[-self.LONGEST + 1 :])
        self._kept = data[cut:]
        return data[:cut]

    def rest(self) -> bytes:
        """What is left at the end."""
        data, self._kept = self._kept, b""
        return data


def _unfinished(tail: bytes) -> int:
    """How many bytes at the end begin a character that is not complete."""
    for back, byte in enumerate(reversed(tail), start=1):
        if byte & 0xC0 == 0x80:
            continue
        length = 2 if byte >> 5 == 0b110 else 3 if byte >> 4 == 0b1110 else 4 if byte >> 3 == 0b11110 else 1
        return back if length > back else 0
    return 0
