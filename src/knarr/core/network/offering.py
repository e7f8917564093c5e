"""What can be offered here: a resource that no host could make real is not there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from knarr.core.network.hosting import OFFERED, hosting
from knarr.core.network.models import Host
from knarr.kernel.errors import NotFound
from knarr.kernel.routing import Route

if TYPE_CHECKING:
    from knarr.kernel.request import Request
    from knarr.kernel.runtime import Runtime


def offered(runtime: Runtime) -> set[str]:
    """The capabilities that this host's backend or another host's has."""
    capable = hosting(runtime).backend.capabilities()
    found = {name for name in OFFERED if getattr(capable, name)}
    if len(found) < len(OFFERED):
        with runtime.db.read() as session:
            for names in session.scalars(select(Host.capabilities)):
                found.update(names or ())
    return found


def only_with(capability: str, routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes, which are there only where the capability is."""
    return tuple(replace(route, handler=_guarded(capability, route.handler)) for route in routes)


def _guarded(capability: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def handle(req: Request, **params: str) -> Any:
        if capability not in offered(req.runtime):
            why = f"the network backend has no {capability.replace('_', ' ')}"
            raise NotFound(f"There is no resource at {req.path}: {why}.")
        return handler(req, **params)

    return handle
