"""Changes of an image by a list of operations, in Glance's form of JSON patch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.image import views
from knarr.core.image.api.images import check_quotas, check_visibility, set_properties, set_tags
from knarr.core.image.attributes import BASE, checked, refuse
from knarr.core.image.models import Image, ImageProperty, ImageTag
from knarr.core.image.visibility import load_own
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Conflict, Forbidden
from knarr.kernel.request import Request

V21 = "application/openstack-images-v2.1-json-patch"
V20 = "application/openstack-images-v2.0-json-patch"
CONTENT_TYPES = (V21, V20)
OPERATIONS = ("add", "remove", "replace")
MOST = 500
ONLY_QUEUED = ("container_format", "disk_format")
DEFAULTS: dict[str, Any] = {"visibility": "shared", "protected": False, "os_hidden": False}
_LONE_TILDE = re.compile(r"~(?![01])")


@dataclass
class Draft:
    """The image as the operations leave it, before it is stored."""

    image: Image
    own: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


def update(req: Request, ident: str) -> dict[str, Any]:
    changes = [_operation(entry, number, req.content_type) for number, entry in enumerate(req.body)]
    if len(changes) > MOST:
        raise BadRequest(f"A patch has {MOST} operations at most.")
    with req.db.write() as session:
        image = load_own(session, req, ident, "modify_image")
        draft = Draft(
            image,
            properties=_properties(session, image.id),
            tags=list(session.scalars(select(ImageTag.tag).where(ImageTag.image_id == image.id))),
        )
        for op, name, value in changes:
            _apply(req, draft, op, name, value)
        check_quotas(req, len(draft.properties), len(draft.tags))
        for name, value in draft.own.items():
            setattr(image, name, value)
        image.updated_at = utcnow()
        set_properties(session, image.id, draft.properties)
        set_tags(session, image.id, draft.tags)
        return views.image(session, image)


def _properties(session: Session, ident: str) -> dict[str, str]:
    stmt = select(ImageProperty.name, ImageProperty.value).where(ImageProperty.image_id == ident)
    return {row.name: row.value for row in session.execute(stmt)}


def _operation(entry: Any, number: int, content_type: str) -> tuple[str, str, Any]:
    """(operation, attribute, value) of one entry of the patch."""
    where = f"operation {number}"
    if not isinstance(entry, dict):
        raise BadRequest(f"Invalid patch: {where} must be an object.")
    if "op" not in entry and content_type.startswith(V20):
        entry = _of_v20(entry)
    op, path = entry.get("op"), entry.get("path")
    if op not in OPERATIONS:
        raise BadRequest(f"Invalid patch: 'op' of {where} must be one of {', '.join(OPERATIONS)}.")
    if not isinstance(path, str) or not path.startswith("/") or _LONE_TILDE.search(path):
        raise BadRequest(f"Invalid patch: 'path' of {where} must be a JSON pointer like /name.")
    parts = path[1:].split("/")
    refuse(parts[0])
    if len(parts) != 1 or not parts[0]:
        raise BadRequest(f"Invalid patch: 'path' of {where} must name one attribute, like /name.")
    if op != "remove" and "value" not in entry:
        raise BadRequest(f"Invalid patch: {where} needs a 'value'.")
    return op, parts[0].replace("~1", "/").replace("~0", "~"), entry.get("value")


def _of_v20(entry: dict[str, Any]) -> dict[str, Any]:
    """The older form `{"replace": "/name", "value": …}` in the newer one."""
    for op in OPERATIONS:
        if op in entry:
            return {"op": op, "path": entry[op], **({"value": entry["value"]} if "value" in entry else {})}
    return entry


def _apply(req: Request, draft: Draft, op: str, name: str, value: Any) -> None:
    refuse(name)
    if name == "id":
        raise Forbidden("Attribute 'id' is read-only.")
    if name not in BASE:
        _property(draft, op, name, value)
    elif op == "remove":
        raise Forbidden(f"Property {name} may not be removed: replace it instead.")
    elif name == "tags":
        draft.tags = checked(name, value)
    else:
        _own(req, draft, name, checked(name, value))


def _own(req: Request, draft: Draft, name: str, value: Any) -> None:
    image = draft.image
    if name in ONLY_QUEUED and image.status != "queued" and value != getattr(image, name):
        raise Forbidden(f"Attribute {name} can be only replaced for a queued image.")
    if name == "owner":
        _own_owner(req, draft, value)
        return
    if name == "visibility" and value != image.visibility:
        check_visibility(req, value, image.project_id)
    draft.own[name] = value


def _own_owner(req: Request, draft: Draft, value: str | None) -> None:
    if value == draft.image.project_id:
        return
    if not req.ctx.is_admin:
        raise Forbidden("Only an administrator may give an image to another project.")
    if not value:
        raise BadRequest("Invalid value for 'owner': it must be the id of a project.")
    draft.own["project_id"] = value


def _property(draft: Draft, op: str, name: str, value: Any) -> None:
    if op != "add" and name not in draft.properties:
        raise Conflict(f"Property {name[:255]} does not exist.")
    if op == "remove":
        del draft.properties[name]
    else:
        draft.properties[name] = checked(name, value)
