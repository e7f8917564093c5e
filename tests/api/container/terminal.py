"""A client of interactive sessions, as simple as the protocol lets it be."""

from __future__ import annotations

import base64
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from .helpers import Member

SHELL = {"command": ["sh"], "interactive": True, "tty": True}
PROMPT = "/ # "
SECONDS = 10.0


class Terminal(AbstractContextManager["Terminal"]):
    def __init__(self, url: str, protocols: tuple[str, ...] = ("binary", "base64"), **options: Any) -> None:
        self.socket: ClientConnection = connect(
            url, subprotocols=list(protocols) or None, proxy=None, legacy=True, **options
        )  # type: ignore[call-arg, arg-type]
        self.shown = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    @property
    def protocol(self) -> str | None:
        return self.socket.subprotocol

    def type(self, text: str) -> None:
        data = text.encode()
        self.socket.send(base64.b64encode(data).decode() if self.protocol == "base64" else data)

    def expect(self, text: str) -> str:
        """What is shown up to the text; AssertionError if it does not come."""
        end = time.monotonic() + SECONDS
        while text not in self.shown:
            data = self.socket.recv(timeout=max(0.0, end - time.monotonic()))
            if self.protocol == "base64":
                assert isinstance(data, str)
                self.shown += base64.b64decode(data).decode()
            else:
                assert isinstance(data, bytes)
                self.shown += data.decode()
        found, _, self.shown = self.shown.partition(text)
        return found

    def end(self) -> tuple[int, str]:
        """Code and reason with which the server ended it."""
        try:
            while True:
                self.socket.recv(timeout=SECONDS)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code, closed.rcvd.reason


def attach(member: Member, uuid: str) -> str:
    answer = member.get(f"containers/{uuid}/attach")
    assert answer.status == 200, answer.body
    return str(answer.json)


def prepare(member: Member, uuid: str, command: str = "sh") -> dict[str, Any]:
    """An interactive exec that waits for somebody to connect."""
    answer = member.post(f"containers/{uuid}/execute?command={command}&run=false&interactive=true")
    assert answer.status == 200, answer.body
    return dict(answer.json)
