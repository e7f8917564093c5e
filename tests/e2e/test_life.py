"""The life of containers on the real engine: what changes in them, around them, and behind Knarr's back."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from docker.errors import NotFound
from tests.e2e.support import engine
from tests.e2e.support.engine import END_AT_TERM, IDLE, IMAGE
from tests.e2e.support.server import Answer, Knarr, wait_until

pytestmark = pytest.mark.engine

CONTAINERS = "/container/v1/containers"
OTHER_IMAGE = "knarr-life-test:other"
# What the engine did behind our back is to be seen within so many seconds.
AT_ONCE = 1.0


@dataclass
class Owner:
    """The administrator's project on one Knarr, with the engine's own client beside it."""

    knarr: Knarr
    docker: Any
    network: str
    token: str = ""

    def call(self, method: str, path: str, body: Any = None, version: str = "1.40") -> Answer:
        if not self.token:
            self.token = self.knarr.token()
        return self.knarr.call(method, path, body, token=self.token, version=f"container {version}")

    def post(self, uuid: str, action: str, body: Any = None) -> None:
        answer = self.call("POST", f"{CONTAINERS}/{uuid}/{action}", body)
        assert answer.status in (200, 202), answer

    def create(self, wait: str = "Running", **attributes: Any) -> str:
        body = {"image": IMAGE, "command": list(IDLE), "memory": 64, "cpu": 0.1, **attributes}
        body.setdefault("nets", [{"network": self.network}])
        answer = self.call("POST", f"{CONTAINERS}?run=true", body)
        assert answer.status == 202, answer
        uuid = str(answer.json["uuid"])
        if wait:
            self.becomes(uuid, wait)
        return uuid

    def show(self, uuid: str) -> dict[str, Any]:
        return dict(self.call("GET", f"{CONTAINERS}/{uuid}").json)

    def becomes(self, uuid: str, status: str, seconds: float = 30.0) -> dict[str, Any]:
        def reached() -> bool:
            shown = self.show(uuid)
            return shown.get("status") == status and shown["task_state"] is None

        wait_until(reached, seconds, lambda: self.show(uuid), pause=0.02)
        return self.show(uuid)

    def gone(self, uuid: str) -> None:
        wait_until(
            lambda: self.call("GET", f"{CONTAINERS}/{uuid}").status == 404, 30, lambda: self.show(uuid)
        )

    def delete(self, uuid: str) -> None:
        assert self.call("DELETE", f"{CONTAINERS}/{uuid}?force=true").status == 204
        self.gone(uuid)

    @property
    def project(self) -> str:
        found = self.call("GET", "/identity/v3/projects?name=admin").json["projects"]
        return str(found[0]["id"])

    def on_engine(self, uuid: str) -> Any:
        return self.docker.containers.get(f"zun-{uuid}")

    def inside(self, uuid: str, *command: str) -> str:
        code, output = self.on_engine(uuid).exec_run(list(command))
        return f"{output.decode()}{'' if code == 0 else f' (exit code {code})'}"

    def ports(self) -> list[dict[str, Any]]:
        found = self.call("GET", "/network/v2.0/ports").json["ports"]
        return [port for port in found if port["device_owner"].startswith("compute:")]

    def groups(self) -> list[str]:
        found = self.call("GET", "/network/v2.0/security-groups").json["security_groups"]
        return [group["name"] for group in found if group["name"].startswith("zun-")]

    def network_of(self, name: str, cidr: str) -> str:
        answer = self.call("POST", "/network/v2.0/networks", {"network": {"name": name}})
        made = str(answer.json["network"]["id"])
        subnet = {"network_id": made, "cidr": cidr, "ip_version": 4}
        assert self.call("POST", "/network/v2.0/subnets", {"subnet": subnet}).status == 201
        return made


@pytest.fixture(scope="module")
def owner(knarr: Knarr, docker_engine: Any) -> Owner:
    made = Owner(knarr, docker_engine, "")
    made.network = made.network_of("life", "10.91.0.0/24")
    return made


@pytest.fixture(scope="module")
def other_image(docker_engine: Any) -> Iterator[str]:
    """The same image by another name."""
    docker_engine.images.get(IMAGE).tag(OTHER_IMAGE)
    yield OTHER_IMAGE
    docker_engine.images.remove(OTHER_IMAGE)


def test_a_rebuild_keeps_addresses_and_takes_the_image(owner: Owner, other_image: str) -> None:
    uuid = owner.create()
    before, old = owner.show(uuid), owner.on_engine(uuid).id
    owner.post(uuid, "rebuild", {"image": other_image})
    wait_until(lambda: owner.show(uuid)["status"] == "Running", 30, lambda: owner.show(uuid))
    shown = owner.becomes(uuid, "Running")
    assert owner.on_engine(uuid).id != old
    assert (shown["addresses"], shown["image"]) == (before["addresses"], other_image)
    assert owner.on_engine(uuid).attrs["Config"]["Image"] == other_image
    [address] = shown["addresses"][owner.network]
    assert address["addr"] in owner.inside(uuid, "ip", "-o", "addr")
    owner.delete(uuid)


def test_attach_and_detach_change_the_interfaces(owner: Owner) -> None:
    second = owner.network_of("life-second", "10.92.0.0/24")
    uuid = owner.create()
    owner.post(uuid, f"network_attach?network={second}&fixed_ip=10.92.0.77")
    owner.becomes(uuid, "Running")
    assert "10.92.0.77/24" in owner.inside(uuid, "ip", "-o", "addr", "show", "eth1")
    assert "10.91.0.1 dev eth0" in owner.inside(uuid, "ip", "route", "show", "default")
    assert len(owner.knarr.host.devices("tap")) == 2
    owner.post(uuid, f"network_detach?network={owner.network}")
    owner.becomes(uuid, "Running")
    assert "eth0" not in owner.inside(uuid, "ip", "-o", "link")
    assert "10.92.0.1 dev eth1" in owner.inside(uuid, "ip", "route", "show", "default")
    assert len(owner.knarr.host.devices("tap")) == 1
    owner.post(uuid, f"network_attach?network={owner.network}")
    owner.becomes(uuid, "Running")
    assert "10.91.0." in owner.inside(uuid, "ip", "-o", "-4", "addr", "show", "eth0")
    owner.delete(uuid)
    assert owner.ports() == []
    assert not owner.knarr.host.devices("tap")


def test_an_exposed_port_is_reached_and_no_other(owner: Owner) -> None:
    page = "echo exposed >/index.html; httpd -p 8080 -h /; "
    web = owner.create(
        command=["sh", "-c", page + END_AT_TERM.format("httpd -f -p 8081 -h /")],
        exposed_ports={"8080/tcp": {}},
    )
    visitor = owner.create()
    address = owner.show(web)["addresses"][owner.network][0]["addr"]

    def fetch(port: int) -> str:
        # timeout instead of wget's own -T, which ends a static busybox with a segmentation fault
        return owner.inside(visitor, "timeout", "2", "wget", "-q", "-O", "-", f"http://{address}:{port}/")

    wait_until(lambda: "exposed" in fetch(8080), 15)
    assert "exposed" not in fetch(8081)
    assert owner.groups() == [f"zun-{web}"]
    owner.delete(web)
    owner.delete(visitor)
    assert owner.groups() == []


def test_a_file_is_seen_inside_and_cannot_be_changed(owner: Owner) -> None:
    source = base64.b64encode(b"sent with the request\n").decode()
    mount = {"type": "bind", "source": source, "destination": "/srv/app/settings"}
    uuid = owner.create(mounts=[mount])
    assert owner.inside(uuid, "cat", "/srv/app/settings") == "sent with the request\n"
    assert "Read-only" in owner.inside(uuid, "sh", "-c", "echo more >>/srv/app/settings")
    kept = owner.knarr.state / "container-files" / uuid
    assert (kept / "0").read_bytes() == b"sent with the request\n"
    owner.delete(uuid)
    assert not kept.exists()


def test_new_limits_hold_for_the_running_container(owner: Owner) -> None:
    uuid = owner.create(memory=64)
    started = owner.show(uuid)["created_at"]
    assert owner.call("PATCH", f"{CONTAINERS}/{uuid}", {"memory": 96, "cpu": 0.5}).status == 200
    config = owner.on_engine(uuid).attrs["HostConfig"]
    assert (config["Memory"], config["CpuShares"]) == (96 * 2**20, 512)
    owner.post(uuid, "resize_container", {"memory": 128})
    owner.becomes(uuid, "Running")
    assert owner.on_engine(uuid).attrs["HostConfig"]["Memory"] == 128 * 2**20
    assert owner.on_engine(uuid).attrs["State"]["Running"]
    assert owner.show(uuid)["created_at"] == started
    owner.delete(uuid)


def test_what_happens_behind_our_back_shows_at_once(owner: Owner) -> None:
    uuid = owner.create()
    there = owner.on_engine(uuid)
    there.kill()
    owner.becomes(uuid, "Stopped", AT_ONCE)
    there.start()
    owner.becomes(uuid, "Running", AT_ONCE)
    there.pause()
    owner.becomes(uuid, "Paused", AT_ONCE)
    there.unpause()
    owner.becomes(uuid, "Running", AT_ONCE)
    there.remove(force=True)
    assert "removed" in owner.becomes(uuid, "Error", AT_ONCE)["status_reason"]
    owner.delete(uuid)


def test_auto_heal_brings_back_what_was_removed(owner: Owner) -> None:
    uuid = owner.create(auto_heal=True)
    before, old = owner.show(uuid)["addresses"], owner.on_engine(uuid).id
    owner.on_engine(uuid).remove(force=True)
    wait_until(lambda: _id(owner, uuid) not in (None, old), 30, lambda: owner.show(uuid))
    assert owner.becomes(uuid, "Running")["addresses"] == before
    assert before[owner.network][0]["addr"] in owner.inside(uuid, "ip", "-o", "addr")
    owner.delete(uuid)


def _id(owner: Owner, uuid: str) -> str | None:
    try:
        return str(owner.on_engine(uuid).id)
    except NotFound:
        return None


def test_what_ran_when_its_host_ended_runs_again_and_nothing_else(owner: Owner, docker_engine: Any) -> None:
    ran, stopped, died = owner.create(), owner.create(), owner.create()
    owner.post(stopped, "stop?timeout=5")
    owner.becomes(stopped, "Stopped")
    before = owner.show(ran)["addresses"]
    owner.knarr.kill()
    owner.on_engine(died).kill()
    for name in (f"zun-{ran}", f"zun-sandbox-{ran}"):
        docker_engine.containers.get(name).kill()
    owner.knarr.start()
    wait_until(lambda: owner.on_engine(ran).status == "running", 30, lambda: owner.show(ran))
    assert owner.becomes(ran, "Running")["addresses"] == before
    assert before[owner.network][0]["addr"] in owner.inside(ran, "ip", "-o", "addr")
    assert owner.becomes(died, "Stopped")["status_detail"].startswith("Exited(137)")
    assert owner.show(stopped)["status"] == "Stopped"
    for uuid in (ran, stopped, died):
        owner.delete(uuid)


def test_auto_remove_restart_policy_and_health(owner: Owner) -> None:
    ended = owner.create("", command=["true"], auto_remove=True)
    owner.gone(ended)
    policy = {"Name": "on-failure", "MaximumRetryCount": 2}
    failing = owner.create("", command=["false"], restart_policy=policy)
    wait_until(
        lambda: (
            _id(owner, failing) is not None
            and owner.on_engine(failing).attrs["RestartCount"] == 2
            and owner.show(failing)["status"] == "Stopped"
        ),
        30,
        lambda: owner.show(failing),
    )
    assert owner.show(failing)["status_detail"].startswith("Exited(1)")
    check = {"cmd": "test -e /tmp/well", "interval": 1, "retries": 1, "timeout": 2}
    checked = owner.create(healthcheck=check)
    wait_until(lambda: owner.show(checked)["status_detail"].endswith("(unhealthy)"), 15)
    owner.inside(checked, "touch", "/tmp/well")
    wait_until(lambda: owner.show(checked)["status_detail"].endswith("(healthy)"), 15)
    owner.delete(failing)
    owner.delete(checked)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.15, 0.3, 0.6])
def test_killed_in_the_midst_of_changes_everything_is_ended_and_nothing_leaks(
    owner: Owner, other_image: str, docker_engine: Any, seconds: float
) -> None:
    """`seconds`: how long after the last request Knarr is killed."""
    knarr = owner.knarr
    number = int(seconds * 100)
    second = owner.network_of(f"life-kill-{number}", f"10.93.{number}.0/24")
    mount = {"type": "bind", "source": "aGk=", "destination": "/hi"}
    extra: dict[str, Any] = {"exposed_ports": {"80": {}}, "mounts": [mount]}
    rebuilt, attached, ending = (owner.create(**extra) for _ in range(3))
    owner.post(rebuilt, "rebuild", {"image": other_image})
    owner.post(attached, "network_attach", {"network": second})
    assert owner.call("DELETE", f"{CONTAINERS}/{ending}?force=true").status == 204
    begun = owner.create("", **extra)
    time.sleep(seconds)
    knarr.kill()
    knarr.start()
    owner.gone(ending)
    for uuid in (rebuilt, attached, begun):
        owner.becomes(uuid, "Running", 60)
    assert owner.show(rebuilt)["image"] == other_image
    assert len(owner.show(attached)["addresses"]) == 2
    assert "10.93." in owner.inside(attached, "ip", "-o", "addr", "show", "eth1")
    left = {rebuilt, attached, begun}
    assert engine.containers_of(docker_engine, knarr) == {f"zun-{uuid}" for uuid in left}
    assert engine.claimed_sandboxes_of(docker_engine, knarr) == {f"zun-sandbox-{uuid}" for uuid in left}
    assert set(owner.groups()) == {f"zun-{uuid}" for uuid in left}
    assert {path.name for path in (knarr.state / "container-files").iterdir()} == left
    ports = owner.ports()
    assert len(ports) == 4
    assert {port["device_id"] for port in ports} == left
    assert knarr.host.devices("tap") == {f"tap{port['id'][:11]}" for port in ports}
    for uuid in left:
        assert owner.inside(uuid, "cat", "/hi") == "hi"
        owner.delete(uuid)
    assert not owner.ports()
    assert not owner.groups()
    assert not knarr.host.devices("tap")
    assert not list((knarr.state / "container-files").iterdir())


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1, 0.3])
def test_killed_while_limits_and_interfaces_change(owner: Owner, docker_engine: Any, seconds: float) -> None:
    """`seconds`: how long after the last request Knarr is killed."""
    knarr = owner.knarr
    number = 100 + int(seconds * 100)
    second = owner.network_of(f"life-kill-{number}", f"10.93.{number}.0/24")
    both = [{"network": owner.network}, {"network": second}]
    resized, detached, stopped = owner.create(), owner.create(nets=both), owner.create()
    owner.post(resized, "resize_container", {"memory": 96, "cpu": 0.2})
    owner.post(detached, "network_detach", {"network": owner.network})
    owner.post(stopped, "stop?timeout=5")
    time.sleep(seconds)
    knarr.kill()
    knarr.start()
    for uuid, status in ((resized, "Running"), (detached, "Running"), (stopped, "Stopped")):
        owner.becomes(uuid, status, 60)
    limits = owner.on_engine(resized).attrs["HostConfig"]
    assert (limits["Memory"], limits["CpuShares"]) == (96 * 1024 * 1024, 205)
    assert owner.show(resized)["memory"] == "96"
    assert set(owner.show(detached)["addresses"]) == {second}
    assert "eth0" not in owner.inside(detached, "ip", "-o", "link")
    assert f"10.93.{number}.1 dev eth1" in owner.inside(detached, "ip", "route", "show", "default")
    ports = owner.ports()
    assert sorted(port["device_id"] for port in ports) == sorted((resized, detached, stopped))
    assert knarr.host.devices("tap") == {f"tap{port['id'][:11]}" for port in ports}
    usage = owner.call("GET", f"/container/v1/quotas/{owner.project}?usages=true").json
    assert (usage["containers"]["in_use"], usage["memory"]["in_use"]) == (3, 64 + 64 + 96)
    for uuid in (resized, detached, stopped):
        owner.delete(uuid)
    assert not engine.containers_of(docker_engine, knarr)
    assert not owner.ports()
    assert not knarr.host.devices("tap")
