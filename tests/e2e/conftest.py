"""A host, an engine and Knarr as a process for the end-to-end tests of one module."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker.errors import DockerException
from tests.e2e.support import engine
from tests.e2e.support.host import Host
from tests.e2e.support.server import Knarr

MakeKnarr = Callable[..., Knarr]


@pytest.fixture(scope="module")
def docker_engine() -> Iterator[Any]:
    """The engine's own client."""
    if os.geteuid() != 0:
        pytest.skip("needs root: the containers' network is wired on this host")
    try:
        client = engine.connect()
    except DockerException as error:
        pytest.skip(f"no Docker engine answers: {error}")
    yield client
    client.close()


@pytest.fixture(scope="module")
def own_host(docker_engine: Any) -> Iterator[Host]:
    made = Host()
    yield made
    made.close()


@pytest.fixture(scope="module")
def make_knarr(
    own_host: Host,
    docker_engine: Any,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[MakeKnarr]:
    """`make_knarr(DEFAULT={...})`: a started Knarr with this configuration; stopped and swept at the end."""
    made: list[Knarr] = []
    failed = request.session.testsfailed

    def make(**sections: dict[str, str]) -> Knarr:
        knarr = Knarr(own_host, tmp_path_factory.mktemp("knarr"), **sections)
        made.append(knarr)
        knarr.start()
        return knarr

    yield make
    for knarr in reversed(made):
        try:
            knarr.stop()
        finally:
            engine.remove_all_of(docker_engine, knarr)
            if request.session.testsfailed > failed:
                print(f"\n--- the end of {knarr.log}\n{knarr.log_end()}")


@pytest.fixture(scope="module")
def knarr(make_knarr: MakeKnarr) -> Knarr:
    """A whole cloud in one process, on the real engine."""
    return make_knarr()
