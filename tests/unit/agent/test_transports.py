"""Queues as folders."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from knarr_agent.message import Message
from knarr_agent.names import agent_queue, results_queue
from knarr_agent.transports import Delivery, TransportError
from knarr_agent.transports.folder import FolderTransport


@pytest.fixture
def queues(tmp_path: Path) -> FolderTransport:
    return FolderTransport(tmp_path, limit=1000)


def take(queues: FolderTransport, queue: str = "q") -> Delivery:
    found = queues.receive(queue, 5)
    assert found is not None
    return found


def test_queues_have_the_names_that_agents_know() -> None:
    assert agent_queue("E5A1", "7B") == "ee5a1-h7b"
    assert results_queue("RegionOne") == "-execution-results-regionone"


def test_messages_come_in_order_until_they_are_acknowledged(queues: FolderTransport) -> None:
    for name in ("a", "b"):
        queues.send("q", Message(name, name, "back", b"\x00\xff"))
    assert take(queues).message == Message("a", "a", "back", b"\x00\xff")
    first = take(queues)
    assert first.id == "a"
    queues.acknowledge("q", first.receipt)
    queues.acknowledge("q", first.receipt)
    second = take(queues)
    assert second.id == "b"
    queues.acknowledge("q", second.receipt)
    assert queues.receive("q", 0) is None


def test_queues_are_apart(queues: FolderTransport) -> None:
    queues.send("one", Message("x"))
    assert queues.receive("two", 0) is None
    assert take(queues, "one").message == Message("x")


def test_one_who_waits_is_woken(queues: FolderTransport, tmp_path: Path) -> None:
    other = FolderTransport(tmp_path)
    threading.Timer(0.2, lambda: other.send("q", Message("x", "a"))).start()
    before = time.monotonic()
    assert queues.receive("q", 30) is not None
    assert time.monotonic() - before < 4  # looking again would take longer


def test_no_message_within_the_time_is_none(queues: FolderTransport) -> None:
    assert queues.receive("q", 0.05) is None


def test_a_message_waits_for_a_reader_who_comes_later(queues: FolderTransport, tmp_path: Path) -> None:
    queues.send("q", Message("x", "a"))
    for _ in range(3):
        assert take(FolderTransport(tmp_path)).id == "a"


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "../x", "a\0b", "x" * 300, "ä"])
def test_no_name_of_a_queue_leaves_the_folder(queues: FolderTransport, name: str) -> None:
    with pytest.raises(TransportError, match="is no name of a queue"):
        queues.send(name, Message("x"))


@pytest.mark.parametrize("receipt", ["", "..", "../x", ".wake", "a.message"])
def test_only_messages_can_be_acknowledged(queues: FolderTransport, receipt: str) -> None:
    with pytest.raises(TransportError, match="is no receipt"):
        queues.acknowledge("q", receipt)


@pytest.mark.parametrize("ident", ["../../x", "a/b", "x" * 200, "", "\0", "ä"])
def test_ids_make_no_names_of_files_that_are_none(
    queues: FolderTransport, ident: str, tmp_path: Path
) -> None:
    queues.send("q", Message("x", ident))
    assert take(queues).id == ident
    assert [path.name for path in tmp_path.iterdir()] == ["q"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"body": 5}',
        b'{"body": "x", "id": 7}',
        b'{"body": "x", "signature": "%"}',
        b"[" * 5000,
        b'{"body": "' + b"x" * 2000 + b'"}',
        b"x" * 20_000,
    ],
)
def test_what_is_no_message_is_delivered_with_its_problem(queues: FolderTransport, data: bytes) -> None:
    folder = queues.declare("q")
    (folder / f"{1:020d}-0123abcd-known.message").write_bytes(data)
    found = take(queues)
    assert found.message is None
    assert found.id == "known"
    assert found.problem
    queues.acknowledge("q", found.receipt)
    assert queues.receive("q", 0) is None


def test_queues_that_nobody_reads_go_away_after_a_day(queues: FolderTransport, tmp_path: Path) -> None:
    queues.send("old", Message("x"))
    queues.send("new", Message("x"))
    yesterday = time.time() - 86_401
    os.utime(tmp_path / "old" / ".wake", (yesterday, yesterday))
    assert queues.expire() == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_root_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TransportError, match="queue q: "):
        FolderTransport(tmp_path / "file").receive("q", 0)
