"""The kernel's events about devices."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from collections.abc import Callable

from knarr.kernel.hostnet.links import RTM_DELLINK, RTM_NEWLINK, Link, get_links, read_link
from knarr.kernel.hostnet.netlink import Netlink, messages

RTMGRP_LINK = 1
RECEIVE_BUFFER = 4 << 20

LinkCallback = Callable[[Link, bool], None]
"""Called with (device, is it still there)."""


class LinkWatch:
    """Tells of every device that is there at the start, and then of every change, until it is closed.

    When the kernel's queue ran over, all devices are told again and those that vanished are told as gone.
    """

    def __init__(self, callback: LinkCallback) -> None:
        self._callback = callback
        self._known: dict[int, Link] = {}
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.setblocking(False)
        self._socket.bind((0, RTMGRP_LINK))
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._tell_all()
        self._thread = threading.Thread(target=self._run, name="link-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the watch; no callback runs after it returns (unless called from one)."""
        os.eventfd_write(self._wake, 1)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        try:
            while True:
                ready = [fd for fd, _ in poll.poll()]
                if self._wake in ready:
                    return
                self._receive()
        finally:
            self._socket.close()
            os.close(self._wake)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self._tell_all()
            return
        for kind, _, _, body in messages(data):
            if kind in (RTM_NEWLINK, RTM_DELLINK) and body[0] == socket.AF_UNSPEC:
                self._tell(read_link(body), kind == RTM_NEWLINK)

    def _tell_all(self) -> None:
        with Netlink() as netlink:
            found = {link.index: link for link in get_links(netlink)}
        for link in [link for index, link in self._known.items() if index not in found]:
            self._tell(link, False)
        for link in found.values():
            self._tell(link, True)

    def _tell(self, link: Link, there: bool) -> None:
        if there:
            self._known[link.index] = link
        else:
            self._known.pop(link.index, None)
        self._callback(link, there)
