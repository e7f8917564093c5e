"""A host of its own for these tests: a network namespace with its own bridges, filters and firewall."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from ipaddress import ip_interface

import pytest

from knarr.core.network.drivers.linux import LinuxBackend
from knarr.kernel import hostnet
from knarr.kernel.hostnet import links, netlink

from .cloud import Cloud, Machine
from .site import Site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            if "e2e/dataplane" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture
def host() -> Iterator[str]:
    """The test's thread, and what it starts, stands in a fresh namespace that plays the host."""
    name = f"knarr-host-{uuid.uuid4().hex[:8]}"
    path = hostnet.create_namespace(name)
    netlink.forget_host()
    try:
        with hostnet.enter_namespace(path):
            yield path
    finally:
        netlink.forget_host()
        hostnet.delete_namespace(name)


@pytest.fixture
def cloud(host: str) -> Iterator[Cloud]:
    """A started backend and helpers to build networks with guests on it."""
    built = Cloud(LinuxBackend())
    built.backend.start()
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def site(cloud: Cloud) -> Site:
    return Site(cloud)


@pytest.fixture
def itself(host: str) -> Machine:
    """The host as a machine that talks."""
    return Machine(host, "172.24.4.1")


@pytest.fixture
def elsewhere(host: str) -> Iterator[Machine]:
    """A machine beyond the host, which knows no way to the cloud's addresses."""
    name = "knarr-elsewhere-" + host[-8:]
    path = hostnet.create_namespace(name)
    mac, addresses = "fa:16:3e:00:00:01", ("192.0.2.9/24",)
    hostnet.plug(hostnet.PlugSpec("uplink", "uplinks", path, "eth0", mac, addresses=addresses))
    bridge, near_end = (links.get_link(netlink.host(), device) for device in ("uplinks", "uplink"))
    assert bridge and near_end
    links.set_link(netlink.host(), near_end, group=0)  # none of the cloud's taps
    links.add_address(netlink.host(), bridge.index, ip_interface("192.0.2.1/24"))
    yield Machine(path, "192.0.2.9")
    hostnet.delete_namespace(name)
