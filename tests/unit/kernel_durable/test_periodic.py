"""Tasks that come again."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from knarr.kernel.periodic import Periodic, Scheduler


@pytest.fixture
def scheduled():
    schedulers = []

    def start(*tasks, conf=None):
        scheduler = Scheduler(SimpleNamespace(conf=conf), tasks)
        schedulers.append(scheduler)
        scheduler.start()
        return scheduler

    yield start
    for scheduler in schedulers:
        scheduler.stop()


def wait_for(condition):
    until = time.monotonic() + 5
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    assert condition()


def test_a_task_runs_again_and_again_though_it_fails(scheduled):
    runs = []

    def task(runtime):
        runs.append(runtime)
        raise OSError("engine is away")

    scheduled(Periodic("sync", 0.02, task))
    wait_for(lambda: len(runs) >= 3)


def test_a_task_never_overlaps_with_itself_and_does_not_hold_up_others(scheduled):
    active, most, others = [], [0], []

    def slow(runtime):
        active.append(1)
        most[0] = max(most[0], len(active))
        time.sleep(0.1)
        active.pop()

    scheduled(Periodic("slow", 0.01, slow), Periodic("quick", 0.02, others.append))
    time.sleep(0.35)
    assert most == [1]
    assert len(others) > 6


def test_the_interval_may_be_an_option_and_zero_turns_the_task_off(scheduled):
    on, off = [], []
    conf = SimpleNamespace(engine=SimpleNamespace(sync=0.02, prune=0))
    tasks = Periodic("on", "engine.sync", on.append), Periodic("off", "engine.prune", off.append)
    scheduled(*tasks, conf=conf)
    wait_for(lambda: len(on) >= 2)
    assert not off


def test_a_task_may_run_at_the_start_or_on_demand(scheduled):
    first, demanded = [], []
    scheduler = scheduled(Periodic("first", 600, first.append, run_at_start=True),
                          Periodic("demanded", 600, demanded.append))  # fmt: skip
    wait_for(lambda: len(first) == 1)
    assert not demanded
    assert scheduler.run_now("demanded")
    assert not scheduler.run_now("unknown")
    wait_for(lambda: len(demanded) == 1)


def test_stopping_does_not_wait_for_a_task_that_hangs(scheduled):
    started, hang = threading.Event(), threading.Event()

    def task(runtime):
        started.set()
        hang.wait(30)

    scheduler = scheduled(Periodic("hangs", 600, task, run_at_start=True))
    assert started.wait(5)
    began = time.monotonic()
    scheduler.stop(timeout=0.1)
    assert time.monotonic() - began < 1
    hang.set()
