"""The engine of this host, made once and only when it is needed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime
    from knarr.services.container.drivers.base import ContainerEngine

DRIVERS = "knarr.container.engine"


def engine_of(runtime: Runtime) -> ContainerEngine:
    def make() -> ContainerEngine:
        driver = runtime.driver(DRIVERS, runtime.conf.engine)
        engine: ContainerEngine = driver(runtime.conf, runtime.state_dir)
        engine.observer = partial(runtime.metrics.engine_called, engine.name)
        return engine

    return runtime.component("container.engine", make)
