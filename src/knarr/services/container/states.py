"""The life of a container as tables: statuses, task states, and which action may start from where.

The rows are those of Zun. `check` is the one place that refuses an action in a wrong state.
"""

from __future__ import annotations

from dataclasses import dataclass

from knarr.kernel.errors import Conflict

CREATING = "Creating"
CREATED = "Created"
RUNNING = "Running"
STOPPED = "Stopped"
PAUSED = "Paused"
RESTARTING = "Restarting"
REBUILDING = "Rebuilding"
DELETING = "Deleting"
DELETED = "Deleted"
DEAD = "Dead"
ERROR = "Error"
UNKNOWN = "Unknown"

STATUSES = (
    CREATING, CREATED, RUNNING, STOPPED, PAUSED, RESTARTING,
    REBUILDING, DELETING, DELETED, DEAD, ERROR, UNKNOWN,
)  # fmt: skip

IMAGE_PULLING = "image_pulling"
CONTAINER_CREATING = "container_creating"
CONTAINER_STARTING = "container_starting"
CONTAINER_STOPPING = "container_stopping"
CONTAINER_REBOOTING = "container_rebooting"
CONTAINER_PAUSING = "container_pausing"
CONTAINER_UNPAUSING = "container_unpausing"
CONTAINER_KILLING = "container_killing"
CONTAINER_DELETING = "container_deleting"


@dataclass(frozen=True)
class Action:
    """One row: from these statuses, by this name, under this task state, to that status (None: unchanged)."""

    name: str
    sources: frozenset[str]
    task_state: str | None = None
    to: str | None = None


def _row(name: str, sources: tuple[str, ...], task_state: str | None = None, to: str | None = None) -> Action:
    return Action(name, frozenset(sources), task_state, to)


DELETABLE = (CREATED, ERROR, STOPPED, DELETED, DEAD)

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        _row("start", (CREATED, STOPPED, ERROR), CONTAINER_STARTING, RUNNING),
        _row("stop", (RUNNING,), CONTAINER_STOPPING, STOPPED),
        _row("reboot", (CREATED, RUNNING, STOPPED, ERROR), CONTAINER_REBOOTING, RUNNING),
        _row("pause", (RUNNING,), CONTAINER_PAUSING, PAUSED),
        _row("unpause", (PAUSED,), CONTAINER_UNPAUSING, RUNNING),
        _row("kill", (RUNNING,), CONTAINER_KILLING),
        _row("delete", DELETABLE, CONTAINER_DELETING, DELETED),
        _row("delete_after_stop", (*DELETABLE, RUNNING), CONTAINER_DELETING, DELETED),
        _row("delete_force", tuple(s for s in STATUSES if s != PAUSED), CONTAINER_DELETING, DELETED),
        _row("update", (CREATED, RUNNING, STOPPED, PAUSED)),
        _row("execute", (RUNNING,)),
        _row("execute_resize", (RUNNING,)),
        _row("attach", (RUNNING,)),
        _row("resize", (RUNNING,)),
        _row("get_archive", (CREATED, PAUSED, RUNNING, STOPPED)),
        _row("put_archive", (CREATED, PAUSED, RUNNING, STOPPED)),
        _row("top", (RUNNING,)),
        _row("stats", (RUNNING,)),
        _row("logs", (CREATED, ERROR, PAUSED, RUNNING, STOPPED, UNKNOWN)),
    )
}


def check(action: str, status: str, ident: str) -> Action:
    """The row of `action`; raises Conflict, naming action and state, if it may not start from `status`."""
    row = ACTIONS[action]
    if status not in row.sources:
        allowed = ", ".join(s for s in STATUSES if s in row.sources)
        raise Conflict(
            f"Cannot {action.replace('_', ' ')} container {ident} in {status} state; "
            f"it is possible in: {allowed}.",
            code="InvalidStateException",
            title="The state of the container does not allow this",
        )
    return row
