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
CONTAINER_REBUILDING = "container_rebuilding"
CONTAINER_UPDATING = "container_updating"
SG_ADDING = "sg_adding"
SG_REMOVING = "sg_removing"
NETWORK_ATTACHING = "network_attaching"
NETWORK_DETACHING = "network_detaching"


@dataclass(frozen=True)
class Action:
    """One row: from these statuses, by this name, under this task state and status meanwhile, to that status
    (None: unchanged)."""

    name: str
    sources: frozenset[str]
    task_state: str | None = None
    to: str | None = None
    meanwhile: str | None = None


def _row(name: str, sources: tuple[str, ...], *rest: str | None) -> Action:
    return Action(name, frozenset(sources), *rest)


DELETABLE = (CREATED, ERROR, STOPPED, DELETED, DEAD)
ANEW = (CREATED, RUNNING, STOPPED, ERROR)
AT_REST = (CREATED, RUNNING, STOPPED, PAUSED)

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        _row("start", (CREATED, STOPPED, ERROR), CONTAINER_STARTING, RUNNING),
        _row("stop", (RUNNING,), CONTAINER_STOPPING, STOPPED),
        _row("reboot", ANEW, CONTAINER_REBOOTING, RUNNING),
        _row("rebuild", ANEW, CONTAINER_REBUILDING, None, REBUILDING),
        _row("pause", (RUNNING,), CONTAINER_PAUSING, PAUSED),
        _row("unpause", (PAUSED,), CONTAINER_UNPAUSING, RUNNING),
        _row("kill", (RUNNING,), CONTAINER_KILLING),
        _row("delete", DELETABLE, CONTAINER_DELETING, DELETED),
        _row("delete_after_stop", (*DELETABLE, RUNNING), CONTAINER_DELETING, DELETED),
        _row("delete_force", tuple(s for s in STATUSES if s != PAUSED), CONTAINER_DELETING, DELETED),
        _row("update", AT_REST, CONTAINER_UPDATING),
        _row("resize_container", AT_REST, CONTAINER_UPDATING),
        _row("add_security_group", AT_REST, SG_ADDING),
        _row("remove_security_group", AT_REST, SG_REMOVING),
        _row("network_attach", AT_REST, NETWORK_ATTACHING),
        _row("network_detach", AT_REST, NETWORK_DETACHING),
        _row("execute", (RUNNING,)),
        _row("execute_resize", (RUNNING,)),
        _row("attach", (RUNNING,)),
        _row("resize", (RUNNING,)),
        _row("top", (RUNNING,)),
        _row("stats", (RUNNING,)),
        _row("get_archive", AT_REST),
        _row("put_archive", AT_REST),
        _row("commit", (RUNNING, STOPPED, PAUSED)),
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
