"""Regions, services and endpoints: /v3/regions, /v3/services, /v3/endpoints.

Services that this program serves itself are listed beside the rows, but only its configuration can change
them.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from knarr.core.identity.api.common import (
    View,
    add,
    apply,
    collection,
    identity,
    keep_extra,
    linked,
    listed,
    load,
    matching,
    missing,
    writing,
)
from knarr.core.identity.api.filters import among
from knarr.core.identity.catalogue import (
    PROJECT_MARKS,
    USER_MARKS,
    EndpointEntry,
    ServiceEntry,
    unknown_mark,
)
from knarr.core.identity.models import CatalogEndpoint, CatalogService, EndpointFilter, Region, hex_id
from knarr.kernel.errors import BadRequest, Conflict, Forbidden
from knarr.kernel.web import Request

REGION_FILTERS = {
    "id": Region.id,
    "parent_region_id": Region.parent_region_id,
    "description": Region.description,
}
SERVICE_FILTERS = ("id", "type", "name", "description")
ENDPOINT_FILTERS = ("id", "interface", "service_id", "region_id", "region", "url")
MAX_REGION_DEPTH = 32


# Regions


# As the column has it, and the body's `id`
LONGEST_ID = 255


def region_view(req: Request, region: Region) -> View:
    body: View = {
        **(region.extra or {}),
        "id": region.id,
        "description": region.description,
        "parent_region_id": region.parent_region_id,
    }
    return linked(req, body, "regions", region.id)


def list_regions(req: Request) -> View:
    stmt = matching(select(Region), req, REGION_FILTERS)
    return listed(req, "regions", stmt, Region, region_view)


def show_region(req: Request, region_id: str) -> View:
    with req.db.read() as session:
        return {"region": region_view(req, load(session, Region, region_id, "region"))}


def create_region(req: Request) -> View:
    """201 {region}; without an id one is made."""
    return _make_region(req, req.body.id or hex_id())


def put_region(req: Request, region_id: str) -> View:
    """201 {region} with the id of the path."""
    if req.body.id is not None and req.body.id != region_id:
        raise BadRequest(f"id must be {region_id}, as in the path.")
    if len(region_id) > LONGEST_ID:
        raise BadRequest(f"id has {len(region_id)} characters: {LONGEST_ID} are the most.")
    return _make_region(req, region_id)


def _make_region(req: Request, region_id: str) -> View:
    with writing(req, "region") as session:
        if session.get(Region, region_id) is not None:
            raise Conflict(f"Conflict occurred attempting to store region - Duplicate ID, {region_id}.")
        if req.body.parent_region_id is not None:
            load(session, Region, req.body.parent_region_id, "region")
        region = Region(
            id=region_id,
            description=req.body.description or "",
            parent_region_id=req.body.parent_region_id,
        )
        add(req, session, region, req.body, region_view)
    return {"region": region_view(req, region)}


def update_region(req: Request, region_id: str) -> View:
    with writing(req, "region") as session:
        region = load(session, Region, region_id, "region")
        shown = region_view(req, region)
        if isinstance(req.body.parent_region_id, str):
            _check_no_circle(session, region_id, req.body.parent_region_id)
        apply(region, req.body, ("description", "parent_region_id"))
        region.description = region.description or ""
        keep_extra(region, req.body, shown)
    return {"region": region_view(req, region)}


def delete_region(req: Request, region_id: str) -> None:
    """204. 403 while a region or an endpoint is in it."""
    with writing(req, "region") as session:
        region = load(session, Region, region_id, "region")
        child = session.scalar(select(Region.id).where(Region.parent_region_id == region_id).limit(1))
        used = any(endpoint.region_id == region_id for endpoint in identity(req).catalogue().endpoints)
        if child is not None or used:
            raise Forbidden(
                f"Unable to delete region {region_id} because it or its child regions have endpoints."
            )
        session.delete(region)


def _check_no_circle(session: Session, region_id: str, parent_id: str) -> None:
    at: str | None = parent_id
    for _level in range(MAX_REGION_DEPTH):
        if at is None:
            return
        if at == region_id:
            break
        at = load(session, Region, at, "region").parent_region_id
    raise BadRequest("parent_region_id must not be the region itself or one below it.")


# Services


def service_view(req: Request, entry: ServiceEntry) -> View:
    body: View = {
        **(entry.extra or {}),
        "id": entry.id,
        "type": entry.type,
        "name": entry.name,
        "description": entry.description,
        "enabled": entry.enabled,
    }
    return linked(req, body, "services", entry.id)


def list_services(req: Request) -> View:
    entries, following = among(req, identity(req).catalogue().services, SERVICE_FILTERS)
    return collection(req, "services", [service_view(req, entry) for entry in entries], "services", following)


def show_service(req: Request, service_id: str) -> View:
    for entry in identity(req).catalogue().services:
        if entry.id == service_id:
            return {"service": service_view(req, entry)}
    raise missing("service", service_id)


def create_service(req: Request) -> View:
    body = req.body
    with writing(req, "service") as session:
        row = CatalogService(
            type=body.type, name=body.name or "", description=body.description, enabled=body.enabled
        )
        add(req, session, row, body, _service_row_view)
    return {"service": _service_row_view(req, row)}


def update_service(req: Request, service_id: str) -> View:
    with writing(req, "service") as session:
        row = _own_row(req, session, CatalogService, service_id, "service")
        shown = _service_row_view(req, row)
        apply(row, req.body, ("type", "name", "description", "enabled"))
        row.name = row.name or ""
        keep_extra(row, req.body, shown)
    return {"service": _service_row_view(req, row)}


def delete_service(req: Request, service_id: str) -> None:
    """204; its endpoints go with it."""
    with writing(req, "service") as session:
        row = _own_row(req, session, CatalogService, service_id, "service")
        for endpoint in session.scalars(
            select(CatalogEndpoint).where(CatalogEndpoint.service_id == service_id)
        ):
            _forget_endpoint(session, endpoint)
        session.delete(row)


# Endpoints


def endpoint_view(req: Request, entry: EndpointEntry) -> View:
    body: View = {
        **(entry.extra or {}),
        "id": entry.id,
        "interface": entry.interface,
        "service_id": entry.service_id,
        "region_id": entry.region_id,
        "region": entry.region_id,
        "url": entry.url,
        "enabled": entry.enabled,
    }
    return linked(req, body, "endpoints", entry.id)


def list_endpoints(req: Request) -> View:
    entries, following = among(req, identity(req).catalogue().endpoints, ENDPOINT_FILTERS)
    return collection(
        req, "endpoints", [endpoint_view(req, entry) for entry in entries], "endpoints", following
    )


def show_endpoint(req: Request, endpoint_id: str) -> View:
    for entry in identity(req).catalogue().endpoints:
        if entry.id == endpoint_id:
            return {"endpoint": endpoint_view(req, entry)}
    raise missing("endpoint", endpoint_id)


def create_endpoint(req: Request) -> View:
    """201 {endpoint}. 400 for an unknown service or region: they are not what was asked for."""
    body = req.body
    with writing(req, "endpoint") as session:
        region_id = body.region_id or body.region
        _check_service(req, body.service_id)
        _check_url(body.url)
        if region_id is not None and body.region_id is None and session.get(Region, region_id) is None:
            session.add(Region(id=region_id))  # `region` is the old name, which makes the region as it goes
        elif region_id is not None:
            _check_region(session, region_id)
        row = CatalogEndpoint(
            interface=body.interface,
            service_id=body.service_id,
            url=body.url,
            region_id=region_id,
            enabled=body.enabled,
        )
        add(req, session, row, body, _endpoint_row_view)
    return {"endpoint": _endpoint_row_view(req, row)}


def update_endpoint(req: Request, endpoint_id: str) -> View:
    body = req.body
    with writing(req, "endpoint") as session:
        row = _own_row(req, session, CatalogEndpoint, endpoint_id, "endpoint")
        shown = _endpoint_row_view(req, row)
        if body.service_id is not UNSET:
            _check_service(req, body.service_id)
        if body.url is not UNSET:
            _check_url(body.url)
        region_id = body.region_id if body.region_id is not UNSET else body.region
        if isinstance(region_id, str):
            _check_region(session, region_id)
        apply(row, body, ("interface", "service_id", "url", "enabled"))
        if region_id is not UNSET:
            row.region_id = region_id
        keep_extra(row, body, shown)
    return {"endpoint": _endpoint_row_view(req, row)}


def delete_endpoint(req: Request, endpoint_id: str) -> None:
    with writing(req, "endpoint") as session:
        _forget_endpoint(session, _own_row(req, session, CatalogEndpoint, endpoint_id, "endpoint"))


def _forget_endpoint(session: Session, endpoint: CatalogEndpoint) -> None:
    session.execute(delete(EndpointFilter).where(EndpointFilter.target_id == endpoint.id))
    session.delete(endpoint)


def _own_row(req: Request, session: Session, model: Any, ident: str, what: str) -> Any:
    """The row to change; Forbidden for what this program serves itself."""
    services, endpoints = identity(req).own_services()
    if ident in {*(entry.id for entry in services), *(entry.id for entry in endpoints)}:
        raise Forbidden(f"The {what} {ident} is served by Knarr itself: its configuration decides about it.")
    return load(session, model, ident, what)


def _check_service(req: Request, service_id: str) -> None:
    if all(entry.id != service_id for entry in identity(req).catalogue().services):
        raise BadRequest(f"service_id must be the id of a service: there is no service {service_id}.")


def _check_url(url: str) -> None:
    if mark := unknown_mark(url):
        known = ", ".join((*PROJECT_MARKS, *USER_MARKS))
        raise BadRequest(f"url: {mark} stands for nothing that is known here; {known} do.")


def _check_region(session: Session, region_id: str) -> None:
    if session.get(Region, region_id) is None:
        raise BadRequest(f"region_id must be the id of a region: there is no region {region_id[:255]}.")


def _service_row_view(req: Request, row: CatalogService) -> View:
    entry = ServiceEntry(row.id, row.type, row.name, row.description, row.enabled, extra=row.extra)
    return service_view(req, entry)


def _endpoint_row_view(req: Request, row: CatalogEndpoint) -> View:
    entry = EndpointEntry(
        row.id, row.service_id, row.interface, row.region_id, row.url, row.enabled, extra=row.extra
    )
    return endpoint_view(req, entry)
