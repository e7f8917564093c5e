"""An engine of each kind, used by the same tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from knarr.services.container.drivers.base import (
    ContainerEngine,
    ContainerSpec,
    EngineUnavailable,
    container_name,
)

IMAGE = "busybox:latest"


def configuration(**groups: dict[str, Any]) -> cfg.ConfigOpts:
    """A program configuration with options of the drivers set: ``docker={"pids_limit": 100}``."""
    from knarr.services.container.drivers.docker import options as docker_options
    from knarr.services.container.drivers.fake import options as fake_options

    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    docker_options.register(conf)
    fake_options.register(conf)
    for group, values in groups.items():
        for name, value in values.items():
            conf.set_override(name, value, group=group)
    return conf


def make_engine(kind: str, state_dir: Path, **groups: dict[str, Any]) -> ContainerEngine:
    if kind == "fake":
        from knarr.services.container.drivers.fake import FakeEngine

        return FakeEngine(configuration(**groups), state_dir)
    from knarr.services.container.drivers.docker import DockerEngine

    engine = DockerEngine(configuration(**groups), state_dir)
    try:
        engine.ping()
    except EngineUnavailable as error:
        pytest.skip(str(error))
    if engine.image_present(IMAGE) is None:
        pytest.skip(f"the engine has no image {IMAGE}")
    return engine


@pytest.fixture(scope="module", params=["fake", pytest.param("docker", marks=pytest.mark.engine)])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ContainerEngine]:
    made = make_engine(
        request.param,
        tmp_path_factory.mktemp("engine"),
        docker={"sandbox_pool_size": 1, "archive_max_mib": 1},
    )
    made.start_background()
    yield made
    made.reap((), min_age=0)
    made.close()


@pytest.fixture
def container(engine: ContainerEngine) -> Iterator[Callable[..., str]]:
    """Makes containers and removes them in the end: ``container("sleep", "9", start=False)`` -> name."""
    made = []

    def make(*command: str, start: bool = True, **more: Any) -> str:
        identity = str(uuid.uuid4())
        spec = ContainerSpec(
            identity, more.pop("image", IMAGE), command=list(command) or None, memory_mib=32, **more
        )
        made.append(identity)
        engine.create(spec)
        if start:
            engine.start(spec.name)
        return spec.name

    yield make
    for identity in made:
        engine.delete(container_name(identity), force=True)
