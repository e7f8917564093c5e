"""`kill -9` of everything, at instants that nobody chose, under work of all kinds: nothing is lost or left.

The seed says what is asked for; KNARR_CHAOS_SEED gives another one, KNARR_CHAOS_KILLS more kills.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.support import alone, chaos
from tests.e2e.support.chaos import CONTAINERS, FLOATING, IMAGES, PORTS, USERS, Ledger, Worker
from tests.e2e.support.server import Knarr, wait_until

from knarr.services.container.drivers.fake.world import World

SEED = int(os.environ.get("KNARR_CHAOS_SEED", "20261121"))
KILLS = int(os.environ.get("KNARR_CHAOS_KILLS", "3"))
THREADS = 6
UNLIMITED = "-1"
SETTINGS = {
    # Nothing of this is to be put right by a periodic task.
    "container": {"quota_containers": UNLIMITED, "quota_recount_interval": "3600"},
    "fake_engine": {"memory_mib": "100000", "cpus": "1000"},
}
OF_USE = {
    "containers": "SELECT count(*) FROM containers WHERE project_id = ?",
    "memory": "SELECT coalesce(sum(memory), 0) FROM containers WHERE project_id = ?",
    "port": "SELECT count(*) FROM port WHERE project_id = ?",
    "floatingip": "SELECT count(*) FROM floating_ip WHERE project_id = ?",
}


@pytest.fixture(scope="module")
def knarr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knarr]:
    with alone.started(tmp_path_factory.mktemp("chaos"), **SETTINGS) as made:
        yield made


def test_after_kills_at_any_instant_all_is_as_it_was_told(knarr: Knarr) -> None:
    token = knarr.token()
    project = _allow(knarr, token)
    networks = (_network(knarr, token, "private"), _network(knarr, token, "public"))
    instants = random.Random(SEED)
    workers = [Worker(knarr, token, networks, SEED + number) for number in range(THREADS)]
    for worker in workers:
        worker.start()
    for _ in range(KILLS):
        time.sleep(instants.uniform(0.2, 1.2))
        chaos.kill_all(knarr)
        knarr.start()
    time.sleep(0.5)
    for worker in workers:
        worker.over.set()
    for worker in workers:
        worker.join(40)
        assert not worker.is_alive(), "a request hangs"
    assert [odd for worker in workers for odd in worker.odd] == []

    ledger = Ledger(knarr)
    wait_until(lambda: not ledger.unfinished(), 40, ledger.unfinished)

    made = {address for worker in workers for address in worker.made}
    asked = {address for worker in workers for address in worker.asked}
    ended = {address for worker in workers for address in worker.ended}
    _what_was_told_is_true(knarr, token, made - asked, ended)
    _rows_agree(knarr, ledger, project)
    _containers_are_whole(knarr, token)
    _files_are_images(knarr, ledger)

    for uuid in _containers(knarr, token):
        assert knarr.call("DELETE", f"{CONTAINERS}/{uuid}?force=true", token=token).status == 204
    wait_until(lambda: not _containers(knarr, token), 40, ledger.unfinished)
    wait_until(lambda: not ledger.unfinished(), 40, ledger.unfinished)
    assert ledger.rows("SELECT id, device_id FROM port WHERE device_owner LIKE 'compute:%'") == []
    _rows_agree(knarr, ledger, project)
    knarr.stop()
    world = World(knarr.state)
    assert (world.container, world.sandbox) == ({}, {})


def _what_was_told_is_true(knarr: Knarr, token: str, there: set[str], gone: set[str]) -> None:
    found = {f"{path}/{ident}" for path in (CONTAINERS, PORTS, FLOATING, IMAGES, USERS)
             for ident in _idents(knarr, token, path)}  # fmt: skip
    assert there <= found, ("lost", there - found)
    assert not gone & found, ("there again", gone & found)


def _rows_agree(knarr: Knarr, ledger: Ledger, project: str) -> None:
    assert ledger.rows("PRAGMA integrity_check") == [("ok",)]
    assert ledger.rows("PRAGMA foreign_key_check") == []
    used = dict(ledger.rows("SELECT resource, used FROM quota_usage WHERE project_id = ?", project))
    counted = {name: ledger.one(query, project) for name, query in OF_USE.items()}
    assert {name: used.get(name, 0) for name in counted} == counted
    claimed = ledger.rows("SELECT total_containers, mem_used FROM container_hosts")
    assert claimed == [(counted["containers"], counted["memory"])]


def _containers_are_whole(knarr: Knarr, token: str) -> None:
    """Each has its ports, no port is without its container, and none is half way."""
    rows = knarr.call("GET", CONTAINERS, token=token).json["containers"]
    ports = knarr.call("GET", PORTS, token=token).json["ports"]
    plugged = {
        (port["device_id"], port["id"]) for port in ports if port["device_owner"].startswith("compute:")
    }
    shown = {(row["uuid"], address["port"]) for row in rows for addresses in row["addresses"].values()
             for address in addresses}  # fmt: skip
    assert plugged == shown
    half = [(row["status"], row["task_state"], row["status_reason"]) for row in rows if _is_half(row)]
    assert half == []
    for row in rows:
        if row["status"] == "Running":
            assert knarr.call("GET", f"{CONTAINERS}/{row['uuid']}/top", token=token).status == 200


def _is_half(row: dict[str, Any]) -> bool:
    return row["task_state"] is not None or row["status"] not in ("Created", "Running", "Stopped")


def _files_are_images(knarr: Knarr, ledger: Ledger) -> None:
    files = {path.name: path.stat().st_size for path in (knarr.state / "images").iterdir()}
    assert files == dict(ledger.rows("SELECT id, size FROM image WHERE status = 'active'"))
    assert dict(ledger.rows("SELECT status, count(*) FROM image GROUP BY status")).keys() <= {
        "active",
        "queued",
    }


def _allow(knarr: Knarr, token: str) -> str:
    """No limits for the administrator's project, whose id is the answer."""
    body = {"quota": {"port": -1, "floatingip": -1}}
    project = str(
        knarr.call("GET", "/identity/v3/projects?name=admin", token=token).json["projects"][0]["id"]
    )
    assert knarr.call("PUT", f"/network/v2.0/quotas/{project}", body, token=token).status == 200
    limits = {"containers": -1, "memory": -1, "cpu": -1, "disk": -1}
    assert knarr.call("PUT", f"/container/v1/quotas/{project}", limits, token=token).status == 200
    return project


def _network(knarr: Knarr, token: str, name: str) -> str:
    answer = knarr.call("GET", f"/network/v2.0/networks?name={name}", token=token)
    return str(answer.json["networks"][0]["id"])


def _idents(knarr: Knarr, token: str, path: str) -> list[str]:
    key = path.rpartition("/")[2]
    query = "?limit=1000" if path == IMAGES else ""
    rows = knarr.call("GET", path + query, token=token).json[key]
    return [row.get("id") or row["uuid"] for row in rows]


def _containers(knarr: Knarr, token: str) -> list[str]:
    return _idents(knarr, token, CONTAINERS)
