"""Quotas of projects and classes: limits, usage, and the count that is made anew from the rows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update
from tests.support.cloud import Cloud

from knarr.kernel.quota import USAGE
from knarr.services.container import usage

from .helpers import Member, error

RESOURCES = {"containers", "memory", "cpu", "disk"}


def used(member: Member) -> dict[str, int]:
    view = member.get(f"quotas/{member.project_id}?usages=true").json
    return {name: row["in_use"] for name, row in view.items()}


def test_usage_is_what_the_containers_have(member: Member) -> None:
    assert used(member) == dict.fromkeys(RESOURCES, 0)
    first = member.create(run=False, cpu=0.5, memory=64, disk=3)
    member.create(run=False, cpu=1.2, memory=100, disk=2)
    # Parts of a core count as a whole one, as the API knows no parts
    assert used(member) == {"containers": 2, "memory": 164, "cpu": 2, "disk": 5}
    member.delete(f"containers/{first}")
    member.gone(first)
    assert used(member) == {"containers": 1, "memory": 100, "cpu": 2, "disk": 2}


def test_a_container_that_no_host_takes_counts_until_it_is_deleted(member: Member) -> None:
    uuid = member.post("containers", {"image": "box", "availability_zone": "mars"}).json["uuid"]
    assert used(member)["containers"] == 1
    member.delete(f"containers/{uuid}")
    assert used(member) == dict.fromkeys(RESOURCES, 0)


@pytest.mark.parametrize(
    ("limit", "body"),
    [
        ({"containers": 0}, {}),
        ({"memory": 100}, {"memory": 101}),
        ({"cpu": 1}, {"cpu": 1.1}),
        ({"disk": 5}, {"disk": 6}),
    ],
)
def test_what_is_over_a_limit_is_named(
    member: Member, admin: Member, limit: dict[str, int], body: dict[str, Any]
) -> None:
    admin.call("PUT", f"quotas/{member.project_id}", limit)
    answer = member.post("containers", {"image": "box", **body})
    assert answer.status == 403
    assert next(iter(limit)) in error(answer)["detail"]
    assert used(member) == dict.fromkeys(RESOURCES, 0)
    assert member.get("containers").json["containers"] == []


def test_minus_one_is_no_limit(member: Member, admin: Member) -> None:
    everything = dict.fromkeys(RESOURCES, -1)
    assert admin.call("PUT", f"quotas/{member.project_id}", everything).json == everything
    member.create(run=False, cpu=16, memory=8192, disk=160)
    view = member.get(f"quotas/{member.project_id}?usages=true").json
    assert view["cpu"] == {"limit": -1, "in_use": 16}


def test_limits_come_from_the_project_then_the_class_then_the_configuration(
    cloud: Cloud, member: Member, admin: Member
) -> None:
    path, own = "quota_classes/default", f"quotas/{member.project_id}"
    before = admin.get(path).json
    try:
        assert admin.call("PUT", path, {"containers": 33}).json["containers"] == 33
        assert member.get(own).json["containers"] == 33
        assert member.get(f"{own}/defaults").json["containers"] == 33
        admin.call("PUT", own, {"containers": 3})
        assert member.get(own).json["containers"] == 3
        assert member.get(f"{own}/defaults").json["containers"] == 33
        assert admin.delete(own).status == 200
        assert member.get(own).json["containers"] == 33
    finally:
        admin.call("PUT", path, before)
    assert admin.call("PUT", "quota_classes/gold", {"cpu": 99}).json["cpu"] == 99
    assert admin.get("quota_classes/gold").json["cpu"] == 99


def test_a_project_that_nobody_knows_has_the_defaults(admin: Member) -> None:
    assert set(admin.get("quotas/unheard-of").json) == RESOURCES


def test_the_count_is_made_anew_from_the_rows(cloud: Cloud, member: Member) -> None:
    member.create(run=False, cpu=0.5, memory=64, disk=3)
    right = used(member)
    other = Member(cloud, cloud.person())
    other.create(run=False)
    others = used(other)
    with cloud.runtime.db.write() as session:
        wrong = update(USAGE).where(USAGE.c.project_id == member.project_id)
        session.execute(wrong.values(used=USAGE.c.used + 7000))
    assert used(member) != right
    usage.recount(cloud.runtime)
    assert used(member) == right
    assert used(other) == others


@pytest.mark.parametrize("path", ["quotas/some-project", "quota_classes/default"])
@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"containers": -2}, "containers"),
        ({"memory": "much"}, "memory"),
        ({"cpu": 2**31}, "cpu"),
        ({"disk": 1.5}, "disk"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_bad_field_is_named(admin: Member, path: str, body: dict[str, Any], word: str) -> None:
    answer = admin.call("PUT", path, body)
    assert answer.status == 400
    assert word in error(answer)["detail"]


def test_names_that_are_too_long_are_refused(admin: Member) -> None:
    assert admin.call("PUT", f"quotas/{'p' * 65}", {"cpu": 1}).status == 400
    assert admin.call("PUT", f"quota_classes/{'c' * 256}", {"cpu": 1}).status == 400


def test_who_may(member: Member, admin: Member) -> None:
    own = f"quotas/{member.project_id}"
    assert member.get(own).status == 200
    assert member.get(f"{own}/defaults").status == 200
    assert member.get(f"quotas/{admin.project_id}").status == 403
    assert member.get(f"quotas/{admin.project_id}/defaults").status == 403
    assert member.call("PUT", own, {"cpu": 1}).status == 403
    assert member.delete(own).status == 403
    assert member.get("quota_classes/default").status == 403
    assert admin.get(own).status == 200


def test_they_came_with_1_26(member: Member, admin: Member) -> None:
    own = f"quotas/{member.project_id}"
    assert member.get(own, "1.25").status == 406
    assert member.get(own, "1.26").status == 200
    assert admin.get("quota_classes/default", "1.25").status == 406
