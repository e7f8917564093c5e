"""Heat.HOT packages: mistakes of the template, and names in it that nothing has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Mapped, misread
from knarr.services.application_catalog.packages import hot
from knarr.services.application_catalog.packages.faults import Faults
from knarr.services.application_catalog.packages.hot import Template
from knarr.services.application_catalog.packages.hot_defaults import wrong_default
from knarr.services.application_catalog.packages.package import RESOURCES, ApplicationPackage

VERSION = "heat_template_version"
SECTIONS = frozenset(
    {VERSION, "description", "parameter_groups", "parameters", "resources", "outputs", "conditions"}
)
PSEUDO = ("OS::stack_name", "OS::stack_id", "OS::project_id")
NESTED = (".yaml", ".yml", ".template")


def check(package: ApplicationPackage, faults: Faults) -> None:
    """Note everything that is wrong with the template of the package."""
    if hot.TEMPLATE not in package.files.names():
        faults.note(f"the package has no {hot.TEMPLATE} at its top")
        return
    template, found = hot.inspect(package.files.read(hot.TEMPLATE))
    faults += found
    if template is not None:
        _sections(template, faults)
        _names(template, package, faults)
        for parameter in template.parameters.values():
            told = wrong_default(parameter)
            if told:
                faults.note(told, parameter.position)


def _sections(template: Template, faults: Faults) -> None:
    body = template.body
    if VERSION not in body:
        faults.note(f"the template needs the key {VERSION}", body.position)
    for key in body:
        if key not in SECTIONS:
            known = ", ".join(sorted(SECTIONS))
            faults.note(f"a template has no key {str(key)[:80]!r} (known: {known})", body.keys_at[key])
    for name, resource in body["resources"].items():
        if not isinstance(resource, Mapped) or not isinstance(resource.get("type"), str):
            faults.note(f"resource {name} needs a type", body["resources"].keys_at[name])


def _names(template: Template, package: ApplicationPackage, faults: Faults) -> None:
    declared = template.body.get("parameters")
    parameters = {*PSEUDO, *(declared if isinstance(declared, Mapped) else ())}
    resources = set(template.body["resources"])
    files = set(package.hot_files())
    nested = f"{RESOURCES}{hot.FILES}"

    def has(known: set[Any], told: str) -> Callable[[str], str | None]:
        return lambda name: None if name in known else told.format(name)

    looks: dict[str, Callable[[str], str | None]] = {
        "get_param": has(parameters, "there is no parameter {}"),
        "get_resource": has(resources, "there is no resource {}"),
        "get_attr": has(resources, "there is no resource {}"),
        "get_file": lambda name: (
            None if "://" in name or name in files else f"there is no file {nested}{name}"
        ),
    }
    for key, value, place in _pairs(template.body):
        name = value[0] if isinstance(value, list) and value else value
        if key in looks and not isinstance(name, (list, Mapped)):
            told = f"{key}: {misread(name)}" if misread(name) else looks[key](name)
            if told:
                faults.note(told, place)
        is_nested = key == "type" and isinstance(value, str) and value.endswith(NESTED)
        if is_nested and "://" not in value and value not in files:
            faults.note(f"there is no nested template {nested}{value}", place)


def _pairs(data: Any) -> Iterator[tuple[Any, Any, Position]]:
    """All (key, value, place) of the template."""
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapped):
            for key, value in one.items():
                yield key, value, one.keys_at[key]
                waiting.append(value)
        elif isinstance(one, list):
            waiting += one
