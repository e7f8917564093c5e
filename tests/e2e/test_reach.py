"""Containers on networks behind a router: reached by floating IPs, from the host, and by each other."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.dataplane.cloud import Machine, talks
from tests.e2e.support.engine import END_AT_TERM, IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = pytest.mark.engine

V2, CONTAINERS = "/network/v2.0", "/container/v1/containers"
WEB = "echo the page of {name} >/index.html; " + END_AT_TERM.format("httpd -f -p 80 -h /")
ECHO_PORT = 7
ECHO = END_AT_TERM.format(f"nc -ll -p {ECHO_PORT} -e cat")


class Site:
    """Two networks behind a router with a gateway; a web server in the first, a visitor in the second."""

    def __init__(self, knarr: Knarr) -> None:
        self.knarr, self.token = knarr, knarr.token()
        self.public = self.get("networks?name=public&router:external=true")["networks"][0]["id"]
        self.group = self.make("security_group", name="reach")["id"]
        self.rule = self.allow("tcp", 80)
        self.allow("tcp", ECHO_PORT)
        self.router = self.make("router", external_gateway_info={"network_id": self.public})["id"]
        self.one, self.two = self.network("10.81.0.0/24"), self.network("10.82.0.0/24")
        self.web = self.container("web", self.one, WEB.format(name="web"))
        self.echo = self.container("echo", self.two, ECHO)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.knarr.call(method, path, body, token=self.token)
        assert answer.status < 300, answer
        return answer.json

    def get(self, path: str) -> Any:
        return self.call("GET", f"{V2}/{path}")

    def put(self, kind: str, ident: str, **body: Any) -> Any:
        return self.call("PUT", f"{V2}/{kind}s/{ident}", {kind: body})

    def make(self, kind: str, **body: Any) -> dict[str, Any]:
        return dict(self.call("POST", f"{V2}/{kind.replace('_', '-')}s", {kind: body})[kind])

    def allow(self, protocol: str, port: int) -> str:
        span = {"port_range_min": port, "port_range_max": port}
        rule = {"security_group_id": self.group, "direction": "ingress", "protocol": protocol}
        return str(self.make("security_group_rule", **rule, **span)["id"])

    def network(self, cidr: str) -> str:
        network = self.make("network")["id"]
        subnet = self.make("subnet", network_id=network, cidr=cidr, ip_version=4)["id"]
        self.call("PUT", f"{V2}/routers/{self.router}/add_router_interface", {"subnet_id": subnet})
        return str(network)

    def container(self, name: str, network: str, script: str) -> dict[str, Any]:
        """The port of a new container that runs the script."""
        body = {"name": name, "image": IMAGE, "command": ["sh", "-c", script], "nets": [{"network": network}]}
        body["security_groups"] = ["reach"]
        uuid = self.call("POST", f"{CONTAINERS}?run=true", body)["uuid"]
        path = f"{CONTAINERS}/{uuid}"
        wait_until(lambda: self.call("GET", path)["status"] == "Running", 60, self.knarr.log_end)
        (port,) = self.get(f"ports?device_id={uuid}")["ports"]
        return dict(port)

    def floating(self, port: dict[str, Any]) -> dict[str, Any]:
        return self.make("floatingip", floating_network_id=self.public, port_id=port["id"])

    def execute(self, name: str, command: str) -> str:
        return str(self.call("POST", f"{CONTAINERS}/{name}/execute?command={command}")["output"])

    def page(self, address: str) -> str:
        """What the host is shown at the address; "" if it gets no answer."""

        def fetch() -> str:
            try:
                with urllib.request.urlopen(f"http://{address}/", timeout=0.5) as response:
                    return str(response.read().decode().strip())
            except OSError:
                return ""

        return str(self.knarr.host.do(fetch))


@pytest.fixture(scope="module")
def site(knarr: Knarr) -> Site:
    return Site(knarr)


@pytest.fixture
def itself(knarr: Knarr) -> Machine:
    return Machine(knarr.host.path, "172.24.4.1")


@pytest.fixture
def floating(site: Site) -> Iterator[dict[str, Any]]:
    made = site.floating(site.web)
    yield made
    site.call("DELETE", f"{V2}/floatingips/{made['id']}")


def test_the_host_sees_the_page_by_a_floating_ip_while_a_rule_lets_it(site, floating):
    address = floating["floating_ip_address"]
    wait_until(lambda: site.page(address) == "the page of web", 10)
    site.call("DELETE", f"{V2}/security-group-rules/{site.rule}")
    wait_until(lambda: site.page(address) == "", 10)
    site.rule = site.allow("tcp", 80)
    wait_until(lambda: site.page(address) == "the page of web", 10)


def test_a_container_of_the_other_network_sees_it_through_the_router(site, floating):
    for address in (site.web["fixed_ips"][0]["ip_address"], floating["floating_ip_address"]):
        wait_until(lambda address=address: "page of web" in visit(site, address), 10)


def visit(site: Site, address: str) -> str:
    """What the container in the second network is shown at the address."""
    command = f"timeout 2 wget -q -O - http://{address}/"
    return site.execute("echo", urllib.parse.quote(command))


def test_a_floating_ip_moves_to_another_container(site, floating):
    other = site.container("other", site.two, WEB.format(name="other"))
    address = floating["floating_ip_address"]
    wait_until(lambda: site.page(address) == "the page of web", 10)
    site.put("floatingip", floating["id"], port_id=other["id"])
    wait_until(lambda: site.page(address) == "the page of other", 10)
    site.put("floatingip", floating["id"], port_id=None)
    wait_until(lambda: site.page(address) == "", 10)


def test_a_port_that_is_switched_off_is_reached_no_more(site, floating):
    address = floating["floating_ip_address"]
    wait_until(lambda: site.page(address), 10)
    site.put("port", site.web["id"], admin_state_up=False)
    wait_until(lambda: site.page(address) == "", 10)
    assert site.get(f"ports/{site.web['id']}")["port"]["status"] == "DOWN"
    site.put("port", site.web["id"], admin_state_up=True)
    wait_until(lambda: site.page(address), 10)
    assert site.get(f"ports/{site.web['id']}")["port"]["status"] == "ACTIVE"


def test_a_connection_with_a_container_survives_the_death_of_knarr(site, itself):
    made = site.floating(site.echo)
    address = made["floating_ip_address"]
    wait_until(lambda: itself.reaches(address, ECHO_PORT), 10)
    with itself.connect(address, ECHO_PORT) as connection:
        assert talks(connection)
        site.knarr.kill()
        assert talks(connection)
        site.knarr.start()
        wait_until(lambda: site.get(f"floatingips/{made['id']}")["floatingip"]["status"] == "ACTIVE", 20)
        site.put("floatingip", made["id"], description="known again")
        assert talks(connection)
        site.put("floatingip", made["id"], port_id=None)
        wait_until(lambda: not talks(connection, timeout=0.2), 10)
