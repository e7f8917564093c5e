"""Running one claimed operation: its steps in order, what follows from an error, undoing, and the outcome."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from knarr.kernel.db import utcnow
from knarr.kernel.errors import KnarrError
from knarr.kernel.operations import CANCELLED, DONE, FAILED, QUEUED, Cancelled, Fatal, Retry, TimedOut
from knarr.kernel.work import Interrupted, Work

LOG = logging.getLogger(__name__)

# Seconds before the second attempt; doubled with every further one up to the longest.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0

# Undoing is tried this often at least, for nothing comes after it.
UNDO_RETRIES = 10

# A step in which the process died this often is taken to be what killed it.
INTERRUPTIONS = 5

MAX_ERROR = 4000  # characters of an error that are kept


@dataclass(frozen=True)
class Ending:
    """How the engine is done with an operation: its state, and for a queued one when it goes on."""

    state: str
    due: datetime | None = None


def run(work: Work) -> Ending:
    """Run the operation as far as it goes now. Raises Interrupted if the engine stops or lost the lease."""
    return _run_steps(work) if work.outcome is None else _undo(work)


def release(work: Work) -> None:
    """Give an interrupted operation back as if it had not been claimed this time."""
    work.record(_queued(utcnow(), attempts=work.attempt - 1))


def _run_steps(work: Work) -> Ending:
    kind = work.definition
    position = kind.position(work.step)
    if work.attempt > max(kind.retries, INTERRUPTIONS) + 1:
        return _give_up(work, FAILED, Fatal(f"Interrupted {work.attempt - 1} times in the step {work.step}."))
    try:
        for step in kind.steps[position:]:
            work.check()
            _enter(work, step.name)
            step.run(work)
    except Exception as error:  # whatever a step raises is the outcome of its operation, or a reason to retry
        return _after_error(work, error)
    return _finish(work, DONE)


def _enter(work: Work, step: str) -> None:
    """Write down which step begins, unless it stands there already: the claim has done so for its step."""
    if work.step == step:
        return
    work.step, work.attempt = step, 1
    work.record({"step": step, "attempts": 1})


def _after_error(work: Work, error: Exception) -> Ending:
    if isinstance(error, Cancelled) and not isinstance(error, TimedOut):
        return _give_up(work, CANCELLED, error)
    if _is_final(error):
        return _give_up(work, FAILED, error)
    if isinstance(error, Retry) and not error.count:
        return _pause(work, error, attempts=work.attempt - 1)
    if work.attempt > work.definition.retries:
        return _give_up(work, FAILED, error)
    return _pause(work, error, attempts=work.attempt)


def _is_final(error: Exception) -> bool:
    if isinstance(error, KnarrError):
        return 400 <= error.status < 500
    return isinstance(error, Fatal | TimedOut)


def _pause(work: Work, error: Exception, attempts: int) -> Ending:
    seconds = getattr(error, "after", None)
    if seconds is None:
        seconds = pause(work.attempt)
    due = utcnow() + timedelta(seconds=seconds)
    level = logging.DEBUG if isinstance(error, Retry) else logging.WARNING
    LOG.log(level, "%s %s: step %s is run again in %.1f s: %s",
            work.kind, work.resource_id, work.step, seconds, describe(error),
            exc_info=None if isinstance(error, Retry | KnarrError) else error)  # fmt: skip
    work.record(_queued(due, attempts, error=describe(error)))
    return Ending(QUEUED, due)


def pause(attempt: int) -> float:
    """Seconds to wait after this attempt (from 1). Spread by a quarter, so that failed work does not
    march in step."""
    seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311


def _give_up(work: Work, outcome: str, error: Exception) -> Ending:
    """Write down that the operation is to be undone from now on, whoever does it, and undo it."""
    log = LOG.info if outcome == CANCELLED else LOG.error
    unexpected = not isinstance(error, Fatal | Cancelled | Retry | KnarrError)
    log("%s %s %s in step %s: %s", work.kind, work.resource_id, outcome, work.step, describe(error),
        exc_info=error if unexpected else None)  # fmt: skip
    work.outcome, work.error, work.attempt = outcome, describe(error), 1
    work.reason = error
    work.record({"outcome": outcome, "error": work.error, "attempts": 1})
    return _undo(work)


def _undo(work: Work) -> Ending:
    kind = work.definition
    outcome = work.outcome or FAILED
    try:
        if outcome == CANCELLED and kind.cancelled:
            kind.cancelled(work)
        elif kind.failed:
            kind.failed(work, work.reason or _restored(work))
    except Exception as error:  # undoing is tried again as steps are
        if work.attempt <= max(kind.retries, UNDO_RETRIES):
            LOG.warning("undoing %s %s failed", work.kind, work.resource_id, exc_info=error)
            due = utcnow() + timedelta(seconds=pause(work.attempt))
            work.record(_queued(due, work.attempt))
            return Ending(QUEUED, due)
        LOG.exception("gave up undoing %s %s", work.kind, work.resource_id)
        work.error = f"{work.error} (and undoing it failed: {describe(error)})"
    return _finish(work, outcome)


def _restored(work: Work) -> Exception:
    """What stopped the operation, for an engine that only has the text of it."""
    error = Cancelled if work.outcome == CANCELLED else Fatal
    return error(work.error or "The operation failed.")


def _finish(work: Work, state: str) -> Ending:
    work.record({
        "state": state, "finished_at": utcnow(), "error": None if state == DONE else work.error,
        "holds": None, "lease_owner": None, "lease_expires": None,
    })  # fmt: skip
    LOG.debug("%s %s %s after %.3f s", work.kind, work.resource_id, state, time.monotonic() - work.started)
    return Ending(state)


def _queued(due: datetime, attempts: int, **more: Any) -> dict[str, Any]:
    return {"state": QUEUED, "not_before": due, "attempts": attempts,
            "lease_owner": None, "lease_expires": None, **more}  # fmt: skip


def describe(error: BaseException) -> str:
    """What is kept of an error for the user."""
    text = getattr(error, "detail", None) or str(error) or type(error).__name__
    return str(text)[:MAX_ERROR]


__all__ = ["Ending", "Interrupted", "describe", "pause", "release", "run"]
