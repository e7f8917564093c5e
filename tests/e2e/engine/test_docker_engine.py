"""What is Docker's own: sandboxes and their pool, limits, several of us on one engine, its going away."""

from __future__ import annotations

import contextlib
import http.server
import io
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from knarr.services.container.drivers.base import (
    ContainerEvent,
    ContainerSpec,
    Credentials,
    EngineUnavailable,
    ImageNotFound,
    RegistryUnavailable,
    container_name,
)
from knarr.services.container.drivers.docker import DockerEngine

pytestmark = pytest.mark.engine

MakeEngine = Callable[..., DockerEngine]
SOCKET = "/var/run/docker.sock"
HOST_NAMESPACE = "/proc/self/ns/net"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="looks into other processes' namespaces")


def wait_for(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "did not come about in time"
        time.sleep(0.02)
    return found


def new_id() -> str:
    return str(uuid.uuid4())


def raw(engine: DockerEngine, name: str) -> dict[str, Any]:
    with engine.connection.speak("looking") as api:
        return dict(api.inspect_container(name))


def ready_ones(engine: DockerEngine) -> set[str]:
    return {identity for name, identity, _ in engine._ours("sandbox") if "ready" in name}


def run(engine: DockerEngine, sandbox: str | None = None, **more: Any) -> str:
    spec = ContainerSpec(new_id(), "busybox:latest", command=["sleep", "1000"], sandbox=sandbox, **more)
    engine.create(spec)
    engine.start(spec.name)
    return spec.name


@needs_root
@pytest.mark.parametrize("mode", ["unshare", "none"])
class TestSandbox:
    def test_has_a_namespace_of_its_own(self, make_docker: MakeEngine, mode: str) -> None:
        engine = make_docker(sandbox_mode=mode)
        sandboxes = [engine.claim_sandbox(new_id()) for _ in range(2)]
        namespaces = {os.readlink(sandbox.netns) for sandbox in sandboxes}
        assert len(namespaces | {os.readlink(HOST_NAMESPACE)}) == 3

    def test_gives_away_no_rights(self, make_docker: MakeEngine, mode: str) -> None:
        engine = make_docker(sandbox_mode=mode)
        status = Path(f"/proc/{engine.claim_sandbox(new_id()).pid}/status").read_text()
        for line in ("CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapInh:\t0000000000000000"):
            assert line in status
        assert "NoNewPrivs:\t1" in status

    def test_is_what_the_container_joins(self, make_docker: MakeEngine, mode: str) -> None:
        engine = make_docker(sandbox_mode=mode)
        sandbox = engine.claim_sandbox(new_id())
        name = run(engine, sandbox.name)
        state = engine.inspect(name)
        assert state is not None
        assert os.readlink(f"/proc/{state.pid}/ns/net") == os.readlink(sandbox.netns)
        assert b"127.0.0.1/8" in engine.exec_run(name, ["ip", "addr", "show", "lo"])[0]
        ports, _ = engine.exec_run(name, ["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"])
        assert ports == b"0\n"

    def test_is_started_again_with_its_own_namespace(self, make_docker: MakeEngine, mode: str) -> None:
        engine = make_docker(sandbox_mode=mode)
        identity = new_id()
        first = engine.claim_sandbox(identity, hostname="web")
        with engine.connection.speak("ending it behind its back") as api:
            api.kill(first.id)
        wait_for(lambda: engine.sandbox(identity).pid == 0)  # type: ignore[union-attr]
        again = engine.claim_sandbox(identity)
        assert again.id == first.id
        assert again.pid not in (0, first.pid)
        assert again.hostname == "web"
        assert os.readlink(again.netns) != os.readlink(HOST_NAMESPACE)


class TestPool:
    def test_is_filled_and_refilled(self, make_docker: MakeEngine) -> None:
        engine = make_docker(sandbox_pool_size=2)
        engine.start_background()
        wait_for(lambda: engine.pool.count == 2)
        ready = ready_ones(engine)
        identity = new_id()
        assert engine.claim_sandbox(identity).id in ready
        engine.pool.at_rest(identity)
        wait_for(lambda: engine.pool.count == 2)

    def test_is_not_refilled_while_a_container_is_on_its_way(self, make_docker: MakeEngine) -> None:
        engine = make_docker(sandbox_pool_size=1)
        engine.start_background()
        wait_for(lambda: engine.pool.count == 1)
        sandbox = engine.claim_sandbox(new_id())
        time.sleep(0.3)
        assert engine.pool.count == 0
        spec = ContainerSpec(sandbox.uuid, "busybox:latest", command=["true"], sandbox=sandbox.name)
        engine.create(spec)
        engine.start(spec.name)
        wait_for(lambda: engine.pool.count == 1)

    def test_gives_each_one_to_one(self, make_docker: MakeEngine) -> None:
        engine = make_docker(sandbox_pool_size=2)
        engine.start_background()
        wait_for(lambda: engine.pool.count == 2)
        claimed: list[str] = []
        threads = [
            threading.Thread(target=lambda: claimed.append(engine.claim_sandbox(new_id()).id))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(claimed)) == 6

    @needs_root
    def test_does_not_give_a_dead_one(self, make_docker: MakeEngine) -> None:
        engine = make_docker(sandbox_pool_size=1)
        engine.start_background()
        wait_for(lambda: engine.pool.count == 1)
        [dead] = ready_ones(engine)
        with engine.connection.speak("ending it behind its back") as api:
            api.kill(dead)
        wait_for(lambda: not raw(engine, dead)["State"]["Running"])
        sandbox = engine.claim_sandbox(new_id())
        assert sandbox.id != dead
        assert sandbox.pid > 0

    def test_is_empty_after_closing(self, make_docker: MakeEngine) -> None:
        engine = make_docker(sandbox_pool_size=2)
        engine.start_background()
        wait_for(lambda: engine.pool.count == 2)
        engine.close()
        assert ready_ones(make_docker()) == set()

    def test_takes_back_what_a_killed_process_left(self, make_docker: MakeEngine, tmp_path: Path) -> None:
        program = (
            "import sys; sys.path.insert(0, sys.argv[1]); from conftest import docker_configuration\n"
            "from knarr.services.container.drivers.docker import DockerEngine; import time\n"
            "engine = DockerEngine(docker_configuration(sandbox_pool_size=2), sys.argv[2])\n"
            "engine.start_background()\n"
            "while engine.pool.count < 2: time.sleep(0.02)\n"
            "print('full', flush=True); time.sleep(60)\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path / "state")],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"full\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        engine = make_docker(sandbox_pool_size=2)
        left = ready_ones(engine)
        assert len(left) == 2
        engine.start_background()
        wait_for(lambda: engine.pool.count == 2)
        assert engine.claim_sandbox(new_id()).id in left


class TestLimits:
    def test_are_always_set(self, make_docker: MakeEngine) -> None:
        engine = make_docker(pids_limit=77)
        name = run(engine, cpu=0.5, memory_mib=40)
        host = raw(engine, name)["HostConfig"]
        assert host["CpuShares"] == 512
        assert host["Memory"] == host["MemorySwap"] == 40 * 1024 * 1024
        assert host["PidsLimit"] == 77
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["CapDrop"] == ["MKNOD"]
        assert host["LogConfig"]["Config"]["max-size"] == "10m"
        assert host["NetworkMode"] == "none"

    def test_mounts_show_files_of_the_host(self, make_docker: MakeEngine, tmp_path: Path) -> None:
        from knarr.services.container.drivers.base import InvalidRequest, Mount

        (tmp_path / "note").write_text("hello\n")
        engine = make_docker()
        name = run(engine, mounts=[Mount(str(tmp_path / "note"), "/etc/note", read_only=True)])
        assert engine.exec_run(name, ["cat", "/etc/note"]) == (b"hello\n", 0)
        assert engine.exec_run(name, ["sh", "-c", "echo x > /etc/note"])[1] != 0
        with pytest.raises(InvalidRequest, match="does not exist"):
            run(engine, mounts=[Mount(str(tmp_path / "nosuch"), "/etc/note")])


class TestSeveralOnOneEngine:
    def test_see_and_remove_only_their_own(self, make_docker: MakeEngine) -> None:
        mine, other = make_docker("mine"), make_docker("other")
        name = run(mine)
        assert [state.name for state in mine.list_containers()] == [name]
        assert other.list_containers() == []
        assert other.reap((), min_age=-5) == []
        assert mine.inspect(name) is not None

    def test_the_scope_stays_with_the_state_directory(self, make_docker: MakeEngine) -> None:
        assert make_docker("mine").connection.scope == make_docker("mine").connection.scope
        assert make_docker("mine").connection.scope != make_docker("other").connection.scope


class TestImages:
    def test_saved_and_loaded_under_another_name(self, make_docker: MakeEngine) -> None:
        engine = make_docker()
        name = f"knarr-test/{uuid.uuid4().hex}:7"
        with engine.connection.speak("saving") as api:
            tar = b"".join(api.get_image("busybox:latest"))
        try:
            loaded = engine.load(io.BytesIO(tar), ref=name)
            assert [image.ref for image in loaded] == [name]
            assert engine.image_present(name) is not None
        finally:
            engine.image_delete(name)
        assert engine.image_present(name) is None

    def test_a_registry_that_does_not_answer(self, make_docker: MakeEngine) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(RegistryUnavailable, match=rf"127\.0\.0\.1:{port} does not answer"):
            make_docker().pull(f"127.0.0.1:{port}/nosuch:1")


class Relay:
    """Stands between us and the engine on a socket of its own, and can hang up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def up(self) -> None:
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        if self._listener:
            self._listener.close()
        self.path.unlink(missing_ok=True)
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(SOCKET)
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


class TestAnEngineThatGoesAway:
    def test_events_come_again_when_it_is_back(self, make_docker: MakeEngine, tmp_path: Path) -> None:
        relay = Relay(tmp_path / "relay.sock")
        relay.up()
        engine = make_docker(api_url=f"unix://{relay.path}")
        seen: list[ContainerEvent] = []
        stop = threading.Event()
        watcher = threading.Thread(target=engine.events, args=(seen.append, stop))
        watcher.start()
        try:
            wait_for(lambda: len(seen) == 1)
            relay.down()
            with pytest.raises(EngineUnavailable, match=r"relay\.sock"):
                wait_for(lambda: engine.ping() and None)
            relay.up()
            wait_for(lambda: [event.action for event in seen].count("resync") == 2)
            name = run(engine)
            wait_for(lambda: (name.removeprefix("zun-"), "start") in [(e.uuid, e.action) for e in seen])
        finally:
            stop.set()
            watcher.join(5)
        assert not watcher.is_alive()

    def test_is_told_with_its_address(self, make_docker: MakeEngine, tmp_path: Path) -> None:
        engine = make_docker(api_url=f"unix://{tmp_path}/nosuch.sock")
        with pytest.raises(EngineUnavailable, match=r"nosuch\.sock.*No such file"):
            engine.ping()
        with pytest.raises(EngineUnavailable):
            engine.exec_attach("0" * 64)

    def test_the_pool_does_not_mind(self, make_docker: MakeEngine, tmp_path: Path) -> None:
        engine = make_docker(api_url=f"unix://{tmp_path}/nosuch.sock", sandbox_pool_size=2)
        engine.start_background()
        with pytest.raises(EngineUnavailable):
            engine.claim_sandbox(new_id())


@contextlib.contextmanager
def engine_of_version(lowest: str, highest: str) -> Iterator[str]:
    """An HTTP server on loopback that tells these versions; gives its address."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'{{"Version": "x", "ApiVersion": "{highest}", "MinAPIVersion": "{lowest}"}}'.encode()
            self.server.paths.append(self.path)  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            return

    with socketserver.TCPServer(("127.0.0.1", 0), Answer) as server:
        server.paths = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class TestVersions:
    @pytest.mark.parametrize(
        ("lowest", "highest", "chosen"),
        [
            ("1.12", "1.41", "1.41"),
            ("1.44", "1.99", "1.51"),
            ("1.24", "1.49", "1.49"),
            ("1.12", "1.24", "1.24"),
        ],
    )
    def test_the_highest_that_both_speak(
        self, make_docker: MakeEngine, lowest: str, highest: str, chosen: str
    ) -> None:
        with engine_of_version(lowest, highest) as url:
            engine = make_docker("versions", api_url=url)
            assert engine.connection.api_version == chosen
            engine.connection.close()

    @pytest.mark.parametrize(("lowest", "highest"), [("1.12", "1.23"), ("1.60", "1.70")])
    def test_none_in_common_is_told(self, make_docker: MakeEngine, lowest: str, highest: str) -> None:
        with (
            engine_of_version(lowest, highest) as url,
            pytest.raises(
                EngineUnavailable, match=rf"speaks API {lowest} to {highest}.*speaks 1\.24 to 1\.51"
            ),
        ):
            make_docker("versions", api_url=url).ping()


def test_a_container_of_another_name_is_not_ours(make_docker: MakeEngine) -> None:
    assert make_docker().inspect(container_name("nosuch")) is None


class TestFigures:
    def test_the_kernel_and_the_engine_tell_the_same(self, make_docker: MakeEngine) -> None:
        from knarr.services.container.drivers.docker import cgroup

        engine = make_docker()
        name = run(engine, memory_mib=40)
        state = engine.inspect(name)
        assert state is not None
        kernel, told = cgroup.usage(state.pid), engine._ask(name)
        assert kernel is not None
        assert kernel.memory_limit == told.memory_limit == 40 * 1024 * 1024
        assert abs(kernel.memory - told.memory) < 1024 * 1024
        assert kernel.cpu <= told.cpu

    @needs_root
    def test_the_network_is_that_of_the_sandbox(self, make_docker: MakeEngine) -> None:
        from pyroute2 import IPRoute, netns

        engine = make_docker()
        sandbox = engine.claim_sandbox(new_id())
        name = run(engine, sandbox.name)
        assert engine.stats(name)["NET I/O(B)"] == "0/0"
        host_end = f"kt{uuid.uuid4().hex[:8]}"
        with IPRoute() as ip:
            ip.link("add", ifname=host_end, kind="veth", peer={"ifname": "eth0", "net_ns_fd": sandbox.netns})
            try:
                ip.link("set", index=ip.link_lookup(ifname=host_end)[0], state="up")
                netns.pushns(sandbox.netns)
                try:
                    with IPRoute() as inner:
                        eth0 = inner.link_lookup(ifname="eth0")[0]
                        inner.addr("add", index=eth0, address="10.99.0.2", prefixlen=24)
                        inner.link("set", index=eth0, state="up")
                        inner.neigh("replace", dst="10.99.0.1", lladdr="02:00:00:00:00:01", ifindex=eth0)
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                        sock.sendto(b"x" * 500, ("10.99.0.1", 9))
                finally:
                    netns.popns()
                wait_for(lambda: engine.stats(name)["NET I/O(B)"] != "0/0")
            finally:
                ip.link("del", index=ip.link_lookup(ifname=host_end)[0])


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on loopback; gives its address."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}/registry\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    server = subprocess.Popen(
        [program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


class TestARegistry:
    def test_gives_images_with_progress(self, make_docker: MakeEngine, registry: str) -> None:
        engine = make_docker()
        name = f"{registry}/knarr-test:1"
        noise = os.urandom(3_000_000)
        container = run(engine)
        with tarfile.open(fileobj=(tar := io.BytesIO()), mode="w") as archive:
            entry = tarfile.TarInfo("noise")
            entry.size = len(noise)
            archive.addfile(entry, io.BytesIO(noise))
        engine.put_archive(container, "/tmp", tar.getvalue())
        with engine.connection.speak("pushing", slow=True) as api:
            api.commit(container, f"{registry}/knarr-test", "1")
            for line in api.push(f"{registry}/knarr-test", "1", stream=True, decode=True):
                assert "error" not in line
        engine.delete(container, force=True)
        engine.image_delete(name)
        steps: list[tuple[int, int, str]] = []
        try:
            image = engine.pull(name, progress=lambda *step: steps.append(step))
            assert image.ref == name
            assert engine.image_present(name) is not None
            assert max(done for done, _, _ in steps) > 1_000_000
        finally:
            engine.image_delete(name)

    def test_is_named_when_it_has_no_such_image(self, make_docker: MakeEngine, registry: str) -> None:
        with pytest.raises(ImageNotFound, match=rf"{registry} was asked without credentials") as caught:
            make_docker().pull(f"{registry}/nosuch:1")
        assert not caught.value.retryable
        with pytest.raises(ImageNotFound, match="as user 'jo'"):
            make_docker().pull(f"{registry}/nosuch:1", Credentials("jo", "secret", registry=registry))
