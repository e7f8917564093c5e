"""What runs on the host of a container: methods of the bus, called as `container.<name>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.kernel.errors import Conflict
from knarr.kernel.operations import Fatal
from knarr.services.container import registries
from knarr.services.container.drivers.base import EngineError, EngineTimeout, ImageNotFound, container_name
from knarr.services.container.errors import from_engine
from knarr.services.container.locator import engine_of
from knarr.services.container.sessions.proxy import proxy_of
from knarr.services.container.streams import sources_of
from knarr.services.container.transfers import uploads_of


def _guarded(fn: Callable[..., Any]) -> Callable[..., Any]:
    def run(runtime: Any, **kwargs: Any) -> Any:
        try:
            return fn(engine_of(runtime), runtime.conf.container, **kwargs)
        except EngineError as error:
            raise from_engine(error) from error

    return run


def _logs(engine: Any, conf: Any, uuid: str, **options: Any) -> str:
    data: bytes = engine.logs(container_name(uuid), **options)
    return data.decode(errors="replace")


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


def _image_refusal(runtime: Any, ref: str, registry_id: str | None) -> str | None:
    """Why the image's registry would not give it. None if it would, or if it cannot be asked now."""
    try:
        engine_of(runtime).image_check(ref, registries.credentials(runtime, ref, registry_id))
    except (EngineError, Fatal) as error:
        final = isinstance(error, ImageNotFound) and not error.retryable
        return str(error) if final else None
    return None


def _image_search(engine: Any, conf: Any, term: str) -> list[dict[str, Any]]:
    return list(engine.image_search(term))


# sessions


def _on_host(fn: Callable[..., Any]) -> Callable[..., Any]:
    """For what needs more of the host than its engine."""

    def run(runtime: Any, **kwargs: Any) -> Any:
        try:
            return fn(runtime, **kwargs)
        except EngineError as error:
            raise from_engine(error) from error

    return run


def _attach(runtime: Any, uuid: str, project_id: str) -> str:
    proxy = proxy_of(runtime)
    proxy.check_room(uuid, project_id)
    return proxy.grant(uuid)


def _exec_open(
    runtime: Any, uuid: str, project_id: str, argv: list[str], interactive: bool
) -> dict[str, Any]:
    proxy = proxy_of(runtime)
    proxy.check_room(uuid, project_id)
    exec_id = engine_of(runtime).exec_create(container_name(uuid), argv, interactive)
    return {"exec_id": exec_id, "proxy_url": proxy.grant(uuid, exec_id)}


def _exec_resize(runtime: Any, uuid: str, exec_id: str, height: int, width: int) -> None:
    proxy_of(runtime).resize(uuid, exec_id, height, width)


def _resize(engine: Any, conf: Any, uuid: str, height: int, width: int) -> None:
    engine.resize(container_name(uuid), height, width)


# streams


def _follow_logs(runtime: Any, uuid: str, **options: Any) -> str:
    return sources_of(runtime).open(engine_of(runtime).follow_logs(container_name(uuid), **options))


def _open_archive(runtime: Any, uuid: str, path: str) -> dict[str, Any]:
    pieces, stat = engine_of(runtime).open_archive(container_name(uuid), path)
    return {"ident": sources_of(runtime).open(pieces), "stat": stat.as_dict()}


def _put_archive(runtime: Any, uuid: str, path: str, ident: str) -> None:
    with uploads_of(runtime).take(ident) as file:
        engine_of(runtime).put_archive(container_name(uuid), path, file)


METHODS: dict[str, Callable[..., Any]] = {
    "logs": _guarded(_logs),
    "execute": _guarded(_execute),
    "top": _guarded(_top),
    "stats": _guarded(_stats),
    "has_image": _guarded(_has_image),
    "image_refusal": _image_refusal,
    "image_search": _guarded(_image_search),
    "attach": _on_host(_attach),
    "exec_open": _on_host(_exec_open),
    "exec_resize": _on_host(_exec_resize),
    "resize": _guarded(_resize),
    "follow_logs": _on_host(_follow_logs),
    "open_archive": _on_host(_open_archive),
    "put_archive": _on_host(_put_archive),
    "stream_fetch": lambda runtime, ident: sources_of(runtime).fetch(ident),
    "stream_close": lambda runtime, ident: sources_of(runtime).close(ident),
    "upload_begin": lambda runtime: uploads_of(runtime).begin(),
    "upload_add": lambda runtime, ident, data: uploads_of(runtime).add(ident, data),
}
