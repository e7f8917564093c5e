"""What a client types, beside what goes to the terminal: `~.` at the beginning of a line."""

from __future__ import annotations

LINE_ENDS = (b"\r", b"\n")
KEY, LEAVE = b"~", b"~."


class Escape:
    """Finds the escape in pieces of input.

    It counts only where it ends a piece, as it does when somebody types it: pasted text that has a line with
    `~.` in its middle passes. A `~` that may begin the escape is kept until the next piece tells.
    """

    def __init__(self) -> None:
        self._fresh = True  # at the beginning of a line
        self._kept = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What of it goes to the terminal, and whether the user leaves."""
        if self._kept and data == LEAVE[1:]:
            return b"", True
        data, self._kept = self._kept + data, b""
        for ending in (LEAVE, KEY):
            before = data.removesuffix(ending)
            if before == data or not (before.endswith(LINE_ENDS) or (self._fresh and not before)):
                continue
            if ending == LEAVE:
                return before, True
            self._kept, data = KEY, before
            break
        if data:
            self._fresh = data.endswith(LINE_ENDS)
        return data, False


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
