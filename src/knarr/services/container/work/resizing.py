"""Other limits for a container: the row has them since the request, here the engine gets them."""

from __future__ import annotations

from knarr.kernel.work import Work
from knarr.services.container import journal, scheduler, states, sync, usage
from knarr.services.container.drivers.base import ContainerEngine, NotThere, container_name
from knarr.services.container.models import Container
from knarr.services.container.work.steps import begun, changed, hold, load, settle, step, words

LIMITS = ("cpu", "memory", "cpuset_cpus", "cpuset_mems")


@step
def resize(work: Work, engine: ContainerEngine, container: Container) -> None:
    hold(work, container, states.CONTAINER_UPDATING)
    try:
        engine.update(
            container_name(container.uuid),
            cpu=container.cpu,
            memory_mib=container.memory,
            cpuset=container.cpuset_cpus,
            cpuset_mems=container.cpuset_mems,
        )
    except NotThere:
        if container.engine_id is not None:
            raise
    settle(work, container, {"status_reason": None})


def undo(work: Work, error: BaseException) -> None:
    """The limits as they were, with quota and claim, in one transaction."""
    container = load(work)
    if container is None:
        return
    before = work.data["before"]
    reason = f"Could not change the container: {words(error)}"
    sync.tracker_of(work.runtime).forget(container.uuid)
    with work.db.write() as session:
        if not work.data.get("undone"):
            cpu, memory = before["cpu"] - container.cpu, before["memory"] - container.memory
            usage.charge_limits(work.runtime, session, container.project_id, cpu, memory)
            scheduler.claim(session, container.host or "", cpu, memory, 0, 0)
        session.execute(changed(container.uuid, {**before, "status_reason": reason, "task_state": None}))
        work.save(session, undone=True)
        journal.end(session, work.data.get("action_id"), work.data["action"], begun(work), reason)
