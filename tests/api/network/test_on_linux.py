"""From the API to packets: ports on a real bridge, and rules that hold. In a network namespace of its own."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cloud import Cloud

from knarr.kernel import hostnet
from knarr.kernel.hostnet import namespaces, netlink, plugging

from .conftest import HOST

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
    cloud: Cloud, make: Callable[..., dict[str, Any]], net: tuple[str, str]
) -> Iterator[Callable[[str], Guest]]:
    """guests(group) -> (the port of a new guest, its namespace)"""
    names: list[str] = []

    def add(group: str) -> Guest:
        wish = {"network_id": net[0], "binding:host_id": HOST, "security_groups": [group]}
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
        )
        plugging.plug(spec)
        return port, path

    yield add
    for name in names:
        hostnet.delete_namespace(name)


def reaches(one: Guest, other: Guest) -> bool:
    """Whether a connection to a port where nobody listens is refused by the other guest, not swallowed."""
    address = other[0]["fixed_ips"][0]["ip_address"]

    def connect() -> bool:
        with socket.socket() as client:
            client.settimeout(0.5)
            try:
                client.connect((address, 80))
            except ConnectionRefusedError:
                return True
            except TimeoutError:
                return False
        return True

    return namespaces.run_in_namespace(one[1], connect)


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
