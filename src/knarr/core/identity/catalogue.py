"""The service catalogue: what this program serves itself, and the rows that an administrator added.

Its own services come from the running program, so that a catalogue can never tell a wrong address; their ids
are made from their types and stay the same for ever. Rows (`POST /v3/services`, `POST /v3/endpoints`) are for
services that run elsewhere.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity.models import CatalogEndpoint, CatalogService, EndpointFilter, EndpointGroup

INTERFACES = ("public", "internal", "admin")
REGION = "RegionOne"
NAMESPACE = uuid.UUID("6b7e54a4-3d2c-5b0e-9d0a-0c4b4e415252")

# How addresses name the project of the token: ours, and the forms that Keystone knows.
PROJECT_MARKS = ("{project_id}", "$(project_id)s", "%(project_id)s", "$(tenant_id)s", "%(tenant_id)s")
USER_MARKS = ("$(user_id)s", "%(user_id)s")
MARK = re.compile(r"[$%]\(\w*\)s?|\{\w*\}")


@dataclass(frozen=True)
class ServiceEntry:
    id: str
    type: str
    name: str
    description: str | None
    enabled: bool = True
    builtin: bool = False
    extra: dict[str, Any] | None = None


@dataclass(frozen=True)
class EndpointEntry:
    id: str
    service_id: str
    interface: str
    region_id: str | None
    url: str
    enabled: bool = True
    builtin: bool = False
    extra: dict[str, Any] | None = None

    @property
    def region(self) -> str | None:
        """The old name of the region's id."""
        return self.region_id


@dataclass(frozen=True)
class Catalogue:
    """All services with their endpoints, addresses still with their marks.

    `narrowed` has the ids of the endpoints of projects that do not see all.
    """

    services: tuple[ServiceEntry, ...]
    endpoints: tuple[EndpointEntry, ...]
    narrowed: dict[str, frozenset[str]] = field(default_factory=dict)

    def view(self, project_id: str | None, user_id: str) -> list[dict[str, Any]]:
        """The catalogue as it stands in a token.

        Endpoints whose address needs a project are left out without one.
        """
        by_service: dict[str, list[dict[str, Any]]] = {}
        chosen = self.narrowed.get(project_id or "")
        for endpoint in self.endpoints:
            if chosen is not None and endpoint.id not in chosen:
                continue
            url = fill(endpoint.url, project_id, user_id) if endpoint.enabled else None
            if url is not None:
                by_service.setdefault(endpoint.service_id, []).append(
                    {
                        "id": endpoint.id,
                        "interface": endpoint.interface,
                        "region_id": endpoint.region_id,
                        "region": endpoint.region_id,
                        "url": url,
                    }
                )
        return [
            {
                "endpoints": by_service.get(entry.id, []),
                "type": entry.type,
                "id": entry.id,
                "name": entry.name,
            }
            for entry in self.services
            if entry.enabled and (chosen is None or entry.id in by_service)
        ]


def read(session: Session, builtin: tuple[tuple[ServiceEntry, ...], tuple[EndpointEntry, ...]]) -> Catalogue:
    """The program's own services and all rows."""
    services = session.scalars(select(CatalogService).order_by(CatalogService.type, CatalogService.id))
    endpoints = session.scalars(select(CatalogEndpoint).order_by(CatalogEndpoint.id))
    entries = (
        *builtin[1],
        *(
            EndpointEntry(e.id, e.service_id, e.interface, e.region_id, e.url, e.enabled, extra=e.extra)
            for e in endpoints
        ),
    )
    return Catalogue(
        services=(
            *builtin[0],
            *(ServiceEntry(s.id, s.type, s.name, s.description, s.enabled, extra=s.extra) for s in services),
        ),
        endpoints=entries,
        narrowed=_narrowed(session, entries),
    )


def in_group(entry: EndpointEntry, filters: dict[str, Any]) -> bool:
    """Whether the endpoint has all the values of a group's filters."""
    return all(getattr(entry, name) == value for name, value in filters.items())


def _narrowed(session: Session, entries: tuple[EndpointEntry, ...]) -> dict[str, frozenset[str]]:
    rows = session.execute(
        select(EndpointFilter.project_id, EndpointFilter.target_id, EndpointFilter.is_group)
    ).all()
    if not rows:
        return {}
    groups = {
        group.id: {entry.id for entry in entries if in_group(entry, group.filters)}
        for group in session.scalars(select(EndpointGroup))
    }
    chosen: dict[str, set[str]] = {}
    for row in rows:
        ids = groups.get(row.target_id, set()) if row.is_group else {row.target_id}
        chosen.setdefault(row.project_id, set()).update(ids)
    return {project_id: frozenset(ids) for project_id, ids in chosen.items()}


@dataclass(frozen=True)
class Own:
    """A service of this program: the types it is known by, and where it answers (an address with marks)."""

    types: tuple[str, ...]
    name: str
    title: str | None
    url: str


def own(services: Iterable[Own]) -> tuple[tuple[ServiceEntry, ...], tuple[EndpointEntry, ...]]:
    """The entries of the program's own services, the same ones at each start."""
    entries: list[ServiceEntry] = []
    endpoints: list[EndpointEntry] = []
    for service in services:
        for kind in service.types:
            entry = ServiceEntry(_id("service", kind), kind, service.name, service.title, builtin=True)
            entries.append(entry)
            endpoints.extend(
                EndpointEntry(
                    id=_id("endpoint", kind, interface),
                    service_id=entry.id,
                    interface=interface,
                    region_id=REGION,
                    url=service.url,
                    builtin=True,
                )
                for interface in INTERFACES
            )
    return tuple(entries), tuple(endpoints)


def fill(url: str, project_id: str | None, user_id: str) -> str | None:
    """The address for one caller, or None if it needs what the caller has not."""
    for mark in PROJECT_MARKS:
        if mark in url:
            if project_id is None:
                return None
            url = url.replace(mark, project_id)
    for mark in USER_MARKS:
        url = url.replace(mark, user_id)
    return None if MARK.search(url) else url


def unknown_mark(url: str) -> str | None:
    """What looks like a mark in the address and is none, so that it would be shown to nobody."""
    marks = (found.group() for found in MARK.finditer(url))
    return next((mark for mark in marks if mark not in (*PROJECT_MARKS, *USER_MARKS)), None)


def _id(*parts: str) -> str:
    return uuid.uuid5(NAMESPACE, "/".join(parts)).hex
