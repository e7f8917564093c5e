"""The JSON schemas that the API publishes of itself."""

from __future__ import annotations

from typing import Any

from knarr.core.image.attributes import CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES
from knarr.core.image.states import STATUSES
from knarr.core.image.tasks import STATUSES as TASK_STATUSES
from knarr.core.image.tasks import TYPES
from knarr.core.image.visibility import MEMBER_STATUSES

UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"


def text(what: str, longest: int | None = None, null: bool = False, **more: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"description": what, "type": ["null", "string"] if null else "string"}
    if longest:
        entry["maxLength"] = longest
    return entry | more


def choice(what: str, choices: tuple[str, ...], null: bool = False, **more: Any) -> dict[str, Any]:
    values = [None, *choices] if null else list(choices)
    return text(what, null=null, enum=values, **more)


def read_only(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"readOnly": True}


def number(what: str, null: bool = False) -> dict[str, Any]:
    return {"description": what, "type": ["null", "integer"] if null else "integer"}


def flag(what: str) -> dict[str, Any]:
    return {"description": what, "type": "boolean"}


IMAGE: dict[str, Any] = {
    "id": text("An identifier for the image", pattern=UUID),
    "name": text("Descriptive name of the image", 255, null=True),
    "status": read_only(choice("Status of the image", STATUSES)),
    "visibility": choice("Who sees the image", VISIBILITIES),
    "protected": flag("If true, the image cannot be deleted"),
    "os_hidden": flag("If true, the image is left out of lists"),
    "checksum": read_only(text("MD5 of the data", 32, null=True)),
    "os_hash_algo": read_only(text("Algorithm of os_hash_value", 64, null=True)),
    "os_hash_value": read_only(text("Hexadecimal digest of the data", 128, null=True)),
    "owner": text("Id of the project that owns the image", 255, null=True),
    "size": read_only(number("Size of the data in bytes", null=True)),
    "virtual_size": read_only(number("Size of the disk in bytes", null=True)),
    "container_format": choice("Format of the container", CONTAINER_FORMATS, null=True),
    "disk_format": choice("Format of the disk", DISK_FORMATS, null=True),
    "created_at": read_only(text("When the image was made")),
    "updated_at": read_only(text("When the image was changed last")),
    "tags": {"description": "Words attached to the image", "type": "array", "items": text("A word", 255)},
    "min_ram": number("MiB of memory that the image needs"),
    "min_disk": number("GiB of disk that the image needs"),
    "self": read_only(text("Path of the image")),
    "file": read_only(text("Path of the data")),
    "schema": read_only(text("Path of this schema")),
    "stores": read_only(text("Where the data lies")),
}

TASK: dict[str, Any] = {
    "id": text("An identifier for the task", pattern=UUID),
    "type": choice("What the task does", TYPES),
    "status": choice("How far it is", TASK_STATUSES),
    "input": {"description": "What was asked for", "type": ["null", "object"]},
    "result": {"description": "What came of it", "type": ["null", "object"]},
    "owner": text("Id of the project that asked for it"),
    "message": text("Why it failed"),
    "image_id": text("Id of the image", pattern=UUID),
    "request_id": text("Id of the request that asked for it", null=True),
    "user_id": text("Id of the user who asked for it", null=True),
    "expires_at": text("When the task will be forgotten", null=True),
    "created_at": text("When it was asked for"),
    "updated_at": text("When it was changed last"),
    "self": read_only(text("Path of the task")),
    "schema": read_only(text("Path of this schema")),
}

MEMBER: dict[str, Any] = {
    "member_id": text("Id of the project that the image is shared with"),
    "image_id": text("Id of the image", pattern=UUID),
    "status": choice("Whether the project has accepted the image", MEMBER_STATUSES),
    "created_at": text("When it was shared"),
    "updated_at": text("When the sharing was changed last"),
    "schema": read_only(text("Path of this schema")),
}


def one(name: str, properties: dict[str, Any], links: dict[str, str], **more: Any) -> dict[str, Any]:
    rows = [{"rel": rel, "href": href} for rel, href in links.items()]
    return {"name": name, "properties": properties, "links": rows} | more


def many(name: str, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {name: {"type": "array", "items": item}, "schema": {"type": "string"}}
    return one(name, properties | more, {"describedby": "{schema}"})


_IMAGE = one(
    "image",
    IMAGE,
    {"self": "{self}", "enclosure": "{file}", "describedby": "{schema}"},
    additionalProperties={"type": "string"},
)
_MEMBER = one("member", MEMBER, {"describedby": "{schema}"})
_TASK = one("task", TASK, {"describedby": "{schema}"})

SCHEMAS: dict[str, dict[str, Any]] = {
    "image": _IMAGE,
    "images": many("images", _IMAGE, first={"type": "string"}, next={"type": "string"}),
    "member": _MEMBER,
    "members": many("members", _MEMBER),
    "task": _TASK,
    "tasks": many("tasks", _TASK, first={"type": "string"}, next={"type": "string"}),
}
