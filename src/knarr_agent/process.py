"""Runs a program: no shell, a bounded part of its output kept."""

from __future__ import annotations

import errno
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# How long output is still read after a program has ended. What it left running in the background may hold the
# pipe for as long as the machine is up, and nobody should wait for that.
LINGER_SECONDS = 2.0
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Completed:
    """How a program ended, as shells count: 127 is one not found, 126 one that cannot run, 128 + signal."""

    exit_code: int
    stdout: str | None
    stderr: str | None

    def view(self) -> dict[str, int | str | None]:
        """The result of a script as plans know it. Output that was not asked for, or empty, is null."""
        return {
            "exitCode": self.exit_code,
            "stdout": self.stdout.strip() if self.stdout else None,
            "stderr": self.stderr.strip() if self.stderr else None,
        }


class Kept:
    """Output, of which the beginning and the end are kept once it exceeds the limit of bytes."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        self._total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def text(self) -> str:
        tail = self._tail[-self._half :]
        left_out = self._total - len(self._head) - len(tail)
        gap = f"\n[… {left_out} bytes left out …]\n" if left_out else ""
        text = self._head.decode("utf-8", "replace") + gap + tail.decode("utf-8", "replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    stdin: str | None = None,
    stdout: bool = True,
    stderr: bool = True,
    limit: int = 1024 * 1024,
) -> Completed:
    """Run the program to its end. Output that is not to be kept goes where the agent's goes."""
    try:
        process = _start(arguments, folder, environment, stdin is not None, stdout, stderr)
    except OSError as error:
        return Completed(
            127 if error.errno == errno.ENOENT else 126, "", f"{arguments[0]}: {error.strerror or error}"
        )
    kept = {"stdout": Kept(limit), "stderr": Kept(limit)}
    threads = [
        threading.Thread(target=_read, args=(stream, kept[name]), daemon=True)
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        if stream is not None
    ]
    if process.stdin is not None:
        threads.append(threading.Thread(target=_write, args=(process.stdin, stdin or ""), daemon=True))
    for thread in threads:
        thread.start()
    code = process.wait()
    end = time.monotonic() + LINGER_SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return Completed(
        code if code >= 0 else 128 - code,
        kept["stdout"].text() if stdout else None,
        kept["stderr"].text() if stderr else None,
    )


def _start(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None,
    stdin: bool,
    stdout: bool,
    stderr: bool,
) -> subprocess.Popen[bytes]:
    def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment) if environment is not None else None,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout else None,
            stderr=subprocess.PIPE if stderr else None,
        )

    try:
        return start(arguments)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    return start(["/bin/sh", *arguments])  # a script without a first line that names its interpreter


def _read(stream: IO[bytes], kept: Kept) -> None:
    while data := stream.read1(_CHUNK):  # type: ignore[attr-defined]
        kept.add(data)


def _write(stream: IO[bytes], text: str) -> None:
    try:
        with stream:
            stream.write(text.encode())
    except BrokenPipeError:
        pass  # the program did not want to know it all
