"""Plans on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from knarr_agent.errors import MalformedPlan
from knarr_agent.message import Message
from knarr_agent.store import PlanStore

from .conftest import SOURCES, make_plan


def message(ident: str, stamp: int | None = None) -> Message:
    return Message(json.dumps(make_plan(ident=ident) | ({} if stamp is None else {"Stamp": stamp})), ident)


def next_id(store: PlanStore) -> str:
    found = store.next()
    assert found is not None
    return found.message.id


def test_plans_are_run_in_the_order_of_their_stamps(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    for ident, stamp in (("b", 20), ("c", 1000000000000), ("a", 3)):
        assert store.put(message(ident, stamp))
    order = []
    while (stored := store.next()) is not None:
        order.append(stored.message.id)
        stored.finish("{}")
    assert order == ["a", "b", "c"]


def test_plans_without_a_stamp_come_in_the_order_of_arrival(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.put(message("first"))
    store.put(message("second", 2**62))
    assert next_id(store) == "first"


def test_a_plan_that_was_begun_comes_first(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.put(message("later", 20))
    begun = store.next()
    assert begun is not None
    begun.begin(1, 0)
    store.put(message("earlier", 10))
    assert next_id(store) == "later"


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    assert store.put(message("a", 1))
    assert not store.put(message("a", 2))
    stored = store.next()
    assert stored is not None
    stored.finish("{}")
    assert not store.put(message("a", 3))
    store.forget(stored)
    assert not store.put(message("a", 4))
    assert not PlanStore(tmp_path).put(message("a", 5))
    assert len(store) == 0


def test_another_process_finds_everything(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.put(message("a", 1))
    store.put(message("b", 2))
    first = store.next()
    assert first is not None
    first.finish('{"x": 1}')
    again = PlanStore(tmp_path)
    assert [stored.message.id for stored in again.finished()] == ["a"]
    assert again.finished()[0].result == Message('{"x": 1}', "a")
    assert next_id(again) == "b"


def test_the_first_answer_stays(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.put(message("a"))
    stored = store.next()
    assert stored is not None
    stored.finish("1")
    stored.finish("2")
    assert stored.result is not None
    assert stored.result.body == "1"


def test_stamps_only_grow(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.advance(10)
    store.advance(None)
    store.advance(11)
    for old in (11, 3):
        with pytest.raises(MalformedPlan, match=f"Stamp: {old} is not later than 11"):
            PlanStore(tmp_path).advance(old)


@pytest.mark.parametrize("body", ["", "no json", "[1]", "null", '{"Stamp": "x"}', "[" * 100_000])
def test_a_message_that_is_no_plan_has_a_place_too(tmp_path: Path, body: str) -> None:
    store = PlanStore(tmp_path)
    assert store.put(Message(body, "a"))
    assert next_id(store) == "a"


def test_a_crash_while_an_id_was_written_costs_nothing_else(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    for ident in ("a", "b"):
        store.put(message(ident))
        stored = store.next()
        assert stored is not None
        stored.finish("{}")
        store.forget(stored)
    path = tmp_path / "plans" / "answered"
    path.write_text(path.read_text() + '"c')
    again = PlanStore(tmp_path)
    assert not again.put(message("a"))
    assert again.put(message("c"))
    stored = again.next()
    assert stored is not None
    stored.finish("{}")
    again.forget(stored)
    assert not PlanStore(tmp_path).put(message("c"))


def test_a_plan_that_was_answered_but_not_removed_is_not_answered_again(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.put(message("a"))
    stored = store.next()
    assert stored is not None
    stored.finish("{}")
    (tmp_path / "plans" / "answered").write_text('"a"\n')
    assert PlanStore(tmp_path).finished() == []


def test_what_was_half_written_is_swept_away(tmp_path: Path) -> None:
    PlanStore(tmp_path)
    (tmp_path / "plans" / ".half").mkdir()
    (tmp_path / "plans" / ".half" / "message").write_text("x")
    (tmp_path / "plans" / ".stamp.1.partial").write_text("x")
    assert PlanStore(tmp_path).next() is None
    assert [path.name for path in (tmp_path / "plans").iterdir()] == []


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.put(message("a"))
    assert (tmp_path / "plans").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "plans").rglob("*"))


def test_the_lock_tells_whether_a_plans_process_lives(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    store.put(message("a"))
    stored = store.next()
    assert stored is not None
    code = (
        "import sys; from pathlib import Path; from knarr_agent.store import Stored\n"
        "with Stored(Path(sys.argv[1])).held() as mine: print(mine, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(stored.folder)],
        env={"PYTHONPATH": str(SOURCES)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"True\n"
    assert stored.is_held()
    with stored.held() as mine:
        assert not mine
    process.kill()
    process.wait()
    assert not stored.is_held()
