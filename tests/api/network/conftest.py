"""A cloud of identity and network, whose backend keeps the desired state in memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.cloud import Answer, Cloud, Person

HOST = "test-host"
# A database of another kind to run these tests on, e.g. postgresql://postgres@127.0.0.1/knarr_test; it is
# emptied.
URL = os.environ.get("KNARR_TEST_DATABASE")
_octets = itertools.count(1)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    settings = {"database__url": URL} if URL else {}
    if URL:
        empty(URL)
    state_dir = tmp_path_factory.mktemp("cloud")
    made = Cloud(state_dir, ("identity", "network"), network__backend="fake", **settings)
    yield made
    made.close()


def empty(url: str) -> None:
    """Drop all tables, those of other tests' clouds too."""
    from sqlalchemy import MetaData

    from knarr.kernel.db import Database

    database = Database(url)
    found = MetaData()
    found.reflect(database.engine)
    found.drop_all(database.engine)
    database.close()


@pytest.fixture
def member(cloud: Cloud) -> Person:
    return cloud.person()


@pytest.fixture
def make(member: Person) -> Callable[..., dict[str, Any]]:
    """make("network", name="n") -> the new resource of the member."""

    def post(kind: str, by: Person | None = None, **body: Any) -> dict[str, Any]:
        plural = kind.replace("_", "-") + "s"
        answer = (by or member).post(f"/network/v2.0/{plural}", {kind: body})
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.json[kind]
        return found

    return post


@pytest.fixture
def net(make: Callable[..., dict[str, Any]]) -> tuple[str, str]:
    """The ids of a network of the member and its IPv4 subnet."""
    network = make("network", name="net")["id"]
    cidr = f"10.{100 + next(_octets)}.0.0/24"
    return network, make("subnet", network_id=network, cidr=cidr, ip_version=4)["id"]


def error(answer: Answer) -> tuple[int, str]:
    """(status, Neutron's name of the error)"""
    return answer.status, answer.json["NeutronError"]["type"]


@pytest.fixture
def backend(cloud: Cloud) -> Any:
    """The fake backend of this host."""
    from knarr.core.network.hosting import hosting

    return hosting(cloud.runtime).backend


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so, not for ever: the machine may be busy."""
    import time

    def wait(so: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not so():
            assert time.monotonic() < end, "it did not become so within twenty seconds"
            time.sleep(0.01)

    return wait


@pytest.fixture
def public(member: Person) -> str:
    """The id of the external network."""
    found = member.get("/network/v2.0/networks?router:external=true&name=public").json["networks"]
    return str(found[0]["id"])


@pytest.fixture
def connected(
    member: Person, make: Callable[..., dict[str, Any]], net: tuple[str, str], public: str
) -> tuple[str, str, str]:
    """(router, network, subnet) of the member: the subnet is on the router, which has a gateway."""
    router = make("router", name="r", external_gateway_info={"network_id": public})
    assert plug(member, router["id"], subnet_id=net[1]).status == 200
    return router["id"], *net


def plug(person: Person, router: str, verb: str = "add", **what: str) -> Answer:
    """Connect a router to a subnet or a port, or disconnect it (verb "remove")."""
    return person.put(f"/network/v2.0/routers/{router}/{verb}_router_interface", what)


def state(backend: Any, router: str) -> Any:
    """What the backend was told of the router."""
    return next((r for r in backend.state.routers if r.id == router), None)
