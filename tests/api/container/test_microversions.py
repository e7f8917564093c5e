"""What each microversion of the container API brings and takes away, version by version."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.cloud import Cloud

from .helpers import Member, error

MINIMAL: dict[str, Any] = {"image": "busybox"}
TEXT = "aGVsbG8K"

# Attributes at creation: (name, a value, the version that brought it)
ATTRIBUTES: tuple[tuple[str, Any, int], ...] = (
    ("nets", [], 2),
    ("auto_remove", True, 3),
    ("runtime", "runc", 5),
    ("hostname", "box", 9),
    ("mounts", [], 11),
    ("privileged", False, 21),
    ("healthcheck", {"cmd": "true"}, 22),
    ("exposed_ports", {"80/tcp": {}}, 24),
    ("cpu_policy", "shared", 28),
    ("registry", "none", 31),
    ("tty", True, 36),
    ("host", "test-host", 39),
    ("entrypoint", ["sh"], 40),
)

# Routes: (method, path after /v1/, the first version, the last one)
ROUTES: tuple[tuple[str, str, int, int], ...] = (
    ("GET", "hosts", 4, 40),
    ("GET", "hosts/test-host", 4, 40),
    ("POST", "containers/{}/network_detach?network=none", 6, 40),
    ("POST", "containers/{}/network_attach?network=none", 8, 40),
    ("GET", "containers/{}/network_list", 13, 40),
    ("POST", "containers/{}/rename?name=renamed", 1, 13),
    ("POST", "containers/{}/add_security_group?name=none", 1, 14),
    ("POST", "containers/{}/remove_security_group?name=none", 1, 14),
    ("POST", "containers/{}/resize_container", 19, 40),
    ("GET", "quotas/none", 26, 40),
    ("PUT", "quotas/none", 26, 40),
    ("DELETE", "quotas/none", 26, 40),
    ("GET", "quotas/none/defaults", 26, 40),
    ("GET", "quota_classes/none", 26, 40),
    ("PUT", "quota_classes/none", 26, 40),
    ("DELETE", "networks/none", 27, 40),
    ("GET", "registries", 30, 40),
    ("POST", "registries", 30, 40),
    ("GET", "registries/none", 30, 40),
    ("PATCH", "registries/none", 30, 40),
    ("DELETE", "registries/none", 30, 40),
)

# Parameters of a request: (method, path, body, the name in the refusal, the version that brought it)
PARAMETERS: tuple[tuple[str, str, Any, str, int], ...] = (
    ("DELETE", "containers/{}?stop=true", None, "stop", 12),
    ("PATCH", "containers/{}", {"name": "patched"}, "name", 14),
    ("POST", "containers/{}/network_detach?port=none", None, "port", 17),
    (
        "POST",
        "containers",
        {**MINIMAL, "mounts": [{"type": "bind", "source": TEXT, "destination": "/x"}]},
        "type",
        23,
    ),
)


def version(minor: int) -> str:
    return f"1.{minor}"


@pytest.fixture(scope="module")
def owner(cloud: Cloud) -> Member:
    """Somebody who may ask for everything: what is refused is refused for the version."""
    made = Member(cloud, cloud.person("admin"))
    made.call("PUT", f"quotas/{made.project_id}", {"containers": -1, "cpu": -1, "memory": -1, "disk": -1})
    return made


@pytest.fixture(scope="module")
def container(owner: Member) -> str:
    return owner.create(run=False, name="first")


@pytest.mark.parametrize(("name", "value", "since"), ATTRIBUTES)
def test_an_attribute_is_taken_from_its_version_on(owner: Member, name: str, value: Any, since: int) -> None:
    refused = owner.post("containers", {**MINIMAL, name: value}, version(since - 1))
    assert refused.status == 400
    assert f"'{name}' is only supported from version 1.{since} on" in error(refused)["detail"]
    for minor in (since, 40):
        answer = owner.post("containers", {**MINIMAL, name: value}, version(minor))
        # A registry that does not exist is looked for, so the attribute was taken.
        assert answer.status == (404 if name == "registry" else 202), (minor, answer.body)


@pytest.mark.parametrize(("method", "path", "first", "last"), ROUTES)
def test_a_route_is_there_in_its_versions_only(
    owner: Member, container: str, method: str, path: str, first: int, last: int
) -> None:
    path = path.format(container)
    for minor in {max(first - 1, 1), first, last, min(last + 1, 40)}:
        answer = owner.call(method, path, version=version(minor))
        if first <= minor <= last:
            assert answer.status != 406, minor
        else:
            assert answer.status == 406, (minor, answer.body)


@pytest.mark.parametrize(("method", "path", "body", "name", "since"), PARAMETERS)
def test_a_parameter_is_taken_from_its_version_on(
    owner: Member, method: str, path: str, body: Any, name: str, since: int
) -> None:
    uuid = owner.create(run=False)
    refused = owner.call(method, path.format(uuid), body, version(since - 1))
    assert refused.status == 400, refused.body
    assert f"{name}' is only supported from version 1.{since} on" in error(refused)["detail"]
    taken = owner.call(method, path.format(uuid), body, version(since))
    assert "only supported" not in taken.body.decode()


def _force_delete(owner: Member) -> None:
    """1.7: force is for administrators; before, it is for the owner."""
    member = Member(owner.cloud, owner.cloud.person())
    uuid = member.create()
    assert member.delete(f"containers/{uuid}?force=true", "1.7").status == 403
    assert member.delete(f"containers/{uuid}?force=true", "1.6").status == 204
    assert member.get(f"containers/{uuid}").status == 404


def _delete_waits(owner: Member) -> None:
    """1.10: deletion is asynchronous; before, the container is gone when the answer comes."""
    uuid = owner.create()
    assert owner.delete(f"containers/{uuid}?force=true", "1.9").status == 204
    assert owner.get(f"containers/{uuid}").status == 404


def _network_list(owner: Member) -> None:
    """1.18: a row for each interface instead of each address."""
    uuid = owner.create(run=False)
    [flat] = owner.get(f"containers/{uuid}/network_list", "1.17").json["networks"]
    assert set(flat) == {"net_id", "port_id", "subnet_id", "version", "ip_address"}
    [grouped] = owner.get(f"containers/{uuid}/network_list", "1.18").json["networks"]
    assert set(grouped) == {"net_id", "port_id", "fixed_ips"}


def _command(owner: Member) -> None:
    """1.20: command is a list instead of a string."""
    for minor, command, status in (
        (19, "sh -c 'a b'", 202), (19, ["sh"], 400), (20, ["sh"], 202), (20, "sh", 400),
    ):  # fmt: skip
        answer = owner.post("containers", {**MINIMAL, "command": command}, version(minor))
        assert answer.status == status, (minor, command)
    assert owner.post("containers", {**MINIMAL, "command": "sh -c 'a b'"}, "1.19").json["command"] == [
        "sh", "-c", "a b",
    ]  # fmt: skip


def _archives(owner: Member) -> None:
    """1.25: archives are in base64; before, as text."""
    path = f"containers/{owner.create(run=False)}/get_archive?path=/etc/hosts"
    assert "ustar" in owner.get(path, "1.24").json["data"]
    assert b"ustar" in base64.b64decode(owner.get(path, "1.25").json["data"], validate=True)


def _pinning_hosts(owner: Member) -> None:
    """1.29: hosts tell whether they pin CPUs."""
    assert "enable_cpu_pinning" not in owner.get("hosts", "1.28").json["hosts"][0]
    assert "enable_cpu_pinning" in owner.get("hosts", "1.29").json["hosts"][0]


def _finish_time(owner: Member) -> None:
    """1.33: actions tell when they ended."""
    uuid = owner.create(run=False)
    [before] = owner.get(f"containers/{uuid}/container_actions", "1.32").json["containerActions"]
    [after] = owner.get(f"containers/{uuid}/container_actions", "1.33").json["containerActions"]
    assert set(after) - set(before) == {"finish_time"}


def _tty(owner: Member) -> None:
    """1.36: tty has a word of its own; before, it is as interactive."""
    assert owner.post("containers", {**MINIMAL, "interactive": True}, "1.35").json["tty"] is True
    assert owner.post("containers", {**MINIMAL, "interactive": True}, "1.36").json["tty"] is False


def _host(owner: Member) -> None:
    """1.39: a host may be named, by administrators."""
    member = Member(owner.cloud, owner.cloud.person())
    assert member.post("containers", {**MINIMAL, "host": "test-host"}).status == 403
    assert owner.post("containers", {**MINIMAL, "host": "nowhere"}).status == 404
    assert owner.show(owner.create(host="test-host"))["host"] == "test-host"


# By the version that brought each
BEHAVIOUR: dict[int, Callable[[Member], None]] = {
    7: _force_delete, 10: _delete_waits, 18: _network_list, 20: _command, 25: _archives, 29: _pinning_hosts,
    33: _finish_time, 36: _tty, 39: _host,
}  # fmt: skip
# Those that change nothing but capsules
CAPSULES = {16, 32, 34, 35, 37, 38}


@pytest.mark.parametrize(
    "behaviour", BEHAVIOUR.values(), ids=lambda behaviour: behaviour.__doc__ or behaviour.__name__
)
def test_a_version_changes_what_happens(owner: Member, behaviour: Callable[[Member], None]) -> None:
    behaviour(owner)


def test_no_version_is_left_out() -> None:
    begun = {row[-1] for row in (*ATTRIBUTES, *PARAMETERS)} | {row[2] for row in ROUTES}
    ended = {row[3] + 1 for row in ROUTES if row[3] < 40}
    assert begun | ended | set(BEHAVIOUR) | CAPSULES == set(range(1, 41))


def test_versions_outside_of_the_range_are_refused_by_it(owner: Member) -> None:
    for wrong in ("1.0", "1.41", "2.1", "0.9"):
        answer = owner.get("containers", wrong)
        assert answer.status == 406, wrong
    for right in ("1.1", "1.40", "latest"):
        assert owner.get("containers", right).status == 200
    assert owner.get("containers", "latest").headers["openstack-api-version"] == "container 1.40"


def test_what_is_shown_is_the_same_in_all_versions(owner: Member, container: str) -> None:
    newest = owner.get(f"containers/{container}", "1.40").json
    for minor in range(1, 40):
        assert set(owner.get(f"containers/{container}", version(minor)).json) == set(newest), minor
