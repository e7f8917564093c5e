"""Plans as engines send them, and agents as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from knarr_agent import plan as plans
from knarr_agent import runner
from knarr_agent.config import Limits
from knarr_agent.errors import AgentError
from knarr_agent.message import Message
from knarr_agent.results import failure
from knarr_agent.transports.folder import FolderTransport

SOURCES = Path(__file__).resolve().parents[3] / "src"
# The agent may be run by another Python than the tests: machines have the one that they have.
PYTHON = os.environ.get("KNARR_AGENT_PYTHON", sys.executable)
QUEUE = "e1-h1"
RESULTS = "-execution-results-test"


def make_plan(body: str = "return 1", ident: str = "plan-1", **more: Any) -> dict[str, Any]:
    """A plan of format 2.2.0."""
    basis = {
        "FormatVersion": "2.2.0",
        "ID": ident,
        "Action": "Execute",
        "Body": body,
        "Scripts": {},
        "Files": {},
    }
    return basis | more


def with_script(
    text: str, body: str = "return run()", name: str = "run.sh", **options: Any
) -> dict[str, Any]:
    """A plan with one application that the body calls `run`."""
    return make_plan(
        body,
        Files={"f1": {"Name": name, "BodyType": "Text", "Body": text}},
        Scripts={"run": {"Type": "Application", "EntryPoint": "f1", "Options": options}},
    )


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a plan in this process and give the answer."""

    def go(plan: Mapping[str, Any], **limits: Any) -> dict[str, Any]:
        try:
            parsed = plans.parse(dict(plan))
        except AgentError as error:
            return failure(str(plan.get("ID")), error)
        return runner.run(parsed, tmp_path / "work", Limits(**limits))

    return go


class AgentProcess:
    """A knarr-agent that is started, killed and started again over the same storage."""

    def __init__(self, root: Path, **options: str) -> None:
        self.root = root
        self.storage = root / "storage"
        self.queues = FolderTransport(root / "queues")
        self.config = root / "agent.conf"
        self.process: subprocess.Popen[bytes] | None = None
        self.configure(**options)

    def configure(self, plans: str = "", default: str = "", transport: str = "") -> None:
        transport = transport or f"type = folder\nfolder = {self.root}/queues"
        self.config.write_text(
            f"[DEFAULT]\nstorage = {self.storage}\n{default}\n"
            f"[rabbitmq]\ninput_queue = {QUEUE}\nresult_routing_key = {RESULTS}\n"
            f"[transport]\n{transport}\n[plans]\n{plans}\n"
        )

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> AgentProcess:
        self.process = subprocess.Popen(
            [PYTHON, "-m", "knarr_agent", "--config-file", str(self.config), *arguments],
            env=os.environ | {"PYTHONPATH": str(SOURCES)} | dict(environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=(self.root / "log").open("ab"),
        )
        return self

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    def send(self, plan: Mapping[str, Any] | str, ident: str | None = None, **message: Any) -> None:
        body = plan if isinstance(plan, str) else json.dumps(plan)
        known = ident if ident is not None else "" if isinstance(plan, str) else str(plan.get("ID", ""))
        self.queues.send(QUEUE, Message(body, known, **message))

    def answer(self, timeout: float = 60, queue: str = RESULTS) -> dict[str, Any]:
        delivery = self.queues.receive(queue, timeout)
        assert delivery is not None, f"no answer; the agent says:\n{self.log}"
        assert delivery.message is not None
        self.queues.acknowledge(queue, delivery.receipt)
        found: dict[str, Any] = json.loads(delivery.message.body)
        return found

    def has_answer(self) -> bool:
        return self.queues.receive(RESULTS, 0) is not None

    def kill(self) -> None:
        """As if the power of the agent's process was cut; what runs a plan goes on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def reboot(self) -> None:
        """Kill the agent, what runs plans, and their scripts, all at once."""
        self.kill()
        for path in (self.storage / "plans").glob("*/running"):
            pid = int(json.loads(path.read_text())["pid"])
            if pid:
                os.killpg(pid, signal.SIGKILL)
                wait_until(lambda pid=pid: has_ended(pid))

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)


def has_ended(pid: int) -> bool:
    """Whether the process has ended, be it that nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(is_so: Callable[[], Any], seconds: float = 30) -> None:
    """Wait for something that another process does. Fails after so many seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent that is configured but not started; ended after the test."""
    made = AgentProcess(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()
    for path in (made.storage / "plans").glob("*/running"):
        pid = int(json.loads(path.read_text())["pid"])
        if pid and not has_ended(pid):
            os.killpg(pid, signal.SIGKILL)
    made.queues.close()
