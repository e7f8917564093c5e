"""Several Knarrs on one machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid

import pytest

from knarr.core.network.drivers.base import BackendError, DesiredState
from knarr.core.network.drivers.linux import LinuxBackend
from knarr.kernel import hostnet

from .cloud import Cloud, allow, talks
from .site import Site

OTHER = """
import sys
from knarr.core.network.drivers.base import BackendError, DesiredState
from knarr.core.network.drivers.linux import LinuxBackend
backend = LinuxBackend()
try:
    backend.start()
except BackendError as error:
    print(error, flush=True)
else:
    backend.reconcile(DesiredState())
    print("started", flush=True)
sys.stdin.readline()
"""


def other_knarr(host: str) -> subprocess.Popen[str]:
    """A second process with the Linux backend, which would remove all that it does not know."""
    command = ["nsenter", f"--net={host}", sys.executable, "-c", OTHER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def test_a_second_knarr_on_a_host_is_told_who_holds_it_and_touches_nothing(cloud: Cloud, host: str) -> None:
    network, group = cloud.network(), cloud.group(allow())
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    empty = cloud.network()
    with server.serve(80), client.connect(server.ip, 80) as connection:
        process = other_knarr(host)
        answer = says(process)
        process.kill()
        process.wait()
        assert f"another Knarr (process {os.getpid()}) carries the networks of this host" in answer
        assert talks(connection)
        assert client.reaches(server.ip, 80)
    assert empty.bridge in hostnet.list_bridges()


def test_a_host_is_free_again_however_its_knarr_ended(host: str) -> None:
    process = other_knarr(host)
    assert says(process) == "started\n"
    backend = LinuxBackend()
    with pytest.raises(BackendError, match="another Knarr"):
        backend.start()
    process.send_signal(signal.SIGKILL)
    process.wait()
    backend.start()
    backend.stop()


def test_a_backend_that_was_stopped_lets_another_start(cloud: Cloud) -> None:
    cloud.restart()
    cloud.backend.reconcile(cloud.desired)


def test_a_knarr_in_another_network_namespace_is_left_alone(site: Site) -> None:
    name = f"knarr-host-{uuid.uuid4().hex[:8]}"
    process = other_knarr(hostnet.create_namespace(name))
    try:
        assert says(process) == "started\n"
        assert site.client.pings("10.2.0.5")
        assert not site.cloud.backend.reconcile(site.cloud.desired)
    finally:
        process.kill()
        process.wait()
        hostnet.delete_namespace(name)


def test_routers_of_a_former_run_are_removed_when_nobody_wants_them(site: Site) -> None:
    site.cloud.restart()
    assert site.cloud.backend.reconcile(DesiredState())
    assert not hostnet.has_namespace(site.router.namespace)
    assert not site.cloud.backend.reconcile(DesiredState())
