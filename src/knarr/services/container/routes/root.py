"""What the API is."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container.api import root

ROOT: tuple[Route, ...] = (
    Route("GET", "/", root.versions, None, summary="Versions of the API"),
    Route("GET", "/v1", root.v1, None, summary="Resources of the API"),
)
