"""What goes on inside of a container."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import inside
from knarr.services.container.routes.paths import C

INSIDE: tuple[Route, ...] = (
    Route("GET", C + "/logs", inside.logs, "container:logs", query=schemas.Logs, summary="What it wrote"),
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
)
