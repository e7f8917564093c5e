"""Terminals in containers, as people use them: the official clients at a pseudo-terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import MakeKnarr
from tests.e2e.support import clients
from tests.e2e.support.clients import Person
from tests.e2e.support.engine import IMAGE
from tests.e2e.support.server import Knarr, wait_until
from tests.e2e.support.terminal import AtTerminal

pytestmark = [pytest.mark.engine, pytest.mark.clients]

NETWORK = "sessions-net"
RUN = {"openstack": ("appcontainer", "run", "--interactive"), "zun": ("run", "-i")}
EXEC = {"openstack": ("appcontainer", "exec", "--interactive"), "zun": ("exec", "-i")}
ATTACH = {"openstack": ("appcontainer", "attach"), "zun": ("attach",)}
BOTH = pytest.mark.parametrize("program", ["openstack", "zun"])


@pytest.fixture(scope="module")
def cloud(make_knarr: MakeKnarr) -> Knarr:
    clients.programs()
    return make_knarr()


@pytest.fixture(scope="module")
def alice(cloud: Knarr) -> Person:
    made = clients.member(clients.administrator(cloud), "sessions", "alice")
    made.openstack("network", "create", NETWORK)
    made.openstack("subnet", "create", "--network", NETWORK, "--subnet-range", "10.78.0.0/24", "sessions-sub")
    return made


@pytest.fixture(scope="module")
def shell(alice: Person) -> str:
    """The name of a container whose main process is a shell at a terminal."""
    alice.openstack("appcontainer", "create", "--interactive", "--name", "shell", IMAGE, "sh")
    alice.until("shell", "Created")
    alice.openstack("appcontainer", "start", "shell")
    alice.until("shell", "Running")
    return "shell"


def processes(docker_engine: Any, alice: Person, name: str) -> list[str]:
    """The command lines in the container."""
    uuid = alice.data("appcontainer show", name)["uuid"]
    return [row[-1] for row in docker_engine.api.top(f"zun-{uuid}")["Processes"]]


@BOTH
def test_run_gives_a_shell_that_follows_the_window_and_is_left(alice: Person, program: str) -> None:
    name = f"run-{program}"
    with alice.at_terminal(
        program, *RUN[program], "--name", name, IMAGE, "sh", rows=30, columns=100
    ) as terminal:
        terminal.begin()
        terminal.type("echo it is $((6 * 7))\r")
        terminal.expect("it is 42")
        terminal.type("stty size\r")
        terminal.expect("30 100")
        terminal.resize(43, 121)
        wait_until(lambda: _window(terminal) == "43 121", 20)
        terminal.type("~")
        terminal.type(".")
        assert terminal.end() == 0

    assert alice.until(name, "Running")["status"] == "Running", "leaving does not end the container"
    alice.openstack("appcontainer", "delete", "--stop", name)


def _window(terminal: AtTerminal) -> str:
    """What the shell says of its size. Begins before a prompt and ends after one."""
    terminal.type("stty size\r")
    terminal.expect("stty size\r\n")
    return terminal.expect("/ # ").split("\r\n")[0]


@BOTH
def test_exec_gives_a_terminal_of_its_own_that_ends_with_its_shell(
    alice: Person, shell: str, program: str
) -> None:
    with alice.at_terminal(program, *EXEC[program], shell, "sh", rows=33, columns=77) as terminal:
        terminal.begin()
        assert _window(terminal) == "33 77"
        terminal.resize(20, 60)
        wait_until(lambda: _window(terminal) == "20 60", 20)
        terminal.type("exit\r")
        assert terminal.end() == 0

    assert alice.data("appcontainer show", shell)["status"] == "Running"


def test_what_an_exec_runs_is_gone_when_it_is_left(alice: Person, shell: str, docker_engine: Any) -> None:
    with alice.at_terminal("zun", "exec", "-i", shell, "sh") as terminal:
        terminal.begin()
        terminal.type("sleep 4321\r")
        wait_until(lambda: "sleep 4321" in processes(docker_engine, alice, shell), 20)
        terminal.process.kill()  # the client dies without a word

    wait_until(lambda: processes(docker_engine, alice, shell) == ["sh"], 20)


@BOTH
def test_attach_reaches_the_main_process_again(alice: Person, shell: str, program: str) -> None:
    with alice.at_terminal(program, *ATTACH[program], shell) as terminal:
        terminal.begin()
        terminal.type(f"echo {program} $$\r")
        terminal.expect(f"{program} 1")
        terminal.type("\r~.")
        assert terminal.end() == 0


def test_a_session_ends_when_its_container_stops(alice: Person) -> None:
    with alice.at_terminal("zun", "run", "-i", "--name", "brief", IMAGE, "sh") as terminal:
        terminal.begin()
        terminal.type("exit 3\r")
        assert terminal.end() == 0

    assert "Exited(3)" in alice.until("brief", "Stopped")["status_detail"]


def test_characters_of_several_bytes_arrive_whole(alice: Person, shell: str) -> None:
    """The client decodes each message on its own, and fails at half a character."""
    with alice.at_terminal("zun", "exec", "-i", shell, "sh") as terminal:
        terminal.begin()
        terminal.type("yes 'ä€𝄞' | head -n 30000; echo the en''d\r")
        said = terminal.expect("the end")
        assert "\ufffd" not in said and said.count("ä€𝄞") >= 30000
        terminal.type("exit\r")
        assert terminal.end() == 0


def test_files_are_copied_in_and_out(alice: Person, shell: str, tmp_path: Path) -> None:
    sent = tmp_path / "sent.bin"
    sent.write_bytes(bytes(range(256)) * 12000)

    alice.openstack("appcontainer", "cp", str(sent), f"{shell}:/tmp")
    back = tmp_path / "back"
    back.mkdir()
    alice.zun("cp", f"{shell}:/tmp/sent.bin", str(back))

    assert (back / "sent.bin").read_bytes() == sent.read_bytes()


def test_a_killed_knarr_leaves_no_session_behind(
    alice: Person, shell: str, cloud: Knarr, docker_engine: Any
) -> None:
    with alice.at_terminal("zun", "exec", "-i", shell, "sh") as terminal:
        terminal.begin()
        assert processes(docker_engine, alice, shell) == ["sh", "sh"]
        cloud.kill()
        terminal.end()
    cloud.start()

    wait_until(lambda: processes(docker_engine, alice, shell) == ["sh"], 20)
    with alice.at_terminal("zun", "attach", shell) as terminal:
        terminal.begin()
        terminal.type("echo still $$\r")
        terminal.expect("still 1")
