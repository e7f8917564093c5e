"""CPU lists, a host's nodes, and which CPUs a container gets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from knarr.services.container import cpusets
from knarr.services.container.cpusets import Node, Pins


@pytest.mark.parametrize(
    ("text", "cpus"), [("", set()), ("3", {3}), ("0-2,5", {0, 1, 2, 5}), ("7, 1-1", {1, 7})]
)
def test_lists_are_read_as_the_kernel_writes_them(text: str, cpus: set[int]) -> None:
    assert cpusets.parse(text) == cpus
    assert cpusets.parse(cpusets.render(cpus)) == cpus


def test_lists_are_written_in_runs() -> None:
    assert cpusets.render([5, 0, 2, 1]) == "0-2,5"


def test_the_node_with_the_fewest_cpus_left_over_is_taken() -> None:
    nodes = [Node(0, frozenset(range(8)), 1000), Node(1, frozenset({8, 9}), 1000)]
    assert cpusets.choose(nodes, 2, 100) == Pins("8-9", "1")
    assert cpusets.choose(nodes, 3, 100) == Pins("0-2", "0")
    assert cpusets.choose(nodes, 9, 100) is None


def test_a_node_needs_the_memory_too() -> None:
    nodes = [Node(0, frozenset({0, 1}), 50), Node(1, frozenset({2, 3, 4}), 500)]
    assert cpusets.choose(nodes, 1, 100) == Pins("2", "1")


def test_the_cpus_of_before_are_kept_while_they_are_free() -> None:
    nodes = [Node(0, frozenset({0, 1, 2}), 100)]
    assert cpusets.choose(nodes, 1, 10, Pins("2", "0")) == Pins("2", "0")
    assert cpusets.choose(nodes, 1, 10, Pins("5", "0")) == Pins("0", "0")
    assert cpusets.choose(nodes, 2, 10, Pins("2", "0")) == Pins("0-1", "0")


def test_a_part_of_a_core_takes_a_whole_cpu() -> None:
    assert [cpusets.needed(cpu) for cpu in (0.1, 1.0, 1.5)] == [1, 1, 2]


def test_what_containers_hold_is_not_free() -> None:
    numa = [{"id": 0, "cpus": [0, 1, 2], "mem_total": 100}, {"id": 1, "cpus": [3, 4], "mem_total": 100}]
    held = [SimpleNamespace(cpuset_cpus="0-1", cpuset_mems="0", memory=30)]
    assert cpusets.free(numa, held) == [Node(0, frozenset({2}), 70), Node(1, frozenset({3, 4}), 100)]


def info(**changes: Any) -> Any:
    return SimpleNamespace(**{"local": True, "engine": "docker", "cpus": 4, "memory_mib": 900, **changes})


def test_nodes_are_read_from_the_kernel(tmp_path: Path) -> None:
    for number, cpus in ((0, "0-1"), (1, "2-3"), (2, "")):
        folder = tmp_path / f"node{number}"
        folder.mkdir()
        (folder / "cpulist").write_text(f"{cpus}\n")
        (folder / "meminfo").write_text(f"Node {number} MemTotal:  2048000 kB\nNode {number} MemFree: 1 kB\n")
    assert cpusets.topology(info(), "0,2", tmp_path) == [
        {"id": 0, "cpus": [1], "mem_total": 2000},
        {"id": 1, "cpus": [3], "mem_total": 2000},
    ]


@pytest.mark.parametrize("found", [info(local=False), info(engine="fake"), info()])
def test_an_engine_of_which_no_nodes_are_known_counts_as_one(found: Any, tmp_path: Path) -> None:
    assert cpusets.topology(found, None, tmp_path) == [{"id": 0, "cpus": [0, 1, 2, 3], "mem_total": 900}]
