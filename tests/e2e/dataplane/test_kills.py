"""A Knarr that is killed between any two of its steps: what the next one makes of what is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from knarr.core.network.drivers.base import DesiredState
from knarr.core.network.drivers.linux import LinuxBackend
from knarr.kernel import hostnet
from knarr.kernel.hostnet import netlink
from knarr.kernel.hostnet.netlink import Netlink
from knarr.kernel.hostnet.nft import Nft

from .cloud import Cloud, Machine, eventually
from .site import FLOATING, Site, Trunk

STRIDE = 3  # every third step of long ways: the machine is small


def killed_after(steps: int, act: Callable[[LinuxBackend], None]) -> bool:
    """Runs the act with a backend in a process of its own that is killed before step `steps`, a step being a
    change that it asks the kernel for. Returns whether it was; False: it came to its end first.
    """
    child = os.fork()
    if child == 0:
        netlink.forget_host()
        _die_at(steps)
        try:
            backend = LinuxBackend()
            backend.start()
            act(backend)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _die_at(steps: int) -> None:
    left = iter(range(steps))
    for kind, name in ((Netlink, "change"), (Nft, "run")):
        original = getattr(kind, name)

        def counted(self: Any, *arguments: Any, _original: Any = original, **more: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return _original(self, *arguments, **more)

        setattr(kind, name, counted)


def deaths(act: Callable[[LinuxBackend], None], stride: int = STRIDE) -> Iterator[int]:
    """Once for each step at which the act was killed."""
    steps = stride
    while killed_after(steps, act):
        yield steps
        steps += stride


@pytest.fixture
def site(cloud: Cloud) -> Site:
    """With a stopped backend; the router is described, but not there."""
    site = Site(cloud)
    cloud.backend.remove_router(site.router.id)
    cloud.backend.stop()
    return site


def revive(cloud: Cloud, desired: DesiredState) -> None:
    """The next start; its second look finds nothing to do."""
    cloud.backend = LinuxBackend()
    cloud.backend.start()
    cloud.backend.reconcile(desired)
    assert not cloud.backend.reconcile(desired).repaired


def test_a_router_that_was_half_made_is_completed(site: Site, itself: Machine) -> None:
    count = 0
    for _ in deaths(lambda backend: backend.apply_router(site.router)):
        revive(site.cloud, site.cloud.desired)
        assert site.client.pings("10.2.0.5")
        assert itself.pings(FLOATING)
        site.cloud.backend.remove_router(site.router.id)
        site.cloud.backend.stop()
        count += 1
    assert count > 5


def test_a_router_that_was_half_made_and_is_not_wanted_leaves_nothing(site: Site) -> None:
    taps = set(hostnet.list_taps())
    count, router = 0, site.cloud.routers.pop(site.router.id)
    for _ in deaths(lambda backend: backend.apply_router(router)):
        revive(site.cloud, site.cloud.desired)
        assert set(hostnet.list_taps()) == taps
        assert not hostnet.has_namespace(router.namespace)
        site.cloud.backend.stop()
        count += 1
    assert count > 5


def test_a_router_that_was_half_removed_is_removed(site: Site) -> None:
    def there_and_away(backend: LinuxBackend) -> None:
        backend.apply_router(site.router)
        backend.remove_router(site.router.id)

    del site.cloud.routers[site.router.id]
    taps = set(hostnet.list_taps())
    for _ in deaths(there_and_away):
        revive(site.cloud, site.cloud.desired)
        assert set(hostnet.list_taps()) == taps
        assert not hostnet.has_namespace(site.router.namespace)
        site.cloud.backend.stop()


def test_a_file_that_is_no_namespace_does_not_hinder(site: Site) -> None:
    (hostnet.namespaces.NAMED / site.router.namespace).touch()
    revive(site.cloud, site.cloud.desired)
    assert site.client.pings("10.2.0.5")


def test_a_subport_that_was_half_made_is_completed(cloud: Cloud) -> None:
    trunk, count = Trunk(cloud), 0
    cloud.backend.remove_port(trunk.subport.id)
    cloud.backend.stop()
    for _ in deaths(lambda backend: backend.apply_port(trunk.subport), stride=1):
        revive(cloud, cloud.desired)
        assert eventually(lambda: trunk.inside.pings(trunk.far.ip))
        cloud.backend.remove_port(trunk.subport.id)
        assert not hostnet.list_taps("trk")
        cloud.backend.stop()
        count += 1
    assert count > 5


def test_a_subport_that_was_half_removed_is_removed(cloud: Cloud) -> None:
    trunk = Trunk(cloud)
    cloud.backend.remove_port(trunk.subport.id)
    cloud.backend.stop()
    del cloud.ports[trunk.subport.id]
    taps = set(hostnet.list_taps())

    def there_and_away(backend: LinuxBackend) -> None:
        backend.apply_port(trunk.subport)
        backend.remove_port(trunk.subport.id)

    for _ in deaths(there_and_away, stride=1):
        revive(cloud, cloud.desired)
        assert set(hostnet.list_taps()) == taps
        assert not hostnet.list_taps("trk")
        cloud.backend.stop()
