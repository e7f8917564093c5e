"""Answers without an end: logs that are followed, and the events of a project's containers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.support.cloud import Cloud, wait_for

from knarr.services.container.drivers.base import container_name
from knarr.services.container.locator import engine_of
from knarr.services.container.streams import places_of, sources_of

from .helpers import Member, error

VERSION = {"OpenStack-API-Version": "container 1.40"}


class Stream:
    """The body of an answer, read as far as somebody looks."""

    def __init__(self, status: int, headers: dict[str, str], pieces: Any) -> None:
        self.status, self.headers = status, headers
        self._pieces = pieces
        self._iterator = iter(pieces)
        self.read = b""

    def until(self, text: str) -> str:
        """Everything up to the piece that brings the text."""
        while text.encode() not in self.read:
            piece = next(self._iterator, None)
            assert piece is not None, f"{text!r} did not come: {self.read!r}"
            self.read += piece
        return self.read.decode()

    def rest(self) -> str:
        self.read += b"".join(self._iterator)
        return self.read.decode()

    def events(self) -> Iterator[dict[str, Any]]:
        """Those of an answer in lines."""
        buffer = b""
        for piece in self._iterator:
            *whole, buffer = (buffer + piece).split(b"\n")
            yield from (json.loads(line) for line in whole if line)

    def close(self) -> None:
        self._pieces.close()


@contextmanager
def stream(member: Member, path: str, **headers: str) -> Iterator[Stream]:
    opened = Stream(
        *member.cloud.open(
            "GET", f"/container/v1/{path}", token=member.person.token, headers=VERSION | headers
        )
    )
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def option(cloud: Cloud) -> Iterator[Any]:
    """`option(name, value)`: an option of [streams] for this test."""
    changed = []

    def change(name: str, value: Any) -> None:
        cloud.runtime.conf.set_override(name, value, group="streams")
        changed.append(name)

    yield change
    for name in changed:
        cloud.runtime.conf.clear_override(name, group="streams")


TALKS = ["sh", "-c", "echo first; sleep 0.3; echo second; sleep 0.3; echo third"]
ON_AND_ON = ["sh", "-c", "echo begun; while true; do sleep 0.1; echo more; done"]


# logs


def test_a_log_is_followed_to_the_end_of_its_container(member: Member) -> None:
    uuid = member.post("containers?run=true", {"image": "busybox", "command": TALKS}).json["uuid"]
    member.becomes(uuid, "Running")
    with stream(member, f"containers/{uuid}/logs?follow=true") as followed:
        assert (followed.status, followed.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert "content-length" not in followed.headers
        assert followed.rest() == "first\nsecond\nthird\n"


def test_followed_from_its_last_lines_on(member: Member) -> None:
    uuid = member.create(command=ON_AND_ON)
    with stream(member, f"containers/{uuid}/logs?follow=true&tail=0") as followed:
        assert "begun" not in followed.until("more")


def test_who_leaves_frees_the_stream(member: Member, cloud: Cloud) -> None:
    uuid = member.create(command=ON_AND_ON)
    with stream(member, f"containers/{uuid}/logs?follow=true") as followed:
        followed.until("more")
        assert sources_of(cloud.runtime)._sources
    wait_for(lambda: not sources_of(cloud.runtime)._sources)


def test_a_stopped_container_gives_what_it_wrote_and_ends(member: Member) -> None:
    uuid = member.create(command=["echo", "all"])
    member.becomes(uuid, "Stopped")
    with stream(member, f"containers/{uuid}/logs?follow=true") as followed:
        assert followed.rest() == "all\n"


def test_so_many_streams_at_once_and_no_more(member: Member, cloud: Cloud) -> None:
    uuid = member.create(command=ON_AND_ON)
    places = places_of(cloud.runtime)
    taken = [places.take() for _ in range(places._most)]
    try:
        answer = member.get(f"containers/{uuid}/logs?follow=true")
        assert answer.status == 503
        assert error(answer)["code"] == "container.too-many-streams"
        assert answer.headers["retry-after"]
    finally:
        for give_back in taken:
            give_back()
    with stream(member, f"containers/{uuid}/logs?follow=true") as followed:
        followed.until("more")


def test_a_refusal_takes_no_place(member: Member, cloud: Cloud) -> None:
    uuid = member.create(run=False)
    engine_of(cloud.runtime).delete(container_name(uuid), force=True)
    member.becomes(uuid, "Error")
    for _ in range(places_of(cloud.runtime)._most + 1):
        assert member.get(f"containers/{uuid}/logs?follow=true").status == 404


def test_tail_is_a_number_that_has_a_bound(member: Member, option: Any) -> None:
    option("log_tail_max", 2)
    uuid = member.create(command=["sh", "-c", "echo a; echo b; echo c"])
    member.becomes(uuid, "Stopped")
    for tail, text in (("1", "c\n"), ("2", "b\nc\n"), ("99", "b\nc\n"), ("all", "b\nc\n"), ("0", "")):
        assert member.get(f"containers/{uuid}/logs?tail={tail}").json == text, tail
    for wrong in ("-1", "some", "1.5", "²"):
        answer = member.get(f"containers/{uuid}/logs?tail={wrong}")
        assert answer.status == 400
        assert "'tail'" in error(answer)["detail"]


def test_a_log_since_a_time_with_its_times_and_of_one_output(member: Member) -> None:
    uuid = member.create(command=TALKS)
    member.becomes(uuid, "Stopped")
    path = f"containers/{uuid}/logs"
    stamped = member.get(f"{path}?timestamps=true").json.splitlines()
    assert [line.split()[1] for line in stamped] == ["first", "second", "third"]
    at = stamped[1].split()[0]
    since = f"{at[:10]} {at[11:19]},{at[20:23]}"
    assert member.get(f"{path}?since={since}").json == "second\nthird\n"
    assert member.get(f"{path}?since=4102444800").json == ""
    assert member.get(f"{path}?stdout=false").json == ""
    answer = member.get(f"{path}?since=yesterday")
    assert answer.status == 400
    assert "'since'" in error(answer)["detail"]


# events


def test_a_projects_events_come_as_they_happen(member: Member, cloud: Cloud) -> None:
    stranger = Member(cloud, cloud.person())
    with stream(member, "events?format=lines") as followed:
        events = followed.events()
        followed.until("\n")
        stranger.create(name="unseen")
        uuid = member.create(name="seen")
        seen = [next(event for event in events if event["action"] == "start")]
        member.delete(f"containers/{uuid}?stop=true")
        for event in events:
            seen.append(event)
            if event["kind"] == "operation" and event["action"] == "delete":
                break
    assert {(event["uuid"], event["project_id"]) for event in seen} == {(uuid, member.project_id)}
    assert {event["name"] for event in seen} == {"seen"}
    assert {"start", "die", "destroy", "delete"} <= {event["action"] for event in seen}
    assert "host" not in seen[0]


def test_a_container_that_dies_is_told_with_its_exit_code(member: Member, cloud: Cloud) -> None:
    uuid = member.create()
    with stream(member, f"events?container={uuid}") as followed:
        assert followed.headers["content-type"] == "text/event-stream"
        followed.until(": \n\n")
        engine_of(cloud.runtime).kill(container_name(uuid))
        text = followed.until('"exit_code":137')
    assert "event: die\n" in text


def test_an_administrator_follows_all_projects_and_sees_hosts(member: Member, admin: Member) -> None:
    assert member.get("events?all_projects=true").status == 403
    with stream(admin, "events?all_projects=true", Accept="application/x-ndjson") as followed:
        assert followed.headers["content-type"] == "application/x-ndjson"
        followed.until("\n")
        uuid = member.create()
        events = followed.events()
        event = next(event for event in events if event["uuid"] == uuid and event["kind"] == "engine")
    assert event["host"] == "test-host"


def test_nobody_follows_the_container_of_another_project(member: Member, cloud: Cloud) -> None:
    stranger = Member(cloud, cloud.person())
    assert stranger.get(f"events?container={member.create(run=False)}").status == 404


def test_events_show_that_they_go_on_when_nothing_happens(member: Member, option: Any) -> None:
    option("heartbeat", 0.05)
    with stream(member, "events") as followed:
        followed.until(": \n\n: \n\n")


def test_who_leaves_the_events_gives_the_place_back(member: Member, cloud: Cloud) -> None:
    for _ in range(places_of(cloud.runtime)._most + 1):
        with stream(member, "events") as followed:
            assert followed.status == 200
            followed.until(": ")


# commands


def test_a_command_that_takes_too_long_is_a_conflict(member: Member, cloud: Cloud) -> None:
    uuid = member.create()
    cloud.runtime.conf.set_override("execute_timeout", 1, group="container")
    try:
        answer = member.post(f"containers/{uuid}/execute?command=sleep 30")
    finally:
        cloud.runtime.conf.clear_override("execute_timeout", group="container")
    assert answer.status == 409
    assert "within 1 seconds" in error(answer)["detail"]
