"""Networks that administrators make known."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import networks_admin

NETWORKS: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/networks",
        networks_admin.create,
        "network:create",
        body=schemas.NetworkCreate,
        summary="Make a network known",
    ),
    Route(
        "DELETE",
        "/v1/networks/{ident}",
        networks_admin.remove,
        "network:delete",
        204,
        first="1.27",
        summary="Forget a network",
    ),
)
