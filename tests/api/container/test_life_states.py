"""Zun's table of states: from where an action may begin, and the conflict everywhere else."""

from __future__ import annotations

import pytest
from tests.support.cloud import Cloud

from knarr.services.container import states
from knarr.services.container.models import Container
from knarr.services.container.states import STATUSES

from .helpers import Member, error

CREATED, RUNNING, STOPPED, PAUSED = "Created", "Running", "Stopped", "Paused"
ERROR, DEAD, DELETED, UNKNOWN = "Error", "Dead", "Deleted", "Unknown"
AT_REST = {CREATED, RUNNING, STOPPED, PAUSED}
DELETABLE = {CREATED, ERROR, STOPPED, DELETED, DEAD}

# action: (method, what follows the container in the path, body, version, the states it may begin from)
TABLE = {
    "start": ("POST", "/start", None, "1.40", {CREATED, STOPPED, ERROR}),
    "stop": ("POST", "/stop?timeout=0", None, "1.40", {RUNNING}),
    "pause": ("POST", "/pause", None, "1.40", {RUNNING}),
    "unpause": ("POST", "/unpause", None, "1.40", {PAUSED}),
    "kill": ("POST", "/kill?signal=CONT", None, "1.40", {RUNNING}),
    "execute": ("POST", "/execute?command=true", None, "1.40", {RUNNING}),
    "top": ("GET", "/top", None, "1.40", {RUNNING}),
    "stats": ("GET", "/stats", None, "1.40", {RUNNING}),
    "reboot": ("POST", "/reboot?timeout=0", None, "1.40", {CREATED, RUNNING, STOPPED, ERROR}),
    "rebuild": ("POST", "/rebuild", None, "1.40", {CREATED, RUNNING, STOPPED, ERROR}),
    "delete": ("DELETE", "", None, "1.40", DELETABLE),
    "delete_after_stop": ("DELETE", "?stop=true", None, "1.40", DELETABLE | {RUNNING}),
    "delete_force": ("DELETE", "?force=true", None, "1.40", set(STATUSES) - {PAUSED}),
    "update": ("PATCH", "", {"memory": 80}, "1.40", AT_REST),
    "resize_container": ("POST", "/resize_container", {"cpu": 2}, "1.40", AT_REST),
    "add_security_group": ("POST", "/add_security_group?name=life", None, "1.14", AT_REST),
    "remove_security_group": ("POST", "/remove_security_group?name=default", None, "1.14", AT_REST),
    "network_attach": ("POST", "/network_attach?network=life", None, "1.40", AT_REST),
    "network_detach": ("POST", "/network_detach?network=own", None, "1.40", AT_REST),
    "logs": ("GET", "/logs", None, "1.40", {CREATED, ERROR, PAUSED, RUNNING, STOPPED, UNKNOWN}),
}
# A container that the engine has in the state; the others are rows that say so.
REAL = {
    CREATED: (False, ()),
    RUNNING: (True, ()),
    STOPPED: (True, ("stop?timeout=0",)),
    PAUSED: (True, ("pause",)),
}


@pytest.fixture(scope="module")
def owner(cloud: Cloud) -> Member:
    """An administrator of a project of their own: may delete by force, too."""
    made = Member(cloud, cloud.person("admin"))
    network = made.person.post("/network/v2.0/networks", {"network": {"name": "life"}}).json["network"]
    subnet = {"network_id": network["id"], "cidr": "10.250.0.0/24", "ip_version": 4}
    made.person.post("/network/v2.0/subnets", {"subnet": subnet})
    made.person.post("/network/v2.0/security-groups", {"security_group": {"name": "life"}})
    made.call("PUT", f"quotas/{made.project_id}", {"containers": -1, "cpu": -1, "memory": -1, "disk": -1})
    return made


def in_state(owner: Member, status: str) -> str:
    run, actions = REAL.get(status, (False, ()))
    uuid = owner.create(run=run, nets=[{"network": owner.network_id}], cpu=0.1)
    for action in actions:
        assert owner.post(f"containers/{uuid}/{action}").status == 202
        owner.becomes(uuid, status)
        owner.settled(uuid)
    if status not in REAL:
        with owner.cloud.runtime.db.write() as session:
            container = session.get(Container, uuid)
            assert container is not None
            container.status = status
    return uuid


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", TABLE)
def test_an_action_begins_from_its_states_only(owner: Member, action: str, status: str) -> None:
    method, path, body, version, sources = TABLE[action]
    uuid = in_state(owner, status)
    answer = owner.call(
        method, f"containers/{uuid}{path}".replace("=own", f"={owner.network_id}"), body, version
    )
    if status in sources:
        assert answer.status in (200, 202, 204), answer.body
        return
    assert answer.status == 409, answer.body
    assert error(answer)["code"] == "container.invalid-state-exception"
    words = action.replace("_", " ")
    assert f"Cannot {words} container" in error(answer)["detail"]
    assert f"in {status} state" in error(answer)["detail"]


@pytest.mark.parametrize("status", STATUSES)
def test_actions_on_terminals_and_archives_have_their_states_too(status: str) -> None:
    table = {
        "execute_resize": {RUNNING},
        "attach": {RUNNING},
        "resize": {RUNNING},
        "get_archive": AT_REST,
        "put_archive": AT_REST,
        "commit": {RUNNING, STOPPED, PAUSED},
    }
    for action, sources in table.items():
        assert (status in states.ACTIONS[action].sources) == (status in sources), action
