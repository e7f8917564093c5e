"""`kill -9` while containers are being created: the next start ends what was begun, once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.e2e.support import engine
from tests.e2e.support.engine import IDLE, IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = pytest.mark.engine

COUNT = 5
CONTAINERS = "/container/v1/containers"


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3])
def test_five_containers_that_were_being_created_run_exactly_once(
    knarr: Knarr, docker_engine: Any, seconds: float
) -> None:
    """`seconds`: how long after the last request Knarr is killed."""
    token = knarr.token()
    network = _network(knarr, token)
    uuids = {_create(knarr, token, network, f"five-{number}") for number in range(COUNT)}
    assert len(uuids) == COUNT
    time.sleep(seconds)
    knarr.kill()
    running = [row for row in engine.of(docker_engine, knarr).values() if _is_running_container(row)]
    assert seconds or len(running) < COUNT, "Knarr was done before it was killed"

    knarr.start()

    wait_until(
        lambda: _statuses(knarr, token) == dict.fromkeys(uuids, "Running"), 60, lambda: _told(knarr, token)
    )
    names = {f"zun-{uuid}" for uuid in uuids}
    assert engine.containers_of(docker_engine, knarr) == names
    assert {engine.of(docker_engine, knarr)[name]["State"] for name in names} == {"running"}
    assert engine.claimed_sandboxes_of(docker_engine, knarr) == {f"zun-sandbox-{uuid}" for uuid in uuids}
    ports = _ports(knarr, token)
    assert {port["device_id"] for port in ports} == uuids
    assert len(ports) == COUNT
    assert knarr.host.devices("tap") == {f"tap{port['id'][:11]}" for port in ports}

    for uuid in uuids:
        assert knarr.call("DELETE", f"{CONTAINERS}/{uuid}?stop=True", token=token).status == 204

    wait_until(lambda: not _statuses(knarr, token), 60, lambda: _told(knarr, token))
    wait_until(lambda: not engine.containers_of(docker_engine, knarr), 10)
    wait_until(lambda: not engine.claimed_sandboxes_of(docker_engine, knarr), 10)
    wait_until(lambda: not knarr.host.devices("tap"), 10)
    assert _ports(knarr, token) == []


def _is_running_container(row: dict[str, Any]) -> bool:
    return row["State"] == "running" and not row["Names"][0].startswith(f"/{engine.SANDBOX}")


def _network(knarr: Knarr, token: str) -> str:
    """The id of the network that is there from the first start."""
    answer = knarr.call("GET", "/network/v2.0/networks?name=private", token=token)
    return str(answer.json["networks"][0]["id"])


def _create(knarr: Knarr, token: str, network: str, name: str) -> str:
    body = {"name": name, "image": IMAGE, "command": list(IDLE), "nets": [{"network": network}]}
    answer = knarr.call("POST", f"{CONTAINERS}?run=true", body, token=token)
    assert answer.status == 202, answer
    return str(answer.json["uuid"])


def _rows(knarr: Knarr, token: str) -> list[dict[str, Any]]:
    return list(knarr.call("GET", CONTAINERS, token=token).json["containers"])


def _statuses(knarr: Knarr, token: str) -> dict[str, str]:
    return {row["uuid"]: row["status"] for row in _rows(knarr, token)}


def _told(knarr: Knarr, token: str) -> list[tuple[str, str, str]]:
    keys = ("status", "task_state", "status_reason")
    return [tuple(row.get(key) for key in keys) for row in _rows(knarr, token)]  # type: ignore[misc]


def _ports(knarr: Knarr, token: str) -> list[dict[str, Any]]:
    ports = knarr.call("GET", "/network/v2.0/ports", token=token).json["ports"]
    return [port for port in ports if port["device_owner"].startswith("compute:")]
