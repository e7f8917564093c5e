"""Files that classes read as YAML; those that are templates of execution plans are built on trial."""

from __future__ import annotations

import re
from typing import Any

from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Mapped, plain
from knarr.services.application_catalog.packages.faults import Faults, PackageFault
from knarr.services.application_catalog.packages.package import RESOURCES, ApplicationPackage

FORMAT = "FormatVersion"
PLACEHOLDER = re.compile(r"\$\w|\$\{\w+\}")
_LINE = re.compile(r"line (\d+)")


def check(package: ApplicationPackage, name: str, faults: Faults) -> None:
    """Note what is wrong with a file of Resources."""
    file = RESOURCES + name
    with faults.taken():
        try:
            found = plain(package.files.read(file).decode(), file)
        except UnicodeDecodeError:
            raise PackageFault("the file is not UTF-8", Position(file, 1)) from None
        if isinstance(found, Mapped) and FORMAT in found:
            _plan(package, found, faults)


def _plan(package: ApplicationPackage, template: Mapped, faults: Faults) -> None:
    from knarr.services.application_catalog.plans.building import PlanBuilder
    from knarr.services.application_catalog.plans.faults import PlanFault

    try:
        PlanBuilder(package.resource).build(template)
    except PlanFault as fault:
        place, value = _at(template, fault.place)
        # What is put in later cannot be judged now.
        if not fault.place or not _has_placeholder(value):
            faults.note(fault.message, place)
    _body(template, faults)


def _at(template: Mapped, path: str) -> tuple[Position, Any]:
    """The place of `Scripts/name/EntryPoint` and what is there, as near as there is something."""
    place = template.position
    here: Any = template
    for key in path.partition(" ")[0].split("/") if path else ():
        if not isinstance(here, Mapped) or key not in here:
            break
        place, here = here.keys_at[key], here[key]
    return place, here


def _has_placeholder(value: Any) -> bool:
    if isinstance(value, Mapped):
        return any(_has_placeholder(one) for one in value.values())
    if isinstance(value, list):
        return any(map(_has_placeholder, value))
    return isinstance(value, str) and PLACEHOLDER.search(value) is not None


def _body(template: Mapped, faults: Faults) -> None:
    """The body is Python: what cannot be parsed is told with the line of the file."""
    from knarr_agent.body import parse
    from knarr_agent.errors import MalformedPlan

    body = template.get("Body")
    if not isinstance(body, str):
        return
    try:
        parse(body)
    except MalformedPlan as error:
        place = template.keys_at["Body"]
        found = _LINE.search(error.reason)
        line = place.line + int(found.group(1)) if found else place.line
        faults.note(f"Body: {error.reason}", Position(place.file, line))
