"""All services under their prefixes on one address, and the kernel's own pages beside them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from knarr.kernel.services import PATIENCE

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
PAGE_METHODS = ("GET", "HEAD")
_SLASHES = re.compile("/{2,}")


class Mounts:
    """A WSGI app that hands a request to the app whose prefix its path begins with."""

    def __init__(self, runtime: Runtime) -> None:
        self._apps: dict[str, WsgiApp] = {}
        self._pages: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "healthcheck": lambda: _health(runtime),
            "metrics": lambda: _metrics(runtime),
            "": lambda: _index(runtime),
        }

    def mount(self, prefix: str, app: WsgiApp) -> None:
        self._apps[prefix.strip("/")] = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = _SLASHES.sub("/", environ.get("PATH_INFO", "/") or "/")
        head, slash, rest = path.removeprefix("/").partition("/")
        app = self._apps.get(head)
        if app is not None:
            environ["SCRIPT_NAME"] = f"/{head}"
            environ["PATH_INFO"] = slash + rest or "/"
            return app(environ, start_response)
        page = self._pages.get(head) if not rest else None
        method = environ.get("REQUEST_METHOD", "GET")
        if page is None:
            status, kind, body = _nothing(path, self._apps)
        elif method in PAGE_METHODS:
            status, kind, body = page()
        else:
            status, kind, body = _not_allowed(method, path)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        if status == 405:
            headers.append(("Allow", ", ".join(PAGE_METHODS)))
        start_response(_line(status), headers)
        return [body] if method != "HEAD" else []


class Gate:
    """Lets requests to services that are ready pass at once, and others when all are.

    Calls between services do not come through here: they are part of getting ready.
    """

    def __init__(self, app: WsgiApp, ready: Iterable[str]) -> None:
        self._app = app
        self._ready = {prefix.strip("/") for prefix in ready}
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not self._opened.is_set() and not self._is_ready(environ):
            # A start that fails ends the process, so nobody waits for nothing.
            self._opened.wait(PATIENCE)
        return self._app(environ, start_response)

    def _is_ready(self, environ: dict[str, Any]) -> bool:
        path = _SLASHES.sub("/", environ.get("PATH_INFO") or "/")
        return path.removeprefix("/").partition("/")[0] in self._ready


def _line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def _json(status: int, value: Any) -> tuple[int, str, bytes]:
    return status, "application/json", msgspec.json.encode(value)


def _health(runtime: Runtime) -> tuple[int, str, bytes]:
    report = runtime.health.report()
    return _json(report.status, report.view())


def _metrics(runtime: Runtime) -> tuple[int, str, bytes]:
    kind, text = runtime.metrics.render()
    return 200, kind, text


def _index(runtime: Runtime) -> tuple[int, str, bytes]:
    services = [
        {"type": s.type, "name": s.name, "url": f"{runtime.base_url}{s.prefix}"}
        for s in runtime.services.values()
    ]
    return _json(200, {"services": services})


def _nothing(path: str, apps: Mapping[str, Any]) -> tuple[int, str, bytes]:
    known = ", ".join(f"/{prefix}" for prefix in apps)
    message = f"There is nothing at {path[:255]}. Services answer under {known}."
    return _error(404, message)


def _not_allowed(method: str, path: str) -> tuple[int, str, bytes]:
    return _error(405, f"{method[:32]} is not allowed on {path[:255]}.")


def _error(status: int, message: str) -> tuple[int, str, bytes]:
    title = HTTPStatus(status).phrase
    return _json(status, {"error": {"code": status, "title": title, "message": message}})
