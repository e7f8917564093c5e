"""The container API as one table."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import actions, compute, containers, creating, inside, quotas, root

C = "/v1/containers/{ident}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/", root.versions, None, summary="Versions of the API"),
    Route("GET", "/v1", root.v1, None, summary="Resources of the API"),
    # Containers
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
        containers.patch,
        "container:update",
        body=schemas.ContainerUpdate,
        lax=True,
        summary="Change a container's name",
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
        C + "/rename",
        containers.rename,
        "container:rename",
        query=schemas.Rename,
        last="1.13",
        summary="Give a new name",
    ),
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
    # Hosts and their services
    Route("GET", "/v1/services", compute.services, "zun-service:get_all", summary="List services"),
    Route(
        "DELETE",
        "/v1/services",
        compute.remove,
        "zun-service:delete",
        204,
        query=schemas.ServiceWhere,
        summary="Forget a service",
    ),
    Route(
        "PUT",
        "/v1/services/enable",
        compute.enable,
        "zun-service:enable",
        query=schemas.ServiceWhere,
        summary="Let a host get containers",
    ),
    Route(
        "PUT",
        "/v1/services/disable",
        compute.disable,
        "zun-service:disable",
        query=schemas.ServiceDisable,
        summary="Let a host get no more containers",
    ),
    Route(
        "PUT",
        "/v1/services/force_down",
        compute.force_down,
        "zun-service:force_down",
        query=schemas.ServiceForceDown,
        summary="Hold a service to be down",
    ),
    Route(
        "GET",
        "/v1/hosts",
        compute.hosts,
        "host:get_all",
        query=schemas.Listed,
        first="1.4",
        summary="List hosts",
    ),
    Route("GET", "/v1/hosts/{ident}", compute.host, "host:get", first="1.4", summary="Show a host"),
    Route(
        "GET",
        "/v1/availability_zones",
        compute.zones,
        "availability_zones:get_all",
        query=schemas.Listed,
        summary="List availability zones",
    ),
    # Quotas
    Route(
        "GET",
        "/v1/quotas/{project_id}",
        quotas.show,
        "quota:get",
        query=schemas.QuotaShow,
        summary="Show quotas",
    ),
    Route(
        "PUT",
        "/v1/quotas/{project_id}",
        quotas.update,
        "quota:update",
        body=schemas.QuotaUpdate,
        lax=True,
        summary="Set quotas",
    ),
    Route("DELETE", "/v1/quotas/{project_id}", quotas.reset, "quota:delete", summary="Set quotas back"),
    Route(
        "GET",
        "/v1/quotas/{project_id}/defaults",
        quotas.defaults,
        "quota:get_default",
        summary="Default quotas",
    ),
    Route(
        "GET", "/v1/quota_classes/{name}", quotas.class_show, "quota_class:get", summary="Show a quota class"
    ),
    Route(
        "PUT",
        "/v1/quota_classes/{name}",
        quotas.class_update,
        "quota_class:update",
        body=schemas.QuotaUpdate,
        lax=True,
        summary="Set quotas of a class",
    ),
)
