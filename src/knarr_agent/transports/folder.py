"""Queues as folders of a file system that both sides see: one file for each message, made by renaming.

    <root>/<queue>/<time>-<number>-<id>.message

A reader on the same machine is woken through a pipe in the queue's folder. No pipe reaches over a shared file
system, so it looks again every few seconds.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import threading
import time
import uuid
from pathlib import Path

from knarr_agent import atomic
from knarr_agent.message import Message
from knarr_agent.names import QUEUE_EXPIRES, is_queue
from knarr_agent.transports import Delivery, Refused, TransportError, delivered, longest

LOOK_AGAIN_SECONDS = 5.0
_RECEIPT = re.compile(r"\d{20}-[0-9a-f]{8}-([A-Za-z0-9_.-]{0,64})\.message", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class FolderTransport:
    """Both sides use the same class, with the same root."""

    def __init__(self, root: Path, *, limit: int = 64 * 1024 * 1024) -> None:
        self.root = root
        self.limit = limit
        self._pipes: dict[str, int] = {}
        self._mutex = threading.Lock()

    def declare(self, queue: str) -> Path:
        """Make the queue, if it is not there."""
        if not is_queue(queue):
            raise Refused(f"{queue!r} is no name of a queue")
        folder = self.root / queue
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (folder / ".wake").exists():
                os.mkfifo(folder / ".wake", 0o600)
        except FileExistsError:
            pass  # the other side made the pipe at the same moment
        except OSError as error:
            raise TransportError(f"queue {queue}: {error}") from error
        return folder

    def receive(self, queue: str, timeout: float) -> Delivery | None:
        folder = self.declare(queue)
        try:
            pipe = self._pipe(queue, folder)
            os.utime(folder / ".wake")  # the queue is in use: see `expire`
            end = time.monotonic() + timeout
            while True:
                found = self._oldest(folder)
                left = end - time.monotonic()
                if found is not None or left <= 0:
                    return found
                if select.select([pipe], [], [], min(left, LOOK_AGAIN_SECONDS))[0]:
                    with contextlib.suppress(BlockingIOError):  # another thread was quicker
                        os.read(pipe, 4096)
        except OSError as error:
            raise TransportError(f"queue {queue}: {error}") from error

    def acknowledge(self, queue: str, receipt: str) -> None:
        if not _RECEIPT.fullmatch(receipt):
            raise Refused(f"{receipt!r} is no receipt")
        folder = self.declare(queue)
        (folder / receipt).unlink(missing_ok=True)
        atomic.sync_folder(folder)

    def send(self, queue: str, message: Message) -> None:
        folder = self.declare(queue)
        ident = message.id if _ID.fullmatch(message.id) else ""
        try:
            atomic.write(
                folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}-{ident}.message", message.pack()
            )
            self._wake(folder)
        except OSError as error:
            raise TransportError(f"queue {queue}: {error}") from error

    def close(self) -> None:
        for pipe in self._pipes.values():
            os.close(pipe)
        self._pipes.clear()

    def expire(self, milliseconds: int = QUEUE_EXPIRES) -> list[str]:
        """Remove the queues that nobody has read for so long, and give their names."""
        if not self.root.is_dir():
            return []
        before = time.time() - milliseconds / 1000
        old = [path for path in self.root.iterdir() if _age(path) < before]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return [path.name for path in old]

    def _oldest(self, folder: Path) -> Delivery | None:
        for path in sorted(folder.iterdir()):
            name = _RECEIPT.fullmatch(path.name)
            if name is None:
                continue
            with path.open("rb") as stream:
                data = stream.read(longest(self.limit) + 1)
            return delivered(path.name, data, name[1], self.limit)
        return None

    def _pipe(self, queue: str, folder: Path) -> int:
        with self._mutex:
            if queue not in self._pipes:
                # Opened for writing too: it is then never at its end, whoever closes the other end.
                self._pipes[queue] = os.open(folder / ".wake", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            return self._pipes[queue]

    @staticmethod
    def _wake(folder: Path) -> None:
        try:
            pipe = os.open(folder / ".wake", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return  # nobody reads: the message waits
        try:
            os.write(pipe, b".")
        except BlockingIOError:
            pass  # the reader has been woken often enough
        finally:
            os.close(pipe)


def _age(folder: Path) -> float:
    try:
        return (folder / ".wake").stat().st_mtime
    except OSError:
        return float("inf")
