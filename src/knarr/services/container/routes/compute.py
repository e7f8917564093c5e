"""Hosts, their services and availability zones."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import compute

COMPUTE: tuple[Route, ...] = (
    Route(
        "GET",
        "/v1/services",
        compute.services,
        "zun-service:get_all",
        query=schemas.Listed,
        summary="List services",
    ),
    Route(
        "DELETE",
        "/v1/services",
        compute.remove,
        "zun-service:delete",
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
)
