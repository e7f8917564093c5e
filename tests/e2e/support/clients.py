"""The official command line clients as processes."""

from __future__ import annotations

import json
import os
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .host import Host
from .server import Knarr, wait_until
from .terminal import AtTerminal

ROOT = Path(__file__).parents[3]
CLIENTS = Path(os.environ.get("KNARR_CLIENTS") or ROOT / ".venv-clients")
CALL_SECONDS = 60


def programs() -> Path:
    """The folder of `openstack` and `zun`. Skips the test without them."""
    folder = CLIENTS / "bin"
    if not (folder / "openstack").exists() or not (folder / "zun").exists():
        pytest.skip(f"no official clients in {folder}: scripts/setup.sh --test installs them")
    return folder


@dataclass(frozen=True)
class Said:
    """How a client ended and what it printed."""

    status: int
    out: str
    err: str


class Commands(ABC):
    """Somebody who gives commands to the clients."""

    @abstractmethod
    def run(self, program: str, *arguments: str, check: bool = True) -> Said:
        """The program with these arguments; AssertionError if it fails, unless it need not be checked."""

    def openstack(self, *arguments: str, check: bool = True) -> Said:
        return self.run("openstack", *arguments, check=check)

    def zun(self, *arguments: str, check: bool = True) -> Said:
        return self.run("zun", *arguments, check=check)

    def data(self, command: str, *arguments: str) -> Any:
        """What `openstack COMMAND -f json ARGUMENTS` prints, read."""
        return json.loads(self.openstack(*command.split(), "-f", "json", *arguments).out)


@dataclass(frozen=True)
class Person(Commands):
    """Somebody with a password and a project who calls the clients."""

    host: Host
    auth: dict[str, str]

    def run(self, program: str, *arguments: str, check: bool = True) -> Said:
        done = subprocess.run(
            self.host.command([str(programs() / program), *arguments]),
            capture_output=True,
            text=True,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            timeout=CALL_SECONDS,
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        if check:
            assert said.status == 0, f"{program} {' '.join(arguments)}: {said.out}{said.err}"
        return said

    def at_terminal(self, program: str, *arguments: str, **window: int) -> AtTerminal:
        """The client with a terminal of its own; `rows` and `columns` are its window."""
        command = self.host.command([str(programs() / program), *arguments])
        return AtTerminal(command, self._environment() | {"TERM": "xterm"}, **window)

    def until(self, name: str, status: str, seconds: float = 30.0) -> dict[str, Any]:
        """`openstack appcontainer show` again and again until the container has the status."""
        last: dict[str, Any] = {}

        def reached() -> bool:
            last.update(self.data("appcontainer show", name))
            assert status == "Error" or last["status"] != "Error", last["status_reason"]
            return bool(last["status"] == status)

        wait_until(reached, seconds, lambda: last)
        return last

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        own = {f"OS_{key.upper()}": value for key, value in self.auth.items()}
        return kept | own | {"OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": "RegionOne"}


def administrator(knarr: Knarr) -> Person:
    return Person(knarr.host, knarr.admin())


def member(admin: Person, project: str, name: str) -> Person:
    """Have the administrator make a project and an ordinary member of it."""
    password = f"the word of {name}"
    admin.openstack("project", "create", project)
    admin.openstack("user", "create", "--password", password, name)
    admin.openstack("role", "add", "--project", project, "--user", name, "member")
    return Person(admin.host, admin.auth | {"username": name, "password": password, "project_name": project})
