"""Where agents fetch their plans and leave their answers over HTTP; see `knarr_agent.transports.http`.

Machines without an agent fetch that, too: `GET /agents/<queue>/program`.

Each agent has a token of its own, made from the mailbox's secret and the name of the agent's queue: there is
no list of them to keep, and one machine cannot read what is meant for another.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import ssl
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from knarr.services.application_catalog.plans.program import agent_program
from knarr_agent.message import Message
from knarr_agent.transports import Transport, TransportError

LOG = logging.getLogger(__name__)

MAX_WAIT = 60.0  # seconds that an agent may ask to wait
MAX_SKIPPED = 1024 * 1024 * 1024  # bytes read of a body that is too large
_PATH = re.compile(r"/agents/(?P<queue>[^/]+)/(?P<what>plans|results|program)(?:/(?P<receipt>[^/]+))?")
_RESULTS = re.compile(r"-execution-results-[A-Za-z0-9_.-]+", re.ASCII)


def token_for(secret: bytes, queue: str) -> str:
    """What opens one agent's queue; for its configuration."""
    return hmac.new(secret, queue.encode(), hashlib.sha256).hexdigest()


class Mailbox:
    """A web server in front of a transport. `address` port 0 takes a free one: see `url`."""

    def __init__(
        self,
        transport: Transport,
        secret: bytes,
        address: tuple[str, int] = ("127.0.0.1", 0),
        *,
        limit: int = 64 * 1024 * 1024,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.transport = transport
        self.limit = limit
        self._secret = secret
        mailbox = self

        class Handler(_Handler):
            pass

        Handler.mailbox = mailbox
        self._server = ThreadingHTTPServer(address, Handler)
        self._server.daemon_threads = True
        if tls is not None:
            # Hands are shaken in the connection's own thread: one who does not would keep out all others.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._scheme = "https" if tls is not None else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, name="mailbox", daemon=True)

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"{self._scheme}://{host!s}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def opens(self, token: str, queue: str) -> bool:
        """Whether the token is the queue's."""
        return hmac.compare_digest(token.encode(), token_for(self._secret, queue).encode())


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    mailbox: Mailbox
    protocol_version = "HTTP/1.1"
    timeout = 2 * MAX_WAIT

    def do_GET(self) -> None:
        self._handle(self._fetch)

    def do_DELETE(self) -> None:
        self._handle(self._acknowledge)

    def do_POST(self) -> None:
        self._handle(self._answer)

    def log_message(self, format: str, *args: Any) -> None:
        LOG.debug(format, *args)

    def _handle(self, work: Any) -> None:
        try:
            work(*self._checked())
        except _Refused as refused:
            self.close_connection = True  # a body may be left unread
            self._reply(refused.status, str(refused).encode(), {"Content-Type": "text/plain; charset=utf-8"})
        except TransportError as error:
            LOG.warning("%s", error)
            self._reply(HTTPStatus.SERVICE_UNAVAILABLE, b"the queue cannot be used now")

    def _checked(self) -> tuple[str, str, str, dict[str, str]]:
        """Queue, what is asked of it, receipt and query. Raises _Refused without the queue's token."""
        parts = urlsplit(self.path)
        found = _PATH.fullmatch(parts.path)
        if found is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
        queue = unquote(found["queue"])
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.mailbox.opens(token.strip(), queue):
            raise _Refused(HTTPStatus.UNAUTHORIZED, "the token does not open this queue")
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        return queue, found["what"], unquote(found["receipt"] or ""), query

    def _fetch(self, queue: str, what: str, receipt: str, query: dict[str, str]) -> None:
        if what == "program" and not receipt:
            self._reply(HTTPStatus.OK, agent_program(), {"Content-Type": "application/octet-stream"})
            return
        if what != "plans" or receipt:
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only plans and the program can be fetched")
        wait = query.get("wait", "0")
        if not re.fullmatch(r"\d{1,4}", wait, re.ASCII):
            raise _Refused(HTTPStatus.BAD_REQUEST, "wait: must be a number of seconds")
        delivery = self.mailbox.transport.receive(queue, min(float(wait), MAX_WAIT))
        if delivery is None:
            self._reply(HTTPStatus.NO_CONTENT)
            return
        data = delivery.message.pack() if delivery.message is not None else delivery.problem.encode()
        headers = {
            "X-Receipt": delivery.receipt,
            "X-Message-Id": delivery.id,
            "Content-Type": "application/json",
        }
        self._reply(HTTPStatus.OK, data, headers)

    def _acknowledge(self, queue: str, what: str, receipt: str, query: dict[str, str]) -> None:
        if what != "plans" or not receipt:
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only the receipt of a plan can be deleted")
        try:
            self.mailbox.transport.acknowledge(queue, receipt)
        except TransportError as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
        self._reply(HTTPStatus.NO_CONTENT)

    def _answer(self, queue: str, what: str, receipt: str, query: dict[str, str]) -> None:
        if what != "results" or receipt:
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only results can be posted")
        target = query.get("to", "")
        if not _RESULTS.fullmatch(target):
            raise _Refused(HTTPStatus.FORBIDDEN, "to: must be a queue for results")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing")
        if int(length) > self.mailbox.limit:
            self._skip(int(length))
            raise _Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {self.mailbox.limit} bytes are accepted"
            )
        try:
            message = Message.unpack(self.rfile.read(int(length)))
        except ValueError as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
        self.mailbox.transport.send(target, message)
        self._reply(HTTPStatus.NO_CONTENT)

    def _skip(self, length: int) -> None:
        """Read past a body, up to a bound: one who still writes would not hear why it is refused."""
        left = min(length, MAX_SKIPPED)
        while left > 0 and (data := self.rfile.read(min(left, 65536))):
            left -= len(data)

    def _reply(self, status: HTTPStatus, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, _header(value))
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _header(value: str) -> str:
    """What may stand in a header: ids come from elsewhere."""
    return "".join(letter for letter in value if letter.isascii() and letter.isprintable())
