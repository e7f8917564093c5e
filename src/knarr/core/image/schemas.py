"""Request bodies that are not open: those of images themselves are checked in attributes.py."""

from __future__ import annotations

from typing import Annotated, Any

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


class TaskInput(Body):
    import_from: Annotated[str, Meta(max_length=LONGEST)]
    image_properties: dict[str, Any]
    import_from_format: Name | UnsetType = UNSET


class NewTask(Body):
    type: Name
    input: TaskInput
