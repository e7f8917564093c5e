"""What is the fake engine's own: faults on demand, its memory across restarts, its speed, its small world."""

from __future__ import annotations

import io
import json
import statistics
import tarfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from knarr.services.container.drivers.base import (
    ContainerSpec,
    Credentials,
    EngineConflict,
    EngineUnavailable,
    Healthcheck,
    ImageNotFound,
    InvalidRequest,
    RegistryUnavailable,
    RestartPolicy,
    container_name,
)
from knarr.services.container.drivers.fake import FakeEngine, options


def make(state_dir: Path | None = None, **values: Any) -> FakeEngine:
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    options.register(conf)
    for name, value in values.items():
        conf.set_override(name, value, group=options.GROUP)
    return FakeEngine(conf, state_dir)


def run(engine: FakeEngine, *command: str, image: str = "busybox", **more: Any) -> str:
    spec = ContainerSpec(str(uuid.uuid4()), image, command=list(command) or None, **more)
    engine.create(spec)
    engine.start(spec.name)
    return spec.name


def status(engine: FakeEngine, name: str) -> str:
    state = engine.inspect(name)
    assert state is not None
    return state.status


class TestFaults:
    def test_a_method_fails_as_often_as_asked(self) -> None:
        engine = make()
        engine.set_fault(method="ping", error="unavailable", message="out to lunch", times=2)
        for _ in range(2):
            with pytest.raises(EngineUnavailable, match="out to lunch"):
                engine.ping()
        engine.ping()

    def test_only_for_what_matches(self) -> None:
        engine = make()
        engine.set_fault(method="create", error="conflict", match="nginx")
        run(engine, "sleep", "9")
        with pytest.raises(EngineConflict):
            run(engine, image="nginx")

    def test_delays(self) -> None:
        engine = make()
        engine.set_fault(method="*", delay=0.05)
        begun = time.monotonic()
        engine.info()
        assert time.monotonic() - begun >= 0.05

    def test_come_from_the_configuration_and_go(self) -> None:
        engine = make(fault=["start:error=timeout,times=1", "pull:delay=0.01"])
        assert [fault["method"] for fault in engine.list_faults()] == ["start", "pull"]
        engine.clear_faults("pull")
        assert [fault["method"] for fault in engine.list_faults()] == ["start"]
        engine.clear_faults()
        run(engine, "true")

    @pytest.mark.parametrize(
        "fault",
        [
            {"method": "nosuch"},
            {"method": "start", "error": "nosuch"},
            {"method": "start", "delay": -1},
            {"method": "start", "match": "("},
        ],
    )
    def test_that_make_no_sense_are_refused(self, fault: dict[str, Any]) -> None:
        with pytest.raises(InvalidRequest):
            make().set_fault(**fault)


class TestMemory:
    def test_what_was_there_is_there_after_a_restart(self, tmp_path: Path) -> None:
        before = make(tmp_path)
        sandbox = before.claim_sandbox(str(uuid.uuid4()), hostname="web")
        before.write_hosts(sandbox.uuid, ["10.0.0.5"])
        name = run(before, "sleep", "1000", sandbox=sandbox.name, healthcheck=Healthcheck("true"))
        before.put_archive(name, "/tmp", _tar("note", b"\x00\xffbytes"))
        before.pull("registry.example.org/app:2")
        gone = run(before, "true")
        before.delete(gone, force=True)
        # No close: a killed process has none either.
        after = make(tmp_path)
        assert status(after, name) == "Running"
        assert after.inspect(gone) is None
        assert after.exec_run(name, ["hostname"]) == (b"web\n", 0)
        assert b"10.0.0.5\tweb" in after.exec_run(name, ["cat", "/etc/hosts"])[0]
        assert b"\x00\xffbytes" in after.get_archive(name, "/tmp/note")[0]
        assert after.image_present("registry.example.org/app:2") is not None

    def test_programs_end_in_their_time_though_nobody_watched(self, tmp_path: Path) -> None:
        before = make(tmp_path)
        name = run(before, "sleep", "0.2")
        before.close()
        after = make(tmp_path)
        time.sleep(0.4)
        assert status(after, name) == "Stopped"

    def test_a_torn_last_line_is_left_out(self, tmp_path: Path) -> None:
        before = make(tmp_path)
        name = run(before, "sleep", "1000")
        before.close()
        [journal] = tmp_path.glob("fake-engine.journal")
        with journal.open("ab") as file:
            file.write(b'["container","zun-x",{"id":"to')
        assert status(make(tmp_path), name) == "Running"

    def test_two_engines_know_nothing_of_each_other(self) -> None:
        one, other = make(), make()
        run(one, "sleep", "9")
        assert other.list_containers() == []


