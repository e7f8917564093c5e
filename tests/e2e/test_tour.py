"""The tour of the README: an ordinary member of a new project with the official clients."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from tests.e2e.conftest import MakeKnarr
from tests.e2e.support import clients, engine
from tests.e2e.support.clients import Person
from tests.e2e.support.engine import END_AT_TERM, IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.clients]

NETWORK, CIDR = "tour-net", "10.77.0.0/24"
PAGE = "the page of the web container"
WEB = ("sh", "-c", f"echo {PAGE} >/index.html; " + END_AT_TERM.format("httpd -f -p 80 -h /"))


@pytest.fixture(scope="module")
def cloud(make_knarr: MakeKnarr) -> Knarr:
    clients.programs()
    return make_knarr()


@pytest.fixture(scope="module")
def alice(cloud: Knarr) -> Person:
    """A member of a project that the administrator made, with a network of her own and a security group."""
    made = clients.member(clients.administrator(cloud), "tour", "alice")
    made.openstack("network", "create", NETWORK)
    made.openstack("subnet", "create", "--network", NETWORK, "--subnet-range", CIDR, "tour-subnet")
    made.openstack("security", "group", "create", "web")
    return made


@pytest.fixture(scope="module")
def rule(alice: Person) -> str:
    """The id of the rule that lets the subnet reach port 80 of the group."""
    made = alice.data(
        "security group rule create",
        *("--ingress", "--protocol", "tcp", "--dst-port", "80", "--remote-ip", CIDR, "web"),
    )
    return str(made["id"])


@pytest.fixture(scope="module")
def web(alice: Person, rule: str) -> dict[str, Any]:
    """A running web server, as `openstack appcontainer show` has it."""
    net = f"network={NETWORK}"
    arguments = ("--name", "web", "--net", net, "--security-group", "web", IMAGE, *WEB)
    alice.data("appcontainer run", *arguments)
    return alice.until("web", "Running")


@pytest.fixture(scope="module")
def visitor(alice: Person, web: dict[str, Any]) -> str:
    """The name of a second container on the network, in the project's default group."""
    said = "echo the visitor is here; " + END_AT_TERM.format("sleep 600")
    alice.openstack(
        *("appcontainer", "run", "--name", "visitor", "--net", f"network={NETWORK}", IMAGE, "sh", "-c", said)
    )
    alice.until("visitor", "Running")
    return "visitor"


class TestOpenstack:
    """In order: each test goes on where the one before it ended."""

    def test_a_member_gets_a_token(self, alice: Person) -> None:
        issued = alice.data("token issue")

        assert issued["id"] and issued["project_id"] and issued["user_id"]

    def test_a_container_runs_with_an_address_of_the_network(
        self, web: dict[str, Any], docker_engine: Any, cloud: Knarr
    ) -> None:
        assert _address(web).startswith("10.77.0.")
        row = engine.of(docker_engine, cloud)[f"zun-{web['uuid']}"]
        assert row["State"] == "running"
        assert row["Image"] == IMAGE

    def test_another_container_reaches_it_until_the_rule_is_deleted(
        self, alice: Person, web: dict[str, Any], visitor: str, rule: str
    ) -> None:
        wait_until(lambda: PAGE in _fetch(alice, visitor, _address(web)), seconds=5)

        alice.openstack("security", "group", "rule", "delete", rule)

        wait_until(lambda: PAGE not in _fetch(alice, visitor, _address(web)), seconds=5)

    def test_it_is_in_the_list(self, alice: Person, web: dict[str, Any], visitor: str) -> None:
        rows = {row["name"]: row for row in alice.data("appcontainer list")}

        assert set(rows) == {"web", visitor}
        assert rows["web"]["uuid"] == web["uuid"]
        assert rows["web"]["status"] == "Running"

    def test_its_output_can_be_read(self, alice: Person, visitor: str) -> None:
        assert "the visitor is here" in alice.openstack("appcontainer", "logs", visitor).out

    def test_a_command_runs_in_it(self, alice: Person, visitor: str) -> None:
        said = alice.openstack("appcontainer", "exec", visitor, "cat", "/etc/hostname")

        assert said.out.strip()

    def test_it_stops_starts_and_keeps_its_address(self, alice: Person, web: dict[str, Any]) -> None:
        alice.openstack("appcontainer", "stop", "web")
        alice.until("web", "Stopped")
        alice.openstack("appcontainer", "start", "web")

        assert _address(alice.until("web", "Running")) == _address(web)

    def test_another_project_sees_none_of_it(self, cloud: Knarr, web: dict[str, Any]) -> None:
        mallory = clients.member(clients.administrator(cloud), "elsewhere", "mallory")

        assert mallory.data("appcontainer list") == []
        assert NETWORK not in {row["Name"] for row in mallory.data("network list")}
        for ident in ("web", web["uuid"]):
            refused = mallory.openstack("appcontainer", "show", ident, check=False)
            assert refused.status != 0
            assert "404" in refused.err
        deleted = mallory.openstack("appcontainer", "delete", web["uuid"], check=False)
        assert "accepted" not in deleted.out

    def test_it_is_deleted_with_its_ports(
        self, alice: Person, visitor: str, cloud: Knarr, docker_engine: Any
    ) -> None:
        alice.openstack("appcontainer", "delete", "--stop", "web")
        alice.openstack("appcontainer", "delete", "--stop", visitor)

        wait_until(lambda: alice.data("appcontainer list") == [], seconds=30)
        wait_until(lambda: not engine.containers_of(docker_engine, cloud), seconds=10)
        wait_until(lambda: not cloud.host.devices("tap"), seconds=10)
        ports = alice.data("port list", "--network", NETWORK, "--long")
        assert [port for port in ports if port["Device Owner"].startswith("compute:")] == []


class TestZun:
    """The same with the program `zun`, from run to delete."""

    def test_the_life_of_a_container(self, alice: Person, cloud: Knarr, docker_engine: Any) -> None:
        said = "echo hello from zun; " + END_AT_TERM.format("sleep 600")
        net = f"network={NETWORK}"
        alice.zun("run", "--name", "second", "--net", net, IMAGE, "sh", "-c", said)
        shown = _zun_until(alice, "second", "Running")
        assert "10.77.0." in shown
        assert len(engine.containers_of(docker_engine, cloud)) == 1
        assert "second" in alice.zun("list").out
        assert "hello from zun" in alice.zun("logs", "second").out
        assert "10.77.0." in alice.zun("exec", "second", "ip", "addr", "show", "eth0").out

        alice.zun("stop", "second")
        _zun_until(alice, "second", "Stopped")
        alice.zun("start", "second")
        _zun_until(alice, "second", "Running")

        alice.zun("delete", "--stop", "second")
        wait_until(lambda: "second" not in alice.zun("list").out, seconds=30)
        wait_until(lambda: not engine.containers_of(docker_engine, cloud), seconds=10)


def _address(shown: dict[str, Any]) -> str:
    """The only address of a container: the client shows addresses joined, without the networks."""
    return str(ipaddress.ip_address(shown["addresses"].strip()))


def _fetch(person: Person, container: str, address: str) -> str:
    """What a container gets from the web server at the address within two seconds.

    Not by wget: that of a static busybox ends with a segmentation fault if it is given a time limit.
    """
    command = f"printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80"
    return person.openstack("appcontainer", "exec", container, "sh", "-c", command, check=False).out


def _zun_until(person: Person, name: str, status: str) -> str:
    def reached() -> str:
        shown = person.zun("show", name).out
        assert "| Error " not in shown, shown
        return shown if f"| {status} " in shown else ""

    return str(wait_until(reached, seconds=30))
