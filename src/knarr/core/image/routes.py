"""The image API as one table."""

from __future__ import annotations

from typing import Any

from knarr.core.image.api import cache, data, discovery, images, imports, members, patching, stores, tags
from knarr.core.image.metadefroutes import ROUTES as METADEF_ROUTES
from knarr.core.image.policies import SIGNED_IN
from knarr.core.image.schemas import Import, NewLocation, NewTask
from knarr.kernel.routing import Route

IMAGES = "/v2/images"
IMAGE = f"{IMAGES}/{{ident}}"
MEMBERS = f"{IMAGE}/members"
MEMBER = f"{MEMBERS}/{{member_id}}"

TASKS = "/v2/tasks"
TASKS_RULE = "tasks_api_access"

OBJECT = dict[str, Any]
PATCH = list[Any]

ROUTES: tuple[Route, ...] = (
    Route("GET", "/", discovery.versions, None, 300, summary="Versions of the API"),
    Route("GET", "/versions", discovery.versions, None, summary="Versions of the API"),
    Route("GET", "/v2", discovery.versions, None, 300, summary="Versions of the API"),
    Route("GET", "/v2/schemas/{name}", discovery.schema, SIGNED_IN, summary="A JSON schema"),
    Route(
        "GET",
        "/v2/schemas/metadefs/{name}",
        discovery.metadef_schema,
        SIGNED_IN,
        summary="A JSON schema of definitions",
    ),
    Route("GET", "/v2/info/stores", stores.index, SIGNED_IN, summary="Where data is kept"),
    Route(
        "GET",
        "/v2/info/stores/detail",
        stores.detail,
        "stores_info_detail",
        summary="Where data is kept, in detail",
    ),
    Route("DELETE", "/v2/stores/{store}/{ident}", stores.delete, SIGNED_IN, 204, summary="Delete data there"),
    Route("GET", "/v2/cache", cache.index, "cache_list", summary="List what this host has copies of"),
    Route("DELETE", "/v2/cache", cache.clear, "cache_delete", 204, summary="Delete all copies"),
    Route("PUT", "/v2/cache/{ident}", cache.queue, "cache_image", 202, summary="Queue an image to be copied"),
    Route("DELETE", "/v2/cache/{ident}", cache.delete, "cache_delete", 204, summary="Delete a copy"),
    Route("GET", "/v2/info/import", imports.info, SIGNED_IN, summary="Methods of import"),
    Route("GET", "/v2/info/usage", discovery.usage, SIGNED_IN, summary="What the project uses"),
    Route("POST", IMAGES, images.create, "add_image", 201, body=OBJECT, summary="Create an image"),
    Route("GET", IMAGES, images.index, "get_images", summary="List images"),
    Route("GET", IMAGE, images.show, "get_image", summary="Show an image"),
    Route(
        "PATCH",
        IMAGE,
        patching.update,
        SIGNED_IN,
        body=PATCH,
        content_types=patching.CONTENT_TYPES,
        summary="Change an image",
    ),
    Route("DELETE", IMAGE, images.delete, SIGNED_IN, 204, summary="Delete an image"),
    Route("PUT", f"{IMAGE}/file", data.upload, SIGNED_IN, 204, raw=True, summary="Upload the data"),
    Route("GET", f"{IMAGE}/file", data.download, "download_image", summary="Download the data"),
    Route("PUT", f"{IMAGE}/stage", data.stage, SIGNED_IN, 204, raw=True, summary="Stage data to import"),
    Route("POST", f"{IMAGE}/import", imports.start, SIGNED_IN, 202, body=Import, summary="Import the data"),
    Route(
        "GET",
        f"{IMAGE}/locations",
        stores.locations,
        "fetch_image_location",
        summary="List where the data of an image lies",
    ),
    Route(
        "POST",
        f"{IMAGE}/locations",
        stores.add_location,
        SIGNED_IN,
        202,
        body=NewLocation,
        summary="Have the data of an image fetched",
    ),
    Route("GET", f"{IMAGE}/tasks", imports.of_image, "get_task", summary="List the imports of an image"),
    Route("GET", TASKS, imports.index, TASKS_RULE, summary="List tasks"),
    Route("POST", TASKS, imports.create, TASKS_RULE, 201, body=NewTask, summary="Import a new image"),
    Route("GET", f"{TASKS}/{{ident}}", imports.show, TASKS_RULE, summary="Show a task"),
    Route("POST", f"{IMAGE}/actions/deactivate", data.deactivate, SIGNED_IN, 204, summary="Lock the data"),
    Route("POST", f"{IMAGE}/actions/reactivate", data.reactivate, SIGNED_IN, 204, summary="Unlock the data"),
    Route("PUT", f"{IMAGE}/tags/{{tag}}", tags.add, SIGNED_IN, 204, summary="Add a tag"),
    Route("DELETE", f"{IMAGE}/tags/{{tag}}", tags.remove, SIGNED_IN, 204, summary="Remove a tag"),
    Route("GET", MEMBERS, members.index, "get_members", summary="List members"),
    Route("POST", MEMBERS, members.create, SIGNED_IN, body=OBJECT, summary="Share with a project"),
    Route("GET", MEMBER, members.show, "get_member", summary="Show a member"),
    Route(
        "PUT", MEMBER, members.update, "modify_member", body=OBJECT, summary="Accept or reject as a member"
    ),
    Route("DELETE", MEMBER, members.delete, SIGNED_IN, 204, summary="Share no longer"),
    *METADEF_ROUTES,
)
