"""Quotas and their classes."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import quotas

QUOTAS: tuple[Route, ...] = (
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
