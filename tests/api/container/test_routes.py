"""Every row of the route table, walked: nobody unknown gets in, and nothing that is sent breaks it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from tests.support.cloud import Cloud

from knarr.kernel.routing import Route
from knarr.services.container.routes import ROUTES

from .helpers import Member, error

ODD_TEXTS = (
    "",
    "-1",
    "99999999999999999999999",
    "é\u202e",
    "x" * 5000,
    "' OR 1=1 --",
    "../../etc",
    "%",
    "null",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    -1,
    10**30,
    1.5,
    True,
    "",
    "é\u202e",
    "x" * 5000,
    [],
    [[]],
    {},
    {"a": {}},
    [None],
)
PROTECTED = [route for route in ROUTES if route.policy is not None]


def address(route: Route, ident: str = "nothing") -> str:
    path = route.path
    for name in ("ident", "request_id", "project_id", "name"):
        path = path.replace(f"{{{name}}}", quote(ident, safe=""))
    return path.removeprefix("/v1/")


def version_of(route: Route) -> str:
    return route.last or "1.40"


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


STREAMS = ("containers/nothing/logs", "containers/nothing/attach", "containers/nothing/get_archive", "events")


@pytest.mark.parametrize("path", STREAMS)
def test_head_neither_opens_a_session_nor_a_stream(member: Member, path: str) -> None:
    assert member.call("HEAD", path).status == 405


@pytest.mark.parametrize("route", PROTECTED, ids=name_of)
def test_without_a_token_nobody_gets_in(cloud: Cloud, route: Route) -> None:
    headers = {"OpenStack-API-Version": f"container {version_of(route)}"}
    answer = cloud.call(route.method, f"/container/v1/{address(route)}", headers=headers)
    assert answer.status == 401
    assert error(answer)["title"]


@pytest.mark.parametrize("route", PROTECTED, ids=name_of)
def test_odd_names_and_parameters_are_answered(admin: Member, route: Route) -> None:
    body = {} if route.body and not route.optional_body else None
    for text in ODD_TEXTS:
        answer = admin.call(route.method, address(route, text[:300]), body, version_of(route))
        assert answer.status < 500, (text, answer.body)
        for name in route.query.__struct_encode_fields__ if route.query else ():
            answer = admin.call(
                route.method, f"{address(route)}?{name}={quote(text)}", body, version_of(route)
            )
            assert answer.status < 500, (name, text, answer.body)


@pytest.mark.parametrize("route", [route for route in PROTECTED if route.body], ids=name_of)
def test_odd_bodies_are_answered(member: Member, route: Route) -> None:
    uuid = member.create(run=False, name="odd")
    path = address(route, uuid)
    for broken in (b"{", b"\xff\xfe", b"[]", b'"text"', b"[" * 100_000):
        answer = member.call(route.method, path, broken, version_of(route))
        assert 400 <= answer.status < 500, answer.body
        assert error(answer)["detail"]
    for name in route.body.__struct_encode_fields__:
        for value in ODD_VALUES:
            answer = member.call(route.method, path, {"image": "busybox", name: value}, version_of(route))
            assert answer.status < 500, (name, value, answer.body)


def test_wrong_content_types_and_sizes(member: Member) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = member.person.call("POST", "/container/v1/containers", b"image", headers=headers)
    assert answer.status == 415
    large = member.post("containers", {"image": "busybox", "labels": {"a": "x" * 2**21}})
    assert large.status == 413
    assert member.call("PUT", "containers").status == 405
    assert member.get("nothing-here").status == 404
