"""Request bodies that are not open: those of images themselves are checked in attributes.py."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from knarr.core.image.webdownload import LONGEST
from knarr.kernel.schema import Body, Name


class ImportMethod(Body):
    name: Name
    uri: Annotated[str, Meta(max_length=LONGEST)] | UnsetType = UNSET


class Import(Body):
    """`stores` may only name the one that there is."""

    method: ImportMethod
    stores: list[Name] | UnsetType = UNSET
    all_stores: bool | UnsetType = UNSET
    all_stores_must_succeed: bool | UnsetType = UNSET


class ValidationData(Body):
    """What the data at an address must be; SHA-512 as that is what images here are told by."""

    os_hash_value: Annotated[str, Meta(pattern="^[0-9a-f]{128}$")] | UnsetType = UNSET
    os_hash_algo: Literal["sha512"] | UnsetType = UNSET


class NewLocation(Body):
    url: Annotated[str, Meta(max_length=LONGEST)]
    validation_data: ValidationData | UnsetType = UNSET


class TaskInput(Body):
    import_from: Annotated[str, Meta(max_length=LONGEST)]
    image_properties: dict[str, Any]
    import_from_format: Name | UnsetType = UNSET


class NewTask(Body):
    type: Name
    input: TaskInput


# Names that stand in addresses.
Key = Annotated[str, Meta(min_length=1, max_length=80, pattern="^[^/]+$")]
Words = Annotated[str, Meta(max_length=80)]
Prose = Annotated[str, Meta(max_length=500)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Bound = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[float, Meta(ge=-1e300, le=1e300)]
Kind = Literal["array", "boolean", "integer", "number", "object", "string"]

JSON_SCHEMA_NAMES = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    "unique_items": "uniqueItems",
    "additional_items": "additionalItems",
}


class Property(Body, rename=JSON_SCHEMA_NAMES):
    """A definition of a property, in words of JSON schema."""

    title: Name
    type: Kind
    name: Key | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=65535)] | UnsetType = UNSET
    operators: list[Name] | UnsetType = UNSET
    required: list[Name] | UnsetType = UNSET
    minimum: Bound | UnsetType = UNSET
    maximum: Bound | UnsetType = UNSET
    min_length: Count | UnsetType = UNSET
    max_length: Count | UnsetType = UNSET
    pattern: Annotated[str, Meta(max_length=65535)] | UnsetType = UNSET
    enum: list[Any] | UnsetType = UNSET
    readonly: bool | UnsetType = UNSET
    default: Any = UNSET
    items: dict[str, Any] | UnsetType = UNSET
    min_items: Count | UnsetType = UNSET
    max_items: Count | UnsetType = UNSET
    unique_items: bool | UnsetType = UNSET
    additional_items: bool | UnsetType = UNSET


class NamedProperty(Property, rename=JSON_SCHEMA_NAMES):
    name: Key


class Object(Body):
    name: Key
    description: Annotated[str, Meta(max_length=65535)] | UnsetType = UNSET
    required: list[Name] = []
    properties: dict[Key, Property] = {}


class Tag(Body):
    name: Key


class Tags(Body):
    tags: list[Tag]


class Association(Body):
    name: Key
    prefix: Words | UnsetType = UNSET
    properties_target: Words | UnsetType = UNSET


class NamespaceChange(Body):
    """What a namespace is: a change gives all of it."""

    namespace: Key
    display_name: Words | None = None
    description: Prose | None = None
    visibility: Literal["public", "private"] = "private"
    protected: bool = False
    owner: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class Namespace(NamespaceChange):
    resource_type_associations: list[Association] = []
    properties: dict[Key, Property] = {}
    objects: list[Object] = []
    tags: list[Tag] = []
