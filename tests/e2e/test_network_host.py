"""The network service as a process on a host: what goes on when it is killed, and what it puts right.

The guests are namespaces that this test plugs, as the container service does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.dataplane.cloud import Machine, eventually, talks
from tests.e2e.dataplane.site import enter_vlan
from tests.e2e.support.host import Host
from tests.e2e.support.server import Knarr, wait_until

from knarr.kernel import hostnet
from knarr.kernel.hostnet import netlink

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

V2 = "/network/v2.0"
VLAN = 100


class Networks:
    """The API of a running Knarr, by its administrator, and guests on its host."""

    def __init__(self, knarr: Knarr) -> None:
        self.knarr, self.token = knarr, knarr.token()
        self.host = self.list("agents")[0]["host"]
        self.public = self.list("networks?name=public")[0]["id"]
        self.group = self.open_group()
        self.names: list[str] = []

    def open_group(self) -> str:
        """The id of a security group that lets everything in."""
        for group in self.list("security-groups?name=open"):
            return str(group["id"])
        made = str(self.make("security_group", name="open")["id"])
        for kind in ("IPv4", "IPv6"):
            self.make("security_group_rule", security_group_id=made, direction="ingress", ethertype=kind)
        return made

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.knarr.call(method, f"{V2}/{path}", body, token=self.token)
        assert answer.status == status, answer
        return answer.json

    def list(self, path: str) -> list[dict[str, Any]]:
        (rows,) = (value for key, value in self.call("GET", path).items() if not key.endswith("_links"))
        return list(rows)

    def make(self, kind: str, **body: Any) -> dict[str, Any]:
        made = self.call("POST", kind.replace("_", "-") + "s", {kind: body}, 201)[kind]
        return dict(made)

    def network(self, cidr: str) -> tuple[str, str]:
        """(network, subnet)"""
        network = self.make("network")["id"]
        return network, self.make("subnet", network_id=network, cidr=cidr, ip_version=4)["id"]

    def router(self, *subnets: str) -> str:
        router = self.make("router", external_gateway_info={"network_id": self.public})["id"]
        for subnet in subnets:
            self.call("PUT", f"routers/{router}/add_router_interface", {"subnet_id": subnet})
        return str(router)

    def port(self, network: str, bound: bool = True) -> dict[str, Any]:
        wish: dict[str, Any] = {"network_id": network, "security_groups": [self.group]}
        return self.make("port", **wish, **({"binding:host_id": self.host} if bound else {}))

    def floating(self, port: str) -> str:
        made = self.make("floatingip", floating_network_id=self.public, port_id=port)
        return str(made["floating_ip_address"])

    def guest(self, network: str) -> tuple[dict[str, Any], Machine]:
        port = self.port(network)
        self.names.append(f"knarr-guest-{uuid.uuid4().hex[:8]}")
        path = hostnet.create_namespace(self.names[-1])
        subnet = self.call("GET", f"subnets/{port['fixed_ips'][0]['subnet_id']}")["subnet"]
        address = port["fixed_ips"][0]["ip_address"]
        hostnet.plug(
            hostnet.PlugSpec(
                tap="tap" + port["id"][:11],
                bridge=port["binding:vif_details"]["bridge_name"],
                netns=path,
                ifname="eth0",
                mac=port["mac_address"],
                addresses=(f"{address}/24",),
                gateways=(subnet["gateway_ip"],),
            )
        )
        self.until(lambda: self.state("port", port["id"]) == "ACTIVE")
        return port, Machine(path, address)

    def state(self, kind: str, ident: str) -> str:
        return str(self.call("GET", f"{kind}s/{ident}")[kind]["status"])

    def until(self, condition: Callable[[], Any]) -> None:
        wait_until(condition, 20, self.knarr.log_end)


class OnLinux(Knarr):
    """Networks are real, containers are not."""

    engine = "fake"


@pytest.fixture(scope="module")
def knarr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knarr]:
    """This thread stands on Knarr's host as well."""
    host = Host()
    netlink.forget_host()
    with hostnet.enter_namespace(host.path):
        settings = {"backend": "linux", "reconcile_interval": "1"}
        made = OnLinux(host, tmp_path_factory.mktemp("knarr"), network=settings)
        made.start()
        yield made
        made.stop()
    netlink.forget_host()
    host.close()


@pytest.fixture
def networks(knarr: Knarr) -> Iterator[Networks]:
    made = Networks(knarr)
    yield made
    for name in made.names:
        hostnet.delete_namespace(name)


@pytest.fixture
def itself(knarr: Knarr) -> Machine:
    return Machine(knarr.host.path, "172.24.4.1")


def test_connections_go_on_while_knarr_is_killed_and_comes_back(networks: Networks, itself: Machine) -> None:
    (one, near), (two, far) = networks.network("10.1.0.0/24"), networks.network("10.2.0.0/24")
    networks.router(near, far)
    (_, client), (port, server) = networks.guest(one), networks.guest(two)
    floating = networks.floating(port["id"])
    networks.until(lambda: itself.pings(floating))
    with (
        server.serve(80),
        client.connect(server.ip, 80) as across,
        itself.connect(floating, 80) as inwards,
    ):
        assert talks(across) and talks(inwards)
        networks.knarr.kill()
        assert talks(across) and talks(inwards)
        networks.knarr.start()
        assert talks(across) and talks(inwards)
        networks.until(lambda: networks.state("port", port["id"]) == "ACTIVE")
        networks.call("PUT", f"ports/{port['id']}", {"port": {"name": "still here"}})
        assert talks(across) and talks(inwards)
    assert itself.pings(floating)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8])
