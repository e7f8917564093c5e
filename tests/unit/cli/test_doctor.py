"""`knarr doctor`: what is missing for what was configured, and what is merely not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_up import free_port

# In a user namespace of its own the program is somebody without any rights over the host.
UNPRIVILEGED = [str(shutil.which("unshare")), "--user"]


def is_possible() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*UNPRIVILEGED, "true"]).returncode == 0


pytestmark = pytest.mark.skipif(not is_possible(), reason="no user namespaces here")


def doctor(folder: Path, *arguments: str, config: str = "") -> tuple[int, dict[str, list[str]]]:
    """The exit status, and state, detail and remedy by what was looked at, as somebody who is not root."""
    file = folder / "knarr.conf"
    file.write_text(f"[docker]\napi_url = unix://{folder}/no-engine.sock\n{config}")
    program = [sys.executable, "-m", "knarr.cli.main", "doctor", "--config-file", str(file)]
    program += ["--state-dir", str(folder / "state"), "--listen", f"127.0.0.1:{free_port()}", *arguments]
    done = subprocess.run([*UNPRIVILEGED, *program], capture_output=True, text=True)
    assert not done.stderr, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return done.returncode, {row[0]: row[1:] for row in rows}


def test_without_root_and_without_a_wish_for_an_engine_nothing_is_bad(tmp_path: Path) -> None:
    status, found = doctor(tmp_path)
    assert {name: row[0] for name, row in found.items() if row[0] == "BAD"} == {}
    assert status == 0
    assert found["container engine"][0] == "absent"
    assert found["fake engine"] == [
        "good",
        "works as any user, and runs nothing",
        "knarr up --engine fake",
    ]


@pytest.mark.parametrize(
    ("arguments", "config"), [(["--engine", "docker"], ""), ([], "[DEFAULT]\nengine = docker\n")]
)
def test_an_engine_that_was_asked_for_and_is_not_there_is_bad(
    tmp_path: Path, arguments: list[str], config: str
) -> None:
    status, found = doctor(tmp_path, *arguments, config=config)
    assert status == 1
    assert found["container engine"][0] == "BAD"
    assert found["CAP_NET_ADMIN"] == ["BAD", "not held", "run as root"]


def test_the_fake_engine_asks_for_nothing_of_the_host(tmp_path: Path) -> None:
    status, found = doctor(tmp_path, "--engine", "fake")
    assert status == 0
    assert "container engine" not in found
    assert "CAP_NET_ADMIN" not in found


def test_a_network_that_carries_nothing_asks_for_nothing_of_the_host(tmp_path: Path) -> None:
    _, found = doctor(tmp_path, "--engine", "docker", config="[network]\nbackend = fake\n")
    assert found["container engine"][0] == "BAD"
    assert "CAP_NET_ADMIN" not in found
