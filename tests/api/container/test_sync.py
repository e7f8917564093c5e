"""What the full comparison with the engine puts right when events were missed."""

from __future__ import annotations

import pytest
from sqlalchemy import delete
from tests.support.cloud import Cloud

from knarr.services.container import agent, sync
from knarr.services.container.drivers.base import container_name
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Container

from .helpers import Member


def test_a_row_that_is_wrong_is_put_right(cloud: Cloud, member: Member) -> None:
    uuid = member.create()
    with cloud.runtime.db.write() as session:
        container = session.get(Container, uuid)
        assert container is not None
        container.status = "Stopped"
    sync.compare(cloud.runtime)
    assert member.show(uuid)["status"] == "Running"


def test_a_row_that_belongs_to_an_operation_is_left_alone(cloud: Cloud, member: Member) -> None:
    uuid = member.create()
    with cloud.runtime.db.write() as session:
        container = session.get(Container, uuid)
        assert container is not None
        container.status, container.task_state = "Stopped", "container_starting"
    sync.compare(cloud.runtime)
    assert member.show(uuid)["status"] == "Stopped"


def test_ports_of_containers_that_are_gone_are_removed_and_no_others(cloud: Cloud, member: Member) -> None:
    kept, lost = member.create(), member.create()
    foreign = {"network_id": member.network_id, "device_id": "somebody-elses", "device_owner": "compute:zun"}
    member.person.post("/network/v2.0/ports", {"port": foreign})
    engine_of(cloud.runtime).delete(container_name(lost), force=True)
    with cloud.runtime.db.write() as session:
        session.execute(delete(Container).where(Container.uuid == lost))
    sync.clear_leftovers(cloud.runtime)
    assert {port["device_id"] for port in member.ports()} == {kept, "somebody-elses"}


def test_a_container_that_was_made_after_the_look_at_the_rows_keeps_its_port(
    cloud: Cloud, member: Member
) -> None:
    uuid = member.create()
    sync.clear_ports(cloud.runtime, set())
    assert uuid in {port["device_id"] for port in member.ports()}


def test_an_engine_that_is_away_is_told_in_one_line(
    cloud: Cloud, admin: Member, caplog: pytest.LogCaptureFixture
) -> None:
    faults = "/container/v1/fake_engine/faults"
    fault = {"method": "*", "error": "unavailable"}
    assert admin.person.post(faults, fault).status == 201
    try:
        with caplog.at_level("WARNING"):
            sync.full(cloud.runtime)
    finally:
        assert admin.person.delete(faults).status == 204
    assert [record.exc_info for record in caplog.records] == [None]
    assert "cannot be compared" in caplog.text


def test_a_hosts_claims_are_counted_anew(cloud: Cloud, member: Member, admin: Member) -> None:
    def host() -> dict[str, object]:
        return dict(admin.get("hosts").json["hosts"][0])

    agent.heartbeat(cloud.runtime)
    before = host()
    uuid = member.create(memory=100)
    assert host()["mem_used"] == before["mem_used"] + 100  # type: ignore[operator]
    agent.heartbeat(cloud.runtime)
    assert host()["mem_used"] == before["mem_used"] + 100  # type: ignore[operator]
    member.delete(f"containers/{uuid}?stop=true")
    member.gone(uuid)
    assert host()["mem_used"] == before["mem_used"]
