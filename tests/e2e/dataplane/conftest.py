"""A host of its own for these tests: a network namespace with its own bridges, filters and firewall."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from knarr.core.network.drivers.linux import LinuxBackend
from knarr.kernel import hostnet
from knarr.kernel.hostnet import netlink

from .cloud import Cloud


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
