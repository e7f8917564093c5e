"""rtnetlink, as far as it is needed here: messages in and out of one socket, attributes packed and parsed.

A whole netlink library costs 130 ms to import and 24 MiB (pyroute2 0.9, which loads all of its families at
once); the dozen requests that a port takes are these few lines.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from collections.abc import Iterator
from types import TracebackType

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x001
NLM_F_MULTI = 0x002
NLM_F_ACK = 0x004
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_DUMP = 0x300
NLM_F_CREATE = 0x400
NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF

NETLINK_EXT_ACK = 11
NETLINK_GET_STRICT_CHK = 12
SOL_NETLINK = 270
HEADER = struct.Struct("=IHHII")
ATTRIBUTE = struct.Struct("=HH")
TIMEOUT_SECONDS = 10.0

Attributes = dict[int, bytes]


class NetlinkError(OSError):
    """The kernel's answer to a request: `errno`, and `strerror` that names the step."""


def attribute(kind: int, value: bytes | str | int) -> bytes:
    """One attribute with its padding. A str gets its closing zero, an int is 32 bits."""
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, int):
        value = struct.pack("=I", value)
    length = len(value) + 4
    return ATTRIBUTE.pack(length, kind) + value + b"\0" * (-length % 4)


def nested(kind: int, *children: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(children))


def parse(data: bytes) -> Attributes:
    """Attributes by kind; of a repeated one the last."""
    found: Attributes = {}
    position = 0
    while position + 4 <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, position)
        if length < 4:
            break
        found[kind & NLA_TYPE_MASK] = data[position + 4 : position + length]
        position += (length + 3) & ~3
    return found


def text(value: bytes | None) -> str:
    """A string attribute without its closing zero."""
    return (value or b"").split(b"\0", 1)[0].decode()


def number(value: bytes | None, default: int = 0) -> int:
    """A 32 bit attribute."""
    return int(struct.unpack("=I", value)[0]) if value else default


class Netlink:
    """A socket to the kernel, in the namespace of the thread that makes it. Requests of several threads
    take turns.
    """

    def __init__(self, family: int = socket.NETLINK_ROUTE) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.settimeout(TIMEOUT_SECONDS)
        if family == socket.NETLINK_ROUTE:
            # Dumps then honour what stands in their header, as "the addresses of this device".
            self._socket.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        self._socket.bind((0, 0))
        self._lock = threading.Lock()
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def change(
        self, step: str, kind: int, payload: bytes, flags: int = 0, fine: tuple[int, ...] = ()
    ) -> bool:
        """Sends a request and waits for its acknowledgement.

        Returns True when it was carried out, False when the kernel answered one of the errnos in `fine`.
        Raises NetlinkError.
        """
        with self._lock:
            sequence = self._send(kind, payload, flags | NLM_F_ACK)
            for answer, _, body in self._answers(sequence):
                if answer == NLMSG_ERROR:
                    return _outcome(step, body, fine)
        raise NetlinkError(errno.EPROTO, f"{step}: no answer")

    def get(self, step: str, kind: int, payload: bytes, fine: tuple[int, ...] = ()) -> bytes | None:
        """Asks for one object. Returns its message body, or None when the kernel answered an errno in
        `fine`.
        """
        with self._lock:
            sequence = self._send(kind, payload, 0)
            for answer, _, body in self._answers(sequence):
                if answer != NLMSG_ERROR:
                    return body
                _outcome(step, body, fine)
                return None
        raise NetlinkError(errno.EPROTO, f"{step}: no answer")

    def dump(self, step: str, kind: int, payload: bytes) -> list[bytes]:
        """Asks for every object of a kind. Returns their message bodies."""
        found: list[bytes] = []
        with self._lock:
            sequence = self._send(kind, payload, NLM_F_DUMP)
            for answer, _, body in self._answers(sequence):
                if answer == NLMSG_DONE:
                    break
                if answer == NLMSG_ERROR:
                    _outcome(step, body, ())
                    break
                found.append(body)
        return found

    def _send(self, kind: int, payload: bytes, flags: int) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        length = HEADER.size + len(payload)
        self._socket.send(HEADER.pack(length, kind, flags | NLM_F_REQUEST, self._sequence, 0) + payload)
        return self._sequence

    def _answers(self, wanted: int) -> Iterator[tuple[int, int, bytes]]:
        """Messages that answer the request; what an earlier, abandoned request left behind is skipped."""
        while True:
            data = self._socket.recv(1 << 18)
            for kind, flags, sequence, body in messages(data):
                if sequence == wanted:
                    yield kind, flags, body


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Kind, flags, sequence number and body of each message in what was received."""
    position = 0
    while position + HEADER.size <= len(data):
        length, kind, flags, sequence, _ = HEADER.unpack_from(data, position)
        if length < HEADER.size:
            return
        yield kind, flags, sequence, data[position + HEADER.size : position + length]
        position += (length + 3) & ~3


def _outcome(step: str, body: bytes, fine: tuple[int, ...]) -> bool:
    code = -int(struct.unpack_from("=i", body)[0])
    if code == 0:
        return True
    if code in fine:
        return False
    raise NetlinkError(code, f"{step}: {os.strerror(code)}")


_host: Netlink | None = None
_host_lock = threading.Lock()


def host() -> Netlink:
    """The long-lived socket of the namespace that the process runs in (that of the first caller's thread)."""
    global _host
    with _host_lock:
        if _host is None:
            _host = Netlink()
        return _host


def forget_host() -> None:
    """Closes the long-lived socket; the next `host` opens one in its caller's namespace."""
    global _host
    with _host_lock:
        if _host is not None:
            _host.close()
            _host = None
