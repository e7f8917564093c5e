"""The fake engine as people who test their tools steer it: what the routes below /v1/fake_engine do on its
host. Methods of the bus, called as `container.fake_<name>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.kernel.errors import NotFound
from knarr.services.container.drivers.base import EngineError, container_name
from knarr.services.container.errors import from_engine
from knarr.services.container.locator import engine_of


def _on_fake(fn: Callable[..., Any]) -> Callable[..., Any]:
    def run(runtime: Any, **kwargs: Any) -> Any:
        if runtime.conf.engine != "fake":
            raise NotFound(
                f"The engine of host {runtime.host} is {runtime.conf.engine}: only the fake one "
                "(--engine fake) can be made to fail."
            )
        try:
            return fn(engine_of(runtime), **kwargs)
        except EngineError as error:
            raise from_engine(error) from error

    return run


def _faults(engine: Any) -> list[dict[str, Any]]:
    return list(engine.list_faults())


def _set(engine: Any, fault: dict[str, Any]) -> list[dict[str, Any]]:
    engine.set_fault(**fault)
    return list(engine.list_faults())


def _clear(engine: Any, method: str | None) -> None:
    engine.clear_faults(method)


def _end(engine: Any, uuid: str, exit_code: int) -> None:
    engine.end(container_name(uuid), exit_code)


METHODS: dict[str, Callable[..., Any]] = {
    "fake_faults": _on_fake(_faults),
    "fake_set": _on_fake(_set),
    "fake_clear": _on_fake(_clear),
    "fake_end": _on_fake(_end),
}
