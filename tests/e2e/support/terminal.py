"""A program at a terminal, as somebody sits before it: what it shows, what is typed, the window's size."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

SECONDS = 40.0


class AtTerminal:
    """`rows` and `columns` are the window at the beginning. Ends the program when it is left."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], rows: int = 24, columns: int = 80
    ) -> None:
        self._master, slave = pty.openpty()
        self._set_size(rows, columns)
        self.process = subprocess.Popen(
            arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.shown = ""
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0

    def __enter__(self) -> AtTerminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        """As when somebody pulls at the window: the program gets SIGWINCH."""
        self._set_size(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def expect(self, text: str, seconds: float = SECONDS) -> str:
        """What was shown up to and with the text, since the last time; AssertionError if it does not come."""
        end = time.monotonic() + seconds
        while (at := self.shown.find(text, self._read)) < 0:
            more = self._more(end - time.monotonic())
            assert more, f"{text!r} is not shown. Shown: {self.shown[self._read :]!r}"
        found = self.shown[self._read : at + len(text)]
        self._read = at + len(text)
        return found

    def takes_keys(self, seconds: float = SECONDS) -> None:
        """Wait until the program takes each key for itself. What was typed before, it threw away by that."""
        end = time.monotonic() + seconds
        while termios.tcgetattr(self._master)[3] & termios.ICANON:
            assert time.monotonic() < end, f"it reads whole lines. Shown: {self.shown!r}"
            self._more(0.02)

    def begin(self, prompt: str = "/ # ") -> str:
        """Press Enter as the official clients ask, up to the shell's prompt; what was shown."""
        shown = self.expect("press Enter to continue")
        self.takes_keys()
        self.type("\r")
        return shown + self.expect(prompt)

    def end(self, seconds: float = SECONDS) -> int:
        """The exit status, once the program has ended by itself."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self._more(0.1)
        assert self.process.poll() is not None, f"it goes on. Shown: {self.shown[-2000:]!r}"
        while self._more(0.1):
            pass
        return int(self.process.returncode)

    def _more(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the last program at the terminal has ended
            return False
        self.shown += self._characters.decode(data)
        return bool(data)

    def _set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
