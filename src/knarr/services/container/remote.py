"""What runs on the host of a container: methods of the bus, called as `container.<name>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.kernel.errors import Conflict
from knarr.services.container.drivers.base import EngineError, EngineTimeout, container_name
from knarr.services.container.errors import from_engine
from knarr.services.container.locator import engine_of

# No answer through the bus is larger; who needs more asks for the last lines.
MAX_LOGS = 16 * 1024 * 1024


def _guarded(fn: Callable[..., Any]) -> Callable[..., Any]:
    def run(runtime: Any, **kwargs: Any) -> Any:
        try:
            return fn(engine_of(runtime), runtime.conf.container, **kwargs)
        except EngineError as error:
            raise from_engine(error) from error

    return run


def _logs(engine: Any, conf: Any, uuid: str, **options: Any) -> str:
    data: bytes = engine.logs(container_name(uuid), **options)
    return data[-MAX_LOGS:].decode(errors="replace")


def _execute(engine: Any, conf: Any, uuid: str, argv: list[str]) -> dict[str, Any]:
    try:
        output, code = engine.exec_run(container_name(uuid), argv, timeout=float(conf.execute_timeout))
    except EngineTimeout:
        raise Conflict(
            f"The command did not end within {conf.execute_timeout} seconds; run longer ones interactively.",
            code="ExecuteTimeout",
        ) from None
    return {"output": output.decode(errors="replace"), "exit_code": code}


def _top(engine: Any, conf: Any, uuid: str, ps_args: str | None) -> dict[str, Any]:
    return dict(engine.top(container_name(uuid), ps_args))


def _stats(engine: Any, conf: Any, uuid: str) -> dict[str, Any]:
    return dict(engine.stats(container_name(uuid)))


def _has_image(engine: Any, conf: Any, ref: str) -> bool:
    return engine.image_present(ref) is not None


def _image_search(engine: Any, conf: Any, term: str) -> list[dict[str, Any]]:
    return list(engine.image_search(term))


METHODS: dict[str, Callable[..., Any]] = {
    "logs": _guarded(_logs),
    "execute": _guarded(_execute),
    "top": _guarded(_top),
    "stats": _guarded(_stats),
    "has_image": _guarded(_has_image),
    "image_search": _guarded(_image_search),
}
