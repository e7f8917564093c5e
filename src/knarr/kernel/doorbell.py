"""How another program on this host (`knarr operations retry`) tells a running Knarr to look at the table now.

A datagram socket in the state directory, so whoever may write there may ring. What is said is an announcement
of the bus (topic and payload); like every announcement it may be lost, and the table is the truth.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from knarr.kernel.bus import Bus, LocalBus
from knarr.kernel.operations import TOPIC_CANCEL, TOPIC_QUEUED

LOG = logging.getLogger(__name__)

FILE = "doorbell"
TOPICS = (TOPIC_QUEUED, TOPIC_CANCEL)
LARGEST = 4096  # bytes of an announcement


class Doorbell:
    """Listens, and passes on to the bus of this process what is announced."""

    def __init__(self, state_dir: Path, bus: Bus) -> None:
        self._folder, self._bus = state_dir, bus
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """The caller holds the lock of the engine: a socket that is there already is one that died."""
        (self._folder / FILE).unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with _address(self._folder) as address:
            self._socket.bind(address)
        (self._folder / FILE).chmod(0o600)
        threading.Thread(target=self._listen, args=(self._socket,), name="doorbell", daemon=True).start()

    def stop(self) -> None:
        bell, self._socket = self._socket, None
        if bell is None:
            return
        ring(self._folder, "", None)
        (self._folder / FILE).unlink(missing_ok=True)

    def _listen(self, bell: socket.socket) -> None:
        with bell:
            while True:
                data = bell.recv(LARGEST)
                if self._socket is not bell:
                    return
                self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        try:
            topic, payload = orjson.loads(data)
        except ValueError:
            LOG.warning("somebody said something that makes no sense at %s", self._folder / FILE)
            return
        if topic in TOPICS:
            self._bus.publish(topic, payload)


class Visitor(LocalBus):
    """The bus of a program beside a running Knarr: what it announces, that one hears."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__()
        self._folder = state_dir
        self.heard = False

    def publish(self, topic: str, payload: Any) -> None:
        self.heard = ring(self._folder, topic, payload) or self.heard


def ring(state_dir: Path, topic: str, payload: Any) -> bool:
    """Announce something to the Knarr that runs on this state directory. Whether there is one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.settimeout(1.0)
        try:
            with _address(state_dir) as address:
                bell.sendto(orjson.dumps([topic, payload]), address)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's address, short however long the folder's path is (107 bytes are the most)."""
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{place}/{FILE}"
    finally:
        os.close(place)
