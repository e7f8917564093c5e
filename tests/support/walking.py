"""What a walk over the route tables needs: addresses, requests that fit, and things to address.

A new route is walked without a line here. Where the walk needs to know more than the schemas tell, a table
says so with its reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from tests.support import faults
from tests.support.cloud import Answer, Cloud, Person

from knarr.kernel import config
from knarr.kernel.routing import JSON, Route
from knarr.kernel.service import Service

PARAMETER = re.compile(r"{[^}]+}")
READS = ("GET", "HEAD")
BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Row:
    """A route with its service. `str` is what a table of exceptions calls it."""

    service: Service
    route: Route

    def __str__(self) -> str:
        return f"{self.service.type} {self.route.method} {self.route.path}"

    @property
    def collection(self) -> str | None:
        """The path before the first parameter; None if there is none."""
        head, brace, _ = self.route.path.partition("/{")
        return head if brace else None


ROWS = [Row(service, route) for service in config.installed() for route in service.routes]
PROTECTED = [row for row in ROWS if row.route.policy is not None]


def headers(row: Row) -> dict[str, str]:
    """The route's own newest microversion and type of body."""
    versions = row.service.microversions
    kind = row.route.content_types[0]
    sent = {"Content-Type": BYTES if row.route.raw and kind == JSON else kind}
    if versions:
        sent[versions.HEADER] = f"{versions.service} {row.route.last or versions.maximum}"
    return sent


def enveloped(row: Row, body: Any) -> Any:
    return {row.route.envelope: body} if row.route.envelope else body


def fitting_body(row: Row, more: dict[str, Any] | None = None) -> bytes | None:
    """A body that fits the schema, with what a table adds; None if the route takes none."""
    route = row.route
    if route.raw:
        return b"walk"
    if route.body is None:
        return None
    made = faults.sample(route.body, route.lax)
    return json.dumps(enveloped(row, made | (more or {}) if isinstance(made, dict) else made)).encode()


def address(row: Row, ident: str | None = None, query: dict[str, str] | None = None) -> str:
    """The route's address: `ident` for the first parameter, random ids for the others."""
    path = row.route.path
    if ident is not None:
        path = PARAMETER.sub(ident, path, count=1)
    path = PARAMETER.sub(lambda _: str(uuid4()), path)
    if query is None and row.route.query is not None:
        query = faults.query_sample(row.route.query) | ASKS.get(str(row), {})
    return row.service.prefix + path + (f"?{urlencode(query)}" if query else "")


def send(cloud: Cloud, row: Row, who: Person | None, ident: str | None = None, **body: Any) -> Answer:
    """A request that fits the route's schemas, as this person or as nobody."""
    return cloud.call(
        row.route.method,
        address(row, ident),
        fitting_body(row, body),
        token=who.token if who else None,
        headers=headers(row),
    )


# What a body needs beyond its schema: ids of things that exist ({network} …: made before by its own row).
NEEDS: dict[str, dict[str, Any]] = {
    "network POST /v2.0/subnets": {
        "network_id": "{network /v2.0/networks}", "cidr": "10.9.0.0/24", "ip_version": 4,
    },
    "network POST /v2.0/ports": {"network_id": "{network /v2.0/networks}"},
    "network POST /v2.0/security-group-rules": {
        "security_group_id": "{network /v2.0/security-groups}", "direction": "ingress",
    },
    "network POST /v2.0/subnetpools": {"prefixes": ["10.9.0.0/16"]},
    "network PUT /v2.0/routers/{ident}/add_router_interface": {"subnet_id": str(UUID(int=7))},
    "network PUT /v2.0/routers/{ident}/remove_router_interface": {"subnet_id": str(UUID(int=7))},
    "network POST /v2.0/rbac-policies": {
        "object_type": "network", "object_id": "{network /v2.0/networks}",
        "action": "access_as_shared", "target_tenant": "walk",
    },
    "network PUT /v2.0/rbac-policies/{ident}": {"target_tenant": "walk"},
    "image POST /v2/images/{ident}/import": {"method": {"name": "glance-direct"}},
    "image POST /v2/images/{ident}/members": {"member": "walk"},
    "image PUT /v2/images/{ident}/members/{member_id}": {"status": "accepted"},
    "container POST /v1/containers/{ident}/execute": {"command": "true"},
    "container POST /v1/containers/{ident}/resize_container": {"cpu": 1},
    "container POST /v1/containers/{ident}/network_attach": {"network": "walk"},
    "container POST /v1/containers/{ident}/network_detach": {"network": "walk"},
    "container POST /v1/containers": {
        "nets": [{"network": "{network /v2.0/networks}"}], "_after": "/v2.0/subnets",
    },
}  # fmt: skip
# The same for query strings.
ASKS: dict[str, dict[str, str]] = {
    "container POST /v1/containers/{ident}/add_security_group": {"name": "walk"},
    "container POST /v1/containers/{ident}/remove_security_group": {"name": "walk"},
}
_MADE = re.compile(r"^{(\S+) (\S+)}$")


@dataclass
class Things:
    """One thing of each collection that a person can make, made when it is asked for."""

    cloud: Cloud
    owner: Person
    _made: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def of(self, service: str, collection: str) -> str | None:
        """The id of the owner's thing there; None where the owner can make none by a POST."""
        key = (service, collection)
        if key not in self._made:
            self._made[key] = self._make(service, collection)
        return self._made[key]

    def needs(self, row: Row) -> dict[str, Any]:
        """What the table adds to the row's body, with ids in place of names."""
        needed = dict(NEEDS.get(str(row), {}))
        if after := needed.pop("_after", None):
            self.of("network", after)
        return {name: self._filled(value) for name, value in needed.items()}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        found = _MADE.match(value) if isinstance(value, str) else None
        return self.of(*found.groups()) if found else value

    def _make(self, service: str, collection: str) -> str | None:
        for row in ROWS:
            route = row.route
            if row.service.type == service and route.method == "POST" and route.path == collection:
                answer = send(self.cloud, row, self.owner, **self.needs(row))
                return _ident(answer) if answer.status < 300 else None
        return None


def _ident(answer: Answer) -> str | None:
    found = answer.json
    if isinstance(found, dict) and len(found) == 1:
        found = next(iter(found.values()))
    if not isinstance(found, dict):
        return None
    return found.get("uuid") or found.get("id")
