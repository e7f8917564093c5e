"""The engine: threads that run the operations of this host.

Workers sleep until the bus tells of a new operation, a worker is done with one that others waited for, or the
keeper finds that a pause or a foreign lease has ended. The keeper also renews the leases. Nobody polls: the
keeper's look at the table every SAFETY seconds only makes good for an announcement that a bus has lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from knarr.kernel import logs, stepping
from knarr.kernel.config import LEASE, WORKERS
from knarr.kernel.db import new_id, utcnow
from knarr.kernel.leases import Leases
from knarr.kernel.operations import QUEUED, TOPIC_CANCEL, TOPIC_FINISHED, TOPIC_QUEUED, Operations
from knarr.kernel.work import Interrupted, LeaseLost, Work

LOG = logging.getLogger(__name__)

SAFETY = 30.0  # seconds
AFTER_ERROR = 1.0  # seconds until a thread that the database failed tries again


class EngineRunningError(RuntimeError):
    """Another process runs the engine of this name on this state directory."""


class Engine:
    """Runs operations of the registered kinds that name this host or none.

    `runtime` (knarr.kernel.runtime.Runtime) is handed to the steps; of it the engine uses db, bus,
    host, state_dir and metrics. `name` tells several engines of one host apart. Only one process runs
    the engine of a name; when it starts, it takes over at once what the former one left behind.
    """

    def __init__(
        self,
        runtime: Any,
        operations: Operations,
        *,
        workers: int = WORKERS,
        name: str = "engine",
        lease: float = LEASE,
    ) -> None:
        self.runtime = runtime
        self.bus = operations.bus
        self.kinds = operations.kinds
        self.name = name
        self._prefix = f"{runtime.host}/{name}/"
        self._leases = Leases(operations.db, self._prefix + new_id(), runtime.host, operations.kinds, lease)
        self._size = workers
        self._running: dict[int, Work] = {}
        self._claiming = threading.Lock()  # held from the claim until the work stands in _running
        lock = threading.Lock()  # guards the three below
        self._signal = threading.Condition(lock)  # workers wait on it
        self._keeper_wake = threading.Condition(lock)
        self._nudges = 0
        self._due = 0.0  # monotonic time of the keeper's next look at the table
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._unsubscribe: list[Any] = []
        self._lock_file: IO[str] | None = None
        self._renewed = time.monotonic()

    def claim(self) -> None:
        """Be the only engine of this name. Raises EngineRunningError if another process is."""
        if self._lock_file is None:
            self._lock_file = _lock(Path(self.runtime.state_dir) / f"engine-{self.name}.lock")

    def start(self) -> None:
        """Take over the former engine's work and start the threads. Raises EngineRunningError."""
        self.claim()
        taken = self._leases.take_over(self._prefix)
        if taken:
            LOG.info("took over %d operations of the former engine", taken)
        self._unsubscribe = [
            self.bus.subscribe(TOPIC_QUEUED, self._on_queued),
            self.bus.subscribe(TOPIC_CANCEL, self._on_cancel),
            self.bus.subscribe(TOPIC_FINISHED, self._on_finished),
        ]
        loops = [("keeper", self._keep), *((f"worker-{i + 1}", self._serve) for i in range(self._size))]
        for name, loop in loops:
            thread = threading.Thread(target=loop, name=f"{self.name}-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """End the threads; steps that call `work.check()` end at once. Whether all did within `timeout`
        seconds.

        What could not be ended is run again by the next engine, at the step where it stands.
        """
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        with self._signal:
            self._stopping = True
            self._signal.notify_all()
            self._keeper_wake.notify_all()
        with self._claiming:
            works = list(self._running.values())
        for work in works:
            work.interrupt(Interrupted)
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads)
        if self._lock_file and ended:
            self._lock_file.close()
        return ended

    def healthy(self) -> str | None:
        """What is wrong with the engine, None if nothing is."""
        if not self._threads or not all(thread.is_alive() for thread in self._threads):
            return "engine threads are not running"
        if self._running and time.monotonic() - self._renewed > self._leases.seconds:
            return "leases cannot be renewed"
        return None

    # Waking up

    def _on_queued(self, payload: dict[str, Any]) -> None:
        if payload["host"] not in (None, self.runtime.host):
            return
        if payload["due"] > 0:
            self._look_in(payload["due"])
        else:
            self._nudge()

    def _on_cancel(self, payload: dict[str, Any]) -> None:
        with self._claiming:
            works = list(self._running.values())
        for work in works:
            if work.id == payload["id"]:
                work.ask_to_cancel()

    def _on_finished(self, payload: dict[str, Any]) -> None:
        """What waited for the end of another engine's operation may start here."""
        if payload["engine"] != self._leases.owner:
            self._nudge()

    def _nudge(self) -> None:
        """Have one idle worker look at the table. If there is more to do than it can take, it wakes the
        next."""
        with self._signal:
            self._nudges += 1
            self._signal.notify()

    def _look_in(self, seconds: float) -> None:
        """Have the keeper look at the table in so many seconds at the latest."""
        due = time.monotonic() + max(0.0, seconds)
        with self._signal:
            if due < self._due:
                self._due = due
                self._keeper_wake.notify()

    # Workers

    def _serve(self) -> None:
        while not self._stopping:
            seen = self._nudges
            try:
                work = self._claim()
            except Exception:  # of the database, whichever it is: the worker goes on when it is back
                LOG.exception("operations cannot be claimed")
                self._pause(AFTER_ERROR)
                continue
            if work:
                self._run(work)
                continue
            with self._signal:
                while self._nudges == seen and not self._stopping:
                    self._signal.wait()

    def _claim(self) -> Work | None:
        with self._claiming:
            if self._stopping:
                return None
            claim = self._leases.claim()
            if claim is None:
                return None
            work = Work(self.runtime, self.kinds[claim.row.kind], claim.row, self._leases)
            self._running[work.sequence] = work
        if claim.more:
            self._nudge()
        return work

    def _run(self, work: Work) -> None:
        with logs.request(work.request_id):
            try:
                ending = stepping.run(work)
            except LeaseLost:
                LOG.warning("%s %s was taken over by another engine", work.kind, work.resource_id)
                return
            except Interrupted:
                self._release(work)
                return
            except BaseException:
                # The database failed while the outcome was written down; the lease runs out and all is
                # tried again.
                LOG.exception("%s %s cannot be recorded", work.kind, work.resource_id)
                self._look_in(self._leases.seconds)
                return
            finally:
                self._running.pop(work.sequence, None)
            self._after(work, ending)

    def _after(self, work: Work, ending: stepping.Ending) -> None:
        if ending.state == QUEUED:
            self._look_in((ending.due - utcnow()).total_seconds() if ending.due else 0.0)
            return
        if self.runtime.metrics:
            self.runtime.metrics.operation(work.kind, ending.state, time.monotonic() - work.started)
        self.bus.publish(TOPIC_FINISHED, {
            "id": work.id, "kind": work.kind, "resource_type": work.resource_type,
            "resource_id": work.resource_id, "state": ending.state, "engine": self._leases.owner,
        })  # fmt: skip

    def _release(self, work: Work) -> None:
        try:
            stepping.release(work)
        except (Exception, LeaseLost):
            LOG.warning("%s %s cannot be given back, the next engine gets it", work.kind, work.resource_id)

    # The keeper

    def _keep(self) -> None:
        renew_at = 0.0
        while not self._stopping:
            try:
                now = time.monotonic()
                if now >= renew_at:
                    self._renew()
                    renew_at = now + self._leases.seconds / 3
                if now >= self._due:
                    self._look()
            except Exception:  # as above: without the keeper no lease would be renewed
                LOG.exception("the engine's timers failed")
                self._pause(AFTER_ERROR)
                continue
            with self._signal:
                seconds = min(renew_at, self._due) - time.monotonic()
                if seconds > 0 and not self._stopping:
                    self._keeper_wake.wait(seconds)

    def _renew(self) -> None:
        works = dict(self._running)
        if works:
            held = self._leases.renew(list(works))
            for sequence, work in works.items():
                if sequence not in held:
                    # It may just have ended; then nobody asks any more.
                    work.interrupt(LeaseLost)
                    continue
                work.renewed()
                if held[sequence]:
                    work.ask_to_cancel()
        self._renewed = time.monotonic()

    def _look(self) -> None:
        """Wake a worker for what is due, and find out when to look again."""
        with self._signal:
            self._due = time.monotonic() + SAFETY
        self._leases.reclaim_expired(list(self._running))
        self._nudge()
        due = self._leases.next_due()
        if due:
            self._look_in(_seconds_until(due))

    def _pause(self, seconds: float) -> None:
        with self._signal:
            if not self._stopping:
                self._keeper_wake.wait(seconds)


def _seconds_until(moment: datetime) -> float:
    """A little more than the time left, so that the moment has passed when the sleeper wakes up."""
    return max(0.0, (moment - utcnow()).total_seconds()) + 0.001


def _lock(path: Path) -> IO[str]:
    """Hold the lock of an engine's name until the file is closed or the process ends, however it does."""
    file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "?"
        file.close()
        raise EngineRunningError(f"process {holder} already runs this engine ({path})") from error
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
    return file
