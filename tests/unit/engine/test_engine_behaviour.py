"""What every container engine does, whatever stands behind it."""

from __future__ import annotations

import io
import tarfile
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from knarr.services.container.drivers.base import (
    CommandNotFound,
    ContainerEngine,
    ContainerEvent,
    ContainerSpec,
    EngineConflict,
    EngineError,
    EngineTimeout,
    Healthcheck,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    RegistryUnavailable,
    RestartPolicy,
    SandboxDown,
    container_name,
    sandbox_name,
)

Make = Callable[..., str]
FOREVER = ("sleep", "1000")


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "did not come about in time"
        time.sleep(0.01)
    return found


def tar_of(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def status(engine: ContainerEngine, name: str) -> str | None:
    state = engine.inspect(name)
    return state.status if state else None


class TestHost:
    def test_answers(self, engine: ContainerEngine) -> None:
        engine.ping()

    def test_tells_what_it_has(self, engine: ContainerEngine) -> None:
        info = engine.info()
        assert info.cpus >= 1
        assert info.memory_mib > 64
        assert info.disk_gib > 0
        assert info.os_type == "linux"
        assert "runc" in info.runtimes
        assert info.engine_version


class TestLife:
    def test_from_created_to_running_to_gone(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER, start=False, labels={"app": "web"})
        created = engine.inspect(name)
        assert created is not None
        assert (created.status, created.status_detail, created.pid) == ("Created", "Created", 0)
        engine.start(name)
        running = engine.inspect(name)
        assert running is not None
        assert running.status == "Running"
        assert running.status_detail.startswith("Up ")
        assert running.pid > 0
        assert running.started_at is not None
        assert running.labels == {"app": "web"}
        engine.delete(name, force=True)
        assert engine.inspect(name) is None

    def test_creating_again_gives_the_same_one(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER, start=False)
        before = engine.inspect(name)
        assert before is not None
        spec = ContainerSpec(before.uuid, "busybox:latest", command=list(FOREVER))
        assert engine.create(spec) == before.id

    def test_what_is_so_already_is_no_error(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        engine.start(name)
        engine.pause(name)
        engine.pause(name)
        engine.unpause(name)
        engine.unpause(name)
        engine.stop(name, timeout=0)
        engine.stop(name, timeout=0)
        engine.delete(name)
        engine.delete(name)

    def test_ends_with_its_exit_code(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", "-c", "exit 3")
        wait_for(lambda: status(engine, name) == "Stopped")
        state = engine.inspect(name)
        assert state is not None
        assert state.exit_code == 3
        assert state.status_detail.startswith("Exited(3) ")
        assert state.status_detail.endswith(" ago")
        assert state.finished_at is not None

    def test_pauses_and_goes_on(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        engine.pause(name)
        state = engine.inspect(name)
        assert state is not None
        assert state.status == "Paused"
        assert state.status_detail.endswith("(paused)")
        engine.unpause(name)
        assert status(engine, name) == "Running"

    def test_starts_again_after_a_stop(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        engine.stop(name, timeout=0)
        stopped = engine.inspect(name)
        assert stopped is not None
        assert (stopped.status, stopped.exit_code) == ("Stopped", 137)
        engine.start(name)
        assert status(engine, name) == "Running"

    def test_reboots(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        before = engine.inspect(name)
        engine.reboot(name, timeout=0)
        after = engine.inspect(name)
        assert before and after
        assert after.status == "Running"
        assert after.pid != before.pid

    @pytest.mark.parametrize("signal", ["KILL", "SIGKILL", "kill", 9, "9"])
    def test_takes_signals_in_any_form(
        self, engine: ContainerEngine, container: Make, signal: str | int
    ) -> None:
        name = container(*FOREVER)
        engine.kill(name, signal)
        wait_for(lambda: status(engine, name) == "Stopped")
        state = engine.inspect(name)
        assert state is not None
        assert state.exit_code == 137

    @pytest.mark.parametrize("signal", ["NOPE", "", 0, 400, "SIGRTMIN+99", "KILL;reboot"])
    def test_refuses_what_is_no_signal(
        self, engine: ContainerEngine, container: Make, signal: str | int
    ) -> None:
        name = container(*FOREVER)
        with pytest.raises(InvalidRequest, match="signal"):
            engine.kill(name, signal)

    def test_a_running_one_is_only_removed_by_force(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        with pytest.raises(EngineConflict):
            engine.delete(name)
        assert status(engine, name) == "Running"

    def test_a_paused_one_is_removed_by_force(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        engine.pause(name)
        engine.delete(name, force=True)
        assert engine.inspect(name) is None

    def test_actions_that_do_not_go_with_the_state(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER, start=False)
        for action in (
            lambda: engine.kill(name),
            lambda: engine.pause(name),
            lambda: engine.unpause(name),
            lambda: engine.exec_run(name, ["true"]),
            lambda: engine.exec_create(name, ["true"]),
            lambda: engine.stats(name),
            lambda: engine.top(name),
        ):
            with pytest.raises(EngineConflict):
                action()

    def test_what_is_not_there(self, engine: ContainerEngine) -> None:
        name = container_name(str(uuid.uuid4()))
        for action in (
            lambda: engine.start(name),
            lambda: engine.stop(name),
            lambda: engine.kill(name),
            lambda: engine.reboot(name),
            lambda: engine.pause(name),
            lambda: engine.unpause(name),
            lambda: engine.logs(name),
            lambda: engine.follow_logs(name),
            lambda: engine.exec_run(name, ["true"]),
            lambda: engine.top(name),
            lambda: engine.stats(name),
            lambda: engine.get_archive(name, "/etc"),
            lambda: engine.put_archive(name, "/tmp", tar_of(a=b"")),
            lambda: engine.update(name, memory_mib=64),
            lambda: engine.resize(name, 24, 80),
            lambda: engine.attach(name),
        ):
            with pytest.raises(NotThere):
                action()
        assert engine.inspect(name) is None
        engine.delete(name)

    def test_an_image_that_does_not_lie_there(self, engine: ContainerEngine, container: Make) -> None:
        with pytest.raises(ImageNotFound, match="pull it first"):
            container(image="knarr.invalid/nosuch:1")

    def test_a_command_that_does_not_exist(self, engine: ContainerEngine, container: Make) -> None:
        name = container("/bin/nosuch", start=False)
        with pytest.raises(CommandNotFound, match="nosuch"):
            engine.start(name)
        state = engine.inspect(name)
        assert state is not None
        assert state.status == "Error"
        assert state.error

    def test_a_runtime_that_does_not_exist(self, engine: ContainerEngine, container: Make) -> None:
        with pytest.raises(InvalidRequest, match="nosuchruntime"):
            container(*FOREVER, runtime="nosuchruntime")

    def test_limits_can_be_changed_while_it_runs(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        engine.update(name, cpu=0.5, memory_mib=64)
        assert engine.stats(name)["MEM LIMIT(MiB)"] == 64.0
        engine.update(name, memory_mib=48)
        assert engine.stats(name)["MEM LIMIT(MiB)"] == 48.0

    def test_the_least_memory_is_six_mebibytes(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        engine.update(name, memory_mib=4)
        assert engine.stats(name)["MEM LIMIT(MiB)"] == 6.0

    def test_restarts_as_asked(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", "-c", "echo round; exit 1", restart_policy=RestartPolicy("on-failure", 2))
        wait_for(lambda: engine.logs(name).count(b"round") == 3)
        wait_for(lambda: status(engine, name) == "Stopped")

    def test_health_is_told(self, engine: ContainerEngine, container: Make) -> None:
        well = container(*FOREVER, healthcheck=Healthcheck("true", interval=0.5, timeout=5, retries=1))
        ill = container(
            *FOREVER, healthcheck=Healthcheck("echo ouch; false", interval=0.5, timeout=5, retries=1)
        )
        assert engine.inspect(well).health == "starting"  # type: ignore[union-attr]
        wait_for(lambda: engine.inspect(well).health == "healthy")  # type: ignore[union-attr]
        wait_for(lambda: engine.inspect(ill).health == "unhealthy")  # type: ignore[union-attr]
        assert "ouch" in engine.inspect(ill).health_log  # type: ignore[union-attr]


class TestList:
    def test_ours_with_their_states(self, engine: ContainerEngine, container: Make) -> None:
        running, created = container(*FOREVER), container(*FOREVER, start=False)
        ended = container("sh", "-c", "exit 4")
        wait_for(lambda: status(engine, ended) == "Stopped")
        sandbox = engine.claim_sandbox(str(uuid.uuid4()))
        listed = {state.name: state for state in engine.list_containers()}
        assert listed[running].status == "Running"
        assert listed[running].status_detail.startswith("Up ")
        assert listed[running].uuid == running.removeprefix("zun-")
        assert listed[created].status == "Created"
        assert (listed[ended].status, listed[ended].exit_code) == ("Stopped", 4)
        assert listed[ended].status_detail.startswith("Exited(4) ")
        assert sandbox.name not in listed
        engine.release_sandbox(sandbox.uuid)


class TestSandbox:
    def test_claim_is_the_same_each_time(self, engine: ContainerEngine) -> None:
        identity = str(uuid.uuid4())
        first = engine.claim_sandbox(identity)
        assert first.name == sandbox_name(identity)
        assert engine.claim_sandbox(identity) == first
        assert engine.sandbox(identity) == first
        engine.release_sandbox(identity)
        engine.release_sandbox(identity)
        assert engine.sandbox(identity) is None

    def test_containers_get_hostname_and_files_of_it(self, engine: ContainerEngine, container: Make) -> None:
        identity = str(uuid.uuid4())
        sandbox = engine.claim_sandbox(identity, hostname="web1")
        engine.write_hosts(
            identity,
            ["10.1.2.3", "fd00::3"],
            dns=["10.1.2.1"],
            search=["example.org"],
            hosts={"10.1.2.4": "db"},
        )
        name = container(*FOREVER, sandbox=sandbox.name)
        try:
            assert engine.exec_run(name, ["hostname"]) == (b"web1\n", 0)
            hosts = engine.exec_run(name, ["cat", "/etc/hosts"])[0].decode().split("\n")
            assert {"10.1.2.3\tweb1", "fd00::3\tweb1", "10.1.2.4\tdb"} <= set(hosts)
            resolv, _ = engine.exec_run(name, ["cat", "/etc/resolv.conf"])
            assert resolv == b"search example.org\nnameserver 10.1.2.1\n"
        finally:
            engine.delete(name, force=True)
            engine.release_sandbox(identity)

    def test_without_a_name_the_hostname_is_that_of_the_sandbox(
        self, engine: ContainerEngine, container: Make
    ) -> None:
        sandbox = engine.claim_sandbox(str(uuid.uuid4()))
        name = container(*FOREVER, sandbox=sandbox.name)
        assert engine.exec_run(name, ["hostname"])[0].decode().strip() == sandbox.hostname
        engine.delete(name, force=True)
        engine.release_sandbox(sandbox.uuid)

    def test_a_container_does_not_start_without_its_sandbox(
        self, engine: ContainerEngine, container: Make
    ) -> None:
        sandbox = engine.claim_sandbox(str(uuid.uuid4()))
        name = container(*FOREVER, start=False, sandbox=sandbox.name)
        engine.release_sandbox(sandbox.uuid)
        with pytest.raises(SandboxDown):
            engine.start(name)
        with pytest.raises(SandboxDown):
            container(*FOREVER, sandbox=sandbox.name)

    def test_a_wrong_address_is_refused(self, engine: ContainerEngine) -> None:
        sandbox = engine.claim_sandbox(str(uuid.uuid4()))
        with pytest.raises(InvalidRequest, match=r"10\.0\.0\.300"):
            engine.write_hosts(sandbox.uuid, ["10.0.0.300"])
        with pytest.raises(NotThere):
            engine.write_hosts(str(uuid.uuid4()), ["10.0.0.3"])
        engine.release_sandbox(sandbox.uuid)

    def test_what_nobody_knows_is_reaped(self, engine: ContainerEngine, container: Make) -> None:
        known, unknown = container(*FOREVER, start=False), container(*FOREVER)
        sandbox = engine.claim_sandbox(unknown.removeprefix("zun-"))
        assert engine.reap([known.removeprefix("zun-")]) == []  # both are too young
        engine.start(unknown)
        removed = engine.reap([known.removeprefix("zun-")], min_age=-2)
        assert set(removed) == {unknown, sandbox.name}
        assert engine.inspect(unknown) is None
        assert engine.inspect(known) is not None


class TestImageCheck:
    def test_what_a_registry_does_not_have_is_told_without_a_pull(self, engine: ContainerEngine) -> None:
        name = "unreachable.invalid/no-such-image"
        with pytest.raises((ImageNotFound, RegistryUnavailable), match="no-such-image"):
            engine.image_check(name)
        assert engine.image_present(name) is None


class TestLogs:
    def test_both_outputs_and_each_alone(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", "-c", "echo out; cat /nosuchfile")
        wait_for(lambda: status(engine, name) == "Stopped")
        assert engine.logs(name, stderr=False) == b"out\n"
        assert b"/nosuchfile" in engine.logs(name, stdout=False)
        assert engine.logs(name, stdout=False, stderr=False) == b""

    def test_tail_timestamps_and_since(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", "-c", "echo one; echo two; sleep 1.2; echo three")
        wait_for(lambda: status(engine, name) == "Stopped")
        assert engine.logs(name, tail=2) == b"two\nthree\n"
        assert engine.logs(name, tail=0) == b""
        stamped = engine.logs(name, timestamps=True).decode().splitlines()
        assert [line.split(" ", 1)[1] for line in stamped] == ["one", "two", "three"]
        assert stamped[0][:2] == "20"
        state = engine.inspect(name)
        assert state is not None
        assert state.started_at is not None
        assert engine.logs(name, since=state.started_at.timestamp() + 0.7) == b"three\n"

    def test_the_end_of_a_log_that_is_longer_than_what_is_read_at_once(
        self, engine: ContainerEngine, container: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in ("docker", "fake"):
            monkeypatch.setattr(f"knarr.services.container.drivers.{module}.inside.LOG_MAX", 9)
        name = container("sh", "-c", "echo one; echo two; echo three; echo four")
        wait_for(lambda: status(engine, name) == "Stopped")
        assert engine.logs(name) == b"four\n"
        assert engine.logs(name, tail=1) == b"four\n"

    def test_of_one_that_never_started(self, engine: ContainerEngine, container: Make) -> None:
        assert engine.logs(container(*FOREVER, start=False)) == b""

    def test_followed_until_the_end(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", "-c", "echo one; sleep 0.3; echo two")
        assert b"".join(engine.follow_logs(name)) == b"one\ntwo\n"

    def test_following_ends_when_it_is_closed(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", "-c", "echo one; sleep 1000")
        following = engine.follow_logs(name)
        assert next(following) == b"one\n"
        threading.Timer(0.1, following.close).start()  # type: ignore[attr-defined]
        begun = time.monotonic()
        assert list(following) == []
        assert time.monotonic() - begun < 2

    def test_of_a_terminal(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", "-c", "echo one", tty=True)
        wait_for(lambda: status(engine, name) == "Stopped")
        assert engine.logs(name).replace(b"\r", b"") == b"one\n"
        assert b"".join(engine.follow_logs(name)).replace(b"\r", b"") == b"one\n"


class TestExec:
    def test_output_and_exit_code(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER, environment={"COLOUR": "blue"})
        assert engine.exec_run(name, ["echo", "a b", "c;d"]) == (b"a b c;d\n", 0)
        assert engine.exec_run(name, ["sh", "-c", "echo $COLOUR; exit 7"]) == (b"blue\n", 7)
        assert engine.exec_run(name, ["false"]) == (b"", 1)

    def test_much_output_comes_whole(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        data = b"0123456789abcdef" * 20_000
        engine.put_archive(name, "/tmp", tar_of(big=data))
        assert engine.exec_run(name, ["cat", "/tmp/big"])[0] == data

    def test_a_command_that_is_not_there(self, engine: ContainerEngine, container: Make) -> None:
        output, code = engine.exec_run(container(*FOREVER), ["nosuch"])
        assert code in (126, 127)
        assert b"nosuch" in output

    def test_an_empty_one_is_refused(self, engine: ContainerEngine, container: Make) -> None:
        with pytest.raises(InvalidRequest):
            engine.exec_run(container(*FOREVER), [])

    def test_one_that_takes_too_long(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        begun = time.monotonic()
        with pytest.raises(EngineTimeout, match=r"0\.3 s"):
            engine.exec_run(name, ["sleep", "77"], timeout=0.3)
        assert time.monotonic() - begun < 3
        assert not [row for row in engine.top(name)["Processes"] if "77" in row[-1]]

    def test_at_a_terminal(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        session = engine.exec_create(name, ["sh"], interactive=True)
        assert len(session) == 64
        terminal = engine.exec_attach(session)
        engine.exec_resize(session, 30, 100)
        assert engine.exec_exit_code(session) is None
        terminal.write(b"echo hel''lo\n")
        seen = b""
        while b"\r\nhello\r\n" not in seen:
            piece = terminal.read()
            assert piece
            seen += piece
        terminal.write(b"exit 5\n")
        while terminal.read():
            pass
        terminal.close()
        wait_for(lambda: engine.exec_exit_code(session) == 5)
        with pytest.raises(EngineError):
            engine.exec_attach(session)

    def test_closing_a_terminal_wakes_its_reader(self, engine: ContainerEngine, container: Make) -> None:
        name = container("sh", tty=True, interactive=True)
        terminal = engine.attach(name)
        engine.resize(name, 30, 100)
        threading.Timer(0.2, terminal.close).start()
        while terminal.read():
            pass

    def test_a_session_that_is_not_there(self, engine: ContainerEngine) -> None:
        with pytest.raises(NotThere):
            engine.exec_attach("0" * 64)
        with pytest.raises(NotThere):
            engine.exec_resize("0" * 64, 24, 80)


class TestFigures:
    def test_top(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        found = engine.top(name)
        assert "PID" in found["Titles"]
        assert found["Processes"][0][-1] == "sleep 1000"

    def test_stats_of_an_idle_and_a_busy_one(self, engine: ContainerEngine, container: Make) -> None:
        idle, busy = container(*FOREVER), container("sh", "-c", "while true; do :; done")
        stats = engine.stats(idle)
        assert set(stats) == {
            "CONTAINER",
            "CPU %",
            "MEM USAGE(MiB)",
            "MEM LIMIT(MiB)",
            "MEM %",
            "BLOCK I/O(B)",
            "NET I/O(B)",
        }
        assert stats["CONTAINER"] == idle
        assert stats["CPU %"] < 5
        assert stats["MEM LIMIT(MiB)"] == 32.0
        assert 0 < stats["MEM USAGE(MiB)"] < 32
        assert engine.stats(busy)["CPU %"] > 20


class TestArchives:
    def test_there_and_back(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER, start=False)
        engine.put_archive(name, "/tmp", tar_of(note=b"hello"))
        data, stat = engine.get_archive(name, "/tmp/note")
        assert (stat.name, stat.size) == ("note", 5)
        assert set(stat.as_dict()) == {"name", "size", "mode", "mtime", "linkTarget"}
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            member = tar.extractfile("note")
            assert member is not None
            assert member.read() == b"hello"
        whole, _ = engine.get_archive(name, "/tmp")
        with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
            assert "tmp/note" in tar.getnames()

    def test_paths_that_are_not_there(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER, start=False)
        with pytest.raises(NotThere):
            engine.get_archive(name, "/nosuch/file")
        with pytest.raises(NotThere):
            engine.put_archive(name, "/nosuch", tar_of(a=b""))

    def test_what_is_no_tar_is_refused(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER, start=False)
        with pytest.raises(InvalidRequest):
            engine.put_archive(name, "/tmp", b"this is no tar archive" * 100)


class TestImages:
    def test_present_and_listed(self, engine: ContainerEngine) -> None:
        image = engine.image_present("busybox")
        assert image is not None
        assert image.ref == "busybox:latest"
        assert image.size > 0
        assert image.ref in [one.ref for one in engine.images()]
        assert engine.image_present(image.id) is not None
        assert engine.image_present("nosuch/image:1") is None
        assert engine.image_present("Not A Name") is None

    def test_what_cannot_be_had(self, engine: ContainerEngine) -> None:
        with pytest.raises(ImageNotFound, match="nosuch"):
            engine.pull("unreachable.invalid/nosuch:1")

    def test_what_is_no_image_is_refused(self, engine: ContainerEngine) -> None:
        for data in (b"", b"no tar" * 2000, tar_of(a=b"no manifest")):
            with pytest.raises(InvalidRequest, match="docker save"):
                engine.load(io.BytesIO(data))

    def test_deleting(self, engine: ContainerEngine) -> None:
        with pytest.raises(NotThere):
            engine.image_delete("nosuch/image:1")


class TestEvents:
    def test_all_that_happens_is_told(self, engine: ContainerEngine, container: Make) -> None:
        seen: list[ContainerEvent] = []
        stop = threading.Event()
        watcher = threading.Thread(target=engine.events, args=(seen.append, stop))
        watcher.start()
        try:
            wait_for(lambda: seen)
            assert (seen[0].uuid, seen[0].action) == ("", "resync")
            name = container("sh", "-c", "exit 3")
            wait_for(lambda: [event for event in seen if event.action == "die"])
            engine.delete(name)
            wait_for(lambda: [event for event in seen if event.action == "destroy"])
        finally:
            begun = time.monotonic()
            stop.set()
            watcher.join(5)
        assert time.monotonic() - begun < 1.5
        mine = [event for event in seen if event.uuid == name.removeprefix("zun-")]
        assert [event.action for event in mine] == ["create", "start", "die", "destroy"]
        assert mine[2].exit_code == 3

    def test_a_receiver_that_fails_does_not_end_it(self, engine: ContainerEngine, container: Make) -> None:
        seen: list[str] = []

        def receive(event: ContainerEvent) -> None:
            seen.append(event.action)
            raise ValueError("the receiver's own trouble")

        stop = threading.Event()
        watcher = threading.Thread(target=engine.events, args=(receive, stop))
        watcher.start()
        wait_for(lambda: seen)
        container(*FOREVER)
        wait_for(lambda: "start" in seen)
        stop.set()
        watcher.join(5)
        assert not watcher.is_alive()


class TestThreads:
    def test_many_at_once(self, engine: ContainerEngine, container: Make) -> None:
        name = container(*FOREVER)
        failed: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(5):
                    assert engine.inspect(name).status == "Running"  # type: ignore[union-attr]
                    engine.list_containers()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
