"""The version documents, which every client reads first: GET /identity and GET /identity/v3."""

from __future__ import annotations

from typing import Any

from knarr.kernel.web import Request, Response

# The last one that upstream published; within v3 clients tell features by it, not by microversions.
VERSION = "v3.14"
UPDATED = "2020-04-07T00:00:00Z"


def list_versions(req: Request) -> Response:
    """300 {versions: {values: [...]}}, upstream's own shape among OpenStack's root documents."""
    import orjson

    body = orjson.dumps({"versions": {"values": [_version(req)]}})
    location = {"Location": _version(req)["links"][0]["href"]}
    return Response(body=body, status=300, headers=location, content_type="application/json")


def show_version(req: Request) -> dict[str, Any]:
    return {"version": _version(req)}


def _version(req: Request) -> dict[str, Any]:
    return {
        "id": VERSION,
        "status": "stable",
        "updated": UPDATED,
        "links": [{"rel": "self", "href": req.url("/v3/")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }
