"""Stop, reboot, pause, unpause, kill: one call of the engine each."""

from __future__ import annotations

from collections.abc import Callable

from knarr.kernel.db import utcnow
from knarr.kernel.work import Work
from knarr.services.container import states
from knarr.services.container.drivers import base
from knarr.services.container.drivers.base import ContainerEngine, container_name
from knarr.services.container.models import Container
from knarr.services.container.work.creating import begun_to_run
from knarr.services.container.work.steps import Values, hold, settle, step


@step
def act(work: Work, engine: ContainerEngine, container: Container) -> None:
    """What an earlier run or somebody else did already is no error."""
    action = states.ACTIONS[work.data["action"]]
    hold(work, container, action.task_state)
    try:
        _call(work, engine, container_name(container.uuid))
    except base.EngineConflict:
        state = engine.inspect(container_name(container.uuid))
        if state is None or state.status != action.to:
            raise
    values: Values = {"status_reason": None}
    if action.to is not None:
        values["status"] = action.to
    if action.to == states.STOPPED:
        values |= {"finished_at": utcnow(), "health": None}
    if action.name == "reboot":
        values = begun_to_run(container)
    settle(work, container, values)


def _call(work: Work, engine: ContainerEngine, name: str) -> None:
    given = work.data.get("timeout")
    timeout = work.runtime.conf.container.default_timeout if given is None else given
    actions: dict[str, Callable[[], None]] = {
        "stop": lambda: engine.stop(name, timeout),
        "reboot": lambda: engine.reboot(name, timeout),
        "pause": lambda: engine.pause(name),
        "unpause": lambda: engine.unpause(name),
        "kill": lambda: engine.kill(name, work.data.get("signal") or "KILL"),
    }
    actions[work.data["action"]]()
