"""One Knarr carries the networks of a network namespace: two would take each other's things for leftovers."""

from __future__ import annotations

import errno
import socket
import struct

from knarr.core.network.drivers.base import BackendError

NAME = b"\0knarr-host-network"
"""An abstract address: it belongs to the network namespace, and goes with the process however that ends."""
_UCRED = struct.Struct("=iII")


class Claim:
    """Held from `take` to `leave`."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def take(self) -> None:
        """Claims the calling thread's network namespace. Raises BackendError where another holds it."""
        if self._socket is not None:
            return
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            claim.bind(NAME)
            claim.listen(1)
        except OSError as error:
            claim.close()
            if error.errno != errno.EADDRINUSE:
                raise
            raise BackendError(
                f"another Knarr{_holder()} carries the networks of this host. There can be one in each "
                "network namespace: stop the other, start this one in a namespace of its own "
                "(ip netns exec), or give it `backend = fake` in section [network]"
            ) from error
        self._socket = claim

    def leave(self) -> None:
        """Gives the namespace free."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _holder() -> str:
    """ " (process 42)" if the kernel tells who holds the claim."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
            probe.settimeout(1)
            probe.connect(NAME)
            packed = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    except OSError:
        return ""
    return f" (process {_UCRED.unpack(packed)[0]})"
