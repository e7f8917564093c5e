"""The program as its users see it: real processes, ports, signals and files."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def knarr(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "knarr.cli.main", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(knarr(*arguments), capture_output=True, text=True, timeout=SECONDS, check=False)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until_gone(pid: int) -> bool:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if gone(pid):
            return True
        time.sleep(0.02)
    return False


class Instance:
    """`knarr up` on a port and state of its own; the identity service alone unless told otherwise."""

    def __init__(self, folder: Path, config: str = "[DEFAULT]\nservices = identity\n") -> None:
        self.state_dir = folder / "state"
        self.output = folder / "output"
        self.port = free_port()
        self.config = folder / "knarr.conf"
        self.config.write_text(config)
        self.options = ["--state-dir", str(self.state_dir), "--config-file", str(self.config)]
        self.process: subprocess.Popen[str] | None = None

    def arguments(self, port: int | None = None) -> list[str]:
        return ["up", "--engine", "fake", "--listen", f"127.0.0.1:{port or self.port}", *self.options]

    def start(self, path: str = "/healthcheck") -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            knarr(*self.arguments()), stdout=self.output.open("w"), stderr=subprocess.STDOUT, text=True
        )
        self.wait_until_it_answers(path)
        return self.process

    def wait_until_it_answers(self, path: str = "/healthcheck") -> None:
        """A worker that was killed a moment ago does not count as one that answers."""
        assert self.process
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, self.said()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=SECONDS):
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"Knarr did not answer: {self.said()}")

    def said(self) -> str:
        return self.output.read_text()

    def worker(self) -> int:
        assert self.process
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(SECONDS)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    made = Instance(tmp_path)
    yield made
    made.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_both_processes_soon_and_in_order(instance: Instance, number: signal.Signals) -> None:
    process = instance.start()
    worker = instance.worker()
    assert (instance.state_dir / "knarr.pid").exists()
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(SECONDS) == 0
    assert time.monotonic() - began < 5
    assert gone(worker)
    assert not (instance.state_dir / "knarr.pid").exists()


def test_the_worker_does_not_outlive_a_killed_parent(instance: Instance) -> None:
    process = instance.start()
    worker = instance.worker()
    process.kill()
    process.wait(SECONDS)
    assert wait_until_gone(worker)
    # The pid file is stale now, and the next start does not mind.
    assert (instance.state_dir / "knarr.pid").exists()
    instance.start()


def kill_worker(instance: Instance) -> int:
    worker = instance.worker()
    os.kill(worker, signal.SIGKILL)
    return worker


def test_a_killed_worker_is_named_and_replaced(instance: Instance) -> None:
    process = instance.start()
    killed = kill_worker(instance)
    instance.wait_until_it_answers()
    assert instance.worker() != killed
    instance.end()
    assert process.returncode == 0
    assert f"the worker (pid {killed}) was killed by signal 9 (SIGKILL)" in instance.said()


def test_workers_that_are_killed_again_and_again_end_the_program(instance: Instance) -> None:
    process = instance.start()
    for _ in range(3):
        kill_worker(instance)
        instance.wait_until_it_answers()
    kill_worker(instance)
    assert process.wait(SECONDS) == 1
    assert "giving up" in instance.said()
    assert not (instance.state_dir / "knarr.pid").exists()


def test_a_closed_terminal_ends_the_program(instance: Instance) -> None:
    process = instance.start()
    process.send_signal(signal.SIGHUP)
    assert process.wait(SECONDS) == 0


def test_status_and_openrc_tell_of_a_running_one(instance: Instance) -> None:
    instance.start()
    status = run("status", *instance.options)
    assert status.returncode == 0
    assert f"http://127.0.0.1:{instance.port}" in status.stdout
    variables = run("openrc", *instance.options).stdout
    assert f"export OS_AUTH_URL=http://127.0.0.1:{instance.port}/identity/v3\n" in variables
    assert (instance.state_dir / "clouds.yaml").stat().st_mode & 0o777 == 0o600


def test_status_of_nothing_is_3(instance: Instance) -> None:
    assert run("status", *instance.options).returncode == 3


def test_a_second_one_on_the_state_directory_is_refused(instance: Instance) -> None:
    instance.start()
    other = run(*instance.arguments(free_port()))
    assert other.returncode == 1
    assert "runs already" in other.stderr
    # Without the pid file the lock of the engine still holds.
    (instance.state_dir / "knarr.pid").unlink()
    other = run(*instance.arguments(free_port()))
    assert other.returncode == 1
    assert "Traceback" not in other.stderr
    assert "already runs this engine" in other.stderr


def test_a_taken_port_is_told_in_one_line(instance: Instance) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", instance.port))
        taken.listen()
        done = run(*instance.arguments())
    assert done.returncode == 1
    assert done.stderr == f"knarr: cannot listen on 127.0.0.1:{instance.port}: Address already in use\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[DEFAULT]\nthreads = many\n", "threads"),
        ("[DEFAULT]\nservices = nothing\n", "no such services: nothing"),
        ("[DEFAULT\n", "parse"),
        ("[database]\nurl = sqlite:////proc/none/x.db\n", "/proc/none"),
        ("[DEFAULT]\nbase_url = cloud.example\n", "base_url is 'cloud.example': use http"),
        ("[DEFAULT]\nlog_level = LOUD\n", "knarr.conf is not valid: Valid values are [DEBUG"),
    ],
)
def test_a_bad_configuration_is_told_in_one_line(instance: Instance, text: str, said: str) -> None:
    services = "" if "DEFAULT" in text else "[DEFAULT]\nservices = identity\n"
    instance.config.write_text(services + text)
    done = run(*instance.arguments())
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr


def test_a_missing_configuration_file_is_named() -> None:
    done = run("up", "--config-file", "/nonexistent/knarr.conf")
    assert (done.returncode, done.stderr) == (
        1,
        "knarr: no such configuration file: /nonexistent/knarr.conf\n",
    )


def test_other_hosts_are_not_served_unless_told(instance: Instance) -> None:
    done = run("up", "--listen", "0.0.0.0:9140", *instance.options)
    assert done.returncode == 1
    assert "--insecure-listen" in done.stderr


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Instance]:
    """All services, with the network's backend that touches nothing of the host."""
    made = Instance(tmp_path, "[network]\nbackend = fake\n")
    yield made
    made.end()


def test_a_service_that_cannot_start_ends_the_program_and_says_why(whole: Instance) -> None:
    whole.config.write_text("[network]\nbackend = no-such-backend\n")
    done = run(*whole.arguments())
    assert done.returncode == 1
    assert "there is no driver 'no-such-backend'" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_every_service_answers_as_soon_as_the_first_one_does(whole: Instance) -> None:
    whole.start("/identity/v3")
    for path in ("/container/v1", "/network/v2.0", "/healthcheck"):
        with urllib.request.urlopen(f"http://127.0.0.1:{whole.port}{path}", timeout=SECONDS) as answer:
            assert answer.status == 200


def test_what_is_no_option_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    made = Instance(tmp_path, "[DEFAULT]\nservices = identity\ntreads = 5\n[kompute]\nx = 1\n")
    try:
        made.start()
        said = made.said()
        assert "[DEFAULT] treads is no option and has no effect; is threads meant?" in said
        assert "kompute" not in said, "it may be of a service that does not run here"
    finally:
        made.end()


def test_a_file_in_the_place_of_the_state_directory_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "state"):
        done = run(
            "up", "--engine", "fake", "--state-dir", str(place), "--listen", f"127.0.0.1:{free_port()}"
        )
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "Errno" not in done.stderr
        assert str(file) in done.stderr
