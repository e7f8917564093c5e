"""Walks over the route tables of all services: what holds for every route.

The requests are made from the schemas (tests/support/faults.py), so a new route is walked as it comes. What
is an exception stands in a table here with its reason.
"""

from __future__ import annotations

import json

import pytest
from tests.support import faults
from tests.support.walking import (
    PROTECTED,
    READS,
    ROWS,
    Row,
    Things,
    address,
    enveloped,
    fitting_body,
    headers,
    send,
)

from knarr.kernel import context

WITH_BODY = [row for row in ROWS if row.route.body is not None and not row.route.raw]
WITH_QUERY = [row for row in ROWS if row.route.query is not None]
# What stands in braces there names nothing that Knarr keeps.
NAMES_NO_THING = tuple(
    f"container GET /v1/images/{{ident}}{more}/search" for more in ("", "/{second}", "/{second}/{third}")
)
WITH_OBJECT = [row for row in PROTECTED if row.collection is not None and str(row) not in NAMES_NO_THING]

each = pytest.mark.parametrize


# Every route


@each("row", PROTECTED, ids=str)
def test_without_a_token_it_is_401(cloud, row: Row):
    assert send(cloud, row, None).status == 401


@each("row", ROWS, ids=str)
def test_for_anybody_it_never_ends_in_a_500(cloud, row: Row):
    for body in (b"{}", fitting_body(row)):
        answer = cloud.admin.call(row.route.method, address(row), body, headers=headers(row))
        assert answer.status < 500, answer.body


# Bodies and query strings


@each("row", WITH_BODY, ids=str)
@each("text", [b"[]", b'"text"', b"{", b'{"no-such-field": 1}', b"null"])
def test_a_body_of_the_wrong_form_is_refused(cloud, row: Row, text):
    answer = cloud.admin.call(row.route.method, address(row), text, headers=headers(row))
    assert 400 <= answer.status < 500, answer.body


@each("row", WITH_BODY, ids=str)
def test_each_field_missing_wrong_out_of_bounds_or_unknown_is_400_and_named(cloud, row: Row):
    where = address(row)
    for fault in faults.faults(row.route.body, row.route.lax):
        body = json.dumps(enveloped(row, fault.body)).encode()
        answer = cloud.admin.call(row.route.method, where, body, headers=headers(row))
        assert answer.status == 400, (fault.what, answer.status, answer.body[:300])
        assert fault.field in answer.body.decode(), (fault.what, answer.body[:300])


@each("row", WITH_QUERY, ids=str)
def test_each_parameter_missing_wrong_out_of_bounds_or_unknown_is_400_and_named(cloud, row: Row):
    for fault in faults.query_faults(row.route.query):
        where = address(row, query=fault.body)
        answer = cloud.admin.call(row.route.method, where, fitting_body(row), headers=headers(row))
        assert answer.status == 400, (fault.what, answer.status, answer.body[:300])
        assert fault.field in answer.body.decode(), (fault.what, answer.body[:300])


# Rights


@pytest.fixture(scope="module")
def owner(cloud):
    return cloud.person("member")


@pytest.fixture(scope="module")
def reader(cloud, owner):
    """Of the owner's project."""
    project = cloud.admin.get(f"/identity/v3/projects/{owner.project_id}").json["project"]["name"]
    return cloud.person("reader", project)


@pytest.fixture(scope="module")
def outsider(cloud):
    return cloud.person("member")


@pytest.fixture(scope="module")
def things(cloud, owner):
    return Things(cloud, owner)


# What a reader may do although it changes something, and why.
A_READER_MAY = {"identity DELETE /v3/auth/tokens": "everybody may give up their own token"}

# Services whose rules, as upstream's, ask who belongs to the project and not for a role there.
ANY_ROLE_WRITES = ("container",)

# Services that answer a stranger 403, whether the thing is there or not, and why.
ANSWERS_403 = {"identity": "Keystone's things belong to no project; its rules are asked before its rows"}


def allowed(cloud, row: Row, person) -> bool:
    """Whether the rule of the route lets the person do it in a project of their own."""
    token = cloud.runtime.identity.validate(person.token)
    ctx = context.from_token(person.token, token, "req-walk")
    own = {"project_id": ctx.project_id, "tenant_id": ctx.project_id, "user_id": ctx.user_id}
    return cloud.runtime.policy.allows(row.service, row.route.policy, own, ctx)


@each("row", PROTECTED, ids=str)
def test_where_more_than_a_reader_is_needed_a_reader_gets_403(cloud, things, reader, row: Row):
    changes = row.route.method not in READS
    open_to_readers = not changes or row.service.type in ANY_ROLE_WRITES
    if str(row) in A_READER_MAY or (open_to_readers and allowed(cloud, row, reader)):
        return
    ident = things.of(row.service.type, row.collection) if row.collection else None
    answer = send(cloud, row, reader, ident, **things.needs(row))
    # Of what a member cannot make there is none to be refused.
    expected = {403, 404} if row.collection and ident is None else {403}
    assert answer.status in expected, (answer.status, answer.body[:300])


@each("row", WITH_OBJECT, ids=str)
def test_another_project_s_thing_is_not_there(cloud, things, outsider, row: Row):
    names_project = "/{project_id}" in row.route.path
    ident = things.owner.project_id if names_project else things.of(row.service.type, row.collection)
    answer = send(cloud, row, outsider, ident, **things.needs(row))
    # Who names another project in the address is told that it is not theirs; there is nothing to hide.
    expected = {404 if allowed(cloud, row, outsider) and not names_project else 403}
    if row.service.type in ANSWERS_403 or ident is None:
        expected = {403, 404}
    assert answer.status in expected, (ident, answer.status, answer.body[:300])


# Collections in which the walk must find a thing of the owner's, or the last two walks would prove little.
MADE = (
    "network /v2.0/networks", "network /v2.0/subnets", "network /v2.0/ports",
    "network /v2.0/security-groups", "network /v2.0/security-group-rules", "container /v1/containers",
)  # fmt: skip


@each("collection", MADE)
def test_the_walk_has_a_thing_of_the_collection(things, collection):
    assert things.of(*collection.split()) is not None
