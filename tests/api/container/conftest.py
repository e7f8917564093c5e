"""A cloud with the fake engine for all tests of this folder, and a member with a network in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloud import Cloud

from .helpers import Member


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: Any) -> Iterator[Cloud]:
    # Room for what all tests leave behind on the one host.
    room = {"quota_disk": -1, "cpu_allocation_ratio": 100.0, "disk_allocation_ratio": 100.0}
    made = Cloud(
        tmp_path_factory.mktemp("container"),
        ["identity", "network", "container"],
        **{f"container__{name}": value for name, value in room.items()},
    )
    yield made
    made.close()


@pytest.fixture
def member(cloud: Cloud) -> Member:
    return Member(cloud, cloud.person())


@pytest.fixture(scope="session")
def admin(cloud: Cloud) -> Member:
    return Member(cloud, cloud.admin)
