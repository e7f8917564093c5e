"""Two hundred creates at the same time: no quota is passed, and no address is given twice."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support.cloud import Answer, Cloud, Person, wait_for

ATTEMPTS, THREADS = 200, 16
LIMIT = 150
PORTS, NETWORKS, SUBNETS = "/network/v2.0/ports", "/network/v2.0/networks", "/network/v2.0/subnets"
CONTAINERS = "/container/v1/containers"
VERSION = {"OpenStack-API-Version": "container 1.40"}


def allow(cloud: Cloud, owner: Person, containers: int, ports: int) -> None:
    answer = cloud.admin.put(f"/network/v2.0/quotas/{owner.project_id}", {"quota": {"port": ports}})
    assert answer.status == 200, answer.body
    body = {"containers": containers, "memory": -1, "cpu": -1, "disk": -1}
    answer = cloud.admin.put(f"/container/v1/quotas/{owner.project_id}", body, headers=VERSION)
    assert answer.status == 200, answer.body


@pytest.fixture
def owner(cloud: Cloud) -> Person:
    return cloud.person()


def network(owner: Person, cidr: str) -> str:
    ident = str(owner.post(NETWORKS, {"network": {"name": "crowded"}}).json["network"]["id"])
    subnet = {"network_id": ident, "ip_version": 4, "cidr": cidr}
    assert owner.post(SUBNETS, {"subnet": subnet}).status == 201
    return ident


def at_once(owner: Person, path: str, body: Any) -> list[Answer]:
    """The answers to as many POSTs, sent by threads that begin together."""
    ready = threading.Barrier(THREADS)

    def some(count: int) -> list[Answer]:
        ready.wait()
        return [owner.post(path, body, headers=VERSION) for _ in range(count)]

    shares = [ATTEMPTS // THREADS + (number < ATTEMPTS % THREADS) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        return [answer for answers in pool.map(some, shares) for answer in answers]


def addresses(ports: list[dict[str, Any]]) -> list[str]:
    return [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]


def test_ports_stay_within_the_quota_and_have_each_their_own_address(cloud: Cloud, owner: Person) -> None:
    allow(cloud, owner, containers=-1, ports=LIMIT)
    answers = at_once(owner, PORTS, {"port": {"network_id": network(owner, "10.60.0.0/23")}})
    assert Counter(answer.status for answer in answers) == {201: LIMIT, 409: ATTEMPTS - LIMIT}
    listed = owner.get(PORTS).json["ports"]
    made = {answer.json["port"]["id"] for answer in answers if answer.status == 201}
    of_ours = [port for port in listed if port["id"] in made]
    assert len(of_ours) == LIMIT
    assert len(set(addresses(of_ours))) == LIMIT
    assert len({port["mac_address"] for port in of_ours}) == LIMIT


def test_a_subnet_gives_each_of_its_addresses_once(cloud: Cloud, owner: Person) -> None:
    """A /25 has 125: not the network's, the broadcast's and the gateway's."""
    allow(cloud, owner, containers=-1, ports=-1)
    answers = at_once(owner, PORTS, {"port": {"network_id": network(owner, "10.61.0.0/25")}})
    made = [answer.json["port"] for answer in answers if answer.status == 201]
    assert Counter(answer.status for answer in answers) == {201: 125, 409: ATTEMPTS - 125}
    assert len(set(addresses(made))) == 125


def test_containers_stay_within_the_quota_and_have_each_their_own_address(
    cloud: Cloud, owner: Person
) -> None:
    allow(cloud, owner, containers=LIMIT, ports=-1)
    body = {"image": "busybox", "nets": [{"network": network(owner, "10.62.0.0/23")}]}
    answers = at_once(owner, CONTAINERS, body)
    assert Counter(answer.status for answer in answers) == {202: LIMIT, 403: ATTEMPTS - LIMIT}

    def created() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = owner.get(CONTAINERS, headers=VERSION).json["containers"]
        return rows if all(row["status"] == "Created" for row in rows) else []

    rows = wait_for(created, 60)
    given = [address["addr"] for row in rows for nets in row["addresses"].values() for address in nets]
    assert len(rows) == LIMIT
    assert len(given) == len(set(given)) == LIMIT
