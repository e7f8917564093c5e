"""The container service alone, with another cloud's Keystone, Neutron and Glance on the wire."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import MakeKnarr
from tests.e2e.support import clients, engine
from tests.e2e.support.clients import Person
from tests.e2e.support.engine import IDLE, IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.clients]

SERVICE_USER = "container-service"
CONTAINERS = "/container/v1/containers"


@pytest.fixture(scope="module")
def cloud(make_knarr: MakeKnarr) -> Knarr:
    """A cloud with its own Keystone, Neutron and Glance."""
    clients.programs()
    return make_knarr()


@pytest.fixture(scope="module")
def alone(cloud: Knarr, make_knarr: MakeKnarr) -> Knarr:
    """A second Knarr that is nothing but a container service of that cloud."""
    admin, password = clients.administrator(cloud), secrets.token_hex(18)
    admin.openstack("project", "create", "--or-show", "service")
    admin.openstack("user", "create", "--password", password, SERVICE_USER)
    for role in ("admin", "service"):
        admin.openstack("role", "add", "--project", "service", "--user", SERVICE_USER, role)
    external = {"auth_url": cloud.admin()["auth_url"], "username": SERVICE_USER, "password": password}
    return make_knarr(DEFAULT={"services": "container"}, external=external)


@pytest.fixture(scope="module")
def bob(cloud: Knarr) -> Person:
    return clients.member(clients.administrator(cloud), "outside", "bob")


@pytest.fixture(scope="module")
def token(bob: Person, cloud: Knarr) -> str:
    return cloud.token(bob.auth)


@pytest.fixture(scope="module")
def network(bob: Person) -> str:
    made = bob.data("network create", "outside-net")
    bob.openstack(
        "subnet", "create", "--network", made["id"], "--subnet-range", "10.78.0.0/24", "outside-subnet"
    )
    return str(made["id"])


def test_without_a_token_of_the_cloud_nothing_is_told(alone: Knarr) -> None:
    assert alone.call("GET", CONTAINERS).status == 401
    assert alone.call("GET", CONTAINERS, token="gAAAAA-not-a-token").status == 401


def test_a_container_runs_on_the_networks_of_the_cloud(
    alone: Knarr, cloud: Knarr, token: str, network: str, docker_engine: Any
) -> None:
    row = _run(alone, token, {"image": IMAGE, "nets": [{"network": network}]})

    assert row["addresses"][network][0]["addr"].startswith("10.78.0.")
    assert f"zun-{row['uuid']}" in engine.containers_of(docker_engine, alone)
    assert engine.containers_of(docker_engine, cloud) == set()
    (port,) = _ports(cloud, token, row["uuid"])
    assert port["network_id"] == network
    wait_until(lambda: _ports(cloud, token, row["uuid"])[0]["status"] == "ACTIVE", 10)
    _delete(alone, cloud, token, row["uuid"])


def test_an_image_of_the_clouds_glance_is_used(
    alone: Knarr, cloud: Knarr, bob: Person, token: str, network: str, docker_engine: Any, tmp_path: Path
) -> None:
    archive = tmp_path / "image.tar"
    with archive.open("wb") as file:
        file.writelines(docker_engine.images.get(IMAGE).save(named=True))
    formats = ("--container-format", "docker", "--disk-format", "raw")
    bob.openstack("image", "create", *formats, "--file", str(archive), "outside-image")

    body = {"image": "outside-image", "image_driver": "glance", "nets": [{"network": network}]}
    row = _run(alone, token, body)

    assert row["image_driver"] == "glance"
    _delete(alone, cloud, token, row["uuid"])


def _run(alone: Knarr, token: str, body: dict[str, Any]) -> dict[str, Any]:
    made = alone.call("POST", f"{CONTAINERS}?run=true", body | {"command": list(IDLE)}, token=token)
    assert made.status == 202, made

    def running() -> dict[str, Any] | None:
        row = alone.call("GET", f"{CONTAINERS}/{made.json['uuid']}", token=token).json
        assert row["status"] != "Error", row["status_reason"]
        return dict(row) if row["status"] == "Running" else None

    return dict(wait_until(running, 60))


def _delete(alone: Knarr, cloud: Knarr, token: str, uuid: str) -> None:
    assert alone.call("DELETE", f"{CONTAINERS}/{uuid}?stop=True", token=token).status == 204
    wait_until(lambda: alone.call("GET", f"{CONTAINERS}/{uuid}", token=token).status == 404, 30)
    wait_until(lambda: _ports(cloud, token, uuid) == [], 10)


def _ports(cloud: Knarr, token: str, uuid: str) -> list[dict[str, Any]]:
    return list(cloud.call("GET", f"/network/v2.0/ports?device_id={uuid}", token=token).json["ports"])
