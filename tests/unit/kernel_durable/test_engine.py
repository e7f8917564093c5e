"""What the engine promises: steps in order, order per resource, retries, deadlines, cancellation, undoing."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from knarr.kernel import history, stepping
from knarr.kernel.db import utcnow
from knarr.kernel.engine import EngineRunningError
from knarr.kernel.errors import Conflict, NotFound
from knarr.kernel.leases import Leases
from knarr.kernel.operations import Cancelled, Fatal, Operation, Retry, enqueue
from knarr.kernel.work import LeaseLost, Work


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "FIRST_PAUSE", 0.02)


def test_steps_run_in_order_and_hand_data_on(house):
    seen: list[Any] = []

    def first(work):
        work.save(port="p1")

    def second(work):
        seen.append((work.data, work.resource_id, work.project_id, work.attempt))

    house.kind("thing.create", first, second)
    house.engine()
    operation = house.finished(house.enqueue("thing.create", project_id="proj", data={"size": 3}))

    assert (operation.state, operation.step, operation.error) == ("done", "second", None)
    assert seen == [({"size": 3, "port": "p1"}, "r1", "proj", 1)]
    assert operation.holds is None
    assert operation.started_at <= operation.finished_at


def test_what_is_rolled_back_never_runs(house):
    ran = threading.Event()
    house.kind("thing.create", lambda work: ran.set())
    house.engine()
    with pytest.raises(KeyError), house.db.write() as session:
        enqueue(session, "thing.create", resource_type="thing", resource_id="r1")
        raise KeyError
    assert not ran.wait(0.2)


def test_operations_of_a_resource_run_in_order_and_those_of_others_side_by_side(house):
    log: list[tuple[str, int]] = []
    active: dict[str, int] = {}
    overlaps: list[str] = []
    most = [0]
    lock = threading.Lock()

    def step(work):
        with lock:
            if active.get(work.resource_id):
                overlaps.append(work.resource_id)
            active[work.resource_id] = 1
            most[0] = max(most[0], sum(active.values()))
        time.sleep(0.01)
        with lock:
            log.append((work.resource_id, work.data["n"]))
            active[work.resource_id] = 0

    house.kind("thing.change", step)
    house.engine(workers=6)
    ids = [house.enqueue("thing.change", f"r{n % 4}", data={"n": n}) for n in range(40)]
    for operation_id in ids:
        assert house.finished(operation_id).state == "done"

    assert not overlaps
    assert most[0] > 1
    for resource in {name for name, _ in log}:
        numbers = [n for name, n in log if name == resource]
        assert numbers == sorted(numbers)


def test_a_waiting_operation_holds_up_the_next_one_of_its_resource(house):
    log = []

    def flaky(work):
        log.append(work.attempt)
        if work.attempt < 3:
            raise Retry("not yet", after=0.05)

    house.kind("thing.create", flaky)
    house.kind("thing.delete", lambda work: log.append("delete"))
    house.engine()
    house.enqueue("thing.create")
    house.finished(house.enqueue("thing.delete"))

    assert log == [1, 2, 3, "delete"]


def test_an_error_is_tried_again_until_the_retries_are_used_up_and_then_undone(house):
    attempts, undone = [], []

    def step(work):
        attempts.append(work.attempt)
        raise OSError("engine is away")

    house.kind("thing.create", step, retries=2, failed=lambda work, error: undone.append(str(error)))
    house.engine()
    operation = house.finished(house.enqueue("thing.create"))

    assert attempts == [1, 2, 3]
    assert undone == ["engine is away"]
    assert (operation.state, operation.error) == ("failed", "engine is away")


@pytest.mark.parametrize("error", [Fatal("no such image"), NotFound("no such image")])
def test_an_error_that_trying_again_cannot_help_fails_at_once(house, error):
    attempts = []

    def step(work):
        attempts.append(1)
        raise error

    house.kind("thing.create", step)
    house.engine()
    operation = house.finished(house.enqueue("thing.create"))

    assert (operation.state, operation.error, len(attempts)) == ("failed", "no such image", 1)


def test_waiting_does_not_count_as_an_attempt(house):
    calls = []

    def step(work):
        calls.append(work.attempt)
        if len(calls) < 6:
            raise Retry("still saving", after=0.01, count=False)

    house.kind("thing.create", step, retries=1)
    house.engine()

    assert house.finished(house.enqueue("thing.create")).state == "done"
    assert calls == [1] * 6


def test_the_deadline_ends_a_step_that_waits(house):
    undone = []
    house.kind("thing.create", lambda work: work.wait(30), deadline=0.1,
               failed=lambda work, error: undone.append(type(error).__name__))  # fmt: skip
    house.engine()
    began = time.monotonic()
    operation = house.finished(house.enqueue("thing.create"))

    assert operation.state == "failed"
    assert "0.1 seconds" in operation.error
    assert undone == ["TimedOut"]
    assert time.monotonic() - began < 5


def test_the_deadline_ends_an_operation_between_attempts(house):
    def step(work):
        raise Retry("not yet", after=0.03, count=False)

    house.kind("thing.create", step, deadline=0.15)
    house.engine()

    assert "did not end within" in house.finished(house.enqueue("thing.create")).error


def test_cancelling_a_running_operation_undoes_it(house):
    started, undone = threading.Event(), []

    def step(work):
        started.set()
        work.wait(30)

    house.kind("thing.create", step, cancelled=lambda work: undone.append("cancelled"))
    house.engine()
    operation_id = house.enqueue("thing.create")
    assert started.wait(5)
    with house.db.write() as session:
        history.cancel_operation(session, operation_id)

    assert house.finished(operation_id, 5).state == "cancelled"
    assert undone == ["cancelled"]


def test_cancelling_a_queued_operation_runs_no_step(house):
    ran, undone = [], []
    house.kind("thing.create", lambda work: ran.append(1),
               failed=lambda work, error: undone.append(isinstance(error, Cancelled)))  # fmt: skip
    operation_id = house.enqueue("thing.create", delay=60)
    with house.db.write() as session:
        history.cancel_operation(session, operation_id)
    house.engine()

    assert house.finished(operation_id, 5).state == "cancelled"
    assert (ran, undone) == ([], [True])
    with pytest.raises(Conflict), house.db.write() as session:
        history.cancel_operation(session, operation_id)


def test_undoing_is_tried_again(house):
    calls = []

    def undo(work, error):
        calls.append(str(error))
        if len(calls) < 3:
            raise OSError("engine is away")

    def step(work):
        raise Fatal("broken")

    house.kind("thing.create", step, failed=undo)
    house.engine()
    operation = house.finished(house.enqueue("thing.create"))

    assert calls == ["broken"] * 3
    assert (operation.state, operation.error) == ("failed", "broken")


def test_a_failed_operation_can_be_run_again_by_hand(house):
    broken = [True]

    def step(work):
        if broken:
            raise Fatal("broken")

    house.kind("thing.create", step)
    house.engine()
    operation_id = house.enqueue("thing.create")
    house.finished(operation_id)
    broken.clear()
    with house.db.write() as session:
        history.retry_operation(session, operation_id)

    operation = house.finished(operation_id)
    assert (operation.state, operation.error) == ("done", None)
    with pytest.raises(Conflict), house.db.write() as session:
        history.retry_operation(session, operation_id)


def test_a_delayed_operation_starts_when_its_time_has_come(house):
    house.kind("thing.create", lambda work: None)
    house.engine()
    operation = house.finished(house.enqueue("thing.create", delay=0.3))

    late = (operation.started_at - operation.not_before).total_seconds()
    assert 0 <= late < 0.2
    assert operation.not_before - operation.created_at == timedelta(seconds=0.3)


def test_an_engine_leaves_the_work_of_other_hosts_alone(house):
    house.kind("thing.create", lambda work: None)
    house.engine()
    other = house.enqueue("thing.create", "r1", host="there")
    house.finished(house.enqueue("thing.create", "r2", host="here"))

    assert house.show(other).state == "queued"


def test_progress_is_recorded(house):
    go_on, reported = threading.Event(), threading.Event()

    def step(work):
        work.progress(512, 2048, "pulling")
        reported.set()
        go_on.wait(5)
        work.progress(2048, 2048, "pulled")

    house.kind("thing.create", step)
    house.engine()
    operation_id = house.enqueue("thing.create")
    assert reported.wait(5)
    with house.db.read() as session:
        view = history.show_operation(session, operation_id)
    assert (view["progress_done"], view["progress_total"], view["progress_text"]) == (512, 2048, "pulling")
    go_on.set()
    assert house.finished(operation_id).progress_done == 2048


def test_stopping_gives_work_back_that_the_next_engine_takes_up_without_counting_an_attempt(house):
    attempts, go_on, started = [], [], threading.Event()

    def step(work):
        attempts.append(work.attempt)
        started.set()
        if not go_on:
            work.wait(30)

    house.kind("thing.create", step)
    engine = house.engine()
    operation_id = house.enqueue("thing.create")
    assert started.wait(5)
    assert engine.stop(5)
    assert house.show(operation_id).state == "queued"
    go_on.append(1)
    house.engine()

    assert house.finished(operation_id).state == "done"
    assert attempts == [1, 1]


def test_only_one_engine_of_a_name_runs(house):
    house.engine(name="compute")
    with pytest.raises(EngineRunningError):
        house.engine(name="compute")
    house.engine(name="another")


def test_a_lease_that_is_not_renewed_passes_on_and_its_former_holder_cannot_interfere(house):
    done = []
    house.kind("thing.create", lambda work: done.append(work.id))
    stalled = Leases(house.db, "there/engine/1", "there", house.operations.kinds, 0.2)
    operation_id = house.enqueue("thing.create")
    claim = stalled.claim()
    work = Work(house.runtime, house.operations.kinds["thing.create"], claim.row, stalled)
    house.engine(lease=0.2)

    assert house.finished(operation_id).state == "done"
    assert done == [operation_id]
    with pytest.raises(LeaseLost):
        work.wait(5)  # its own clock may be a little behind that of the table
    with pytest.raises(LeaseLost):
        work.save(late=True)
    assert house.show(operation_id).data == {}


def test_an_operation_that_is_committed_late_waits_for_a_later_one_that_is_under_way(house):
    log = []

    def step(work):
        log.append(work.data["n"])
        if log == [2]:
            with house.db.write() as session:
                # Numbered before the one that runs, but committed only now.
                names = {"resource_type": "thing", "resource_id": "r1"}
                enqueue(session, "thing.create", **names, data={"n": 1}).sequence = 0
            raise Retry("once more", after=0.1)

    house.kind("thing.create", step)
    house.engine()
    house.finished(house.enqueue("thing.create", data={"n": 2}))
    with house.db.read() as session:
        first = history.list_operations(session, resource_id="r1")[-1]["id"]
    assert house.finished(first).state == "done"
    assert log == [2, 2, 1]


def test_a_long_step_keeps_its_lease(house):
    house.kind("thing.create", lambda work: time.sleep(0.8))
    house.engine(lease=0.3)
    house.engine(name="rival", lease=0.3)
    operation = house.finished(house.enqueue("thing.create"))

    assert (operation.state, operation.attempts) == ("done", 1)


def test_an_operation_whose_end_could_not_be_recorded_is_run_again_when_its_lease_runs_out(house):
    runs = []

    def step(work):
        runs.append(work.attempt)
        if len(runs) == 1:
            raise SystemExit  # no step should, but a library may

    house.kind("thing.create", step)
    house.kind("thing.long", lambda work: work.wait(1.5))
    house.engine(lease=0.3)
    long = house.enqueue("thing.long", "r2")  # its lease goes on being renewed
    assert house.finished(house.enqueue("thing.create"), 1.2).state == "done"
    assert runs == [1, 2]
    assert house.finished(long).attempts == 1


def test_two_engines_never_run_the_same_operation(house):
    runs: list[str] = []
    house.kind("thing.create", lambda work: runs.append(work.id))
    house.engine(name="a")
    house.engine(name="b")
    ids = [house.enqueue("thing.create", f"r{n % 7}") for n in range(60)]
    for operation_id in ids:
        house.finished(operation_id)

    assert sorted(runs) == sorted(ids)


def test_an_operation_starts_within_milliseconds_of_its_commit(house):
    delays = []
    committed = [0.0]

    def step(work):
        delays.append(time.perf_counter() - committed[0])

    house.kind("thing.create", step)
    house.engine()
    house.finished(house.enqueue("thing.create", "warm-up"))
    delays.clear()
    for n in range(30):
        with house.db.write() as session:
            operation_id = enqueue(session, "thing.create", resource_type="thing", resource_id=f"r{n}").id
            committed[0] = time.perf_counter()
        house.finished(operation_id)

    # Around 2 ms on a quiet machine; the bound leaves room for a busy one.
    assert sorted(delays)[len(delays) // 2] < 0.02


def test_counts_by_kind_and_state(house):
    house.kind("thing.create", lambda work: None)
    house.kind("thing.delete", lambda work: None)
    for kind, resource in (("thing.create", "a"), ("thing.create", "b"), ("thing.delete", "a")):
        house.enqueue(kind, resource)
    with house.db.read() as session:
        counts = {(c.kind, c.state): c.count for c in history.count_operations(session)}

    assert counts == {("thing.create", "queued"): 2, ("thing.delete", "queued"): 1}


def test_old_operations_are_forgotten_and_unfinished_ones_never(house):
    house.kind("thing.create", lambda work: None)
    engine = house.engine()
    old, fresh = house.enqueue("thing.create", "a"), house.enqueue("thing.create", "b")
    house.finished(old)
    house.finished(fresh)
    engine.stop()
    waiting = house.enqueue("thing.create", "c")
    with house.db.write() as session:
        for operation_id in (old, waiting):
            row = session.get(Operation, house.show(operation_id).sequence)
            row.created_at = utcnow() - timedelta(days=9)
            row.finished_at = utcnow() - timedelta(days=8) if operation_id == old else None

    assert history.prune(house.db, timedelta(days=7)) == 1
    with house.db.read() as session:
        assert {view["id"] for view in history.list_operations(session)} == {fresh, waiting}
        assert [view["id"] for view in history.list_operations(session, unfinished=True)] == [waiting]
        with pytest.raises(NotFound):
            history.show_operation(session, old)


def test_what_cannot_be_run_is_refused_when_it_is_enqueued(house):
    house.kind("thing.create", lambda work: None, target="host")
    with pytest.raises(ValueError, match=r"no operation kind thing\.fly"):
        house.enqueue("thing.fly")
    with pytest.raises(ValueError, match="must name their host"):
        house.enqueue("thing.create")
