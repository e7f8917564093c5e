"""How a host is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from knarr.kernel import config
from knarr.services.container.cpusets import Node
from knarr.services.container.definition import build
from knarr.services.container.scheduler import Candidate, NoHost, Scheduler, Wish

HOST = Candidate(
    hostname="a", availability_zone="nova", up=True, disabled=False, mem_total=2560, mem_used=0, cpus=2,
    cpu_used=0.0, disk_total=100, disk_used=0, disk_quota_supported=True,
    labels={"disk": "ssd"}, runtimes=["runc"],
)  # fmt: skip
WISH = Wish(cpu=1.0, memory=512, disk=None)


def configured(**settings: Any) -> Scheduler:
    conf = config.load([], [build()])
    for name, value in settings.items():
        conf.set_override(name, value, group="container")
    return Scheduler(conf.container)


@pytest.fixture(scope="module")
def scheduler() -> Scheduler:
    return configured()


def test_the_host_with_the_most_room_is_taken(scheduler: Scheduler) -> None:
    fuller = replace(HOST, hostname="b", mem_used=100)
    assert scheduler.choose([fuller, HOST], WISH).hostname == "a"
    assert scheduler.choose([fuller, HOST], replace(WISH, host="b")).hostname == "b"


@pytest.mark.parametrize(
    ("host", "wish", "filter_name"),
    [
        ({}, {"availability_zone": "elsewhere"}, "AvailabilityZoneFilter"),
        ({"up": False}, {}, "ComputeFilter"),
        ({"disabled": True}, {}, "ComputeFilter"),
        ({}, {"runtime": "kata"}, "RuntimeFilter"),
        ({}, {"labels": {"disk": "hdd"}}, "LabelFilter"),
        ({}, {"dedicated": True}, "CpuSetFilter"),
        ({"enable_cpu_pinning": True}, {"dedicated": True}, "CpuSetFilter"),
        ({"enable_cpu_pinning": True}, {}, "CpuSetFilter"),
        ({"cpu_used": 31.5}, {}, "CPUFilter"),
        ({"mem_used": 3000}, {}, "RamFilter"),
        ({"disk_used": 71}, {"disk": 10}, "DiskFilter"),
        ({"disk_quota_supported": False}, {"disk": 1}, "DiskFilter"),
    ],
)
def test_the_reason_names_the_filter_that_left_no_host(
    scheduler: Scheduler, host: dict[str, object], wish: dict[str, object], filter_name: str
) -> None:
    with pytest.raises(NoHost, match=f"{filter_name}: 0 left"):
        scheduler.choose([replace(HOST, **host)], replace(WISH, **wish))


def test_ratios_and_reserves_count(scheduler: Scheduler) -> None:
    # (2560 - 512 reserved) x 1.5 MiB of memory, 2 x 16 cores
    assert scheduler.choose([replace(HOST, mem_used=2560)], WISH)
    assert scheduler.choose([replace(HOST, cpu_used=31.0)], WISH)


def test_images_keep_a_part_of_the_disk(scheduler: Scheduler) -> None:
    # 100 GiB, a fifth of them for images
    assert scheduler.choose([replace(HOST, disk_used=70)], replace(WISH, disk=10))


@pytest.mark.parametrize(
    ("setting", "wish", "filter_name"),
    [
        ({"reserved_host_cpus": 2.0}, {}, "CPUFilter"),
        ({"reserved_host_disk_mb": 71 * 1024}, {"disk": 10}, "DiskFilter"),
        ({"reserve_disk_for_image": 0.95}, {"disk": 10}, "DiskFilter"),
        ({"reserved_host_memory_mb": 2500}, {}, "RamFilter"),
        ({"default_schedule_zone": "mars"}, {}, "AvailabilityZoneFilter"),
    ],
)
def test_what_the_configuration_keeps_is_not_given(
    setting: dict[str, Any], wish: dict[str, object], filter_name: str
) -> None:
    with pytest.raises(NoHost, match=f"{filter_name}: 0 left"):
        configured(**setting).choose([HOST], replace(WISH, **wish))


def test_chance_takes_any_host_that_is_up_and_enabled() -> None:
    chance = configured(scheduler_driver="chance_scheduler")
    full, off = replace(HOST, hostname="full", mem_used=10**6), replace(HOST, hostname="off", disabled=True)
    chosen = {chance.choose([HOST, full, off], WISH).hostname for _ in range(100)}
    assert chosen == {"a", "full"}
    with pytest.raises(NoHost, match="ComputeFilter: 0 left"):
        chance.choose([off], WISH)


def test_only_the_filters_that_are_enabled_count() -> None:
    assert configured(enabled_filters=["ComputeFilter"]).choose([replace(HOST, mem_used=10**6)], WISH)
    with pytest.raises(ValueError, match="PciPassthroughFilter"):
        configured(enabled_filters=["PciPassthroughFilter"])


def test_a_pinning_host_takes_dedicated_ones_and_others_only_on_floating_cpus(scheduler: Scheduler) -> None:
    pinning = replace(HOST, enable_cpu_pinning=True, nodes=[Node(0, frozenset({1}), 1000)])
    assert scheduler.choose([pinning], replace(WISH, dedicated=True)) is pinning
    assert scheduler.choose([replace(pinning, floating_cpu_set="0")], WISH)


@pytest.mark.parametrize(
    ("host", "wish", "words"),
    [
        ({}, {"availability_zone": "mars"}, "no host is in availability zone mars"),
        ({"disabled": True}, {}, "no host is up and enabled"),
        ({}, {"runtime": "kata"}, "no host has the runtime kata"),
        ({}, {"labels": {"disk": "hdd"}}, "no host has the labels disk=hdd"),
        ({"mem_used": 3000}, {}, "no host has 512 MiB of memory left"),
        ({}, {"dedicated": True}, "no host has 1 free CPU to pin with"),
    ],
)
def test_the_reason_says_what_was_missing(
    scheduler: Scheduler, host: dict[str, object], wish: dict[str, object], words: str
) -> None:
    with pytest.raises(NoHost, match=words):
        scheduler.choose([replace(HOST, **host)], replace(WISH, **wish))
