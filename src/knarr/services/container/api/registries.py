"""Registries of a project. What they ask for is kept encrypted and never shown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.kernel import ownership
from knarr.kernel.db import new_id
from knarr.kernel.errors import Conflict
from knarr.kernel.listing import Listing, next_link
from knarr.kernel.request import Request
from knarr.kernel.schema import UnsetType
from knarr.services.container import registries
from knarr.services.container.api.owners import project_of
from knarr.services.container.models import Container, Registry
from knarr.services.container.schemas import RegistryCreate, RegistryUpdate
from knarr.services.container.views import registry_view

LISTING = Listing(
    Registry,
    id="uuid",
    sortable=("created_at", "updated_at", "name", "domain", "username", "project_id", "user_id"),
)
FILTERS = ("name", "domain", "username", "project_id", "user_id")


def create(req: Request) -> dict[str, Any]:
    body: RegistryCreate = req.body
    project_id = project_of(req, "registry")
    with req.db.write() as session:
        row = Registry(
            uuid=new_id(),
            name=body.name,
            domain=body.domain,
            username=body.username,
            password=_sealed(req, body.password),
            project_id=project_id,
            user_id=req.ctx.user_id,
        )
        session.add(row)
        session.flush()
    req.set_header("Location", req.url(f"/v1/registries/{row.uuid}"))
    return {"registry": registry_view(req, row)}


def _sealed(req: Request, password: str | None) -> str | None:
    return req.runtime.secrets.encrypt(password) if password else None


def index(req: Request) -> dict[str, Any]:
    query = req.query
    if query.all_projects:
        req.authorize("registry:get_all_all_projects")
    stmt = seen = ownership.owned(select(Registry), Registry, req.ctx, query.all_projects)
    for name in FILTERS:
        value = getattr(query, name)
        if value is not None:
            stmt = stmt.where(getattr(Registry, name) == value)
    with req.db.read() as session:
        page = LISTING.fetch(session, stmt, LISTING.paging(req), seen)
    return {"registries": [registry_view(req, row[0]) for row in page.rows], "next": next_link(req, page)}


def show(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        return {"registry": registry_view(req, registries.find(session, ident, req.ctx))}


def update(req: Request, ident: str) -> dict[str, Any]:
    """PATCH: what is named changes, null takes it away. The domain of one in use stays: its containers find
    their images by it."""
    body: RegistryUpdate = req.body
    with req.db.write() as session:
        row = registries.find(session, ident, req.ctx)
        changes = {name: getattr(body, name) for name in body.__struct_fields__}
        changes = {name: value for name, value in changes.items() if not isinstance(value, UnsetType)}
        if changes.get("domain", row.domain) != row.domain:
            _check_unused(session, row, "its domain cannot change")
        if "password" in changes:
            changes["password"] = _sealed(req, changes["password"])
        for name, value in changes.items():
            setattr(row, name, value)
        session.flush()
        return {"registry": registry_view(req, row)}


def remove(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = registries.find(session, ident, req.ctx)
        _check_unused(session, row, "it cannot be deleted")
        session.delete(row)


def _check_unused(session: Session, row: Registry, what: str) -> None:
    stmt = select(Container.uuid).where(
        Container.project_id == row.project_id, Container.registry_id == row.uuid
    )
    used = session.scalar(stmt.limit(1))
    if used is not None:
        raise Conflict(
            f"Registry {row.name or row.uuid} is used by container {used}: {what}.", code="RegistryInUse"
        )
