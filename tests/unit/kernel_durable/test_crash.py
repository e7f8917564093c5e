"""A process that is killed at any instant loses nothing: the next one takes up at the recorded step."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from knarr.kernel import history
from knarr.kernel.operations import enqueue

KINDS = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from knarr.kernel.bus import LocalBus
from knarr.kernel.db import Database
from knarr.kernel.engine import Engine
from knarr.kernel.operations import Fatal, OperationKind, Operations, Step, enqueue

where, mode = Path(sys.argv[1]), sys.argv[2]
db = Database(sys.argv[3])
operations = Operations(db, LocalBus())

def note(line):
    with (where / "log").open("a") as log:
        log.write(line + "\\n")

def hang(what):
    note("hang " + what)
    while mode == "hang":
        time.sleep(0.05)

def image(work):
    note(f"image {work.attempt}")
    work.save(image="busybox")

def start(work):
    note(f"start {work.attempt} {work.data['image']}")
    hang("start")

def part(name):
    def step(work):
        note(f"{work.resource_id} {work.data['n']} {name}")
        time.sleep(0.01)
    return Step(name, step)

def fail(work):
    raise Fatal("broken")

def undo(work, error):
    note(f"undo {error}")
    hang("undo")

operations.register([
    OperationKind("thing.create", (Step("image", image), Step("start", start))),
    OperationKind("thing.parts", (part("a"), part("b"), part("c"))),
    OperationKind("thing.break", (Step("fail", fail),), failed=undo),
])
runtime = SimpleNamespace(db=db, bus=operations.bus, host="here", state_dir=where, metrics=None)
Engine(runtime, operations, workers=2, lease=600).start()
with db.write() as session:
    if len(sys.argv) > 4:
        enqueue(session, sys.argv[4], resource_type="thing", resource_id="r1")
time.sleep(60)
"""


class Crash:
    def __init__(self, where: Path, url: str) -> None:
        self.where = where
        self.url = url
        self.processes: list[subprocess.Popen[bytes]] = []
        (where / "log").touch()
        (where / "engine.py").write_text(KINDS)

    def run(self, mode: str, kind: str = "") -> subprocess.Popen[bytes]:
        command = [sys.executable, str(self.where / "engine.py"), str(self.where), mode, self.url]
        process = subprocess.Popen([*command, *([kind] if kind else [])])
        self.processes.append(process)
        return process

    def log(self) -> list[str]:
        return (self.where / "log").read_text().split("\n")[:-1]

    def until(self, condition, timeout: float = 20.0) -> float:
        """Seconds until the condition held."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < timeout, self.log()
            time.sleep(0.01)
        return time.monotonic() - began


@pytest.fixture
def crash(house, tmp_path):
    crash = Crash(tmp_path, house.db.url.render_as_string(hide_password=False))
    yield crash
    for process in crash.processes:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def only(house):
    with house.db.read() as session:
        return history.list_operations(session)[0]


def unfinished(house):
    with house.db.read() as session:
        return len(history.list_operations(session, unfinished=True))


def test_work_killed_in_a_step_is_taken_up_there_at_once_by_the_next_process(house, crash):
    process = crash.run("hang", "thing.create")
    crash.until(lambda: "hang start" in crash.log())
    kill(process)
    assert (only(house)["state"], only(house)["step"]) == ("running", "start")

    # The lease of the killed engine lasts ten minutes; the new one does not wait for that.
    crash.run("go")
    crash.until(lambda: only(house)["state"] == "done")
    assert crash.log() == ["image 1", "start 1 busybox", "hang start", "start 2 busybox", "hang start"]


def test_undoing_that_was_killed_is_taken_up_and_steps_are_not_repeated(house, crash):
    process = crash.run("hang", "thing.break")
    crash.until(lambda: "hang undo" in crash.log())
    kill(process)
    crash.run("go")
    crash.until(lambda: only(house)["state"] == "failed")

    assert crash.log() == ["undo broken", "hang undo"] * 2
    assert only(house)["error"] == "broken"


def test_a_second_process_does_not_run_while_the_first_one_does(house, crash):
    crash.run("hang", "thing.create")
    crash.until(lambda: "hang start" in crash.log())
    second = crash.run("go")

    assert second.wait(20) != 0
    assert only(house)["state"] == "running"


def test_nothing_is_lost_or_out_of_order_however_often_the_process_is_killed(house, crash):
    house.kind("thing.parts", lambda work: None)  # here it is only enqueued
    with house.db.write() as session:
        for n in range(60):
            enqueue(session, "thing.parts", resource_type="thing", resource_id=f"r{n % 3}", data={"n": n})
    for kills in range(4):
        process = crash.run("go")
        crash.until(lambda kills=kills: len(crash.log()) > 30 * (kills + 1))
        kill(process)
    crash.run("go")
    crash.until(lambda: unfinished(house) == 0)
    assert len(set(crash.log())) == 180

    for resource in ("r0", "r1", "r2"):
        lines = [line.split()[1:] for line in crash.log() if line.startswith(resource)]
        steps = [(int(n), step) for n, step in lines]
        assert steps == sorted(steps)
        # A step is repeated only where the process died in it.
        assert len(steps) - len(set(steps)) <= 4
