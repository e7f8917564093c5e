"""Networks, security groups and exposed ports of containers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from tests.support.cloud import Cloud

from knarr.services.container.drivers.base import container_name
from knarr.services.container.drivers.fake import FakeEngine
from knarr.services.container.drivers.fake.faults import parse
from knarr.services.container.locator import engine_of

from .helpers import Member, error

_subnets = itertools.count(1)


def network(member: Member, name: str = "second") -> tuple[str, str]:
    """Another network of the member's: its id and the first three numbers of its addresses."""
    made = member.person.post("/network/v2.0/networks", {"network": {"name": name}}).json["network"]["id"]
    prefix = f"10.200.{next(_subnets)}"
    subnet = {"network_id": made, "cidr": f"{prefix}.0/24", "ip_version": 4}
    assert member.person.post("/network/v2.0/subnets", {"subnet": subnet}).status == 201
    return made, prefix


def group(member: Member, name: str) -> str:
    answer = member.person.post("/network/v2.0/security-groups", {"security_group": {"name": name}})
    return str(answer.json["security_group"]["id"])


def groups(member: Member) -> dict[str, dict[str, Any]]:
    found = member.person.get("/network/v2.0/security-groups").json["security_groups"]
    return {one["name"]: one for one in found}


def port(member: Member, network_id: str) -> str:
    answer = member.person.post("/network/v2.0/ports", {"port": {"network_id": network_id}})
    return str(answer.json["port"]["id"])


def interfaces(member: Member, uuid: str) -> dict[str, list[dict[str, Any]]]:
    listed = member.get(f"containers/{uuid}/network_list").json["networks"]
    return {row["net_id"]: row["fixed_ips"] for row in listed}


def test_attach_and_detach_a_network(member: Member) -> None:
    uuid = member.create()
    second, prefix = network(member)
    answer = member.post(f"containers/{uuid}/network_attach?network=second&fixed_ip={prefix}.9")
    assert answer.status == 200
    shown = member.settled(uuid)
    assert set(shown["addresses"]) == {member.network_id, second}
    assert shown["addresses"][second][0]["addr"] == f"{prefix}.9"
    again = member.post(f"containers/{uuid}/network_attach", {"network": second})
    assert again.status == 409
    assert second in error(again)["detail"]
    assert {p["network_id"]: p["device_id"] for p in member.ports()} == {
        member.network_id: uuid,
        second: uuid,
    }
    assert member.post(f"containers/{uuid}/network_detach?network={member.network_id}").status == 202
    assert set(member.settled(uuid)["addresses"]) == {second}
    assert [p["network_id"] for p in member.ports()] == [second]
    gone = member.post(f"containers/{uuid}/network_detach?network={member.network_id}")
    assert gone.status == 404
    assert member.delete(f"containers/{uuid}?stop=true").status == 204
    member.gone(uuid)
    assert member.ports() == []


def test_a_port_of_ones_own_is_attached_and_detached_but_not_deleted(member: Member) -> None:
    uuid = member.create()
    second, _ = network(member)
    own = port(member, second)
    assert member.post(f"containers/{uuid}/network_attach", {"port": own}).status == 200
    assert member.settled(uuid)["addresses"][second][0]["preserve_on_delete"] is True
    assert member.post(f"containers/{uuid}/network_attach?port={port(member, second)}").status == 409
    assert member.post(f"containers/{uuid}/network_detach?port={own}", version="1.16").status == 400
    assert member.post(f"containers/{uuid}/network_detach?port={own}", version="1.17").status == 202
    assert second not in member.settled(uuid)["addresses"]
    [kept] = [p for p in member.ports() if p["id"] == own]
    assert kept["device_id"] == ""


def test_the_networks_are_listed_in_the_form_of_the_version(member: Member) -> None:
    uuid = member.create()
    address = member.show(uuid)["addresses"][member.network_id][0]
    fixed_ip = {"ip_address": address["addr"], "version": 4, "subnet_id": address["subnet_id"]}
    row = {"net_id": member.network_id, "port_id": address["port"]}
    assert member.get(f"containers/{uuid}/network_list", "1.18").json == {
        "networks": [{**row, "fixed_ips": [fixed_ip]}]
    }
    assert member.get(f"containers/{uuid}/network_list", "1.17").json == {"networks": [{**row, **fixed_ip}]}


def test_bad_wishes_for_networks_are_named(member: Member, cloud: Cloud) -> None:
    uuid = member.create()
    other = Member(cloud, cloud.person())
    for query, status, word in (
        ("", 400, "network"),
        ("?network=a&port=b", 400, "network"),
        (f"?network={member.network_id}&fixed_ip=x", 400, "fixed_ip"),
        ("?port=a&fixed_ip=10.0.0.1", 400, "fixed_ip"),
        ("?network=nowhere", 404, "nowhere"),
        (f"?network={other.network_id}", 404, other.network_id),
        ("?colour=red", 400, "colour"),
    ):
        answer = member.post(f"containers/{uuid}/network_attach{query}")
        assert answer.status == status, query
        assert word in error(answer)["detail"]
    assert member.post(f"containers/{uuid}/network_detach").status == 400
    assert member.post(f"containers/{uuid}/network_detach?network=nowhere").status == 404
    assert len(member.ports()) == 1


