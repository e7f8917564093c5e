"""Zun's table of states: from where an action may begin, and the conflict everywhere else."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.support.cloud import Cloud

from knarr.services.container.models import Container
from knarr.services.container.states import STATUSES

from .helpers import Member, error

CREATED, RUNNING, STOPPED, PAUSED = "Created", "Running", "Stopped", "Paused"
ERROR, DEAD, DELETED, UNKNOWN = "Error", "Dead", "Deleted", "Unknown"
AT_REST = {CREATED, RUNNING, STOPPED, PAUSED}
FAULTS = "fake_engine/faults"
ADDING, REMOVING = "sg_adding", "sg_removing"
EMPTY_TAR = base64.b64encode(bytes(10240)).decode()
DELETABLE = {CREATED, ERROR, STOPPED, DELETED, DEAD}

# action: (method, what follows the container in the path, body, version, the states it may begin from)
TABLE = {
    "start": ("POST", "/start", None, "1.40", {CREATED, STOPPED, ERROR}),
    "stop": ("POST", "/stop?timeout=0", None, "1.40", {RUNNING}),
    "pause": ("POST", "/pause", None, "1.40", {RUNNING}),
    "unpause": ("POST", "/unpause", None, "1.40", {PAUSED}),
    "kill": ("POST", "/kill?signal=CONT", None, "1.40", {RUNNING}),
    "execute": ("POST", "/execute?command=true", None, "1.40", {RUNNING}),
    "execute_resize": ("POST", f"/execute_resize?h=9&w=9&exec_id={'0' * 64}", None, "1.40", {RUNNING}),
    "attach": ("GET", "/attach", None, "1.40", {RUNNING}),
    "resize": ("POST", "/resize?h=9&w=9", None, "1.40", {RUNNING}),
    "get_archive": ("GET", "/get_archive?path=/etc", None, "1.40", AT_REST),
    "put_archive": ("POST", "/put_archive?path=/tmp", {"data": EMPTY_TAR}, "1.40", AT_REST),
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
    for network_id, cidr in ((network["id"], "10.250.0.0/24"), (made.network_id, "10.251.0.0/16")):
        subnet = {"network_id": network_id, "cidr": cidr, "ip_version": 4}
        made.person.post("/network/v2.0/subnets", {"subnet": subnet})
    made.person.post("/network/v2.0/security-groups", {"security_group": {"name": "life"}})
    made.call("PUT", f"quotas/{made.project_id}", {"containers": -1, "cpu": -1, "memory": -1, "disk": -1})
    return made


def in_state(owner: Member, status: str) -> str:
    run, actions = REAL.get(status, (False, ()))
    uuid = owner.create(run=run, nets=[{"network": owner.network_id}], cpu=0.1, interactive=True)
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
        # There is no exec of that id: it was looked for.
        assert answer.status in ((404,) if action == "execute_resize" else (200, 202, 204)), answer.body
        return
    assert answer.status == 409, answer.body
    assert error(answer)["code"] == "container.invalid-state-exception"
    words = action.replace("_", " ")
    assert f"Cannot {words} container" in error(answer)["detail"]
    assert f"in {status} state" in error(answer)["detail"]


# request: (what follows the container in the path, body, version, from which state, the task state)
TASKS = {
    "start": ("/start", None, "1.40", CREATED, "container_starting"),
    "stop": ("/stop?timeout=0", None, "1.40", RUNNING, "container_stopping"),
    "reboot": ("/reboot?timeout=0", None, "1.40", RUNNING, "container_rebooting"),
    "pause": ("/pause", None, "1.40", RUNNING, "container_pausing"),
    "unpause": ("/unpause", None, "1.40", PAUSED, "container_unpausing"),
    "kill": ("/kill", None, "1.40", RUNNING, "container_killing"),
    "rebuild": ("/rebuild", None, "1.40", RUNNING, "container_rebuilding"),
    "resize_container": ("/resize_container", {"cpu": 2}, "1.40", RUNNING, "container_updating"),
    "add_security_group": ("/add_security_group?name=life", None, "1.14", RUNNING, ADDING),
    "remove_security_group": ("/remove_security_group?name=default", None, "1.14", RUNNING, REMOVING),
    "network_attach": ("/network_attach?network=life", None, "1.40", RUNNING, "network_attaching"),
    "network_detach": ("/network_detach?network=own", None, "1.40", RUNNING, "network_detaching"),
    "delete": ("?stop=true", None, "1.40", RUNNING, "container_deleting"),
}


@contextmanager
def slowly(owner: Member, uuid: str = "", *methods: str) -> Iterator[None]:
    """Calls of the engine that are about the container take a while."""
    faults = [{"method": name, "delay": 0.3, "match": uuid} for name in methods or ("*",)]
    assert owner.call("PUT", FAULTS, {"faults": faults}).status == 200
    try:
        yield
    finally:
        assert owner.delete(FAULTS).status == 204


@pytest.mark.parametrize("action", TASKS)
def test_a_request_shows_as_its_task_until_it_is_done(owner: Member, action: str) -> None:
    path, body, version, status, task = TASKS[action]
    uuid = in_state(owner, status)
    path = f"containers/{uuid}{path}".replace("=own", f"={owner.network_id}")
    with slowly(owner, uuid):
        if task in (ADDING, REMOVING):  # which the engine has no part in: they wait for something else
            owner.post(f"containers/{uuid}/kill?signal=CONT")
        answer = owner.call("DELETE" if action == "delete" else "POST", path, body, version)
        assert answer.status in (200, 202, 204), answer.body
        shown = owner.show(uuid)
        assert shown["task_state"] == task
        assert shown["status"] == ("Rebuilding" if action == "rebuild" else status)
    if action == "delete":
        owner.gone(uuid)
    else:
        assert owner.settled(uuid)["status"] != "Error"


def test_a_creation_pulls_then_creates_then_starts(owner: Member) -> None:
    body = {"image": "states-of-its-own", "command": ["sleep", "9"], "cpu": 0.1, "memory": 32}
    with slowly(owner, "", "pull", "create", "start"):
        answer = owner.post("containers?run=true", body)
        assert (answer.json["status"], answer.json["task_state"]) == ("Creating", "image_pulling")
        seen = []
        while (shown := owner.show(answer.json["uuid"]))["task_state"] is not None:
            seen.append((shown["status"], shown["task_state"]))
    assert list(dict.fromkeys(seen)) == [
        ("Creating", "image_pulling"),
        ("Creating", "container_creating"),
    ]
    assert shown["status"] == "Running"
