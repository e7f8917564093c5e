"""Failures and delays of the fake engine, on request; with another engine there is nothing here."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from knarr.kernel.errors import BadRequest, NotFound
from knarr.kernel.request import Request
from knarr.services.container.api.containers import find
from knarr.services.container.models import ComputeService, Container
from knarr.services.container.schemas import Fault


def _call(req: Request, verb: str, host: str | None, **arguments: Any) -> Any:
    """On the engine of the host. All hosts of a cloud have the same kind of engine."""
    if req.runtime.conf.engine != "fake":
        raise NotFound(
            f"There is no fake engine here: this cloud runs containers on {req.runtime.conf.engine}. "
            "Failures can be asked of the fake one only (knarr up --engine fake)."
        )
    return req.runtime.bus.call(_known(req, host), f"container.fake_{verb}", **arguments)


def _known(req: Request, host: str | None) -> str:
    if not host or host == req.runtime.host:
        return req.runtime.host
    with req.db.read() as session:
        if session.scalar(select(ComputeService.id).where(ComputeService.host == host).limit(1)) is None:
            raise NotFound(f"Host {host} could not be found.", code="ComputeHostNotFound")
    return host


def _container(req: Request, ident: str) -> Container:
    with req.db.read() as session:
        return find(session, req, ident)


def index(req: Request) -> dict[str, Any]:
    return {"faults": _call(req, "faults", req.query.host)}


def create(req: Request) -> dict[str, Any]:
    """POST /v1/fake_engine/faults: one more fault; the answer lists all."""
    return {"faults": _add(req, req.body)}


def replace(req: Request) -> dict[str, Any]:
    """PUT /v1/fake_engine/faults: these faults and no others."""
    _call(req, "clear", req.query.host, method=None)
    faults: list[Any] = []
    for fault in req.body.faults:
        faults = _add(req, fault)
    return {"faults": faults}


def _add(req: Request, fault: Fault) -> list[Any]:
    asked = msgspec.structs.asdict(fault)
    ident = asked.pop("container")
    host = req.query.host
    if ident:
        if fault.match:
            raise BadRequest("'container' and 'match' both say what the fault is for: give only one of them.")
        container = _container(req, ident)
        asked["match"], host = container.uuid, host or container.host
    if not fault.error and not fault.delay:
        raise BadRequest("A fault needs 'error', 'delay' or both.")
    return list(_call(req, "set", host, fault=asked))


def clear(req: Request) -> None:
    _call(req, "clear", req.query.host, method=req.query.method)


def end(req: Request) -> None:
    """POST /v1/fake_engine/end: the container's program ends by itself with this code."""
    container = _container(req, req.body.container)
    _call(req, "end", container.host, uuid=container.uuid, exit_code=req.body.exit_code)
