"""Files that classes read as YAML; those that are templates of execution plans are built on trial."""

from __future__ import annotations

import re
from typing import Any

from knarr.services.application_catalog.forms.faults import Warned, similar
from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Mapped, plain
from knarr.services.application_catalog.packages.check_keys import doubtful_keys
from knarr.services.application_catalog.packages.faults import Faults, PackageFault
from knarr.services.application_catalog.packages.package import RESOURCES, ApplicationPackage
from knarr_agent.formats import OPTIONS

FORMAT = "FormatVersion"
PLACEHOLDER = re.compile(r"\$\w|\$\{\w+\}")
_LINE = re.compile(r"line (\d+)")


# What a template of format 2 may have at its top and at a script, and one of format 1 at its top.
KEYS = ("FormatVersion", "Name", "Version", "Parameters", "Body", "Scripts", "Files", "Options")
SCRIPT_KEYS = ("Type", "Version", "EntryPoint", "Files", "Options")
LEGACY_KEYS = ("FormatVersion", "Name", "Version", "Scripts", "Commands", "RebootOnCompletion")
SENT = ("ID", "Action", "Stamp")


def check(package: ApplicationPackage, name: str, faults: Faults, warnings: list[Warned]) -> None:
    """Note what is wrong with a file of Resources."""
    file = RESOURCES + name
    with faults.taken():
        try:
            data = package.files.read(file)
            found = plain(data.decode(), file)
        except UnicodeDecodeError:
            raise PackageFault("the file is not UTF-8", Position(file, 1)) from None
        if isinstance(found, Mapped) and FORMAT in found:
            faults += doubtful_keys(data, file)
            _plan(package, found, faults)
            _keys(found, warnings)


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


def _keys(template: Mapped, warnings: list[Warned]) -> None:
    """Keys that nobody looks at, most likely written wrongly."""
    known = KEYS if "Body" in template else LEGACY_KEYS
    _unknown(template, (*known, *SENT), "a plan", warnings)
    scripts = template.get("Scripts")
    for name, script in scripts.items() if isinstance(scripts, Mapped) else ():
        if isinstance(script, Mapped):
            _unknown(script, SCRIPT_KEYS, f"Scripts/{name}", warnings)
            if isinstance(script.get("Options"), Mapped):
                _unknown(script["Options"], tuple(OPTIONS), f"Scripts/{name}/Options", warnings)


def _unknown(data: Mapped, known: tuple[str, ...], what: str, warnings: list[Warned]) -> None:
    for key in data:
        if key not in known:
            told = f"{what} has no key {str(key)[:64]!r} (known: {', '.join(known)})"
            warnings.append(Warned(told + similar(str(key), known), data.keys_at[key]))


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
