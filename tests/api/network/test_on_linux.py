"""From the API to packets: ports on a real bridge, and rules that hold. In a network namespace of its own."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cloud import Cloud, Person

from knarr.kernel import hostnet
from knarr.kernel.hostnet import namespaces, netlink, plugging

from .conftest import HOST, plug

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

V2 = "/network/v2.0"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Knarr whose threads all stand in a fresh namespace, which plays the host."""
    name = f"knarr-host-{uuid.uuid4().hex[:8]}"
    path = hostnet.create_namespace(name)
    netlink.forget_host()
    try:
        with hostnet.enter_namespace(path):
            state_dir: Path = tmp_path_factory.mktemp("cloud")
            made = Cloud(state_dir, ("identity", "network"), network__backend="linux")
            yield made
            made.close()
    finally:
        netlink.forget_host()
        hostnet.delete_namespace(name)


Guest = tuple[dict[str, Any], str]


@pytest.fixture
def guests(
    cloud: Cloud, member: Person, make: Callable[..., dict[str, Any]], net: tuple[str, str]
) -> Iterator[Callable[[str], Guest]]:
    """guests(group) -> (the port of a new guest, its namespace)"""
    names: list[str] = []
    subnet = cloud.admin.get(f"{V2}/subnets/{net[1]}").json["subnet"]

    def add(group: str) -> Guest:
        wish: dict[str, Any] = {"network_id": net[0], "binding:host_id": HOST, "security_groups": [group]}
        wish["project_id"] = member.project_id
        port = cloud.admin.post(f"{V2}/ports", {"port": wish}).json["port"]
        names.append(f"knarr-guest-{uuid.uuid4().hex[:8]}")
        path = hostnet.create_namespace(names[-1])
        spec = plugging.PlugSpec(
            tap="tap" + port["id"][:11],
            bridge=port["binding:vif_details"]["bridge_name"],
            netns=path,
            ifname="eth0",
            mac=port["mac_address"],
            addresses=(port["fixed_ips"][0]["ip_address"] + "/24",),
            gateways=(subnet["gateway_ip"],),
        )
        plugging.plug(spec)
        return port, path

    yield add
    for name in names:
        hostnet.delete_namespace(name)


def reaches(one: Guest, other: Guest) -> bool:
    """Whether a connection to a port where nobody listens is refused by the other guest, not swallowed."""
    address = other[0]["fixed_ips"][0]["ip_address"]
    return namespaces.run_in_namespace(one[1], lambda: refused_by(address))


def refused_by(address: str) -> bool:
    """Whether somebody with the address refuses a connection to a port where nobody listens."""
    with socket.socket() as client:
        client.settimeout(0.5)
        try:
            client.connect((address, 80))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return True


def test_a_plugged_port_becomes_active_and_down_when_its_tap_goes(cloud, make, guests, until):
    port, _ = guests(make("security_group")["id"])

    def status() -> str:
        return str(cloud.admin.get(f"{V2}/ports/{port['id']}").json["port"]["status"])

    until(lambda: status() == "ACTIVE")
    plugging.unplug("tap" + port["id"][:11])
    until(lambda: status() == "DOWN")


def test_guests_reach_each_other_while_a_rule_allows_it(member, make, guests, until):
    group = make("security_group")["id"]
    one, other = guests(group), guests(group)
    for port, _ in (one, other):
        until(
            lambda p=port: member.cloud.admin.get(f"{V2}/ports/{p['id']}").json["port"]["status"] == "ACTIVE"
        )
    assert not reaches(one, other)
    rule = {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}
    made = make("security_group_rule", **rule, remote_group_id=group)
    until(lambda: reaches(one, other))
    assert member.delete(f"{V2}/security-group-rules/{made['id']}").status == 204
    until(lambda: not reaches(one, other))


def test_a_floating_ip_leads_from_the_host_to_a_guest_while_it_is_associated(
    cloud, member, make, net, public, guests, until
):
    if "router" not in {e["alias"] for e in member.get(f"{V2}/extensions").json["extensions"]}:
        pytest.skip("the backend of this host has no routers")
    group = make("security_group")["id"]
    make("security_group_rule", security_group_id=group, direction="ingress", protocol="tcp")
    router = make("router", external_gateway_info={"network_id": public})["id"]
    assert plug(member, router, subnet_id=net[1]).status == 200
    port, _ = guests(group)
    floating = make("floatingip", floating_network_id=public, port_id=port["id"])
    path = f"{V2}/floatingips/{floating['id']}"
    until(lambda: member.get(path).json["floatingip"]["status"] == "ACTIVE")
    until(lambda: refused_by(floating["floating_ip_address"]))
    member.put(path, {"floatingip": {"port_id": None}})
    until(lambda: not refused_by(floating["floating_ip_address"]))
    member.delete(path)
    assert plug(member, router, "remove", subnet_id=net[1]).status == 200
    assert member.delete(f"{V2}/routers/{router}").status == 204
    until(lambda: not any(name.startswith("qrouter-" + router) for name in os.listdir("/run/netns")))
