"""What goes on inside a container: calls to its host that are answered at once."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

import orjson

from knarr.kernel.errors import BadRequest, ServiceUnavailable
from knarr.kernel.request import Request, Response
from knarr.services.container import journal, states
from knarr.services.container.api.containers import find
from knarr.services.container.models import Container

MAX_TAIL = 100_000


def _reach(req: Request, ident: str, action: str) -> Container:
    with req.db.read() as session:
        container = find(session, req, ident)
    states.check(action, container.status, ident)
    return container


def _call(req: Request, container: Container, method: str, **kwargs: Any) -> Any:
    if container.host is None:
        raise ServiceUnavailable(f"Container {container.uuid} is on no host.")
    return req.runtime.bus.call(container.host, f"container.{method}", uuid=container.uuid, **kwargs)


def logs(req: Request, ident: str) -> Response:
    """The text as a JSON string, as the official client reads it."""
    query = req.query
    tail, since = _tail(query.tail), _since(query.since)
    container = _reach(req, ident, "logs")
    if container.engine_id is None:
        return Response(body=orjson.dumps(""), content_type="application/json")
    text = _call(
        req,
        container,
        "logs",
        stdout=query.stdout,
        stderr=query.stderr,
        timestamps=query.timestamps,
        tail=tail,
        since=since,
    )
    return Response(body=orjson.dumps(text), content_type="application/json")


def _tail(text: str) -> int | None:
    if text in ("", "all"):
        return None
    if not text.isdecimal():
        raise BadRequest(f"Invalid input for field 'tail': {text!r} is neither 'all' nor a number of lines.")
    return min(int(text), MAX_TAIL)


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
    wish = req.body or req.query
    if wish.command is None:
        raise BadRequest("'command' is a required property and is missing.")
    if wish.interactive or not wish.run:
        raise BadRequest("Interactive execution is not supported by this cloud: call with run=true.")
    argv = _argv(wish.command)
    container = _reach(req, ident, "execute")
    result = _call(req, container, "execute", argv=argv)
    with req.db.write() as session:
        now = datetime.now(UTC).replace(tzinfo=None)
        journal.end(session, journal.begin(session, container, "exec_cmd", req.ctx), "exec_cmd", now)
    return {"output": result["output"], "exit_code": result["exit_code"], "exec_id": None, "proxy_url": None}


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
    container = _reach(req, ident, "top")
    return dict(_call(req, container, "top", ps_args=None if ps_args in (None, "", "None") else ps_args))


def stats(req: Request, ident: str) -> dict[str, Any]:
    return dict(_call(req, _reach(req, ident, "stats"), "stats"))