def test_a_kill_in_the_middle_leaves_nothing_half_done(
    networks: Networks, itself: Machine, seconds: float
) -> None:
    """Routers and floating IPs are made one after another until Knarr dies; what it said to have is there."""
    network, subnet = networks.network("10.3.0.0/24")
    port, _ = networks.guest(network)

    def work() -> None:
        with contextlib.suppress(OSError, AssertionError):
            router = networks.router(subnet)
            networks.floating(port["id"])
            while True:
                networks.call("PUT", f"routers/{router}", {"router": {"admin_state_up": False}})
                networks.call("PUT", f"routers/{router}", {"router": {"admin_state_up": True}})

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(seconds)
    networks.knarr.kill()
    thread.join()

    networks.knarr.start()

    wanted = {f"qrouter-{row['id']}" for row in networks.list("routers") if row["admin_state_up"]}
    networks.until(lambda: namespaces_of(networks) == wanted)
    led = [row for row in networks.list("floatingips") if row["port_id"] == port["id"]]
    for row in led:
        router = row["router_id"]
        networks.call("PUT", f"routers/{router}", {"router": {"admin_state_up": True}})
        networks.until(lambda row=row: itself.pings(row["floating_ip_address"]))
        networks.call("DELETE", f"floatingips/{row['id']}", status=204)
    for row in networks.list("routers"):
        with contextlib.suppress(AssertionError):  # its interface may not have come about
            networks.call("PUT", f"routers/{row['id']}/remove_router_interface", {"subnet_id": subnet})
        with contextlib.suppress(AssertionError):  # another test's
            networks.call("DELETE", f"routers/{row['id']}", status=204)
    left = {f"qrouter-{row['id']}" for row in networks.list("routers")}
    networks.until(lambda: namespaces_of(networks) == left)


def namespaces_of(networks: Networks) -> set[str]:
    """Routers' namespaces that Knarr has written down as its own."""
    noted = Path("/run/netns").glob("qrouter-*")
    mine = {f"tap{port['id'][:11]}" for port in networks.list("ports?device_owner=network:router_gateway")}
    here = networks.knarr.host.devices("tap") & mine
    found = set()
    for path in noted:
        listed = subprocess.run(
            ["nsenter", f"--net={path}", "ip", "-o", "link"], capture_output=True, text=True, check=False
        ).stdout
        if any(f"qg-{tap[3:]}" in listed for tap in here):
            found.add(path.name)
    return found


@pytest.mark.parametrize("damage", ["filters", "bridge", "router"])
def test_what_is_destroyed_by_hand_comes_back_by_itself(
    networks: Networks, itself: Machine, damage: str
) -> None:
    network, subnet = networks.network("10.4.0.0/24")
    router = networks.router(subnet)
    port, server = networks.guest(network)
    floating = networks.floating(port["id"])
    with server.serve(80):
        networks.until(lambda: itself.reaches(floating, 80))
        if damage == "filters":
            subprocess.run(["nft", "flush", "ruleset"], check=True)
        elif damage == "bridge":
            hostnet.delete_bridge(port["binding:vif_details"]["bridge_name"])
        else:
            hostnet.delete_namespace(f"qrouter-{router}")
        networks.until(lambda: itself.reaches(floating, 80))
        networks.until(lambda: "table bridge knarr" in tables())


def tables() -> str:
    """The host's filters by name."""
    done = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True, text=True)
    return done.stdout


def test_a_trunk_carries_two_networks_to_one_guest(networks: Networks) -> None:
    (native, _), (tagged, _) = networks.network("10.5.0.0/24"), networks.network("10.6.0.0/24")
    port, guest = networks.guest(native)
    (_, near), (_, far) = networks.guest(native), networks.guest(tagged)
    subport = networks.port(tagged, bound=False)
    entry = {"port_id": subport["id"], "segmentation_type": "vlan", "segmentation_id": VLAN}
    trunk = networks.make("trunk", port_id=port["id"], sub_ports=[entry])["id"]
    networks.until(lambda: networks.state("trunk", trunk) == "ACTIVE")
    address = subport["fixed_ips"][0]["ip_address"]
    hostnet.run_in_namespace(guest.netns, lambda: enter_vlan(subport["mac_address"], [address], VLAN))
    assert eventually(lambda: guest.pings(near.ip)) and eventually(lambda: guest.pings(far.ip))
    assert eventually(lambda: far.pings(address))

    networks.knarr.kill()
    assert far.pings(address)
    networks.knarr.start()
    networks.until(lambda: networks.state("trunk", trunk) == "ACTIVE")
    assert far.pings(address)

    networks.call("PUT", f"trunks/{trunk}/remove_subports", {"sub_ports": [{"port_id": subport["id"]}]})
    networks.until(lambda: not far.pings(address))
    assert guest.pings(near.ip)
    assert not networks.knarr.host.devices("trk")
