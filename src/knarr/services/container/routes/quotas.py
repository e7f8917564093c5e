"""Quotas and their classes."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import quotas

# Upstream answers at every version; the versions' own table says from where on they are there.
FIRST = "1.26"

QUOTAS: tuple[Route, ...] = (
    Route(
        "GET",
        "/v1/quotas/{project_id}",
        quotas.show,
        "quota:get",
        query=schemas.QuotaShow,
        first=FIRST,
        summary="Show quotas",
    ),
    Route(
        "PUT",
        "/v1/quotas/{project_id}",
        quotas.update,
        "quota:update",
        body=schemas.QuotaUpdate,
        lax=True,
        first=FIRST,
        summary="Set quotas",
    ),
    Route(
        "DELETE",
        "/v1/quotas/{project_id}",
        quotas.reset,
        "quota:delete",
        first=FIRST,
        summary="Set quotas back",
    ),
    Route(
        "GET",
        "/v1/quotas/{project_id}/defaults",
        quotas.defaults,
        "quota:get_default",
        first=FIRST,
        summary="Default quotas",
    ),
    Route(
        "GET",
        "/v1/quota_classes/{name}",
        quotas.class_show,
        "quota_class:get",
        first=FIRST,
        summary="Show a quota class",
    ),
    Route(
        "PUT",
        "/v1/quota_classes/{name}",
        quotas.class_update,
        "quota_class:update",
        body=schemas.QuotaUpdate,
        lax=True,
        first=FIRST,
        summary="Set quotas of a class",
    ),
)
