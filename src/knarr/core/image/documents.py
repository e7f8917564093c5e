"""The JSON schemas that the API publishes of itself."""

from __future__ import annotations

from typing import Any

from knarr.core.image.attributes import CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES
from knarr.core.image.states import STATUSES
from knarr.core.image.visibility import MEMBER_STATUSES

UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"


def _text(what: str, longest: int | None = None, null: bool = False, **more: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"description": what, "type": ["null", "string"] if null else "string"}
    if longest:
        entry["maxLength"] = longest
    return entry | more


def _of(what: str, choices: tuple[str, ...], null: bool = False, **more: Any) -> dict[str, Any]:
    values = [None, *choices] if null else list(choices)
    return _text(what, null=null, enum=values, **more)


def _read_only(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"readOnly": True}


def _number(what: str, null: bool = False) -> dict[str, Any]:
    return {"description": what, "type": ["null", "integer"] if null else "integer"}


def _flag(what: str) -> dict[str, Any]:
    return {"description": what, "type": "boolean"}


IMAGE: dict[str, Any] = {
    "id": _text("An identifier for the image", pattern=UUID),
    "name": _text("Descriptive name of the image", 255, null=True),
    "status": _read_only(_of("Status of the image", STATUSES)),
    "visibility": _of("Who sees the image", VISIBILITIES),
    "protected": _flag("If true, the image cannot be deleted"),
    "os_hidden": _flag("If true, the image is left out of lists"),
    "checksum": _read_only(_text("MD5 of the data", 32, null=True)),
    "os_hash_algo": _read_only(_text("Algorithm of os_hash_value", 64, null=True)),
    "os_hash_value": _read_only(_text("Hexadecimal digest of the data", 128, null=True)),
    "owner": _text("Id of the project that owns the image", 255, null=True),
    "size": _read_only(_number("Size of the data in bytes", null=True)),
    "virtual_size": _read_only(_number("Size of the disk in bytes", null=True)),
    "container_format": _of("Format of the container", CONTAINER_FORMATS, null=True),
    "disk_format": _of("Format of the disk", DISK_FORMATS, null=True),
    "created_at": _read_only(_text("When the image was made")),
    "updated_at": _read_only(_text("When the image was changed last")),
    "tags": {"description": "Words attached to the image", "type": "array", "items": _text("A word", 255)},
    "min_ram": _number("MiB of memory that the image needs"),
    "min_disk": _number("GiB of disk that the image needs"),
    "self": _read_only(_text("Path of the image")),
    "file": _read_only(_text("Path of the data")),
    "schema": _read_only(_text("Path of this schema")),
    "stores": _read_only(_text("Where the data lies")),
}

MEMBER: dict[str, Any] = {
    "member_id": _text("Id of the project that the image is shared with"),
    "image_id": _text("Id of the image", pattern=UUID),
    "status": _of("Whether the project has accepted the image", MEMBER_STATUSES),
    "created_at": _text("When it was shared"),
    "updated_at": _text("When the sharing was changed last"),
    "schema": _read_only(_text("Path of this schema")),
}


def _one(name: str, properties: dict[str, Any], links: dict[str, str], **more: Any) -> dict[str, Any]:
    rows = [{"rel": rel, "href": href} for rel, href in links.items()]
    return {"name": name, "properties": properties, "links": rows} | more


def _many(name: str, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {name: {"type": "array", "items": item}, "schema": {"type": "string"}}
    return _one(name, properties | more, {"describedby": "{schema}"})


_IMAGE = _one(
    "image",
    IMAGE,
    {"self": "{self}", "enclosure": "{file}", "describedby": "{schema}"},
    additionalProperties={"type": "string"},
)
_MEMBER = _one("member", MEMBER, {"describedby": "{schema}"})

SCHEMAS: dict[str, dict[str, Any]] = {
    "image": _IMAGE,
    "images": _many("images", _IMAGE, first={"type": "string"}, next={"type": "string"}),
    "member": _MEMBER,
    "members": _many("members", _MEMBER),
}
