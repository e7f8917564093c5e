"""How much gets through a connection, measured with real TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from .cloud import Machine

LIMIT_KBPS = 20_000
SETTLE_SECONDS, MEASURE_SECONDS = 0.5, 1.5
SHARE = 0.15


@contextlib.contextmanager
def flood(sender: Machine, receiver: Machine) -> Iterator[socket.socket]:
    """A connection on which the sender sends all it can; gives the receiver's end."""
    with receiver.open(socket.SOCK_STREAM, "0.0.0.0", 9000) as listener:
        listener.listen()
        client = sender.connect(receiver.ip, 9000)
        client.settimeout(None)
        server, _ = listener.accept()

    def send() -> None:
        with contextlib.suppress(OSError):
            while True:
                client.sendall(bytes(1 << 16))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        with contextlib.suppress(OSError):  # the reset may have come first
            client.shutdown(socket.SHUT_RDWR)
        thread.join()
        client.close()


def rate_kbps(sender: Machine, receiver: Machine) -> float:
    """Payload per second once the first burst is over, in kbit/s of what it takes on the wire."""
    with flood(sender, receiver) as server:
        begin, count = time.perf_counter() + SETTLE_SECONDS, 0
        while (now := time.perf_counter()) < begin + MEASURE_SECONDS:
            got = len(server.recv(1 << 20))
            count += got if now > begin else 0
    payload = 1450 - 52
    return count * 8 / 1000 / MEASURE_SECONDS * (1450 + 14) / payload


def near(rate: float, wanted: float = LIMIT_KBPS) -> bool:
    return abs(rate - wanted) <= SHARE * wanted
