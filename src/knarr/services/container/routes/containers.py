"""Containers and their life."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import changing, containers, creating
from knarr.services.container.routes.paths import C

CONTAINERS: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/containers",
        creating.create,
        "container:create",
        202,
        body=schemas.ContainerCreate,
        query=schemas.Run,
        lax=True,
        summary="Create a container",
    ),
    Route(
        "GET",
        "/v1/containers",
        containers.index,
        "container:get_all",
        query=schemas.ContainerList,
        summary="List containers",
    ),
    Route(
        "GET", C, containers.show, "container:get_one", query=schemas.AllProjects, summary="Show a container"
    ),
    Route(
        "PATCH",
        C,
        changing.patch,
        "container:update",
        body=schemas.ContainerUpdate,
        lax=True,
        summary="Change name, cpu, memory or auto_heal",
    ),
    Route(
        "DELETE",
        C,
        containers.delete,
        "container:delete",
        204,
        query=schemas.Delete,
        summary="Delete a container",
    ),
    Route("POST", C + "/start", containers.start, "container:start", 202, summary="Start"),
    Route("POST", C + "/stop", containers.stop, "container:stop", 202, query=schemas.Timeout, summary="Stop"),
    Route(
        "POST",
        C + "/reboot",
        containers.reboot,
        "container:reboot",
        202,
        query=schemas.Timeout,
        summary="Restart",
    ),
    Route("POST", C + "/pause", containers.pause, "container:pause", 202, summary="Freeze"),
    Route("POST", C + "/unpause", containers.unpause, "container:unpause", 202, summary="Thaw"),
    Route(
        "POST",
        C + "/kill",
        containers.kill,
        "container:kill",
        202,
        query=schemas.Kill,
        body=schemas.Kill,
        optional_body=True,
        lax=True,
        summary="Send a signal",
    ),
    Route(
        "POST",
        C + "/rebuild",
        changing.rebuild,
        "container:rebuild",
        202,
        query=schemas.Rebuild,
        body=schemas.Rebuild,
        optional_body=True,
        summary="Make it anew of an image",
    ),
    Route(
        "POST",
        C + "/resize_container",
        changing.resize,
        "container:resize_container",
        202,
        query=schemas.Limits,
        body=schemas.Limits,
        optional_body=True,
        lax=True,
        first="1.19",
        summary="Change cpu and memory",
    ),
    Route(
        "POST",
        C + "/rename",
        containers.rename,
        "container:rename",
        query=schemas.Rename,
        last="1.13",
        summary="Give a new name",
    ),
)
