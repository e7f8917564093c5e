"""The agent's configuration and its command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from knarr_agent.config import Limits, load
from knarr_agent.errors import ConfigError

from .conftest import SOURCES

# What the core library's cloud-init puts on machines, with today's transport added.
USUAL = """
[DEFAULT]
debug=True
verbose=True
log_file = /var/log/murano-agent.log
storage=/var/murano/plans

[rabbitmq]
# Input queue name
input_queue = e1-h1
result_routing_key = -execution-results-regionone
host = 192.0.2.1
port = 5672
ssl = False
ca_certs = '/etc/murano/certs/ca_certs'
login = murano
password = swordfish%42
virtual_host = /

[transport]
type = folder
folder = /var/lib/knarr/queues
"""


def read(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agent.conf"
    path.write_text(text)
    return path


def test_a_usual_configuration_is_understood(tmp_path: Path) -> None:
    config = load(read(tmp_path, USUAL))
    assert config.input_queue == "e1-h1"
    assert config.result_queue == "-execution-results-regionone"
    assert config.storage == Path("/var/murano/plans")
    assert config.log_file == Path("/var/log/murano-agent.log")
    assert config.debug
    assert config.folder == Path("/var/lib/knarr/queues")
    assert config.limits == Limits()


def test_limits_can_be_set(tmp_path: Path) -> None:
    config = load(
        read(tmp_path, USUAL + "[plans]\nplan_timeout = 0\nattempts = 5\npython2 = always\noutput = 10\n")
    )
    assert config.limits == Limits(plan_timeout=0, attempts=5, python2="always", output=10)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("input_queue = e1-h1", "", r"\[rabbitmq\] input_queue: is missing"),
        (
            "result_routing_key = -execution-results-regionone",
            "",
            r"\[rabbitmq\] result_routing_key: is missing",
        ),
        (
            "input_queue = e1-h1",
            "input_queue = ../e1",
            r"\[rabbitmq\] input_queue: '../e1' is no name of a queue",
        ),
        ("type = folder", "type = amqp", r"\[transport\] type: must be one of folder, http"),
        ("folder = /var/lib/knarr/queues", "", r"\[transport\] folder: is missing"),
        (
            "folder = /var/lib/knarr/queues",
            "folder = here",
            r"\[transport\] folder: must be an absolute path",
        ),
        ("type = folder", "type = http", r"\[transport\] url: must be an http:// or https:// address"),
        (
            "type = folder",
            "type = http\nurl = file:///x",
            r"\[transport\] url: must be an http:// or https://",
        ),
        ("debug=True", "debug=perhaps", r"\[DEFAULT\] debug: must be true or false"),
        ("debug=True", "engine_key=x", r"\[DEFAULT\] engine_key: is no public key in PEM form"),
        ("[transport]", "[plans]\nattempts = many\n[transport]", r"\[plans\] attempts: must be a number"),
        (
            "[transport]",
            "[plans]\noutput = -1\n[transport]",
            r"\[plans\] output: must be a number, not negative",
        ),
        (
            "[transport]",
            "[plans]\nplan_timeout = nan\n[transport]",
            r"\[plans\] plan_timeout: must be a number",
        ),
        (
            "[transport]",
            "[plans]\npython2 = 2\n[transport]",
            r"\[plans\] python2: must be one of auto, always, never",
        ),
        ("[transport]", "[plans]\non_interruption = x\n[transport]", "must be one of rerun, report"),
        ("[DEFAULT]", "DEFAULT", "agent.conf: File contains no section headers"),
    ],
)
def test_what_is_wrong_is_told_by_section_and_option(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load(read(tmp_path, USUAL.replace(old, new, 1)))


def knarr_agent(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "knarr_agent", *arguments]
    return subprocess.run(command, env={"PYTHONPATH": str(SOURCES)}, capture_output=True, text=True)


def test_a_configuration_can_be_checked(tmp_path: Path) -> None:
    done = knarr_agent("--config-file", str(read(tmp_path, USUAL)), "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "can be used: queue e1-h1" in done.stdout


def test_one_that_cannot_be_used_is_told_without_a_traceback(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.conf", read(tmp_path, "[DEFAULT]\n"), tmp_path):
        done = knarr_agent("--config-file", str(path))
        assert done.returncode == 2
        assert done.stderr.startswith("knarr-agent: ")
        assert "Traceback" not in done.stderr


def test_the_documented_configuration_can_be_used(tmp_path: Path) -> None:
    text = (SOURCES.parent / "docs" / "agent.md").read_text()
    sample = text.split("```ini\n# /etc/murano/agent.conf\n")[1].split("```")[0]
    key = "".join(line for line in sample.splitlines(True) if line.startswith("    "))
    assert "BEGIN RSA PUBLIC KEY" in key
    config = load(read(tmp_path, sample.replace("engine_key =\n" + key, "")))
    assert config.limits == Limits()
    assert (config.transport, config.token) == ("http", "…")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("log_file = /no/such/folder/agent.log", "knarr-agent: [Errno 2] No such file or directory"),
        ("ca_file", "knarr-agent: [transport] ca_file: /no/such/file: No such file or directory"),
    ],
)
def test_files_that_are_not_there_are_told(tmp_path: Path, option: str, message: str) -> None:
    text = USUAL.replace("/var/murano/plans", f"{tmp_path}/plans").replace(
        "log_file = /var/log/murano-agent.log", ""
    )
    if option == "ca_file":
        text = text.replace(
            "type = folder", "type = http\nurl = https://127.0.0.1:9\nca_file = /no/such/file"
        )
    else:
        text = text.replace("[rabbitmq]", f"{option}\n[rabbitmq]", 1)
    done = knarr_agent("--config-file", str(read(tmp_path, text)))
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_a_storage_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = USUAL.replace("storage=/var/murano/plans", f"storage={tmp_path}/file/plans").replace(
        "log_file", "#"
    )
    done = knarr_agent("--config-file", str(read(tmp_path, text)))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("knarr-agent: [DEFAULT] storage: ")
