"""Services, hosts, availability zones, networks made known, and the record of actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.support.cloud import Cloud

from knarr.kernel.db import utcnow
from knarr.services.container.models import ComputeHost, ComputeService

from .helpers import Member, error

SERVICE = {
    "id", "binary", "host", "availability_zone", "state", "disabled", "disabled_reason", "forced_down",
    "report_count", "last_seen_up", "created_at", "updated_at",
}  # fmt: skip
HOST = {
    "uuid", "hostname", "mem_total", "mem_used", "cpus", "cpu_used", "disk_total", "disk_used",
    "disk_quota_supported", "total_containers", "architecture", "os", "os_type", "kernel_version", "labels",
    "runtimes", "links",
}  # fmt: skip
BINARY = "zun-compute"


@pytest.fixture
def rack(cloud: Cloud) -> Iterator[list[str]]:
    """Three more hosts, each in a zone of its own, whose services report no more."""
    names = [f"rack-{n}" for n in range(3)]
    with cloud.runtime.db.write() as session:
        for n, name in enumerate(names):
            session.add(ComputeHost(hostname=name, labels={}, runtimes=[], mem_total=n))
            zone = f"zone-{n}"
            session.add(ComputeService(host=name, binary=BINARY, availability_zone=zone, report_count=1))
    yield names
    with cloud.runtime.db.write() as session:
        for model in (ComputeHost, ComputeService):
            column: Any = model.hostname if model is ComputeHost else model.host
            session.query(model).filter(column.in_(names)).delete()


def test_services_show_all_that_upstream_has(admin: Member, rack: list[str]) -> None:
    rows = {row["host"]: row for row in admin.get("services").json["services"]}
    assert all(set(row) == SERVICE for row in rows.values())
    assert rows["test-host"]["state"] == "up"
    assert rows["test-host"]["report_count"] >= 1
    assert rows["rack-0"]["state"] == "down"


def test_services_are_paged(admin: Member, rack: list[str]) -> None:
    first = admin.get("services?limit=3&sort_key=host").json
    assert [row["host"] for row in first["services"]] == ["rack-0", "rack-1", "rack-2"]
    assert first["next"]
    for bad in ("marker=abc", "limit=0", "sort_key=shoe", "colour=red"):
        assert admin.get(f"services?{bad}").status == 400, bad


def test_a_service_is_disabled_forced_down_and_set_back(admin: Member, member: Member) -> None:
    where = f"host=test-host&binary={BINARY}"
    try:
        answer = admin.call("PUT", f"services/disable?{where}&disabled_reason=moving")
        assert answer.json["service"] == {
            "host": "test-host",
            "binary": BINARY,
            "disabled": True,
            "disabled_reason": "moving",
        }
        answer = admin.call("PUT", f"services/force_down?{where}&forced_down=True")
        assert answer.json["service"]["forced_down"] is True
        [row] = [r for r in admin.get("services").json["services"] if r["host"] == "test-host"]
        assert (row["state"], row["disabled"], row["disabled_reason"]) == ("down", True, "moving")
        assert "ComputeFilter: 0 left" in member.show(member.create())["status_reason"]
    finally:
        admin.call("PUT", f"services/force_down?{where}&forced_down=False")
        admin.call("PUT", f"services/enable?{where}")
    [row] = [r for r in admin.get("services").json["services"] if r["host"] == "test-host"]
    assert (row["state"], row["disabled"], row["disabled_reason"]) == ("up", False, None)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("enable?host=test-host", "binary"),
        ("disable?binary=zun-compute", "host"),
        ("force_down?host=test-host&binary=zun-compute", "forced_down"),
        ("force_down?host=test-host&binary=zun-compute&forced_down=perhaps", "forced_down"),
        ("disable?host=test-host&binary=zun-compute&why=so", "why"),
    ],
)
def test_what_is_missing_or_wrong_is_named(admin: Member, path: str, word: str) -> None:
    answer = admin.call("PUT", f"services/{path}")
    assert answer.status == 400
    assert word in error(answer)["detail"]


def test_a_service_is_forgotten_with_its_host_unless_it_has_containers(
    admin: Member, member: Member, rack: list[str]
) -> None:
    member.create(run=False)
    refused = admin.delete(f"services?host=test-host&binary={BINARY}")
    assert refused.status == 409
    assert "containers" in error(refused)["detail"]
    assert admin.delete(f"services?host=rack-1&binary={BINARY}").status == 200
    assert admin.get("hosts/rack-1").status == 404
    assert admin.delete(f"services?host=rack-1&binary={BINARY}").status == 404


def test_hosts_show_all_that_upstream_has(admin: Member, rack: list[str]) -> None:
    listed = admin.get("hosts?sort_key=hostname").json["hosts"]
    assert [row["hostname"] for row in listed] == [*rack, "test-host"]
    assert all(set(row) == HOST | {"enable_cpu_pinning"} for row in listed)
    assert set(admin.get("hosts/test-host", "1.28").json) == HOST
    mine = admin.get("hosts/test-host").json
    assert (mine["cpus"], mine["mem_total"], mine["runtimes"]) == (16, 65536, ["kata", "runc"])
    assert admin.get(f"hosts/{mine['uuid']}").json == mine
    assert admin.get("hosts/nowhere").status == 404
    first = admin.get("hosts?limit=2&sort_key=hostname").json
    rest = admin.person.get(
        first["next"].split("127.0.0.1:9140")[1], headers={"OpenStack-API-Version": "container 1.40"}
    ).json
    assert [row["hostname"] for row in first["hosts"] + rest["hosts"]] == [*rack, "test-host"]


def test_a_host_counts_what_it_gave_out(admin: Member, member: Member) -> None:
    before = admin.get("hosts/test-host").json
    uuid = member.create(run=False, cpu=1.5, memory=100, disk=7)
    after = admin.get("hosts/test-host").json
    gave = {name: after[name] - before[name] for name in ("mem_used", "cpu_used", "disk_used")}
    assert gave == {"mem_used": 100, "cpu_used": 1.5, "disk_used": 7}
    assert after["total_containers"] == before["total_containers"] + 1
    member.delete(f"containers/{uuid}")
    member.gone(uuid)
    assert admin.get("hosts/test-host").json["total_containers"] == before["total_containers"]


def test_zones_are_each_there_once_and_paged(member: Member, rack: list[str]) -> None:
    def names(query: str = "") -> list[str]:
        rows = member.get(f"availability_zones?{query}").json["availability_zones"]
        return [row["availability_zone"] for row in rows]

    assert names() == ["nova", "zone-0", "zone-1", "zone-2"]
    assert names("sort_key=availability_zone&sort_dir=desc") == ["zone-2", "zone-1", "zone-0", "nova"]
    first = member.get("availability_zones?limit=2").json
    assert [row["availability_zone"] for row in first["availability_zones"]] == ["nova", "zone-0"]
    assert "marker=zone-0" in first["next"]
    assert names("limit=2&marker=zone-0") == ["zone-1", "zone-2"]
    for bad in ("limit=-1", "sort_key=host", "colour=red"):
        assert member.get(f"availability_zones?{bad}").status == 400, bad


def test_the_heartbeat_of_a_host_is_seen(cloud: Cloud, admin: Member, rack: list[str]) -> None:
    with cloud.runtime.db.write() as session:
        row = session.query(ComputeService).filter(ComputeService.host == "rack-2").one()
        row.last_seen_up = utcnow()
    states = {row["host"]: row["state"] for row in admin.get("services").json["services"]}
    assert states["rack-2"] == "up"


# Networks made known


def test_a_network_is_made_known_once_and_forgotten(admin: Member, member: Member) -> None:
    body = {"neutron_net_id": admin.network_id, "name": "shown"}
    answer = admin.post("networks", body)
    assert answer.status == 200
    made = answer.json
    assert (made["neutron_net_id"], made["name"]) == (admin.network_id, "shown")
    assert admin.post("networks", body).status == 409
    assert admin.delete(f"networks/{made['uuid']}", "1.26").status == 406
    assert member.delete(f"networks/{made['uuid']}").status == 403
    assert admin.delete(f"networks/{made['uuid']}").status == 204
    assert admin.delete(f"networks/{made['uuid']}").status == 404


def test_a_network_that_neutron_has_not_is_refused(admin: Member, member: Member) -> None:
    answer = admin.post("networks", {"neutron_net_id": str(uuid4()), "name": "none"})
    assert answer.status == 404
    for body, word in (({"name": "x"}, "neutron_net_id"), ({"neutron_net_id": "x"}, "name")):
        answer = admin.post("networks", body)
        assert answer.status == 400
        assert word in error(answer)["detail"]
    assert member.post("networks", {"neutron_net_id": member.network_id, "name": "x"}).status == 403


# Actions


def test_an_action_that_failed_says_why_and_shows_its_trace_to_administrators(
    admin: Member, member: Member
) -> None:
    uuid = member.create(image="no-such-image")
    [action] = member.get(f"containers/{uuid}/container_actions").json["containerActions"]
    assert action["action"] == "create"
    assert "no-such-image" in action["message"]
    assert action["finish_time"]
    path = f"containers/{uuid}/container_actions/{action['request_id']}"
    [event] = member.get(path).json["containerAction"]["events"]
    assert event["event"].startswith("compute_")
    assert (event["result"], "traceback" in event) == ("Error", False)
    assert event["start_time"] <= event["finish_time"]
    [event] = admin.get(path).json["containerAction"]["events"]
    assert "no-such-image" in event["traceback"]


def test_actions_are_those_of_the_container_alone(cloud: Cloud, member: Member) -> None:
    uuid = member.create(run=False)
    path = f"containers/{uuid}/container_actions"
    [action] = member.get(path).json["containerActions"]
    assert (action["container_uuid"], action["project_id"]) == (uuid, member.project_id)
    assert action["user_id"] == member.person.id
    assert action["message"] is None
    assert member.get(f"{path}/req-none").status == 404
    other = Member(cloud, cloud.person())
    assert other.get(path).status == 404
    assert other.get(f"{path}/{action['request_id']}").status == 404
