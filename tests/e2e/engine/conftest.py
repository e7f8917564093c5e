"""Docker engines of several kinds of configuration, cleaned up behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from knarr.services.container.drivers.base import EngineUnavailable
from knarr.services.container.drivers.docker import DockerEngine
from knarr.services.container.drivers.docker import options as docker_options

IMAGE = "busybox:latest"
MakeEngine = Callable[..., DockerEngine]


def docker_configuration(**values: Any) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    docker_options.register(conf)
    for name, value in values.items():
        conf.set_override(name, value, group=docker_options.GROUP)
    return conf


@pytest.fixture
def make_docker(tmp_path: Path) -> Iterator[MakeEngine]:
    """``make_docker(state="a", sandbox_pool_size=2)``: an engine on the state directory of this name."""
    made: list[DockerEngine] = []

    def make(state: str = "state", **values: Any) -> DockerEngine:
        engine = DockerEngine(docker_configuration(**{"sandbox_pool_size": 0, **values}), tmp_path / state)
        made.append(engine)
        return engine

    probe = make("probe")
    try:
        probe.ping()
    except EngineUnavailable as error:
        pytest.skip(str(error))
    if probe.image_present(IMAGE) is None:
        pytest.skip(f"the engine has no image {IMAGE}")
    yield make
    for engine in made:
        for uuid in list(engine.pool._on_the_way):
            engine.pool.at_rest(uuid)
        try:
            engine.reap((), min_age=-5)
        except EngineUnavailable:
            continue
        finally:
            engine.close()
