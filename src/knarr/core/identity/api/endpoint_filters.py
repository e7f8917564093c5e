"""Which endpoints a project's catalogue shows: /v3/OS-EP-FILTER. Without any of these a project sees all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from knarr.core.identity.api import projects
from knarr.core.identity.api.catalog import endpoint_view
from knarr.core.identity.api.common import (
    View,
    collection,
    identity,
    linked,
    listed,
    load,
    matching,
    missing,
    writing,
)
from knarr.core.identity.catalogue import EndpointEntry, in_group
from knarr.core.identity.models import EndpointFilter, EndpointGroup, Project
from knarr.kernel.errors import BadRequest, NotFound
from knarr.kernel.web import Request

ROOT = "OS-EP-FILTER"
GROUP_FILTERS = {"id": EndpointGroup.id, "name": EndpointGroup.name}


# Endpoints of projects


def list_endpoints_of_project(req: Request, project_id: str) -> View:
    """The endpoints that were given to the project, by themselves or in groups."""
    with req.db.read() as session:
        load(session, Project, project_id, "project")
    chosen = identity(req).catalogue().narrowed.get(project_id, frozenset())
    entries = [entry for entry in identity(req).catalogue().endpoints if entry.id in chosen]
    return _endpoints(req, entries, f"{ROOT}/projects/{project_id}/endpoints")


def list_projects_of_endpoint(req: Request, endpoint_id: str) -> View:
    _check_endpoint(req, endpoint_id)
    return _projects(req, endpoint_id, f"{ROOT}/endpoints/{endpoint_id}/projects")


def add_endpoint(req: Request, project_id: str, endpoint_id: str) -> None:
    _check_endpoint(req, endpoint_id)
    _add(req, project_id, endpoint_id, is_group=False)


def check_endpoint(req: Request, project_id: str, endpoint_id: str) -> None:
    with req.db.read() as session:
        _found(session, project_id, endpoint_id)


def remove_endpoint(req: Request, project_id: str, endpoint_id: str) -> None:
    with writing(req, "endpoint filter") as session:
        session.delete(_found(session, project_id, endpoint_id))


# Groups of endpoints


def group_view(req: Request, row: EndpointGroup) -> View:
    body: View = {"id": row.id, "name": row.name, "description": row.description, "filters": row.filters}
    return linked(req, body, ROOT, "endpoint_groups", row.id)


def list_groups(req: Request) -> View:
    stmt = matching(select(EndpointGroup), req, GROUP_FILTERS)
    return listed(req, "endpoint_groups", stmt, EndpointGroup, group_view, path=f"{ROOT}/endpoint_groups")


def show_group(req: Request, group_id: str) -> View:
    with req.db.read() as session:
        return {"endpoint_group": group_view(req, load(session, EndpointGroup, group_id, "endpoint group"))}


def create_group(req: Request) -> View:
    """201 {endpoint_group}. 400 without filters: a group of everything is a mistake."""
    body = req.body
    with writing(req, "endpoint_group") as session:
        row = EndpointGroup(
            name=body.name, description=body.description, filters=_checked_filters(body.filters)
        )
        session.add(row)
    return {"endpoint_group": group_view(req, row)}


def update_group(req: Request, group_id: str) -> View:
    with writing(req, "endpoint_group") as session:
        row = load(session, EndpointGroup, group_id, "endpoint group")
        for name in ("name", "description"):
            setattr(row, name, getattr(req.body, name) or getattr(row, name))
        if req.body.filters is not None:
            row.filters = _checked_filters(req.body.filters)
    return {"endpoint_group": group_view(req, row)}


def delete_group(req: Request, group_id: str) -> None:
    with writing(req, "endpoint_group") as session:
        session.delete(load(session, EndpointGroup, group_id, "endpoint group"))
        session.execute(delete(EndpointFilter).where(EndpointFilter.target_id == group_id))


def list_endpoints_of_group(req: Request, group_id: str) -> View:
    with req.db.read() as session:
        row = load(session, EndpointGroup, group_id, "endpoint group")
    entries = [entry for entry in identity(req).catalogue().endpoints if in_group(entry, row.filters)]
    return _endpoints(req, entries, f"{ROOT}/endpoint_groups/{group_id}/endpoints")


def list_projects_of_group(req: Request, group_id: str) -> View:
    with req.db.read() as session:
        load(session, EndpointGroup, group_id, "endpoint group")
    return _projects(req, group_id, f"{ROOT}/endpoint_groups/{group_id}/projects")


def list_groups_of_project(req: Request, project_id: str) -> View:
    mine = select(EndpointFilter.target_id).where(EndpointFilter.project_id == project_id)
    with req.db.read() as session:
        load(session, Project, project_id, "project")
    stmt = select(EndpointGroup).where(EndpointGroup.id.in_(mine))
    path = f"{ROOT}/projects/{project_id}/endpoint_groups"
    return listed(req, "endpoint_groups", stmt, EndpointGroup, group_view, path=path)


def add_group(req: Request, group_id: str, project_id: str) -> None:
    with req.db.read() as session:
        load(session, EndpointGroup, group_id, "endpoint group")
    _add(req, project_id, group_id, is_group=True)


def show_group_in_project(req: Request, group_id: str, project_id: str) -> View:
    with req.db.read() as session:
        _found(session, project_id, group_id)
    parts = (ROOT, "endpoint_groups", group_id, "projects", project_id)
    return {"endpoint_group": linked(req, {"id": group_id, "project_id": project_id}, *parts)}


def remove_group(req: Request, group_id: str, project_id: str) -> None:
    remove_endpoint(req, project_id, group_id)


def _endpoints(req: Request, entries: Iterable[EndpointEntry], path: str) -> View:
    return collection(req, "endpoints", [endpoint_view(req, entry) for entry in entries], path)


def _projects(req: Request, target_id: str, path: str) -> View:
    has = select(EndpointFilter.project_id).where(EndpointFilter.target_id == target_id)
    stmt = select(Project).where(Project.id.in_(has))
    return listed(req, "projects", stmt, Project, projects.view, path=path)


def _add(req: Request, project_id: str, target_id: str, is_group: bool) -> None:
    with writing(req, "endpoint filter") as session:
        load(session, Project, project_id, "project")
        if session.get(EndpointFilter, (project_id, target_id)) is None:
            session.add(EndpointFilter(project_id=project_id, target_id=target_id, is_group=is_group))


def _found(session: Session, project_id: str, target_id: str) -> EndpointFilter:
    row = session.get(EndpointFilter, (project_id, target_id))
    if row is None:
        raise NotFound(f"Could not find {target_id[:64]} among the endpoints of project {project_id[:64]}.")
    return row


def _check_endpoint(req: Request, endpoint_id: str) -> None:
    if all(entry.id != endpoint_id for entry in identity(req).catalogue().endpoints):
        raise missing("endpoint", endpoint_id)


def _checked_filters(filters: dict[str, Any]) -> dict[str, Any]:
    if not filters:
        raise BadRequest("filters must name at least one of service_id, region_id, interface and enabled.")
    return filters
