"""The agent as a process: it is sent plans, killed in the middle, and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import zipapp
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .conftest import (
    PYTHON,
    QUEUE,
    RESULTS,
    SOURCES,
    AgentProcess,
    has_ended,
    make_plan,
    wait_until,
    with_script,
)

# A body that says that it runs, waits until it may go on, and counts how often it was begun.
WAITS = """
import os, time
with open(args.folder + '/begun', 'a') as f:
    f.write('x')
while not os.path.exists(args.folder + '/go'):
    time.sleep(0.02)
return 'went on'
"""


def waiting(folder: Path, ident: str = "waits", **more: object) -> dict[str, object]:
    return make_plan(WAITS, ident, Parameters={"folder": str(folder)}, **more)


def begun(folder: Path) -> int:
    path = folder / "begun"
    return len(path.read_text()) if path.exists() else 0


def test_a_plan_is_answered(agent: AgentProcess) -> None:
    agent.start()
    agent.send(
        with_script("#!/bin/sh\necho hello $1\n", "return run(args.name).stdout")
        | {"Parameters": {"name": "you"}}
    )
    answer = agent.answer()
    assert (answer["SourceID"], answer["ErrorCode"], answer["Body"]) == ("plan-1", 0, "hello you")
    assert agent.stop() == 0


def test_plans_that_wait_are_run_in_the_order_of_their_stamps(agent: AgentProcess) -> None:
    for ident, stamp in (("third", 30), ("first", 10), ("second", 20)):
        agent.send(make_plan(f"return '{ident}'", ident, Stamp=stamp))
    agent.start("--once")
    assert [agent.answer()["Body"] for _ in range(3)] == ["first", "second", "third"]
    assert agent.process is not None
    assert agent.process.wait(30) == 0


def test_an_id_is_answered_once(agent: AgentProcess, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    agent.send(waiting(tmp_path, "same"))
    agent.send(waiting(tmp_path, "same"))
    agent.start()
    assert agent.answer()["SourceID"] == "same"
    agent.send(waiting(tmp_path, "same"))
    agent.send(make_plan(ident="last"))
    assert agent.answer()["SourceID"] == "last"
    wait_until(lambda: not list(agent.storage.glob("plans/*/message")))
    agent.kill()
    agent.start()
    agent.send(waiting(tmp_path, "same"))
    agent.send(make_plan(ident="very last"))
    assert agent.answer()["SourceID"] == "very last"
    assert begun(tmp_path) == 1


def test_an_old_stamp_is_refused(agent: AgentProcess) -> None:
    agent.start()
    agent.send(make_plan(ident="new", Stamp=20))
    assert agent.answer()["ErrorCode"] == 0
    agent.send(make_plan(ident="old", Stamp=19))
    answer = agent.answer()
    assert (answer["SourceID"], answer["ErrorCode"]) == ("old", 2)
    assert "19 is not later than 20" in answer["Body"]["Message"]


def test_a_plan_goes_on_when_its_agent_is_killed(agent: AgentProcess, tmp_path: Path) -> None:
    agent.start()
    agent.send(waiting(tmp_path, Stamp=5))
    wait_until(lambda: begun(tmp_path))
    agent.kill()
    agent.start()
    wait_until(lambda: "still runs" in agent.log)
    (tmp_path / "go").touch()
    assert agent.answer()["Body"] == "went on"
    assert begun(tmp_path) == 1


def test_a_plan_that_ended_while_no_agent_ran_is_answered_by_the_next(
    agent: AgentProcess, tmp_path: Path
) -> None:
    agent.start()
    agent.send(waiting(tmp_path))
    wait_until(lambda: begun(tmp_path))
    agent.kill()
    (tmp_path / "go").touch()
    wait_until(lambda: list(agent.storage.glob("plans/*/result")))
    assert not agent.has_answer()
    agent.start()
    assert agent.answer()["Body"] == "went on"
    assert begun(tmp_path) == 1


def test_a_plan_is_run_again_after_a_reboot(agent: AgentProcess, tmp_path: Path) -> None:
    agent.start()
    agent.send(waiting(tmp_path, Stamp=5))
    agent.send(make_plan(ident="next", Stamp=6))
    wait_until(lambda: begun(tmp_path))
    agent.reboot()
    (tmp_path / "go").touch()
    agent.start()
    assert agent.answer()["Body"] == "went on"
    assert begun(tmp_path) == 2
    assert agent.answer()["SourceID"] == "next"


def test_a_plan_that_reboots_the_machine_does_not_do_so_for_ever(agent: AgentProcess, tmp_path: Path) -> None:
    agent.configure(plans="attempts = 2")
    agent.start()
    agent.send(waiting(tmp_path))
    for times in (1, 2):
        wait_until(lambda times=times: begun(tmp_path) == times)
        agent.reboot()
        agent.start()
    answer = agent.answer()
    assert answer["ErrorCode"] == 1
    assert answer["Body"]["Message"] == "the plan was interrupted 2 times, and is not run again"


def test_an_interrupted_plan_may_be_reported_instead(agent: AgentProcess, tmp_path: Path) -> None:
    agent.configure(plans="on_interruption = report")
    agent.start()
    agent.send(waiting(tmp_path))
    wait_until(lambda: begun(tmp_path))
    agent.reboot()
    agent.start()
    answer = agent.answer()
    assert answer["ErrorCode"] == 1
    assert "was interrupted" in answer["Body"]["Message"]
    assert begun(tmp_path) == 1


def test_scripts_that_outlived_their_plan_do_not_meet_its_second_run(
    agent: AgentProcess, tmp_path: Path
) -> None:
    text = f"#!/bin/sh\necho $$ >> {tmp_path}/pids\n"
    text += f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done\necho ended\n"
    agent.start()
    agent.send(with_script(text, "return run().stdout"))
    wait_until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().endswith("\n"))
    agent.kill()
    first = int((tmp_path / "pids").read_text())
    running = next((agent.storage / "plans").glob("*/running"))
    os.kill(json.loads(running.read_text())["pid"], signal.SIGKILL)
    assert not has_ended(first)
    agent.start()
    wait_until(lambda: len((tmp_path / "pids").read_text().split()) == 2)
    assert has_ended(first)
    (tmp_path / "go").touch()
    assert agent.answer()["Body"] == "ended"


def test_every_answer_survives_whatever_is_killed_and_when(agent: AgentProcess) -> None:
    """Five plans, and an agent that is killed again and again, each time a little later."""
    expected = {f"p{number}": number for number in range(5)}
    for ident, number in expected.items():
        agent.send(make_plan(f"import time\ntime.sleep(0.05)\nreturn {number}", ident, Stamp=number + 1))
    answers: dict[str, int] = {}
    for attempt in range(30):
        agent.start()
        delivery = agent.queues.receive(RESULTS, 0.2 * (attempt + 1))
        agent.kill()
        while delivery is not None and agent.has_answer():
            answer = agent.answer()
            assert answer["ErrorCode"] == 0
            answers[answer["SourceID"]] = answer["Body"]
        if answers == expected:
            return
    assert answers == expected


def test_a_plan_that_takes_too_long_is_ended(agent: AgentProcess, tmp_path: Path) -> None:
    agent.configure(plans="plan_timeout = 1")
    agent.start()
    agent.send(with_script(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 600\n"))
    answer = agent.answer()
    assert answer["ErrorCode"] == 1
    assert answer["Body"]["Message"] == "the plan took more than 1 seconds and was ended"
    wait_until(lambda: has_ended(int((tmp_path / "pid").read_text())))
    agent.send(make_plan(ident="next"))
    assert agent.answer()["SourceID"] == "next"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import os\nos._exit(7)", "the process that ran the plan ended with exit code 7, without a result"),
        (
            "import os\nos.kill(os.getpid(), 9)",
            "the process that ran the plan ended with signal 9, without a result",
        ),
    ],
)
def test_a_plan_that_ends_its_process_is_answered(agent: AgentProcess, body: str, message: str) -> None:
    agent.start()
    agent.send(make_plan(body))
    assert agent.answer()["Body"]["Message"] == message


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("no json", 2, "the plan is no JSON: Expecting value"),
        ("[]", 2, "an execution plan is a JSON object, not a list"),
        ('{"FormatVersion": "9.0.0"}', 9, "FormatVersion: 9.0.0 is not known; the newest one is 2.2.0"),
        ('{"Scripts": [], "Commands": []}', 9, "FormatVersion: 1.0.0 holds commands for Windows"),
        ('{"FormatVersion": "2.0.0"}', 2, "Body: must be Python statements, as text"),
        ("[" * 200_000, 2, "the plan is no JSON: "),
        (
            '{"FormatVersion": "2.0.0", "Body": "return (", "ID": "x"}',
            2,
            "Body: line 1: '(' was never closed",
        ),
    ],
)
def test_what_is_no_plan_is_answered_under_the_messages_id(
    agent: AgentProcess, text: str, code: int, message: str
) -> None:
    agent.send(text, ident="x")
    agent.start("--once")
    answer = agent.answer()
    assert (answer["SourceID"], answer["ErrorCode"]) == ("x", code)
    assert answer["Body"]["Message"].startswith(message)


def test_a_plan_without_any_id_is_dropped_and_the_next_one_run(agent: AgentProcess) -> None:
    agent.send('{"FormatVersion": "2.0.0", "Body": "return"}', ident="")
    agent.send(make_plan(ident="next"))
    agent.start()
    assert agent.answer()["SourceID"] == "next"
    assert "A plan without an id was dropped" in agent.log


def test_a_plan_that_is_too_large_is_refused(agent: AgentProcess) -> None:
    agent.configure(plans="message = 20000")
    agent.send(make_plan("return len('" + "x" * 30_000 + "')", "large"))
    agent.send(make_plan("return len('" + "x" * 300_000 + "')", "huge"))
    agent.start()
    for ident in ("large", "huge"):
        answer = agent.answer()
        assert (answer["SourceID"], answer["ErrorCode"]) == (ident, 2)
        assert "at most 20000 are accepted" in answer["Body"]["Message"]


def test_a_file_in_the_queue_that_is_no_message_does_not_stop_it(agent: AgentProcess) -> None:
    folder = agent.queues.declare(QUEUE)
    (folder / f"{1:020d}-00000000-known.message").write_bytes(b"\xff\x00 garbage")
    (folder / f"{2:020d}-00000000-.message").write_bytes(b"[]")
    (folder / "something else").write_bytes(b"")
    agent.start()
    answer = agent.answer()
    assert (answer["SourceID"], answer["ErrorCode"]) == ("known", 2)
    agent.send(make_plan(ident="next"))
    assert agent.answer()["SourceID"] == "next"
    assert (folder / "something else").exists()


def test_a_result_that_is_too_large_is_told(agent: AgentProcess) -> None:
    agent.configure(plans="result = 1000")
    agent.start()
    agent.send(make_plan("return 'x' * 5000"))
    answer = agent.answer()
    assert answer["ErrorCode"] == 1
    assert "at most 1000 can be sent" in answer["Body"]["Message"]


def test_with_a_key_only_the_engines_plans_are_run(agent: AgentProcess, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = (
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1).decode()
    )
    agent.configure(default="engine_key =\n" + "".join(f"    {line}\n" for line in public.splitlines()))
    marked = [
        make_plan(f"open({str(tmp_path / name)!r}, 'w')", name) for name in ("unsigned", "stolen", "good")
    ]
    agent.send(marked[0])
    foreign = key.sign(("e1-h2" + json.dumps(marked[1])).encode(), padding.PKCS1v15(), hashes.SHA256())
    agent.send(marked[1], signature=foreign)
    agent.send("x" * 100, ident="garbage")
    own = key.sign((QUEUE + json.dumps(marked[2])).encode(), padding.PKCS1v15(), hashes.SHA256())
    agent.send(marked[2], signature=own)
    agent.start()
    assert agent.answer()["SourceID"] == "good"
    assert agent.log.count("without the engine's signature was dropped") == 3
    assert not (tmp_path / "unsigned").exists()
    assert not (tmp_path / "stolen").exists()
    assert not agent.has_answer()


def test_answers_go_where_the_plan_says_if_the_configuration_allows_it(agent: AgentProcess) -> None:
    agent.configure(default="enable_dynamic_result_queue = true")
    agent.send(make_plan(ident="a"), reply_to="-execution-results-other")
    agent.send(make_plan(ident="b", ReplyTo="-execution-results-third"))
    agent.send(make_plan(ident="c"))
    agent.start()
    assert agent.answer(queue="-execution-results-other")["SourceID"] == "a"
    assert agent.answer(queue="-execution-results-third")["SourceID"] == "b"
    assert agent.answer()["SourceID"] == "c"


def test_an_answer_that_nobody_takes_does_not_hold_up_the_others(agent: AgentProcess) -> None:
    agent.configure(default="enable_dynamic_result_queue = true")
    agent.send(make_plan(ident="a"), reply_to="../../etc")
    agent.send(make_plan(ident="b"))
    agent.start()
    assert agent.answer()["SourceID"] == "b"
    assert "The answer to plan a is refused: '../../etc' is no name of a queue" in agent.log


def test_otherwise_they_go_to_the_configured_queue(agent: AgentProcess) -> None:
    agent.send(make_plan(ident="a"), reply_to="-execution-results-other")
    agent.start()
    assert agent.answer()["SourceID"] == "a"


def test_plans_do_not_see_each_other(agent: AgentProcess) -> None:
    agent.start()
    agent.send(
        make_plan(
            "import os, sys\nos.chdir('/')\nos.environ['X'] = '1'\nsys.leak = 1\nglobal leaked\nleaked = 1",
            "a",
        )
    )
    agent.answer()
    agent.send(
        make_plan(
            "import os, sys\nreturn os.environ.get('X'), hasattr(sys, 'leak'), 'leaked' in globals()", "b"
        )
    )
    assert agent.answer()["Body"] == [None, False, False]


def test_a_signal_stops_it_at_once_and_leaves_the_plan_running(agent: AgentProcess, tmp_path: Path) -> None:
    agent.start()
    agent.send(waiting(tmp_path))
    wait_until(lambda: begun(tmp_path))
    assert agent.stop() == 0
    (tmp_path / "go").touch()
    agent.start()
    assert agent.answer()["Body"] == "went on"
    assert begun(tmp_path) == 1


def test_one_agent_at_a_time_uses_a_storage(agent: AgentProcess, tmp_path: Path) -> None:
    agent.start()
    wait_until(lambda: "Waiting for plans" in agent.log)
    first = agent.process
    agent.start()
    assert agent.process is not None
    assert agent.process.wait(30) == 2
    assert f"another agent uses {agent.storage}" in agent.log
    agent.process = first


def test_the_log_may_be_a_file(agent: AgentProcess, tmp_path: Path) -> None:
    agent.configure(default=f"log_file = {tmp_path}/agent.log")
    agent.send(make_plan(ident="a"))
    agent.start()
    agent.answer()
    (tmp_path / "agent.log").rename(tmp_path / "agent.log.1")
    agent.send(make_plan(ident="b"))
    agent.answer()
    assert "Plan a (without a name) runs" in (tmp_path / "agent.log.1").read_text()
    assert "Plan b (without a name) ended with error code 0" in (tmp_path / "agent.log").read_text()
    assert agent.log == ""


def test_the_log_does_not_grow_for_ever(agent: AgentProcess, tmp_path: Path) -> None:
    agent.configure(default=f"log_file = {tmp_path}/agent.log", plans="log = 500")
    agent.start()
    for number in range(12):
        agent.send(make_plan(ident=f"p{number}"))
        agent.answer()
    assert {path.name for path in tmp_path.glob("agent.log*")} == {"agent.log", "agent.log.1"}
    assert all(path.stat().st_size < 1000 for path in tmp_path.glob("agent.log*"))


def test_it_runs_as_one_file(agent: AgentProcess, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    shutil.copytree(SOURCES / "knarr_agent", tmp_path / "app" / "knarr_agent")
    file = tmp_path / "knarr-agent"
    zipapp.create_archive(tmp_path / "app", file, PYTHON, "knarr_agent.cli:program")
    agent.send(with_script("#!/bin/sh\necho $1 ${PYTHONPATH-none}\n", "print 'x'\nreturn run('one').stdout"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [file, "--config-file", agent.config, "--once"], env=environment, cwd="/", timeout=60
    )
    assert done.returncode == 0
    assert agent.answer()["Body"] == "one none"
    assert (
        subprocess.run([file, "--config-file", "/none"], env=environment, capture_output=True).returncode == 2
    )


def test_nothing_secret_is_in_the_log(agent: AgentProcess) -> None:
    agent.configure(default="debug = true")
    plan = with_script("#!/bin/sh\necho got $1\n", "return run('s3cret').stdout") | {
        "Parameters": {"password": "s3cret"}
    }
    agent.send(plan)
    agent.start()
    assert agent.answer()["Body"] == "got s3cret"
    assert "Script run" in agent.log
    assert "s3cret" not in agent.log
