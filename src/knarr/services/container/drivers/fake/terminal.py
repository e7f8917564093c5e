"""A shell at a fake terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable

from knarr.services.container.drivers.fake.programs import Plan

PROMPT = b"/ # "
END_OF_INPUT = b"\x04"
INTERRUPT = b"\x03"
ERASE = (b"\x7f", b"\x08")


class FakeTerminal:
    """Echoes what is typed and answers a line at a time. ``run``: what a line does."""

    def __init__(
        self, run: Callable[[str], Plan], ended: Callable[[int], None], tty: bool, shell: bool
    ) -> None:
        self._run = run
        self._ended = ended
        self._tty = tty
        self._shell = shell
        self._line = b""
        self._code = 0
        self._output = bytearray()
        self._closed = False
        self._changed = threading.Condition()
        if shell and tty:
            self.feed(PROMPT)

    def feed(self, data: bytes) -> None:
        """Output of the program."""
        with self._changed:
            self._output += data.replace(b"\n", b"\r\n") if self._tty else data
            self._changed.notify_all()

    def read(self, size: int = 65536) -> bytes:
        """Blocks for at least one byte; b"" at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._output or self._closed)
            data = bytes(self._output[:size])
            del self._output[:size]
            return data

    def write(self, data: bytes) -> None:
        for number in data:
            if not self._closed:
                self._typed(bytes([number]))

    def _typed(self, byte: bytes) -> None:
        if byte in ERASE:
            self._line = self._line[:-1]
        elif byte == END_OF_INPUT and not self._line:
            self.end(self._code)
        elif byte == INTERRUPT:
            self._line = b""
            self.feed(b"^C\n" + (PROMPT if self._shell else b""))
        elif byte in (b"\r", b"\n"):
            line, self._line = self._line, b""
            if self._tty:
                self.feed(b"\n")
            self._enter(line.decode("utf-8", "replace").strip())
        else:
            self._line += byte
            if self._tty:
                self.feed(byte)

    def _enter(self, line: str) -> None:
        if not self._shell:
            return
        words = line.split()
        if words[:1] == ["exit"]:
            self.end(int(words[1]) % 256 if len(words) > 1 and words[1].isdigit() else self._code)
            return
        if words:
            plan = self._run(line)
            self._code = plan.exit_code
            self.feed("".join(piece.text for piece in plan.output(plan.ends or 0.0)).encode())
        if self._tty:
            self.feed(PROMPT)

    def end(self, code: int) -> None:
        """The program ends; what was printed can still be read."""
        self.close()
        self._ended(code)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
