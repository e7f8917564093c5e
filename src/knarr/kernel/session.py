"""The session between services: keystoneauth, over the wire or straight into an app of this process.

Which of the two is a matter of where the service runs, never of the caller. Paths start with the version
(`/v2.0/ports`), whatever the service's address in the catalogue ends with.
"""

from __future__ import annotations

import io
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from keystoneauth1 import adapter, plugin, session
from requests import Session as HttpSession
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.models import PreparedRequest
from requests.models import Response as HttpResponse
from requests.structures import CaseInsensitiveDict
from urllib3.response import HTTPResponse as RawResponse

from knarr.kernel import access
from knarr.kernel.errors import ServiceUnavailable

if TYPE_CHECKING:
    from knarr.kernel.context import RequestContext
    from knarr.kernel.runtime import Runtime

INSIDE = "http://inside.knarr.internal"
_VERSION = re.compile(r"/v\d+(\.\d+)?(/[0-9a-f]{32}|/[0-9a-f-]{36})?/?$")


class WsgiAdapter(BaseAdapter):
    """Calls a WSGI app instead of opening a connection."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._app = app

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        status: list[Any] = []

        def start_response(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            status[:] = [line, headers]

        chunks = self._app(_environ(request), start_response)
        line, headers = status
        response = HttpResponse()
        response.status_code = int(line[:3])
        response.reason = line[4:]
        response.headers = CaseInsensitiveDict(headers)
        response.url = request.url or ""
        response.request = request
        response.encoding = "utf-8"
        response.raw = RawResponse(
            body=_Reader(chunks),
            headers=dict(headers),
            status=response.status_code,
            request_method=request.method,  # the answer to HEAD has the length of a body that does not come
            preload_content=False,
        )
        if not kwargs.get("stream"):
            response.content  # noqa: B018  reads the body, as requests does
        return response

    def close(self) -> None:
        """Nothing is kept open."""


class _Reader(io.RawIOBase):
    """The chunks of a WSGI answer as a file."""

    def __init__(self, chunks: Any) -> None:
        self._chunks = iter(chunks)
        self._close = getattr(chunks, "close", None)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        if self._close and not self.closed:
            self._close()
        super().close()


def _environ(request: PreparedRequest) -> dict[str, Any]:
    parts = urlsplit(request.url or "")
    stream, length = _body(request.body)
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(str(parts.path)).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": stream,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        access.ON_BEHALF: True,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    return environ


def _body(body: Any) -> tuple[Any, int | None]:
    if body is None:
        return io.BytesIO(), 0
    data = body.encode() if isinstance(body, str) else body
    if isinstance(data, (bytes, bytearray)):
        return io.BytesIO(data), len(data)
    if hasattr(data, "read"):
        return data, None
    return io.BufferedReader(_Reader(data)), None


class _CallerAuth(plugin.BaseAuthPlugin):
    """The token that a request came with."""

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self._token = token

    def get_token(self, session: Any, **kwargs: Any) -> str | None:
        return self._token


class _ServiceAuth(plugin.BaseAuthPlugin):
    """A token of the service user, asked for anew with each call (it is cached where it is made)."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__()
        self._runtime = runtime

    def get_token(self, session: Any, **kwargs: Any) -> str | None:
        return self._runtime.identity.service_token()


class Sessions:
    """Hands out the sessions of one process."""

    def __init__(self, runtime: Runtime, app: Any) -> None:
        self._runtime = runtime
        self._http = HttpSession()
        self._http.trust_env = False
        self._http.mount(INSIDE, WsgiAdapter(app))
        wire = HTTPAdapter(pool_connections=8, pool_maxsize=32)
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, wire)
        self._addresses: dict[str, str] = {}
        self._mutex = threading.Lock()

    def caller(self, service_type: str, ctx: RequestContext) -> adapter.Adapter:
        return self._adapter(service_type, _CallerAuth(ctx.auth_token), ctx.request_id)

    def service(self, service_type: str) -> adapter.Adapter:
        return self._adapter(service_type, _ServiceAuth(self._runtime), None)

    def _adapter(self, service_type: str, auth: Any, request_id: str | None) -> adapter.Adapter:
        # Every adapter has a session of its own, as keystoneauth keeps state of the caller there.
        return adapter.Adapter(
            session.Session(auth=auth, session=self._http, user_agent="knarr", verify=self._verify()),
            endpoint_override=self._address(service_type),
            raise_exc=False,
            global_request_id=request_id,
            connect_retries=2,
        )

    def _verify(self) -> Any:
        return self._runtime.conf.external.cafile or True

    def _address(self, service_type: str) -> str:
        """Where the service answers, without version: by configuration, in this process, or the catalogue."""
        override = self._runtime.conf.external.endpoints.get(service_type)
        if override:
            return str(override).rstrip("/")
        own = self._runtime.services.get(service_type)
        if own is not None:
            return f"{INSIDE}{own.prefix}"
        with self._mutex:
            if service_type not in self._addresses:
                self._addresses[service_type] = self._from_catalogue(service_type)
            return self._addresses[service_type]

    def _from_catalogue(self, service_type: str) -> str:
        body = self._runtime.identity.validate(self._runtime.identity.service_token()) or {}
        for entry in body.get("catalog", ()):
            if entry["type"] != service_type:
                continue
            for endpoint in entry["endpoints"]:
                if endpoint["interface"] == self._runtime.conf.external.interface:
                    return _VERSION.sub("", endpoint["url"]).rstrip("/")
        raise ServiceUnavailable(
            f"The catalogue has no {self._runtime.conf.external.interface} endpoint of type {service_type}."
        )
