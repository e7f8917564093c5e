"""Registries of a project."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import registries

# As with quotas: upstream answers at every version, although 1.30 brought them.
FIRST = "1.30"
R = "/v1/registries/{ident}"

REGISTRIES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/registries",
        registries.create,
        "registry:create",
        201,
        body=schemas.RegistryCreate,
        envelope="registry",
        first=FIRST,
        summary="Make a registry known",
    ),
    Route(
        "GET",
        "/v1/registries",
        registries.index,
        "registry:get_all",
        query=schemas.RegistryList,
        first=FIRST,
        summary="List registries",
    ),
    Route("GET", R, registries.show, "registry:get_one", first=FIRST, summary="Show a registry"),
    Route(
        "PATCH",
        R,
        registries.update,
        "registry:update",
        body=schemas.RegistryUpdate,
        envelope="registry",
        first=FIRST,
        summary="Change a registry",
    ),
    Route("DELETE", R, registries.remove, "registry:delete", 204, first=FIRST, summary="Forget a registry"),
)