def test_an_attachment_that_fails_leaves_nothing(cloud: Cloud, member: Member) -> None:
    uuid = member.create()
    network(member)
    engine = engine_of(cloud.runtime)
    assert isinstance(engine, FakeEngine)
    engine.faults.add(parse(f"write_hosts:error=invalid,message=not today,match={uuid}"))
    assert member.post(f"containers/{uuid}/network_attach?network=second").status == 200
    shown = member.settled(uuid)
    engine.faults.clear()
    assert (shown["status"], set(shown["addresses"])) == ("Running", {member.network_id})
    assert "not today" in shown["status_reason"]
    assert len(member.ports()) == 1
    assert member.post(f"containers/{uuid}/network_attach?network=second").status == 200
    assert len(member.settled(uuid)["addresses"]) == 2


def test_security_groups_come_and_go_on_all_ports(member: Member) -> None:
    network(member)
    uuid = member.create(nets=[{"network": member.network_id}, {"network": "second"}])
    web = group(member, "web")
    path = f"containers/{uuid}/add_security_group?name=web"
    assert member.post(path, version="1.15").status == 406
    assert member.post(path, version="1.14").status == 202
    assert web in member.settled(uuid)["security_groups"]
    assert all(web in p["security_groups"] for p in member.ports())
    assert member.post(path, version="1.14").status == 400
    path = f"containers/{uuid}/remove_security_group"
    assert member.post(path, {"name": web}, "1.14").status == 202
    assert web not in member.settled(uuid)["security_groups"]
    assert not any(web in p["security_groups"] for p in member.ports())
    assert member.post(path, {"name": web}, "1.14").status == 400
    assert member.post(path, version="1.14").status == 400
    assert member.post(f"{path}?name=none", version="1.14").status == 404


def test_exposed_ports_have_a_group_that_goes_with_the_container(member: Member) -> None:
    uuid = member.create(exposed_ports={"80": {}, "53/udp": {}, "80/tcp": {}})
    shown = member.show(uuid)
    assert shown["ports"] == [53, 80]
    made = groups(member)[f"zun-{uuid}"]
    assert shown["security_groups"] == [made["id"]]
    assert [p["security_groups"] for p in member.ports()] == [[made["id"]]]
    ingress = [rule for rule in made["security_group_rules"] if rule["direction"] == "ingress"]
    assert sorted((r["protocol"], r["port_range_min"], r["port_range_max"]) for r in ingress) == [
        ("tcp", 80, 80),
        ("udp", 53, 53),
    ]
    assert all(rule["remote_ip_prefix"] == "0.0.0.0/0" for rule in ingress)
    assert member.delete(f"containers/{uuid}?stop=true").status == 204
    member.gone(uuid)
    assert f"zun-{uuid}" not in groups(member)


def test_a_container_that_cannot_be_made_leaves_no_group(member: Member) -> None:
    uuid = member.create(exposed_ports={"80/tcp": {}}, command=["/no-such-program"])
    assert member.show(uuid)["status"] == "Error"
    assert f"zun-{uuid}" not in groups(member)
    assert member.ports() == []


@pytest.mark.parametrize("text", ["0", "65536", "http", "80/icmp", "-1", "٨٠", "80/tcp/x", "", "1" * 30])
def test_a_wrong_exposed_port_is_named(member: Member, text: str) -> None:
    answer = member.post("containers", {"image": "busybox", "exposed_ports": {text: {}}})
    assert answer.status == 400
    assert "exposed_ports" in error(answer)["detail"]


def test_exposed_ports_and_groups_do_not_go_together(member: Member) -> None:
    body = {"image": "busybox", "exposed_ports": {"80": {}}, "security_groups": ["default"]}
    answer = member.post("containers", body)
    assert answer.status == 400
    assert "security_groups" in error(answer)["detail"]


def test_a_container_rebuilt_after_a_detachment_has_what_was_left(cloud: Cloud, member: Member) -> None:
    second, _ = network(member)
    uuid = member.create(nets=[{"network": member.network_id}, {"network": second}])
    member.post(f"containers/{uuid}/network_detach?network={member.network_id}")
    before = member.settled(uuid)["addresses"]
    member.post(f"containers/{uuid}/rebuild")
    assert member.settled(uuid)["addresses"] == before
    engine_of(cloud.runtime).delete(container_name(uuid), force=True)
    member.becomes(uuid, "Error")
    member.post(f"containers/{uuid}/start")
    assert member.becomes(uuid, "Running")["addresses"] == before


def test_of_several_groups_with_one_name_an_administrators_own_is_meant(cloud: Cloud, admin: Member) -> None:
    Member(cloud, cloud.person())  # has a group `default` as well, and the administrator sees it
    uuid = admin.create(run=False, security_groups=["default"])
    own = admin.person.get(f"/network/v2.0/security-groups?name=default&project_id={admin.project_id}")
    assert admin.show(uuid)["security_groups"] == [own.json["security_groups"][0]["id"]]
