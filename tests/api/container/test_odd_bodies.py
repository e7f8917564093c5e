"""Odd values in every field of bodies that are right otherwise: never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.cloud import Cloud

from knarr.kernel.routing import Route
from knarr.services.container.routes.fake_engine import FAKE_ENGINE
from knarr.services.container.routes.images import IMAGES
from knarr.services.container.routes.networks import NETWORKS
from knarr.services.container.routes.quotas import QUOTAS
from knarr.services.container.routes.registries import REGISTRIES

from .helpers import Member, error

# A body that is right, for each kind of body
RIGHT: dict[str, dict[str, Any]] = {
    "RegistryCreate": {"domain": "r.example.org", "name": "good", "username": "jo", "password": "word"},
    "RegistryUpdate": {"domain": "r.example.org", "name": "good", "username": "jo", "password": "word"},
    "ImagePull": {
        "repo": "odd-image", "host": "nowhere", "tag": "1", "image_id": "x", "size": 1,
        "image_pull_policy": "always",
    },
    "NetworkCreate": {"neutron_net_id": "none", "name": "shown"},
    "QuotaUpdate": {"containers": 40, "memory": 51200, "cpu": 20, "disk": 100},
    "Fault": {
        "method": "reap", "error": "conflict", "message": "", "delay": 0.0, "times": 1, "seconds": 0.01,
        "match": "nothing-like-it",
    },
    "Faults": {"faults": []},
    "End": {"container": "nobody", "exit_code": 1},
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, -1, 0, 10**30, -(10**30), 1.5, 1e308, True, "", " ", "0", "x" * 300, "x" * 70000, "é\u202e\u2028",
    "../../etc/passwd", "'; --", "%s%n", "a\nb", [], [[]], [None], {}, {"a": {"b": []}}, "\ud83d\ude00",
)  # fmt: skip
CHANGING = [
    route for route in (*IMAGES, *REGISTRIES, *NETWORKS, *QUOTAS, *FAKE_ENGINE) if route.body is not None
]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture
def path(admin: Member, request: pytest.FixtureRequest) -> str:
    """The address of the route, of a thing that is there."""
    route: Route = request.param
    if "registries/{ident}" in route.path:
        made = admin.post("registries", {"registry": {"domain": "r.example.org"}})
        return f"registries/{made.json['registry']['uuid']}"
    return route.path.removeprefix("/v1/").replace("{project_id}", "odd").replace("{name}", "odd")


@pytest.mark.parametrize(("route", "path"), [(r, r) for r in CHANGING], ids=name_of, indirect=["path"])
def test_every_field_bears_odd_values(cloud: Cloud, admin: Member, route: Route, path: str) -> None:
    right = RIGHT[route.body.__name__]
    for name in route.body.__struct_encode_fields__:
        for value in ODD:
            body = {**right, name: value}
            answer = admin.call(route.method, path, {route.envelope: body} if route.envelope else body)
            assert answer.status < 500, (name, value, answer.body)
            if answer.status == 400:
                assert name in error(answer)["detail"], (name, value, answer.body)
    admin.delete("fake_engine/faults")


@pytest.mark.parametrize(("route", "path"), [(r, r) for r in CHANGING], ids=name_of, indirect=["path"])
def test_unknown_fields_are_named(admin: Member, route: Route, path: str) -> None:
    body = {**RIGHT[route.body.__name__], "flavour": "vanilla"}
    answer = admin.call(route.method, path, {route.envelope: body} if route.envelope else body)
    assert answer.status == 400
    assert "flavour" in error(answer)["detail"]
