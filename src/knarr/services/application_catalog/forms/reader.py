"""Reads UI definitions. What is wrong is a DefinitionFault with file and line, in words for its author."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from knarr.services.application_catalog.forms import objects
from knarr.services.application_catalog.forms.attributes import snake
from knarr.services.application_catalog.forms.definition import (
    LATEST,
    MANAGEMENT,
    ActionSource,
    Definition,
    FormDefinition,
    LegacyService,
    Version,
)
from knarr.services.application_catalog.forms.expressions import parse
from knarr.services.application_catalog.forms.faults import DefinitionFault, Warned, similar
from knarr.services.application_catalog.forms.fieldreader import WORD, FieldReader, Reading
from knarr.services.application_catalog.forms.legacy import explicit_expressions
from knarr.services.application_catalog.language.errors import Position, SyntaxFault
from knarr.services.application_catalog.language.source import Expression, Mapped, documents

FILE = "UI/ui.yaml"
VERSIONS: tuple[Version, ...] = ((1, 0), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4))
SECTIONS = ("Version", "Templates", "Parameters", "ParametersSource", "Application", "Forms")
LEGACY_SECTIONS = ("Name", "Type", "Description", "UnitTemplates")
MOST_FORMS = 100
MOST_FIELDS = 1000
_VERSION = re.compile(r"(\d{1,3})(?:\.(\d{1,3}))?(?:\.\d{1,3})?\Z")
_METHOD = re.compile(r"(?:([A-Za-z_][\w.]*)\.)?([A-Za-z_]\w*)\Z")


def read(data: bytes | str, file: str = FILE) -> Definition:
    """The definition in a file. Raises DefinitionFault."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        found = documents(text, file, parse)
    except UnicodeDecodeError:
        raise DefinitionFault("the file is not UTF-8", Position(file, 1)) from None
    except SyntaxFault as error:
        raise DefinitionFault(error.message, error.position) from None
    if len(found) != 1 or not isinstance(found[0], Mapped):
        raise DefinitionFault(
            "a UI definition is one mapping with the sections Version, Application, Forms, …",
            Position(file, 1),
        )
    return _Reader(found[0], file).definition()


