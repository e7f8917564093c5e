"""What goes on inside a container: calls to its host that are answered at once."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

import orjson

from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, ServiceUnavailable
from knarr.kernel.request import Request, Response
from knarr.services.container import journal, states
from knarr.services.container.api.containers import find
from knarr.services.container.models import Container
from knarr.services.container.streams import Fetched, places_of

TEXT = "text/plain; charset=utf-8"


def reach(req: Request, ident: str, action: str) -> Container:
    with req.db.read() as session:
        container = find(session, req, ident)
    states.check(action, container.status, ident)
    return container


def call_host(req: Request, container: Container, method: str, **kwargs: Any) -> Any:
    if container.host is None:
        raise ServiceUnavailable(f"Container {container.uuid} is on no host.")
    return req.runtime.bus.call(container.host, f"container.{method}", uuid=container.uuid, **kwargs)


def logs(req: Request, ident: str) -> Response:
    """The text as a JSON string, as the official client reads it; followed, as plain text."""
    query = req.query
    most = req.runtime.conf.streams.log_tail_max
    options = {
        "stdout": query.stdout,
        "stderr": query.stderr,
        "timestamps": query.timestamps,
        # What is followed passes in pieces and needs no bound.
        "tail": _tail(query.tail, most, everything=None if query.follow else most),
        "since": _since(query.since),
    }
    container = reach(req, ident, "logs")
    if query.follow:
        return _follow(req, container, options)
    text = call_host(req, container, "logs", **options) if container.engine_id else ""
    return Response(body=orjson.dumps(text), content_type="application/json")


def _follow(req: Request, container: Container, options: dict[str, Any]) -> Response:
    if container.engine_id is None:
        return Response(body=b"", content_type=TEXT)
    ended = places_of(req.runtime).take()
    try:
        stream = call_host(req, container, "follow_logs", **options)
    except BaseException:
        ended()
        raise
    return Response(body=Fetched(req.runtime, str(container.host), stream, ended), content_type=TEXT)


def _tail(text: str, most: int, everything: int | None) -> int | None:
    if text in ("", "all"):
        return everything
    if not (text.isascii() and text.isdecimal()):
        raise BadRequest(f"Invalid input for field 'tail': {text!r} is neither 'all' nor a number of lines.")
    return min(int(text), most)


def _since(text: str | None) -> float | None:
    """Seconds since the epoch, from such or from `YYYY-MM-DD HH:MM:SS,mmm` (UTC)."""
    if not text:
        return None
    try:
        return float(text) if text[:1].isdigit() and "-" not in text else _parse_time(text)
    except ValueError:
        raise BadRequest(
            f"Invalid input for field 'since': {text!r} is neither seconds since 1970 "
            "nor YYYY-MM-DD HH:MM:SS,mmm."
        ) from None


def _parse_time(text: str) -> float:
    form = "%Y-%m-%d %H:%M:%S,%f" if "," in text else "%Y-%m-%d %H:%M:%S"
    return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()


def execute(req: Request, ident: str) -> dict[str, Any]:
    """Run a command and give its output, or, with run=false, prepare it for somebody who connects to it."""
    wish = req.body or req.query
    if wish.command is None:
        raise BadRequest("'command' is a required property and is missing.")
    argv = _argv(wish.command)
    container = reach(req, ident, "execute")
    if wish.run:
        result = {**call_host(req, container, "execute", argv=argv), "exec_id": None, "proxy_url": None}
    else:
        project = container.project_id
        opened = call_host(
            req, container, "exec_open", project_id=project, argv=argv, interactive=wish.interactive
        )
        result = {"output": None, "exit_code": None, **opened}
    record(req, container, "exec_cmd")
    return result


def record(req: Request, container: Container, action: str) -> None:
    with req.db.write() as session:
        journal.end(session, journal.begin(session, container, action, req.ctx), action, utcnow())


def execute_resize(req: Request, ident: str) -> None:
    container = reach(req, ident, "execute_resize")
    query = req.query
    call_host(req, container, "exec_resize", exec_id=query.exec_id, height=query.h, width=query.w)


def attach(req: Request, ident: str) -> Response:
    """The address of the main process's terminal, as a JSON string."""
    container = reach(req, ident, "attach")
    if not container.interactive:
        raise BadRequest(
            f"Container {ident} was not created with 'interactive': there is nothing to attach to.",
            code="InvalidStateException",
        )
    url = call_host(req, container, "attach", project_id=container.project_id)
    record(req, container, "container_attach")
    return Response(body=orjson.dumps(url), content_type="application/json")


def resize(req: Request, ident: str) -> None:
    """The size of the main process's terminal. A client without a window says 0 and 0."""
    container = reach(req, ident, "resize")
    if req.query.h and req.query.w:
        call_host(req, container, "resize", height=req.query.h, width=req.query.w)


def _argv(command: str) -> list[str]:
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise BadRequest(f"Invalid input for field 'command': {str(error).lower()}.") from None
    if not argv:
        raise BadRequest("Invalid input for field 'command': it is empty.")
    return argv


def top(req: Request, ident: str) -> dict[str, Any]:
    ps_args = req.query.ps_args
    container = reach(req, ident, "top")
    return dict(call_host(req, container, "top", ps_args=None if ps_args in (None, "", "None") else ps_args))


def stats(req: Request, ident: str) -> dict[str, Any]:
    return dict(call_host(req, reach(req, ident, "stats"), "stats"))
