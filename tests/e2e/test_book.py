"""The hands-on part of chapter 6 of 'Containers in OpenStack', with the program of its time and with today's.

Its images come from a registry of ours, and 8.8.8.8 is this host: there is no Internet here.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from docker.errors import ImageNotFound
from tests.e2e.conftest import MakeKnarr
from tests.e2e.support import clients, engine, registry
from tests.e2e.support.clients import Person
from tests.e2e.support.engine import IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.clients]

PING = ("ping", "-c", "4", "8.8.8.8")
CIRROS, UBUNTU = "cirros", "ubuntu"


@dataclass(frozen=True)
class Program:
    """What the commands of the chapter are called."""

    name: str
    before: tuple[str, ...]
    services: tuple[str, ...]
    hosts: tuple[str, ...]
    host: tuple[str, ...]
    pull: tuple[str, ...]
    images: tuple[str, ...]
    run: tuple[str, ...]
    pulled: str


PROGRAMS = (
    Program(
        "zun", (), ("service-list",), ("host-list",), ("host-show",), ("pull",), ("image-list",),
        ("run", "-i"), CIRROS,
    ),
    Program(
        "openstack", ("appcontainer",), ("service", "list"), ("host", "list"), ("host", "show"),
        ("image", "pull"), ("image", "list"), ("run", "--interactive"), UBUNTU,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def images(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that has cirros and ubuntu, both of them a busybox with a bash."""
    with registry.running(tmp_path_factory.mktemp("registry")) as address:
        box = docker_engine.containers.create(IMAGE)
        try:
            box.put_archive("/bin", _link("bash", "busybox-bash"))
            box.put_archive("/bin", _script("busybox-bash", "#!/bin/sh\nexec /bin/sh\n"))
            for name in (CIRROS, UBUNTU):
                box.commit(f"{address}/{name}", "latest")
        finally:
            box.remove()
        names = [f"{address}/{name}:latest" for name in (CIRROS, UBUNTU)]
        for name in names:
            told = list(docker_engine.api.push(name, stream=True, decode=True))
            assert not [line for line in told if "error" in line], told
            docker_engine.images.remove(name, force=True)
        yield address
        for name in names:
            with contextlib.suppress(ImageNotFound):
                docker_engine.images.remove(name, force=True)


def _link(name: str, to: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, to
    return _tar(info, b"")


def _script(name: str, text: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(text), 0o755
    return _tar(info, text.encode())


def _tar(info: tarfile.TarInfo, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture(scope="module")
def cloud(make_knarr: MakeKnarr, images: str) -> Knarr:
    clients.programs()
    knarr = make_knarr(docker={"default_registry": images}, websocket_proxy={"wsproxy_port": "0"})
    subprocess.run(knarr.host.command(["ip", "address", "add", "8.8.8.8/32", "dev", "lo"]), check=True)
    return knarr


@pytest.fixture(scope="module")
def admin(cloud: Knarr) -> Person:
    """The administrator, with a router between the first network and what is outside."""
    made = clients.administrator(cloud)
    made.openstack("router", "create", "--external-gateway", "public", "router")
    [subnet] = made.data("subnet list", "--network", "private")
    made.openstack("router", "add", "subnet", "router", subnet["ID"])
    return made


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_chapter_runs_as_written(
    admin: Person, cloud: Knarr, docker_engine: Any, program: Program
) -> None:
    def say(*words: str) -> str:
        return admin.run(program.name, *program.before, *words).out

    assert re.search(r"zun-compute .* up ", say(*program.services))
    host = re.search(r"\| ([0-9a-f-]{36}) +\| (\S+) ", say(*program.hosts))
    assert host is not None
    assert "total_containers" in say(*program.host, host[2])

    name = f"test-{program.name}"
    made = say("create", "--name", name, CIRROS, *PING)
    uuid = re.search(r"\| uuid +\| (\S+)", made)
    assert uuid is not None and "Creating" in made
    assert re.search(r"Creating +\| image_pulling|Created ", say("list"))
    wait_until(lambda: re.search(rf"{name} .*Created ", say("list")), 60, lambda: say("list"))
    assert f"zun-{uuid[1]}" in engine.containers_of(docker_engine, cloud)

    say("start", name)
    wait_until(
        lambda: "4 packets transmitted, 4 packets received" in say("logs", name),
        60,
        lambda: say("logs", name),
    )

    shell = f"shell-{program.name}"
    run = (*program.before, *program.run, "--name", shell, UBUNTU, "/bin/bash")
    with admin.at_terminal(program.name, *run) as terminal:
        terminal.begin()
        terminal.type("echo it is $((6 * 7))\r")
        terminal.expect("it is 42")
        terminal.type("\r~.")
        assert terminal.end() == 0

    wait_until(lambda: re.search(rf"{name} .*Stopped ", say("list")), 60, lambda: say("list"))
    say("delete", name)
    say("delete", "--stop", shell)
    wait_until(lambda: name not in (listed := say("list")) and shell not in listed, 60)

    say(*program.pull, program.pulled, host[2])
    wait_until(
        lambda: re.search(rf"{program.pulled} .*sha256:|sha256:.* {program.pulled} ", say(*program.images)),
        60,
    )