class _Reader:
    def __init__(self, data: Mapped, file: str) -> None:
        self.file = file
        self.data = data
        self.warnings: list[Warned] = []
        self.keys = {snake(str(key)): key for key in data}
        self.version = self.read_version()
        if self.version[0] == 1:
            self.data = explicit_expressions(data)

    def definition(self) -> Definition:
        self.check_sections()
        templates = self.named("Templates")
        parameters = self.named("Parameters", (2, 4))
        for name in templates:
            if name in parameters:
                raise self.fault(f"{name!r} is both a template and a parameter", "Templates")
        application, service = self.application()
        for section in (application, *templates.values()):
            objects.check_headers(section)
        return Definition(
            self.file,
            self.version,
            self.forms(),
            application,
            templates,
            parameters,
            self.parameters_source(),
            service,
            tuple(self.warnings),
        )

    # Sections

    def section(self, name: str) -> Any:
        return self.data.get(self.keys.get(snake(name)))

    def place(self, name: str) -> Position:
        return self.data.keys_at.get(self.keys.get(snake(name)), self.data.position)

    def fault(self, message: str, section: str) -> DefinitionFault:
        return DefinitionFault(message, self.place(section))

    def warn(self, message: str, position: Position) -> None:
        self.warnings.append(Warned(message, position))

    def check_sections(self) -> None:
        known = SECTIONS + (LEGACY_SECTIONS if self.version[0] == 1 else ())
        for name, key in self.keys.items():
            if name in {snake(one) for one in known}:
                continue
            near = similar(str(key), list(known))
            message = f"there is no section {str(key)[:64]!r} (known: {', '.join(known)})"
            if near:
                raise DefinitionFault(message + near, self.data.keys_at.get(key, self.data.position))
            self.warn(f"{message}: it is not looked at", self.data.keys_at.get(key, self.data.position))

    def read_version(self) -> Version:
        found = self.section("Version")
        if found is None:
            old = "application" not in self.keys and ("unit_templates" in self.keys or "forms" in self.data)
            return (1, 0) if old else LATEST
        match = _VERSION.match(str(found)) if not isinstance(found, (bool, Mapping, list)) else None
        if match is None:
            raise self.fault("Version must be MAJOR.MINOR, e.g. 2.4", "Version")
        version = (int(match.group(1)), int(match.group(2) or 0))
        if version not in VERSIONS:
            known = ", ".join(f"{major}.{minor}" for major, minor in VERSIONS)
            raise self.fault(
                f"Version {version[0]}.{version[1]} is not known to this dashboard (known: {known})",
                "Version",
            )
        return version

    def named(self, section: str, since: Version = (2, 0)) -> dict[str, Any]:
        """A section of values by names that become variables."""
        found = self.section(section)
        if found is None:
            return {}
        if not isinstance(found, Mapped):
            raise self.fault(f"{section} maps names to values", section)
        if self.version < since:
            self.since(section, since, self.place(section))
        for name in found:
            if not isinstance(name, str) or not WORD.match(name) or name[0] == "_":
                raise DefinitionFault(
                    f"{section}: {str(name)[:64]!r} is no name: it must begin with a letter and have "
                    "letters, digits and underscores, so that it can be written as $name",
                    found.keys_at.get(name, found.position),
                )
            if name in ("index", "forms"):
                raise DefinitionFault(
                    f"{section}: ${name} has a meaning of its own", found.keys_at.get(name, found.position)
                )
        return dict(found)

    def since(self, what: str, version: Version, position: Position) -> None:
        self.warn(
            f"{what} came with version {version[0]}.{version[1]} and this definition says "
            f"{self.version[0]}.{self.version[1]}: older dashboards will not know it",
            position,
        )

    def application(self) -> tuple[Any, LegacyService | None]:
        found = self.section("Application")
        if found is None:
            if self.version[0] == 1:
                return None, self.legacy_service()
            raise DefinitionFault(
                "the section Application is required: it describes the object that is made",
                self.data.position,
            )
        if isinstance(found, Expression):
            return found, None
        if not isinstance(found, Mapped) or not isinstance(found.get("?"), (Mapping, Expression)):
            raise self.fault("Application must be a mapping with a header '?' that has a type", "Application")
        return found, None

    def legacy_service(self) -> LegacyService:
        kind = self.section("Type")
        if kind is not None and not isinstance(kind, str):
            raise self.fault("type must be a word", "Type")
        units = self.section("UnitTemplates") or []
        if not isinstance(units, list) or not all(isinstance(unit, Mapping) for unit in units):
            raise self.fault("unitTemplates is a list of mappings", "UnitTemplates")
        return LegacyService(kind, tuple(units))

    def parameters_source(self) -> ActionSource | None:
        found = self.section("ParametersSource")
        if found is None:
            return None
        place = self.place("ParametersSource")
        match = _METHOD.match(found) if isinstance(found, str) else None
        if match is None:
            raise DefinitionFault("ParametersSource must be Class.method, or a method's name", place)
        if self.version < (2, 4):
            self.since("ParametersSource", (2, 4), place)
        return ActionSource(match.group(1), match.group(2), place)

    # Forms

    def forms(self) -> tuple[FormDefinition, ...]:
        found = self.section("Forms")
        if found is None:
            raise DefinitionFault("the section Forms is required: a list of forms", self.data.position)
        if not isinstance(found, list):
            raise self.fault(
                "Forms is a list, each entry a form's name with its fields: '- name: {fields: …}'", "Forms"
            )
        if len(found) > MOST_FORMS:
            raise self.fault(f"more than {MOST_FORMS} forms", "Forms")
        made: list[FormDefinition] = []
        for row in found:
            form = self.form(row, first=not made)
            if any(form.name == other.name for other in made):
                raise DefinitionFault(f"there are two forms {form.name!r}", form.position)
            made.append(form)
        if sum(len(form.fields) for form in made) > MOST_FIELDS:
            raise self.fault(f"more than {MOST_FIELDS} fields", "Forms")
        return tuple(made)

    def form(self, row: Any, first: bool) -> FormDefinition:
        place = row.position if isinstance(row, Mapped) else self.place("Forms")
        if not isinstance(row, Mapped) or len(row) != 1:
            raise DefinitionFault(
                "an entry of Forms is one name with a mapping: '- appConfiguration: …'", place
            )
        ((name, body),) = row.items()
        place = row.keys_at.get(name, place)
        if not isinstance(name, str) or not WORD.match(name):
            raise DefinitionFault(f"{str(name)[:64]!r} is no name of a form: use letters, digits, '_'", place)
        if name == MANAGEMENT:
            raise DefinitionFault(
                f"the name {MANAGEMENT} belongs to the form for the application's name", place
            )
        if not isinstance(body, Mapped) or "fields" not in body:
            raise DefinitionFault(f"the form {name} needs a list 'fields'", place)
        for key in body:
            if key not in ("fields", "validators", "region"):
                known = ["fields", "validators", "region"]
                message = f"a form has no {str(key)[:64]!r} (known: {', '.join(known)})"
                raise DefinitionFault(message + similar(str(key), known), body.keys_at.get(key, place))
        reading = Reading(self.version, first, self.warnings)
        reader = FieldReader(reading)
        rows = body["fields"] if body["fields"] is not None else []
        if not isinstance(rows, list):
            raise DefinitionFault("fields is a list of fields", body.keys_at.get("fields", place))
        fields = tuple(reader.field(row, body.keys_at.get("fields", place)) for row in rows)
        for index, one in enumerate(fields):
            if any(one.name == other.name for other in fields[:index]):
                raise DefinitionFault(f"the form {name} has two fields {one.name!r}", one.position)
        validators = reader.validators(
            body.get("validators"), body.keys_at.get("validators", place), form=True
        )
        return FormDefinition(name, fields, validators, place, body.get("region"))
