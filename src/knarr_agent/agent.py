"""The agent: takes plans from its queue, has them run one after another, and answers."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from knarr_agent import logs, plan, results, runner
from knarr_agent.config import Config
from knarr_agent.errors import AgentError, MalformedPlan, RunFailed
from knarr_agent.message import Message
from knarr_agent.store import PlanStore, Running, Stored, boot_id
from knarr_agent.transports import Delivery, Refused, Transport, TransportError
from knarr_agent.worker import BUSY

LOG = logging.getLogger(__name__)

WAIT_SECONDS = 30.0  # for a plan, before looking around
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # after the transport failed
# Starts the worker with this very package; other things in its folder come last.
# Not by PYTHONPATH: scripts would inherit it, those of other Pythons too.
_WORKER = (
    "import sys; root = sys.argv.pop(1); sys.path[0] = root; import knarr_agent; "
    "sys.path[0:1] = []; sys.path.append(root); from knarr_agent import worker; worker.program()"
)
_PACKAGES = Path(__file__).resolve().parent.parent
PLAN_VARIABLE = "KNARR_AGENT_PLAN"  # in the environment of all that a plan starts


class Agent:
    """One machine's agent. Only one may use a storage folder at a time."""

    def __init__(self, config: Config, transport: Transport) -> None:
        self.config = config
        self.transport = transport
        self.store = PlanStore(config.storage)
        self._pause = 0.0
        self._retry_at = 0.0

    def run(self, once: bool = False) -> None:
        """Work until a signal ends the program; `once`: until nothing is left to do."""
        while True:
            try:
                if not self._step():
                    if once and not len(self.store):
                        return
                    self._drain(WAIT_SECONDS)
            except OSError as error:  # a full disk, perhaps: plans stay where they are
                LOG.error("%s; trying again in %.0f s", error, LONGEST_PAUSE)  # noqa: TRY400
                time.sleep(LONGEST_PAUSE)

    def _step(self) -> bool:
        """Take what there is, send what there is, run one plan. Whether there was one to run."""
        self._drain(0)
        self.send_answers()
        stored = self.store.next()
        if stored is not None:
            self.execute(stored)
        return stored is not None

    # -- receiving

    def _drain(self, timeout: float) -> None:
        """Take the plans that are there; wait for the first one if there is none."""
        wait = self._retry_at - time.monotonic()
        if wait > 0:
            if timeout:
                time.sleep(min(wait, timeout))
            return
        try:
            while len(self.store) < self.config.limits.queued:
                delivery = self.transport.receive(self.config.input_queue, timeout)
                if delivery is None:
                    break
                self.accept(delivery)
                self.transport.acknowledge(self.config.input_queue, delivery.receipt)
                timeout = 0
            self._pause = 0.0
        except TransportError as error:
            self._failed(error)

    def _failed(self, error: TransportError) -> None:
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self._retry_at = time.monotonic() + self._pause
        LOG.warning("%s; trying again in %.0f s", error, self._pause)

    def accept(self, delivery: Delivery) -> None:
        """Keep a plan that came, or refuse it. One that the engine did not sign is dropped."""
        message, key = delivery.message, self.config.engine_key
        if key is not None and not (
            message is not None and key.verify(self.config.input_queue, message.body, message.signature)
        ):
            LOG.warning("A plan without the engine's signature was dropped")
            return
        if message is None:
            self._refuse(delivery.id, "", MalformedPlan(f"the plan cannot be read: {delivery.problem}"))
            return
        message = _identified(message)
        if not message.id:
            LOG.warning("A plan without an id was dropped: nobody could be answered")
        elif not self.store.put(message):
            LOG.info("Plan %s is known already: dropped", message.id)

    def _refuse(self, ident: str, reply_to: str, error: AgentError) -> None:
        LOG.warning("%s", error.message)
        if ident and self.store.put(Message("null", ident, reply_to)):
            refused = next(one for one in self.store.all() if one.message.id == ident)
            refused.finish(json.dumps(results.failure(ident, error)))

    # -- running

    def execute(self, stored: Stored) -> None:
        """Bring the plan to an answer: run it, wait for the process that runs it already, or refuse it."""
        running = stored.running
        try:
            if running is None:
                attempt = 1
                self._begin(stored)
            else:
                if stored.is_held():
                    self._wait_for(stored, running)
                    return
                attempt = self._again(stored, running)
            self._spawn(stored, attempt)
        except AgentError as error:
            LOG.warning("Plan %s: %s", stored.message.id, error.message)
            stored.finish(json.dumps(results.failure(stored.message.id, error)))
        except OSError:
            raise
        except Exception as error:  # a plan must not be able to stop the agent, whatever it holds
            LOG.exception("Plan %s", stored.message.id)
            stored.finish(json.dumps(results.failure(stored.message.id, error)))

    def _begin(self, stored: Stored) -> None:
        parsed = plan.parse(runner.read(stored.message))
        if parsed.stamp is not None and parsed.stamp <= self.store.last_stamp:
            self.store.advance(parsed.stamp)  # raises: what was not begun must not look as if it was
        stored.begin(1, 0)
        self.store.advance(parsed.stamp)

    def _again(self, stored: Stored, running: Running) -> int:
        """The number of an interrupted plan's next attempt. Raises RunFailed if there is to be none."""
        LOG.warning("Plan %s was interrupted", stored.message.id)
        _end_leftovers(stored, running)
        parsed = plan.parse(runner.read(stored.message))
        if parsed.stamp is not None and parsed.stamp > self.store.last_stamp:
            self.store.advance(parsed.stamp)
        if self.config.limits.on_interruption == "report":
            raise RunFailed("the plan was interrupted, by a reboot perhaps, and is not run again")
        if running.attempt >= max(1, self.config.limits.attempts):
            raise RunFailed(f"the plan was interrupted {running.attempt} times, and is not run again")
        return running.attempt + 1

    def _spawn(self, stored: Stored, attempt: int) -> None:
        limits = self.config.limits
        if self.config.log_file:
            logs.shorten(self.config.log_file, limits.log)
        if attempt > 1:
            stored.begin(attempt, 0)
        command = [sys.executable, "-c", _WORKER, str(_PACKAGES), str(stored.folder), str(attempt)]
        log_file = str(self.config.log_file or "")
        command += [json.dumps(asdict(limits)), "debug" if self.config.debug else "", log_file]
        process = subprocess.Popen(
            command,
            env=os.environ | {PLAN_VARIABLE: stored.folder.name},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = process.wait(limits.plan_timeout or None)
        except subprocess.TimeoutExpired:
            _end_group(process.pid)
            process.wait()
            raise self._too_long() from None
        if code == BUSY or stored.result is not None:
            return
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise RunFailed(f"the process that ran the plan ended with {ending}, without a result")

    def _wait_for(self, stored: Stored, running: Running) -> None:
        """A process of an agent before this one runs the plan: wait for its end."""
        LOG.info("Plan %s still runs", stored.message.id)
        limit = self.config.limits.plan_timeout
        started = (stored.folder / "running").stat().st_mtime
        try:
            descriptor = os.pidfd_open(running.pid) if running.pid else None
        except ProcessLookupError:
            return
        if descriptor is None:
            time.sleep(0.1)  # the process has not yet said who it is
            return
        try:
            left = max(0.0, started + limit - time.time()) if limit else None
            if not select.select([descriptor], [], [], left)[0] and stored.is_held():
                _end_group(running.pid)
                raise self._too_long()
        finally:
            os.close(descriptor)

    def _too_long(self) -> RunFailed:
        return RunFailed(f"the plan took more than {self.config.limits.plan_timeout:g} seconds and was ended")

    # -- answering

    def send_answers(self) -> None:
        """Send what can be sent. What cannot stays on the disk."""
        if time.monotonic() < self._retry_at:
            return
        for stored in self.store.finished():
            answer = stored.result
            if answer is None:
                continue
            dynamic = self.config.dynamic_result_queue and answer.reply_to
            queue = answer.reply_to if dynamic else self.config.result_queue
            try:
                self._send(queue, Message(answer.body, answer.id))
            except TransportError as error:
                self._failed(error)
                return
            self.store.forget(stored)

    def _send(self, queue: str, answer: Message) -> None:
        """Send the answer; if it is refused for good, tell that instead, or else give it up."""
        try:
            self.transport.send(queue, answer)
        except Refused as error:
            LOG.warning("The answer to plan %s is refused: %s", answer.id, error)
            told = results.failure(answer.id, RunFailed(f"the plan's answer was refused: {error}"))
            with contextlib.suppress(Refused):
                self.transport.send(queue, Message(json.dumps(told), answer.id))


def _identified(message: Message) -> Message:
    """The message with the id and the place for the answer that its plan names, where it names them."""
    try:
        data = json.loads(message.body)
    except (ValueError, RecursionError):
        return message
    if not isinstance(data, dict):
        return message
    ident, reply_to = data.get("ID"), data.get("ReplyTo")
    return Message(
        message.body,
        ident if isinstance(ident, str) and 0 < len(ident) <= 255 else message.id,
        reply_to if isinstance(reply_to, str) and reply_to else message.reply_to,
        message.signature,
    )


def _end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _end_leftovers(stored: Stored, running: Running) -> None:
    """End the scripts that a process which was killed has left, so that two runs do not meet."""
    if not running.pid or running.boot != boot_id():
        return
    for pid in _group(running.pid):
        if f"{PLAN_VARIABLE}={stored.folder.name}".encode() in _environment(pid).split(b"\0"):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _group(group: int) -> Iterator[int]:
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                if os.getpgid(int(path.name)) == group:
                    yield int(path.name)
            except ProcessLookupError:
                continue


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
