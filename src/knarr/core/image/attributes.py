"""The attributes of an image: which there are, what each takes, and who may not set it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from knarr.kernel.errors import BadRequest, Forbidden

CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
DISK_FORMATS = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")
VISIBILITIES = ("public", "private", "shared", "community")
LARGEST = 2**31 - 1

READ_ONLY = (
    "status",
    "size",
    "virtual_size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "created_at",
    "updated_at",
    "direct_url",
    "self",
    "file",
    "schema",
    "stores",
)
RESERVED = ("locations", "deleted", "deleted_at", "members", "location", "project_id")
NAMESPACE = "os_glance_"

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")


def _wrong(name: str, wanted: str) -> BadRequest:
    return BadRequest(f"Invalid value for '{name}': it must be {wanted}.")


def _text(longest: int, null: bool = True) -> Callable[[str, Any], str | None]:
    def check(name: str, value: Any) -> str | None:
        if value is None and null:
            return None
        if not isinstance(value, str) or len(value) > longest:
            raise _wrong(name, f"a string of {longest} characters at most" + (" or null" if null else ""))
        return value

    return check


def _one_of(choices: tuple[str, ...], null: bool = True) -> Callable[[str, Any], str | None]:
    def check(name: str, value: Any) -> str | None:
        if value is None and null:
            return None
        if value not in choices:
            raise _wrong(name, f"one of {', '.join(choices)}" + (", or null" if null else ""))
        return str(value)

    return check


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise _wrong(name, f"a whole number from 0 to {LARGEST}")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return value


def _uuid(name: str, value: Any) -> str:
    if not isinstance(value, str) or not UUID.match(value):
        raise _wrong(name, "a UUID with dashes")
    return value.lower()


def tags(name: str, value: Any) -> list[str]:
    """The tags without repetitions. Raises BadRequest unless it is a list of short strings."""
    good = isinstance(value, list) and all(isinstance(tag, str) and len(tag) <= 255 for tag in value)
    if not good:
        raise _wrong(name, "a list of strings of 255 characters at most")
    return list(dict.fromkeys(value))


_extra = _text(65535, null=False)

BASE: dict[str, Callable[[str, Any], Any]] = {
    "id": _uuid,
    "name": _text(255),
    "visibility": _one_of(VISIBILITIES, null=False),
    "container_format": _one_of(CONTAINER_FORMATS),
    "disk_format": _one_of(DISK_FORMATS),
    "min_disk": _count,
    "min_ram": _count,
    "protected": _flag,
    "os_hidden": _flag,
    "owner": _text(64),
    "tags": tags,
}
"""Attributes that a caller may set, each with its check. `id` only at the creation."""


def checked(name: str, value: Any) -> Any:
    """The value as it is stored. Raises BadRequest, or Forbidden for what is not the caller's to set."""
    refuse(name)
    if name in BASE:
        return BASE[name](name, value)
    if not 0 < len(name) <= 255:
        raise BadRequest("The name of a property has 1 to 255 characters.")
    return _extra(name, value)


def refuse(name: str) -> None:
    """Raise Forbidden for attributes that only the service sets."""
    if name in READ_ONLY:
        raise Forbidden(f"Attribute '{name}' is read-only.")
    if name in RESERVED:
        raise Forbidden(f"Attribute '{name}' is reserved.")
    if name.startswith(NAMESPACE):
        raise Forbidden(f"Properties whose names begin with {NAMESPACE}, like '{name[:64]}', are reserved.")
