"""Networks and security groups of a container that is there already."""

from __future__ import annotations

from typing import Any

from knarr.kernel.work import Work
from knarr.services.container import networking, states, wiring
from knarr.services.container.drivers.base import ContainerEngine
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Container
from knarr.services.container.rest import call
from knarr.services.container.work.creating import wired
from knarr.services.container.work.steps import change, hold, load, ready, refresh_after, settle, step


def _wire(work: Work, engine: ContainerEngine, container: Container) -> dict[str, Any]:
    sandbox = ready(engine.claim_sandbox(container.uuid, container.hostname))
    return wired(work.runtime, engine, container, sandbox)


@step
def attach(work: Work, engine: ContainerEngine, container: Container) -> None:
    """The row has the new interface among its `nets` since the request; here it comes to be."""
    hold(work, container, states.NETWORK_ATTACHING)
    settle(work, container, _wire(work, engine, container))


def not_attached(work: Work, error: BaseException) -> None:
    """The interface goes from the row, and its port with it."""
    container = load(work)
    if container is None:
        return
    kept = [net for net in container.nets if net["n"] != work.data["n"]]
    gone = [net for net in container.nets if net["n"] == work.data["n"]]
    known = {net["port_id"] for net in kept} | networking.port_ids(container.addresses)
    client = work.runtime.service_client("network")
    wiring.drop(client, engine_of(work.runtime), container.uuid, gone, keep=known)
    change(work, nets=kept)
    refresh_after(work, error)


@step
def detach(work: Work, engine: ContainerEngine, container: Container) -> None:
    """What is left is wired anew: the first gateway of those is the default route then."""
    hold(work, container, states.NETWORK_DETACHING)
    leaving = set(work.data["ports"])
    kept = networking.remaining(container, leaving)
    gone = [net for net in container.nets if net not in kept]
    client = work.runtime.service_client("network")
    wiring.drop(client, engine, container.uuid, gone, only=leaving)
    container.nets = kept
    settle(work, container, _wire(work, engine, container))


@step
def set_groups(work: Work, engine: ContainerEngine, container: Container) -> None:
    """All ports of the container get one group more, or one less."""
    hold(work, container, states.ACTIONS[work.data["action"]].task_state)
    groups = [group for group in container.security_groups if group != work.data["group"]]
    if work.data["action"] == "add_security_group":
        groups.append(work.data["group"])
    client = work.runtime.service_client("network")
    for port in sorted(networking.port_ids(container.addresses)):
        call(client, "PUT", f"/v2.0/ports/{port}", {"port": {"security_groups": groups}}, absent_ok=True)
    settle(work, container, {"security_groups": sorted(groups)})
