"""What was asked of a container."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container.api import actions
from knarr.services.container.routes.paths import C

ACTIONS: tuple[Route, ...] = (
    Route(
        "GET", C + "/container_actions", actions.index, "container:actions", summary="What was asked of it"
    ),
    Route(
        "GET",
        C + "/container_actions/{request_id}",
        actions.show,
        "container:actions",
        summary="One action with its events",
    ),
)
