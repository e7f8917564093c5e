"""What goes on inside of a container."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import archives, events, inside
from knarr.services.container.routes.paths import C

INSIDE: tuple[Route, ...] = (
    Route(
        "GET", C + "/logs", inside.logs, "container:logs", query=schemas.Logs, head=False,
        summary="What it wrote",
    ),
    Route(
        "POST",
        C + "/execute",
        inside.execute,
        "container:execute",
        query=schemas.Execute,
        body=schemas.Execute,
        optional_body=True,
        lax=True,
        summary="Run a command inside",
    ),
    Route("GET", C + "/top", inside.top, "container:top", query=schemas.Top, summary="Its processes"),
    Route("GET", C + "/stats", inside.stats, "container:stats", summary="What it uses"),
    Route(
        "POST",
        C + "/execute_resize",
        inside.execute_resize,
        "container:execute_resize",
        query=schemas.ExecuteResize,
        summary="Tell the window of an interactive command",
    ),
    Route(
        "GET", C + "/attach", inside.attach, "container:attach", head=False,
        summary="A terminal at its main process",
    ),
    Route(
        "POST", C + "/resize", inside.resize, "container:resize", query=schemas.Resize,
        summary="Tell the window of its terminal",
    ),
    Route(
        "GET", C + "/get_archive", archives.get, "container:get_archive", query=schemas.ArchivePath,
        head=False, summary="Files as a tar",
    ),
    Route(
        "POST", C + "/put_archive", archives.put, "container:put_archive", query=schemas.ArchiveWhere,
        body=schemas.ArchivePut, raw=True, summary="Unpack a tar",
    ),
    Route(
        "GET", "/v1/events", events.stream, "container:get_all", query=schemas.Events, head=False,
        summary="Events of containers as they happen",
    ),
)  # fmt: skip
