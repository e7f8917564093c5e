"""The fake engine's failures and delays, as somebody who tests their tools asks for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloud import Cloud, wait_for

from .helpers import Member, error

FAULTS = "fake_engine/faults"


@pytest.fixture(autouse=True)
def nothing_left(admin: Member) -> Iterator[None]:
    yield
    assert admin.delete(FAULTS).status == 204


def ask(admin: Member, **fault: Any) -> list[dict[str, Any]]:
    answer = admin.post(FAULTS, fault)
    assert answer.status == 201, answer.body
    return list(answer.json["faults"])


def test_the_next_calls_fail_and_no_more(admin: Member, member: Member) -> None:
    uuid = member.create(run=False)
    [fault] = ask(admin, method="start", error="invalid", message="a bad day", times=1)
    assert (fault["method"], fault["error"], fault["times"]) == ("start", "invalid", 1)
    member.post(f"containers/{uuid}/start")
    shown = member.settled(uuid)
    assert shown["status"] == "Error"
    assert "a bad day" in shown["status_reason"]
    assert admin.get(FAULTS).json["faults"] == []
    member.post(f"containers/{uuid}/start")
    assert member.settled(uuid)["status"] == "Running"


def test_a_fault_is_for_one_container_alone(admin: Member, member: Member) -> None:
    marked, other = member.create(run=False, name="marked"), member.create(run=False)
    ask(admin, method="start", error="invalid", container="marked")
    for uuid in (marked, other):
        member.post(f"containers/{uuid}/start")
    assert member.settled(marked)["status"] == "Error"
    assert member.settled(other)["status"] == "Running"


def test_a_fault_is_for_an_image_by_pattern(admin: Member, member: Member) -> None:
    ask(admin, method="pull", error="image_not_found", match="^web", message="not today")
    assert "not today" in member.show(member.create(image="web:1"))["status_reason"]
    assert member.show(member.create(image="my-web:1"))["status"] == "Running"
    ask(admin, method="start", error="invalid", match="my-web", message="no start")
    assert "no start" in member.show(member.create(image="my-web:1"))["status_reason"]


def test_calls_can_be_slow(admin: Member, member: Member) -> None:
    ask(admin, method="create", delay=0.6, times=1)
    begun = time.monotonic()
    member.create(run=False)
    assert time.monotonic() - begun >= 0.6


def test_the_engine_is_out_of_reach_for_a_time(admin: Member, member: Member) -> None:
    uuid = member.create()
    [fault] = ask(admin, method="*", error="unavailable", seconds=1.5)
    assert 0 < fault["seconds"] <= 1.5
    assert member.get(f"containers/{uuid}/top").status == 503
    member.post(f"containers/{uuid}/stop?timeout=0")
    # The work that met it goes on when the engine is back
    assert member.becomes(uuid, "Stopped")
    wait_for(lambda: admin.get(FAULTS).json["faults"] == [])


def test_a_container_ends_with_the_code_that_was_asked(admin: Member, member: Member) -> None:
    uuid = member.create(name="mortal")
    assert admin.post("fake_engine/end", {"container": "mortal", "exit_code": 3}).status == 204
    assert member.becomes(uuid, "Stopped")["status_detail"].startswith("Exited(3)")
    assert admin.post("fake_engine/end", {"container": uuid}).status == 409
    assert admin.post("fake_engine/end", {"container": "nobody"}).status == 404


def test_a_restart_policy_holds_against_it(admin: Member, member: Member) -> None:
    uuid = member.create(restart_policy={"Name": "always"})
    before = member.show(uuid)["status_detail"]
    assert admin.post("fake_engine/end", {"container": uuid, "exit_code": 1}).status == 204
    assert member.becomes(uuid, "Running"), before


def test_all_are_replaced_at_once(admin: Member) -> None:
    ask(admin, method="stop", error="timeout")
    wanted = [{"method": "start", "delay": 0.1}, {"method": "kill", "error": "conflict"}]
    answer = admin.call("PUT", FAULTS, {"faults": wanted})
    assert answer.status == 200
    assert [fault["method"] for fault in answer.json["faults"]] == ["start", "kill"]
    assert admin.delete(f"{FAULTS}?method=start").status == 204
    assert [fault["method"] for fault in admin.get(FAULTS).json["faults"]] == ["kill"]
    assert admin.call("PUT", FAULTS, {"faults": []}).json == {"faults": []}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "method"),
        ({"method": "start"}, "error"),
        ({"method": "dance", "error": "timeout"}, "dance"),
        ({"method": "set_fault", "error": "timeout"}, "set_fault"),
        ({"method": "start", "error": "sadness"}, "sadness"),
        ({"method": "start", "error": "timeout", "match": "("}, "match"),
        ({"method": "start", "delay": -1}, "delay"),
        ({"method": "start", "delay": "long"}, "delay"),
        ({"method": "start", "error": "timeout", "times": 0}, "times"),
        ({"method": "start", "error": "timeout", "seconds": 0}, "seconds"),
        ({"method": "start", "error": "timeout", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named(admin: Member, body: dict[str, Any], word: str) -> None:
    answer = admin.post(FAULTS, body)
    assert answer.status == 400
    assert word in error(answer)["detail"]


def test_container_and_match_exclude_each_other(admin: Member, member: Member) -> None:
    uuid = member.create(run=False)
    answer = admin.post(FAULTS, {"method": "start", "error": "timeout", "container": uuid, "match": "x"})
    assert answer.status == 400


def test_they_are_for_administrators(member: Member) -> None:
    assert member.get(FAULTS).status == 403
    assert member.post(FAULTS, {"method": "start", "error": "timeout"}).status == 403
    assert member.delete(FAULTS).status == 403
    assert member.post("fake_engine/end", {"container": "x"}).status == 403


def test_a_host_that_is_not_there(admin: Member) -> None:
    assert admin.get(f"{FAULTS}?host=nowhere").status == 404
    assert admin.get(f"{FAULTS}?host=test-host").status == 200


def test_another_engine_has_none_and_says_so(cloud: Cloud, admin: Member) -> None:
    cloud.runtime.conf.set_override("engine", "docker")
    try:
        answer = admin.get(FAULTS)
        assert answer.status == 404
        assert "docker" in error(answer)["detail"]
        assert "--engine fake" in error(answer)["detail"]
    finally:
        cloud.runtime.conf.set_override("engine", "fake")


def test_faults_of_the_configuration_are_there_from_the_start(tmp_path: Any) -> None:
    cloud = Cloud(
        tmp_path,
        ["identity", "network", "container"],
        fake_engine__fault=["start:error=invalid,message=configured,times=1", "ping:delay=0.1,seconds=60"],
    )
    try:
        admin = Member(cloud, cloud.admin)
        first, second = admin.get(FAULTS).json["faults"]
        assert (first["method"], first["message"], first["times"]) == ("start", "configured", 1)
        assert 0 < second["seconds"] <= 60
        assert "configured" in admin.show(admin.create())["status_reason"]
    finally:
        cloud.close()