class TestPrograms:
    @pytest.mark.parametrize(
        ("command", "output", "code"),
        [
            (["echo", "a", "b"], b"a b\n", 0),
            (["false"], b"", 1),
            (["sh", "-c", "echo a && false || echo b; exit 4"], b"a\nb\n", 4),
            (["sh", "-c", "false && echo no; echo yes"], b"yes\n", 0),
            (["/bin/sh", "-c", "echo $COLOUR ${COLOUR}"], b"blue blue\n", 0),
            (
                ["cat", "/etc/nosuchfile"],
                b"cat: can't open '/etc/nosuchfile': No such file or directory\n",
                1,
            ),
            (["ls", "/"], b"bin\netc\nhome\nroot\ntmp\nusr\nvar\n", 0),
            (["sh", "-c", "exit 300"], b"", 44),
        ],
    )
    def test_print_and_end(self, command: list[str], output: bytes, code: int) -> None:
        engine = make()
        name = run(engine, "sleep", "1000", environment={"COLOUR": "blue"})
        assert engine.exec_run(name, command) == (output, code)

    def test_ping_goes_on_and_on(self) -> None:
        engine = make()
        name = run(engine, "ping", "10.0.0.1")
        time.sleep(1.1)
        lines = engine.logs(name).decode().splitlines()
        assert lines[0] == "PING 10.0.0.1 (10.0.0.1): 56 data bytes"
        assert [line.split("seq=")[1][0] for line in lines[1:]] == ["0", "1"]

    def test_a_loop_prints_in_its_time(self) -> None:
        engine = make()
        name = run(engine, "sh", "-c", "while true; do echo tick; sleep 0.1; done")
        time.sleep(0.35)
        assert engine.logs(name) == b"tick\n" * 4

    def test_a_server_runs_until_it_is_stopped_and_a_shell_ends(self) -> None:
        engine = make()
        server, shell, typed = (
            run(engine, image="nginx"),
            run(engine, image="busybox"),
            run(engine, image="busybox", interactive=True, tty=True),
        )
        time.sleep(0.05)
        assert [status(engine, name) for name in (server, shell, typed)] == ["Running", "Stopped", "Running"]

    def test_a_pause_stops_the_time_of_a_program(self) -> None:
        engine = make()
        name = run(engine, "sleep", "0.3")
        engine.pause(name)
        time.sleep(0.4)
        engine.unpause(name)
        assert status(engine, name) == "Running"
        time.sleep(0.4)
        assert status(engine, name) == "Stopped"

    def test_restarts_for_ever_until_stopped(self) -> None:
        engine = make()
        name = run(engine, "false", restart_policy=RestartPolicy("always"))
        time.sleep(0.05)
        assert status(engine, name) in ("Restarting", "Running")
        engine.stop(name)
        time.sleep(0.3)
        assert status(engine, name) == "Stopped"

    def test_the_same_names_give_the_same_ids(self) -> None:
        identity = str(uuid.uuid4())
        ids = {make().create(ContainerSpec(identity, "busybox")) for _ in range(2)}
        assert len(ids) == 1


class TestImages:
    def test_any_name_can_be_pulled_save_some(self) -> None:
        engine = make()
        progress: list[tuple[int, int, str]] = []
        image = engine.pull("quay.example.org/team/app:9", None, lambda *step: progress.append(step))
        assert image.ref == "quay.example.org/team/app:9"
        assert progress[-1][0] == progress[-1][1] == image.size
        with pytest.raises(ImageNotFound, match="as user 'jo'"):
            engine.pull("nosuch:1", Credentials("jo", "secret"))
        with pytest.raises(RegistryUnavailable, match="does not answer"):
            engine.pull("unreachable.example.org/app")

    def test_names_are_read_from_a_saved_image(self) -> None:
        manifest = json.dumps([{"Config": "x", "RepoTags": ["app:1"], "Layers": []}]).encode()
        assert [image.ref for image in make().load(io.BytesIO(_tar("manifest.json", manifest)))] == ["app:1"]
        assert [image.ref for image in make().load(io.BytesIO(_tar("manifest.json", manifest)), "b:2")] == [
            "b:2"
        ]

    def test_one_in_use_is_not_deleted(self) -> None:
        engine = make()
        run(engine, "sleep", "9")
        with pytest.raises(EngineConflict, match="zun-"):
            engine.image_delete("busybox")
        engine.image_delete("cirros")
        assert engine.image_present("cirros") is None


class TestSpeed:
    def test_from_create_to_running_in_less_than_five_milliseconds(self, tmp_path: Path) -> None:
        engine = make(tmp_path)
        times = []
        for _ in range(50):
            begun = time.perf_counter()
            sandbox = engine.claim_sandbox(str(uuid.uuid4()))
            spec = ContainerSpec(sandbox.uuid, "busybox", command=["sleep", "1000"], sandbox=sandbox.name)
            engine.create(spec)
            engine.start(spec.name)
            times.append(time.perf_counter() - begun)
        assert statistics.median(times) < 0.005

    def test_a_call_is_measured(self) -> None:
        engine = make()
        seen: list[tuple[str, float, bool]] = []
        engine.observer = lambda verb, seconds, worked: seen.append((verb, seconds, worked))
        engine.reboot(run(engine, "sleep", "9"))
        engine.inspect(container_name("x"))
        assert [(verb, worked) for verb, _, worked in seen] == [
            ("create", True),
            ("start", True),
            ("reboot", True),
            ("inspect", True),
        ]


def test_closing_ends_the_events() -> None:
    engine = make()
    watcher = threading.Thread(target=engine.events, args=(lambda event: None, threading.Event()))
    watcher.start()
    time.sleep(0.05)
    engine.close()
    watcher.join(2)
    assert not watcher.is_alive()


def _tar(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()
