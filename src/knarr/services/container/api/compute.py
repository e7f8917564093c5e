"""Services, hosts and availability zones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Conflict, NotFound
from knarr.kernel.listing import Listing, Page, next_link
from knarr.kernel.request import Request
from knarr.services.container.models import ComputeHost, ComputeService, Container, Image
from knarr.services.container.scheduler import is_up
from knarr.services.container.views import host_view, service_view

HOSTS = Listing(
    ComputeHost,
    id="uuid",
    sortable=("created_at", "updated_at", "hostname", "mem_total", "mem_used", "cpus", "cpu_used"),
)

ZONES = Listing(
    ComputeService,
    id="availability_zone",
    sortable=("availability_zone",),
    default_sort=(("availability_zone", "asc"),),
)
SERVICES = Listing(
    ComputeService,
    id="id",
    sortable=("created_at", "updated_at", "host", "binary", "availability_zone", "disabled"),
    default_sort=(("id", "asc"),),
)


def services(req: Request) -> dict[str, Any]:
    paging = SERVICES.paging(req)
    if paging.marker is not None and not (paging.marker.isdecimal() and len(paging.marker) < 19):
        raise BadRequest(f"Invalid value for 'marker': {paging.marker[:64]!r} is not the id of a service.")
    with req.db.read() as session:
        page = SERVICES.fetch(session, select(ComputeService), paging)
    now, down_after = utcnow(), req.runtime.conf.container.service_down_time
    views = [
        service_view(row, is_up(row.last_seen_up, row.forced_down, down_after, now)) for (row,) in page.rows
    ]
    return {"services": views, "next": next_link(req, page)}


def _change(req: Request, **values: Any) -> dict[str, Any]:
    host, binary = req.query.host, req.query.binary
    with req.db.write() as session:
        where = (ComputeService.host == host, ComputeService.binary == binary)
        service = session.scalars(select(ComputeService).where(*where)).first()
        if service is None:
            raise NotFound(
                f"Service {binary} on host {host} could not be found.", code="ComputeServiceNotFound"
            )
        for name, value in values.items():
            setattr(service, name, value)
    return {"service": {"host": host, "binary": binary, **values}}


def enable(req: Request) -> dict[str, Any]:
    return _change(req, disabled=False, disabled_reason=None)


def disable(req: Request) -> dict[str, Any]:
    return _change(req, disabled=True, disabled_reason=req.query.disabled_reason)


def force_down(req: Request) -> dict[str, Any]:
    return _change(req, forced_down=req.query.forced_down)


def remove(req: Request) -> None:
    """Forget a service whose host is gone; one with containers is refused, as nobody could reach them
    then."""
    host, binary = req.query.host, req.query.binary
    with req.db.write() as session:
        if session.scalar(select(Container.uuid).where(Container.host == host).limit(1)):
            raise Conflict(f"Host {host} still has containers: delete them first.")
        found = session.execute(
            delete(ComputeService).where(ComputeService.host == host, ComputeService.binary == binary)
        )
        if not found.rowcount:  # type: ignore[attr-defined]
            raise NotFound(
                f"Service {binary} on host {host} could not be found.", code="ComputeServiceNotFound"
            )
        session.execute(delete(ComputeHost).where(ComputeHost.hostname == host))
        session.execute(delete(Image).where(Image.host == host))


def hosts(req: Request) -> dict[str, Any]:
    with req.db.read() as session:
        page = HOSTS.fetch(session, select(ComputeHost), HOSTS.paging(req))
    return {"hosts": [host_view(req, row[0]) for row in page.rows], "next": next_link(req, page)}


def host(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        row = session.scalars(
            select(ComputeHost).where((ComputeHost.uuid == ident) | (ComputeHost.hostname == ident))
        ).first()
    if row is None:
        raise NotFound(f"Host {ident[:255]} could not be found.", code="ComputeHostNotFound")
    return host_view(req, row)


def zones(req: Request) -> dict[str, Any]:
    """Each zone once. Markers are names: a zone has nothing else."""
    paging = ZONES.paging(req)
    zone = ComputeService.availability_zone
    down = dict(paging.sort_keys).get("availability_zone") == "desc"
    stmt = select(zone).distinct().order_by(zone.desc() if down else zone)
    if paging.marker is not None:
        stmt = stmt.where(zone < paging.marker if down else zone > paging.marker)
    limit = paging.limit or ZONES.max_limit
    with req.db.read() as session:
        names = session.scalars(stmt.limit(limit + 1)).all()
    page = Page(names[:limit], names[limit - 1] if len(names) > limit else None)
    views = [{"availability_zone": name} for name in page.rows]
    return {"availability_zones": views, "next": next_link(req, page)}
