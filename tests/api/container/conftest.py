"""A cloud with the fake engine for all tests of this folder, and a member with a network in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloud import Cloud

from .helpers import Member


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: Any) -> Iterator[Cloud]:
    # One host for the containers of all tests here
    roomy = {f"container__{name}_allocation_ratio": 1000.0 for name in ("cpu", "ram", "disk")}
    made = Cloud(
        tmp_path_factory.mktemp("container"),
        ["identity", "network", "container"],
        container__quota_disk=-1,
        **roomy,
    )
    yield made
    made.close()


@pytest.fixture
def member(cloud: Cloud) -> Member:
    return Member(cloud, cloud.person())


@pytest.fixture(scope="session")
def admin(cloud: Cloud) -> Member:
    return Member(cloud, cloud.admin)
