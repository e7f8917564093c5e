"""The JSON schemas of metadata definitions."""

from __future__ import annotations

from typing import Any

from knarr.core.image.documents import flag, many, one, read_only, text

_WORDS = {"type": "array", "items": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 0}
_TYPES = ["array", "boolean", "integer", "number", "object", "string"]

_STAMPS = {
    "created_at": read_only(text("When it was made")) | {"format": "date-time"},
    "updated_at": read_only(text("When it was changed last")) | {"format": "date-time"},
}
_LINKS = {"self": read_only(text("Its path")), "schema": read_only(text("Path of its schema"))}

PROPERTY: dict[str, Any] = {
    "name": text("Name of the property", 80),
    "title": text("Name for people"),
    "description": text("What the property is for"),
    "type": {"type": "string", "enum": _TYPES, "description": "Type of its values"},
    "operators": _WORDS,
    "required": _WORDS,
    "minimum": {"type": "number"},
    "maximum": {"type": "number"},
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "pattern": {"type": "string", "format": "regex"},
    "enum": {"type": "array"},
    "readonly": {"type": "boolean"},
    "default": {},
    "items": {
        "type": "object",
        "properties": {"type": {"type": "string", "enum": _TYPES}, "enum": {"type": "array"}},
    },
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "uniqueItems": {"type": "boolean", "default": False},
    "additionalItems": {"type": "boolean"},
}

_DEFINED = {
    "type": "object",
    "additionalProperties": {"type": "object", "properties": PROPERTY, "required": ["title", "type"]},
}

OBJECT: dict[str, Any] = {
    "name": text("Name of the object", 80),
    "description": text("What the object is for"),
    "required": _WORDS,
    "properties": _DEFINED,
    **_STAMPS,
    **_LINKS,
}

TAG: dict[str, Any] = {"name": text("The tag", 80), **_STAMPS}

ASSOCIATION: dict[str, Any] = {
    "name": text("Name of the type of resource, like OS::Glance::Image", 80),
    "prefix": text("What the names of the properties begin with for that type", 80),
    "properties_target": text("Which of the properties of such a resource are meant", 80),
    **_STAMPS,
}

NAMESPACE: dict[str, Any] = {
    "namespace": text("Name of the namespace", 80),
    "display_name": text("Name for people", 80),
    "description": text("What the namespace is for", 500),
    "visibility": {"type": "string", "enum": ["public", "private"], "description": "Who sees it"},
    "protected": flag("If true, the namespace cannot be deleted"),
    "owner": text("Id of the project that owns it", 255),
    "resource_type_associations": {
        "type": "array",
        "items": {"type": "object", "properties": ASSOCIATION, "required": ["name"]},
    },
    "properties": _DEFINED,
    "objects": {"type": "array", "items": {"type": "object", "properties": OBJECT, "required": ["name"]}},
    "tags": {"type": "array", "items": {"type": "object", "properties": TAG, "required": ["name"]}},
    **_STAMPS,
    **_LINKS,
}

_SELF = {"describedby": "{schema}"}
_NAMESPACE = one("namespace", NAMESPACE, _SELF, required=["namespace"])
_OBJECT = one("object", OBJECT, _SELF, required=["name"])
_PROPERTY = one("property", PROPERTY, _SELF, required=["name", "title", "type"])
_TAG = one("tag", TAG, _SELF, required=["name"])
_TYPE = one("resource_type_association", ASSOCIATION, _SELF, required=["name"])
_PAGES = {"first": {"type": "string"}, "next": {"type": "string"}}

SCHEMAS: dict[str, dict[str, Any]] = {
    "namespace": _NAMESPACE,
    "namespaces": many("namespaces", _NAMESPACE, **_PAGES),
    "resource_type": _TYPE,
    "resource_types": many("resource_type_associations", _TYPE),
    "property": _PROPERTY,
    "properties": one("properties", {"properties": _DEFINED}, _SELF),
    "object": _OBJECT,
    "objects": many("objects", _OBJECT, **_PAGES),
    "tag": _TAG,
    "tags": many("tags", _TAG, **_PAGES),
}
