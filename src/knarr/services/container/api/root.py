"""The documents that say what is here; both are public."""

from __future__ import annotations

from typing import Any

from knarr.kernel.request import Request

MINIMUM, MAXIMUM = "1.1", "1.40"
RESOURCES = (
    "services", "containers", "images", "networks", "hosts", "availability_zones", "quotas", "quota_classes",
    "registries",
)  # fmt: skip


def versions(req: Request) -> dict[str, Any]:
    version = {
        "id": "v1",
        "status": "CURRENT",
        "min_version": MINIMUM,
        "max_version": MAXIMUM,
        "links": [{"rel": "self", "href": req.url("/v1/")}],
    }
    return {
        "name": "OpenStack Zun API",
        "description": "Containers of projects: create, run, watch and remove them.",
        "default_version": version,
        "versions": [version],
    }


def v1(req: Request) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": "v1",
        "links": [{"rel": "self", "href": req.url("/v1/")}],
        "media_types": [{"base": "application/json", "type": "application/vnd.openstack.zun.v1+json"}],
    }
    for name in RESOURCES:
        document[name] = [
            {"rel": "self", "href": req.url(f"/v1/{name}/")},
            {"rel": "bookmark", "href": req.url(f"/{name}/")},
        ]
    return document
