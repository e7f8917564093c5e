"""CPUs of their own: containers of the cpu_policy dedicated on a host that pins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloud import Cloud

from knarr.services.container import cpusets
from knarr.services.container.drivers.base import container_name
from knarr.services.container.locator import engine_of

from .helpers import Member, error

CPUS, FLOATING = 8, "0-1"
FREE = CPUS - 2


@pytest.fixture(scope="module")
def pinning(tmp_path_factory: Any) -> Iterator[Cloud]:
    made = Cloud(
        tmp_path_factory.mktemp("pinning"),
        ["identity", "network", "container"],
        container__enable_cpu_pinning=True,
        container__floating_cpu_set=FLOATING,
        container__quota_disk=-1,
        fake_engine__cpus=CPUS,
    )
    yield made
    made.close()


@pytest.fixture
def owner(pinning: Cloud) -> Iterator[Member]:
    made = Member(pinning, pinning.person())
    yield made
    for container in made.get("containers").json["containers"]:
        made.delete(f"containers/{container['uuid']}?stop=true")
        made.gone(container["uuid"])


def held(owner: Member, uuid: str) -> set[int]:
    """The CPUs that the engine has the container on."""
    engine: Any = engine_of(owner.cloud.runtime)
    return cpusets.parse(engine.world.container[container_name(uuid)].spec.cpuset or "")


def dedicated(owner: Member, cpu: float = 1, **more: Any) -> str:
    return owner.create(cpu=cpu, cpu_policy="dedicated", **more)


def test_each_dedicated_container_has_cpus_of_its_own(owner: Member) -> None:
    one, two = dedicated(owner, 2), dedicated(owner, 1.5)
    assert len(held(owner, one)) == len(held(owner, two)) == 2
    assert not held(owner, one) & held(owner, two)
    assert not (held(owner, one) | held(owner, two)) & cpusets.parse(FLOATING)


def test_all_others_share_the_floating_ones(owner: Member) -> None:
    assert held(owner, owner.create(cpu=4)) == cpusets.parse(FLOATING)


def test_a_host_without_free_cpus_is_said_to_have_none(owner: Member) -> None:
    dedicated(owner, FREE - 1)
    uuid = dedicated(owner, 2)
    shown = owner.show(uuid)
    assert shown["status"] == "Error"
    assert "2 free CPUs" in shown["status_reason"]
    assert "CpuSetFilter: 0 left" in shown["status_reason"]


def test_cpus_are_free_once_a_container_stops_and_chosen_anew_when_it_starts(owner: Member) -> None:
    first = dedicated(owner, FREE)
    owner.post(f"containers/{first}/stop?timeout=0")
    owner.becomes(first, "Stopped")
    owner.settled(first)
    second = dedicated(owner, 1)
    assert owner.show(second)["status"] == "Running"
    refused = owner.post(f"containers/{first}/start")
    assert refused.status == 409
    assert f"{FREE} free CPUs" in error(refused)["detail"]
    owner.delete(f"containers/{second}?stop=true")
    owner.gone(second)
    assert owner.post(f"containers/{first}/start").status == 202
    owner.becomes(first, "Running")
    assert len(held(owner, first)) == FREE


def test_a_start_takes_other_cpus_if_its_own_are_taken(owner: Member) -> None:
    first = dedicated(owner, 1)
    before = held(owner, first)
    owner.post(f"containers/{first}/stop?timeout=0")
    owner.becomes(first, "Stopped")
    owner.settled(first)
    second = dedicated(owner, 1)
    assert held(owner, second) == before
    owner.post(f"containers/{first}/start")
    owner.becomes(first, "Running")
    owner.settled(first)
    assert len(held(owner, first)) == 1
    assert not held(owner, first) & held(owner, second)


def test_more_cores_are_more_cpus(owner: Member) -> None:
    uuid = dedicated(owner, 1)
    assert owner.call("PATCH", f"containers/{uuid}", {"cpu": 3}).status == 200
    assert len(held(owner, uuid)) == 3
    other = dedicated(owner, FREE - 3)
    answer = owner.call("PATCH", f"containers/{uuid}", {"cpu": 4})
    assert answer.status == 409
    assert "free CPUs" in error(answer)["detail"]
    assert owner.show(uuid)["cpu"] == 3
    assert not held(owner, uuid) & held(owner, other)


def test_requests_at_the_same_instant_get_different_cpus(owner: Member) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(dedicated(owner, 1))) for _ in range(FREE + 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(owner.show(uuid)["status"] for uuid in made)
    assert statuses == ["Error"] * 4 + ["Running"] * FREE
    running = [uuid for uuid in made if owner.show(uuid)["status"] == "Running"]
    assert set.union(*(held(owner, uuid) for uuid in running)) == set(range(2, CPUS))


def test_hosts_say_that_they_pin_since_1_29(owner: Member) -> None:
    admin = Member(owner.cloud, owner.cloud.admin)
    [host] = admin.get("hosts").json["hosts"]
    assert host["enable_cpu_pinning"] is True


def test_a_host_that_does_not_pin_takes_no_dedicated_container(member: Member) -> None:
    uuid = member.create(cpu_policy="dedicated")
    shown = member.show(uuid)
    assert shown["status"] == "Error"
    assert "CpuSetFilter: 0 left" in shown["status_reason"]
