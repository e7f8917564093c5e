"""Images of hosts, and the search for images."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import images

# A name stands before /search as users write it, so it may have slashes in it.
IMAGES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/images",
        images.pull,
        "image:pull",
        202,
        body=schemas.ImagePull,
        lax=True,
        summary="Pull an image to a host",
    ),
    Route(
        "GET", "/v1/images", images.index, "image:get_all", query=schemas.Listed, summary="List pulled images"
    ),
    Route("GET", "/v1/images/{ident}", images.show, "image:get_one", summary="Show a pulled image"),
    Route(
        "DELETE",
        "/v1/images/{ident}",
        images.remove,
        "image:delete",
        204,
        summary="Delete an image from its host",
    ),
    *(
        Route(
            "GET",
            f"/v1/images/{name}/search",
            images.search,
            "image:search",
            query=schemas.ImageSearch,
            summary="Search for images",
        )
        for name in ("{ident}", "{ident}/{second}", "{ident}/{second}/{third}")
    ),
)
