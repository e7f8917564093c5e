"""Queues behind a web address, for agents that can reach the engine but not be reached: they ask and wait.

    GET    <url>/agents/<queue>/plans?wait=<seconds>    200 a message, with its receipt in X-Receipt; 204 none
    DELETE <url>/agents/<queue>/plans/<receipt>         204
    POST   <url>/agents/<queue>/results?to=<queue>      204

A token, in Authorization, opens one agent's queue and nothing else.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from knarr_agent.errors import ConfigError
from knarr_agent.message import Message
from knarr_agent.transports import Delivery, Refused, TransportError, delivered, longest

# How much longer than the server promised to answer an answer is waited for, in seconds.
PATIENCE = 20.0
_FOR_EVER = (400, 403, 413)  # what is asked is at fault; with the token (401) or the server it may get better


class HttpTransport:
    """The agent's end: it reads one queue only, its own."""

    def __init__(
        self, url: str, queue: str, token: str, *, limit: int = 64 * 1024 * 1024, ca_file: Path | None = None
    ) -> None:
        self.limit = limit
        self._base = f"{url.rstrip('/')}/agents/{quote(queue, safe='')}"
        self._token = token
        try:
            self._tls = ssl.create_default_context(cafile=str(ca_file)) if ca_file else None
        except OSError as error:
            raise ConfigError(f"[transport] ca_file: {ca_file}: {error.strerror or error}") from error

    def receive(self, queue: str, timeout: float) -> Delivery | None:
        wait = max(0, round(timeout))
        status, headers, data = self._call("GET", f"/plans?wait={wait}", timeout=wait + PATIENCE)
        receipt, ident = headers.get("X-Receipt", ""), headers.get("X-Message-Id", "")
        if status == 204 or not receipt:
            return None
        return delivered(receipt, data, ident, self.limit)

    def acknowledge(self, queue: str, receipt: str) -> None:
        self._call("DELETE", f"/plans/{quote(receipt, safe='')}")

    def send(self, queue: str, message: Message) -> None:
        self._call("POST", f"/results?{urlencode({'to': queue})}", message.pack())

    def close(self) -> None:
        """There is no connection between calls."""

    def _call(
        self, method: str, path: str, data: bytes | None = None, timeout: float = PATIENCE
    ) -> tuple[int, Any, bytes]:
        request = urllib.request.Request(  # noqa: S310  the configuration allows http and https only
            self._base + path,
            data=data,
            method=method,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self._tls) as response:  # noqa: S310
                return response.status, response.headers, response.read(longest(self.limit) + 1)
        except urllib.error.HTTPError as error:
            with error:
                reason = error.read(1000).decode("utf-8", "replace").strip()
            kind = Refused if error.code in _FOR_EVER else TransportError
            raise kind(f"{method} {path}: {error.code} {reason or error.reason}") from error
        except (OSError, HTTPException) as error:
            raise TransportError(f"{method} {self._base}: {getattr(error, 'reason', error)}") from error
