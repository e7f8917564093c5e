"""What objects of the library belong to."""

from __future__ import annotations

from knarr.services.application_catalog.language.values import MuranoObject

ENVIRONMENT = "io.murano.Environment"
REGION = "io.murano.CloudRegion"


def owner_of(one: MuranoObject, class_name: str) -> MuranoObject | None:
    """The nearest owner that is of the class."""
    for owner in one.owners():
        if any(kind.name == class_name for kind in owner.kind.mro):
            return owner
    return None


def region_name(one: MuranoObject, given: str | None) -> str:
    """The region that is named, else that of the region object around it; "" is the usual one."""
    if given:
        return given
    region = owner_of(one, REGION)
    return str(region.values.get("name") or "") if region is not None else ""
