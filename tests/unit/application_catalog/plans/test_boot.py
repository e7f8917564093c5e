"""Machines boot with the user data that the core library gives them, in a root of their own: the whole script
runs, and what it starts is the agent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knarr.services.application_catalog.plans.mailbox import Mailbox, token_for
from knarr_agent.transports.folder import FolderTransport

from ..support.environments import World, holder, machine, written

SECRET = b"of the mailbox"
QUEUE = "eenv-hvm"
PYTHON = Path("/usr/bin/python3")

# A root of this host's programs with everything else its own; no init system but /etc/init.d is there. All
# that was started in it ends with the first process.
ENTER = """
cd "$1"
mkdir -p usr proc dev tmp run var/log var/run var/lib etc/init.d local/bin local/sbin local/lib
mount --rbind /usr usr
mount --bind local usr/local
for folder in bin sbin lib lib64; do
    if [ -L /$folder ]; then ln -sfn "$(readlink /$folder)" $folder
    elif [ -d /$folder ]; then mkdir -p $folder && mount --rbind /$folder $folder; fi
done
mount --rbind /dev dev
mount -t proc proc proc
status=0
chroot . /bin/sh /boot.sh >var/log/boot 2>&1 || status=$?
echo $status >booted
exec sleep 600
"""


def enter(root: Path) -> list[str]:
    options = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]
    return ["unshare", *options, "sh", "-ec", ENTER, "sh", str(root)]


def _can_enter() -> bool:
    if not PYTHON.exists() or shutil.which("unshare") is None:
        return False
    tried = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "mount", "-t", "proc"]
    return subprocess.run([*tried, "proc", "/proc"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not _can_enter(), reason="namespaces of one's own are not allowed"
)


class Machine:
    """One that boots with a script."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.local = root / "local" / "bin"
        self.local.mkdir(parents=True)
        # Nothing comes from the network.
        self.put("pip3", '#!/bin/sh\necho "pip3 $*" >>/var/log/pip\nexit 1\n')
        self.put("pip", "#!/bin/sh\nexit 1\n")

    def put(self, name: str, text: str) -> None:
        (self.local / name).write_text(text)
        (self.local / name).chmod(0o755)

    def boot(self, script: str) -> int:
        """The exit code of the script; what it started goes on."""
        (self.root / "boot.sh").write_text(script)
        self.process = subprocess.Popen(enter(self.root), env={"PATH": os.environ["PATH"]})
        return int(self.read("booted"))

    def read(self, name: str, seconds: float = 30) -> str:
        """A file's text, once it is there and has some."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            path = self.root / name
            if path.exists() and (text := path.read_text()):
                return text
            time.sleep(0.02)
        pytest.fail(f"there is no {name}")

    @property
    def log(self) -> str:
        return (self.root / "var/log/boot").read_text()

    def end(self) -> None:
        if hasattr(self, "process"):
            self.process.kill()
            self.process.wait()


@pytest.fixture
def booting(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "root")
    yield made
    made.end()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    made = Mailbox(FolderTransport(tmp_path / "queues"), SECRET)
    made.start()
    yield made
    made.stop()
    made.transport.close()


RUNNING = """
    Name: Runs
    Methods:
      run:
        Arguments: [command: {Contract: $.string()}]
        Body:
          - Return: conf:Linux.runCommand($.find(std:Environment).applications[0].servers[0].agent, $command)
"""


def deployed(section: dict[str, str], wire: Any = None) -> tuple[World, str]:
    """An environment with one machine, and the script that the machine boots with."""
    world = World(written(RUNNING))
    world.cloud.agents.section = section
    world.cloud.agents.wire = wire
    runs = {"?": {"type": "t.Runs", "id": "runs"}}
    world.load(holder(machine("vm", kind="LinuxMuranoInstance"), things=(runs,)))
    world.execution.run("deploy")
    return world, world.cloud.template()["resources"]["boot_script_vm"]["properties"]["config"]


def test_a_machine_without_an_agent_fetches_it_and_runs_plans(
    booting: Machine, mailbox: Mailbox, tmp_path: Path
) -> None:
    section = {"type": "http", "url": mailbox.url, "token": token_for(SECRET, QUEUE)}
    engine = FolderTransport(tmp_path / "queues")
    world, script = deployed(section, engine)
    world.cloud.agents.timeout = 30.0
    assert booting.boot(script) == 0, booting.log
    assert not (booting.root / "var/log/pip").exists()
    config = booting.root / "etc/murano/agent.conf"
    assert f"url = {mailbox.url}" in config.read_text().splitlines()
    assert config.stat().st_mode & 0o777 == 0o600
    told = world.call("runs", "run", "echo I am; test -e /boot.sh && cat /etc/murano/agent.conf")
    assert told["exitCode"] == 0
    assert told["stdout"].startswith("I am\n")
    assert f"input_queue = {QUEUE}" in told["stdout"].splitlines()
    assert "Waiting for plans in eenv-hvm" in booting.read("var/log/murano-agent.log")
    world.session.finish()
    engine.close()


def test_an_agent_that_the_image_has_is_used(booting: Machine) -> None:
    booting.put("knarr-agent", '#!/bin/sh\necho "own agent: $*" >/var/log/started\n')
    booting.put("muranoagent", "#!/bin/sh\necho upstream >/var/log/started\n")
    _, script = deployed({"type": "folder", "folder": "/mnt/queues"})
    assert booting.boot(script) == 0, booting.log
    assert booting.read("var/log/started") == "own agent: --config-file /etc/murano/agent.conf\n"


def test_without_another_transport_upstream_s_agent_is_started(booting: Machine) -> None:
    booting.put("knarr-agent", "#!/bin/sh\necho own >/var/log/started\n")
    booting.put("muranoagent", '#!/bin/sh\necho "upstream: $*" >/var/log/started\n')
    _, script = deployed({})
    assert booting.boot(script) == 0, booting.log
    assert booting.read("var/log/started") == "upstream: --config-file /etc/murano/agent.conf\n"
    config = (booting.root / "etc/murano/agent.conf").read_text()
    assert "[transport]" not in config
    assert {"host = localhost", "port = 5672", "virtual_host = /"} <= set(config.splitlines())


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"type": "folder", "folder": "/mnt/queues"}, "the agent can be fetched over http only"),
        ({"type": "http", "url": "URL", "token": "stolen"}, "HTTP Error 401"),
        ({}, "muranoagent is not there and could not be installed: this machine runs no plans"),
    ],
)
def test_an_agent_that_cannot_be_had_is_told(
    booting: Machine, mailbox: Mailbox, section: dict[str, str], told: str
) -> None:
    _, script = deployed({key: mailbox.url if value == "URL" else value for key, value in section.items()})
    assert booting.boot(script) == 1
    assert told in booting.log
    assert "could not be installed: this machine runs no plans" in booting.log
    assert booting.read("var/log/pip").startswith("pip3 install murano-agent\n")
    assert not (booting.root / "etc/init.d/murano-agent").exists()


def test_the_script_may_run_again(booting: Machine) -> None:
    booting.put("muranoagent", "#!/bin/sh\nexec sleep 60\n")
    _, script = deployed({})
    (booting.root / "once.sh").write_text(script)
    again = "sh /once.sh && cat /var/run/murano-agent.pid && sh /once.sh && /etc/init.d/murano-agent status"
    assert booting.boot(f"{again} && cat /var/run/murano-agent.pid") == 0, booting.log
    first, second = (line for line in booting.log.splitlines() if line.isdecimal())
    assert first != second
