"""Changing a container that is there: limits, name, image; what its project's quota says of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.cloud import Cloud, wait_for

from knarr.services.container.drivers.base import container_name
from knarr.services.container.drivers.fake import FakeEngine
from knarr.services.container.drivers.fake.faults import parse
from knarr.services.container.locator import engine_of

from .helpers import Member, error


@pytest.fixture
def engine(cloud: Cloud) -> Any:
    found = engine_of(cloud.runtime)
    assert isinstance(found, FakeEngine)
    yield found
    found.faults.clear()


def spec(engine: FakeEngine, uuid: str) -> Any:
    return engine.world.container[container_name(uuid)].spec


def usage(member: Member) -> dict[str, int]:
    quotas = member.get(f"quotas/{member.project_id}?usages=true").json
    return {name: value["in_use"] for name, value in quotas.items()}


def test_new_limits_reach_the_engine_and_the_quota(member: Member, engine: FakeEngine) -> None:
    uuid = member.create(cpu=1, memory=64)
    answer = member.call("PATCH", f"containers/{uuid}", {"cpu": 2, "memory": "128"})
    assert answer.status == 200
    assert (answer.json["cpu"], answer.json["memory"]) == (2.0, "128")
    assert (spec(engine, uuid).cpu, spec(engine, uuid).memory_mib) == (2.0, 128)
    assert (usage(member)["cpu"], usage(member)["memory"]) == (2, 128)
    assert member.post(f"containers/{uuid}/resize_container", {"memory": 32}).status == 202
    assert member.settled(uuid)["memory"] == "32"
    assert spec(engine, uuid).memory_mib == 32
    assert usage(member)["memory"] == 32


def test_limits_that_the_engine_refuses_are_as_they_were(member: Member, engine: FakeEngine) -> None:
    uuid = member.create(memory=64)
    engine.faults.add(parse(f"update:error=invalid,message=it uses more than that,match={uuid}"))
    answer = member.call("PATCH", f"containers/{uuid}", {"memory": 8})
    assert answer.status == 409
    assert "it uses more than that" in error(answer)["detail"]
    shown = member.show(uuid)
    assert (shown["memory"], shown["status"], shown["task_state"]) == ("64", "Running", None)
    assert "it uses more than that" in shown["status_reason"]
    assert usage(member)["memory"] == 64


def test_limits_are_bounded_by_quota_and_host(member: Member, admin: Member) -> None:
    uuid = member.create(memory=64)
    admin.call("PUT", f"quotas/{member.project_id}", {"memory": 100})
    over = member.call("PATCH", f"containers/{uuid}", {"memory": 128})
    assert over.status == 403
    assert "memory" in error(over)["detail"]
    assert member.show(uuid)["memory"] == "64"
    for change, word in (({"cpu": 17}, "cpu"), ({"memory": 1}, "memory"), ({"cpu": "x"}, "cpu")):
        answer = member.call("PATCH", f"containers/{uuid}", change)
        assert answer.status == 400
        assert word in error(answer)["detail"]
    assert member.post(f"containers/{uuid}/resize_container", {}).status == 400
    assert usage(member)["memory"] == 64


def test_auto_heal_and_name_are_changed_together(member: Member) -> None:
    uuid = member.create(run=False)
    answer = member.call("PATCH", f"containers/{uuid}", {"auto_heal": True, "name": "healthy-one"})
    assert (answer.json["auto_heal"], answer.json["name"]) == (True, "healthy-one")


def test_a_rebuild_takes_another_image_and_keeps_the_address(member: Member, engine: FakeEngine) -> None:
    uuid = member.create(command=["sleep", "100"])
    before = member.show(uuid)
    answer = member.post(f"containers/{uuid}/rebuild?image=alpine%3Alatest")
    assert answer.status == 202
    shown = member.settled(uuid)
    assert (shown["status"], shown["image"]) == ("Running", "alpine:latest")
    assert shown["addresses"] == before["addresses"]
    assert spec(engine, uuid).image == "alpine:latest"
    assert len(member.ports()) == 1
    actions = member.get(f"containers/{uuid}/container_actions").json["containerActions"]
    assert actions[0]["action"] == "rebuild"
    assert actions[0]["finish_time"]


def test_a_rebuild_of_a_container_that_did_not_run_does_not_start_it(member: Member) -> None:
    uuid = member.create(run=False)
    assert member.post(f"containers/{uuid}/rebuild", {}).status == 202
    assert member.settled(uuid)["status"] == "Created"


def test_a_rebuild_of_an_image_that_cannot_be_had_leaves_the_container_alone(
    member: Member, engine: FakeEngine
) -> None:
    uuid = member.create()
    assert member.post(f"containers/{uuid}/rebuild", {"image": "no-such-image"}).status == 202
    shown = member.settled(uuid)
    assert (shown["status"], shown["image"]) == ("Running", "busybox:latest")
    assert "no-such-image" in shown["status_reason"]
    assert spec(engine, uuid).image == "busybox:latest"


def test_a_rebuild_that_fails_halfway_keeps_the_port_for_another_try(
    member: Member, engine: FakeEngine
) -> None:
    uuid = member.create()
    [port] = member.ports()
    engine.faults.add(parse(f"create:error=invalid,message=no room,match={uuid},times=1"))
    assert member.post(f"containers/{uuid}/rebuild", {"image": "alpine"}).status == 202
    shown = member.settled(uuid)
    assert shown["status"] == "Error"
    assert "no room" in shown["status_reason"]
    assert [p["id"] for p in member.ports()] == [port["id"]]
    assert member.post(f"containers/{uuid}/rebuild").status == 202
    assert member.settled(uuid)["status"] == "Created"
    assert [p["id"] for p in member.ports()] == [port["id"]]


@pytest.mark.parametrize("ran", [True, False])
def test_auto_heal_makes_a_container_anew_that_was_removed(
    cloud: Cloud, member: Member, engine: FakeEngine, ran: bool
) -> None:
    uuid = member.create(run=ran, auto_heal=True)
    before = member.show(uuid)
    engine.delete(container_name(uuid), force=True)
    status = "Running" if ran else "Created"
    wait_for(lambda: member.show(uuid)["status"] == status and engine.inspect(container_name(uuid)))
    shown = member.settled(uuid)
    assert shown["addresses"] == before["addresses"]
    assert shown["status_reason"] is None


@pytest.mark.parametrize(("end", "status"), [("KILL", "Running"), ("TERM", "Created")])
def test_auto_heal_starts_what_was_killed_for_its_removal_and_nothing_that_had_ended(
    member: Member, engine: FakeEngine, end: str, status: str
) -> None:
    """A removal by force comes in two: its program is killed, and it goes."""
    uuid = member.create(auto_heal=True)
    name = container_name(uuid)
    engine.kill(name, end)
    member.becomes(uuid, "Stopped")
    engine.delete(name)
    wait_for(lambda: member.show(uuid)["status"] == status and engine.inspect(name))


def test_names_stay_unique_where_they_have_to_be(cloud: Cloud, member: Member) -> None:
    member.create(run=False, name="taken")
    uuid = member.create(run=False, name="other")
    cloud.runtime.conf.set_override("unique_container_name_scope", "project", group="container")
    try:
        assert member.call("PATCH", f"containers/{uuid}", {"name": "taken"}).status == 409
        assert member.post(f"containers/{uuid}/rename?name=taken", version="1.13").status == 409
        assert member.call("PATCH", f"containers/{uuid}", {"name": "other"}).status == 200
        assert member.post("containers", {"image": "busybox", "name": "taken"}).status == 409
    finally:
        cloud.runtime.conf.clear_override("unique_container_name_scope", group="container")


def test_health_is_told_beside_how_long_it_is_up(member: Member) -> None:
    check = {"cmd": "true", "interval": 1, "retries": 1, "timeout": 1}
    uuid = member.create(healthcheck=check)
    assert member.show(uuid)["healthcheck"] == check
    assert member.show(uuid)["status_detail"].endswith("(starting)")
    wait_for(lambda: member.show(uuid)["status_detail"].endswith("(healthy)"))
    listed = member.get("containers").json["containers"]
    assert listed[0]["status_detail"].endswith("(healthy)")
    member.post(f"containers/{uuid}/stop?timeout=0")
    assert member.becomes(uuid, "Stopped")["status_detail"].startswith("Exited(")


def test_deletion_is_waited_for_before_1_10(member: Member) -> None:
    uuid = member.create(run=False)
    assert member.delete(f"containers/{uuid}", "1.9").status == 204
    assert member.get(f"containers/{uuid}").status == 404
    assert member.ports() == []


def test_on_failure_restarts_as_often_as_told(member: Member, engine: FakeEngine) -> None:
    policy = {"Name": "on-failure", "MaximumRetryCount": 2}
    uuid = member.create(command=["false"], restart_policy=policy)
    wait_for(lambda: member.show(uuid)["status"] == "Stopped")
    assert member.show(uuid)["restart_policy"] == {"Name": "on-failure", "MaximumRetryCount": "2"}
    assert len(engine.world.container[container_name(uuid)].runs) == 3
