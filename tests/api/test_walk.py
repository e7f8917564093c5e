"""Walks over the route tables of all services: what holds for every route."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from knarr.kernel import config

SERVICES = config.installed()
ROUTES = [(service, route) for service in SERVICES for route in service.routes]
PARAMETER = re.compile(r"{[^}]+}")


def name(row):
    service, route = row
    return f"{service.type} {route.method} {route.path}"


def address(service, route):
    return service.prefix + PARAMETER.sub(str(uuid4()), route.path)


def headers(service, route):
    versions = service.microversions
    if versions is None:
        return {}
    return {versions.HEADER: f"{versions.service} {route.last or versions.maximum}"}


PROTECTED = [row for row in ROUTES if row[1].policy is not None]
WITH_BODY = [row for row in PROTECTED if row[1].body is not None and not row[1].raw]


@pytest.mark.parametrize("row", PROTECTED, ids=name)
def test_without_a_token_it_is_401(cloud, row):
    service, route = row
    assert cloud.call(route.method, address(service, route), headers=headers(service, route)).status == 401


@pytest.mark.parametrize("row", ROUTES, ids=name)
def test_for_anybody_it_never_ends_in_a_500(cloud, row):
    service, route = row
    answer = cloud.admin.call(
        route.method, address(service, route), b"{}", headers=headers(service, route) | _type(route)
    )
    assert answer.status < 500, answer.body


@pytest.mark.parametrize("row", WITH_BODY, ids=name)
@pytest.mark.parametrize("text", [b"[]", b'"text"', b"{", b'{"no-such-field": 1}', b"null"])
def test_a_body_of_the_wrong_form_is_refused(cloud, row, text):
    service, route = row
    answer = cloud.admin.call(
        route.method, address(service, route), text, headers=headers(service, route) | _type(route)
    )
    assert 400 <= answer.status < 500, answer.body


def _type(route):
    return {"Content-Type": route.content_types[0]}
