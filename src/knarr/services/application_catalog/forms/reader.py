"""Reads UI definitions. What is wrong is a DefinitionFault with file and line, in words for its author."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms import objects, references
from knarr.services.application_catalog.forms.attributes import snake
from knarr.services.application_catalog.forms.constants import ConstantCheck
from knarr.services.application_catalog.forms.definition import (
    LATEST,
    ActionSource,
    Definition,
    FormDefinition,
    LegacyService,
    Version,
)
from knarr.services.application_catalog.forms.expressions import parse
from knarr.services.application_catalog.forms.faults import DefinitionFault, Warned, similar
from knarr.services.application_catalog.forms.fieldreader import WORD, Reading
from knarr.services.application_catalog.forms.formreader import FormReader
from knarr.services.application_catalog.forms.legacy import explicit_expressions
from knarr.services.application_catalog.language.errors import Position, SyntaxFault
from knarr.services.application_catalog.language.source import Expression, Mapped, documents
from knarr.services.application_catalog.packages.faults import Faults
from knarr.services.application_catalog.packages.package import ApplicationPackage

FILE = "UI/ui.yaml"
VERSIONS: tuple[Version, ...] = ((1, 0), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4))
SECTIONS = ("Version", "Templates", "Parameters", "ParametersSource", "Application", "Forms")
LEGACY_SECTIONS = ("Name", "Type", "Description", "UnitTemplates")
_VERSION = re.compile(r"(\d{1,3})(?:\.(\d{1,3}))?(?:\.\d{1,3})?\Z")
# Plain text that its author will have meant as an expression.
_MEANT = re.compile(r"^\$|[\s(]\$\.[A-Za-z_]")
_METHOD = re.compile(r"(?:([A-Za-z_][\w.]*)\.)?([A-Za-z_]\w*)\Z")


@dataclass(frozen=True)
class Inspection:
    """What a file is found to be: the definition as far as it could be read, and all that is wrong or
    doubtful. A definition with faults is not to be used."""

    definition: Definition | None
    faults: Faults
    warnings: tuple[Warned, ...]


def read(data: bytes | str, file: str = FILE) -> Definition:
    """The definition in a file. Raises DefinitionFault, of what is wrong first."""
    found = inspect(data, file)
    found.faults.stop()
    assert found.definition is not None
    return found.definition


def inspect(data: bytes | str, file: str = FILE) -> Inspection:
    """Everything that is wrong with a file. Raises nothing."""
    faults = Faults()
    warnings: list[Warned] = []
    definition = None
    with faults.taken():
        definition = _Reader(_mapping(data, file, warnings), file, faults, warnings).definition()
    return Inspection(definition, faults, tuple(warnings))


def _mapping(data: bytes | str, file: str, warnings: list[Warned]) -> Mapped:
    broken: dict[str, str] = {}

    def parse_noting(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            if _MEANT.search(text):
                broken[text] = str(error)
            raise

    try:
        text = data.decode() if isinstance(data, bytes) else data
        found = documents(text, file, parse_noting)
    except UnicodeDecodeError:
        raise DefinitionFault("the file is not UTF-8", Position(file, 1)) from None
    except SyntaxFault as error:
        raise DefinitionFault(error.message, error.position) from None
    if len(found) != 1 or not isinstance(found[0], Mapped):
        raise DefinitionFault(
            "a UI definition is one mapping with the sections Version, Application, Forms, …",
            Position(file, 1),
        )
    for key, place in _texts(found[0], found[0].position) if broken else ():
        if key in broken:
            message = f"{key[:80]!r} is taken as text, as it is no expression: {broken[key]}"
            warnings.append(Warned(message, place))
    return found[0]


def of_package(package: ApplicationPackage) -> Definition | None:
    """The definition that a package has; None if it has none. Raises PackageFault."""
    data = package.ui()
    return None if data is None else read(data, f"UI/{package.manifest.ui}")


def _texts(value: Any, place: Position) -> Iterator[tuple[str, Position]]:
    """All texts in a structure, with the nearest places."""
    if isinstance(value, str) and not isinstance(value, Expression):
        yield value, place
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, place)
    elif isinstance(value, Mapped):
        for key, item in value.items():
            yield from _texts(item, value.keys_at.get(key, value.position))


class _Reader:
    def __init__(self, data: Mapped, file: str, faults: Faults, warnings: list[Warned]) -> None:
        self.file = file
        self.data = data
        self.faults = faults
        self.warnings = warnings
        self.constants = ConstantCheck()
        self.keys = {snake(str(key)): key for key in data}
        self.version = LATEST
        with faults.taken():
            self.version = self.read_version()
        if self.version[0] == 1:
            self.data = explicit_expressions(data)

    def definition(self) -> Definition:
        """The definition, as far as it can be read; what is wrong is among the faults."""
        self.check_sections()
        templates: dict[str, Any] = {}
        parameters: dict[str, Any] = {}
        forms: tuple[FormDefinition, ...] = ()
        application, service, source = None, None, None
        with self.faults.taken():
            templates = self.named("Templates")
        with self.faults.taken():
            parameters = self.named("Parameters", (2, 4))
        self.check_names(templates, parameters)
        with self.faults.taken():
            application, service = self.application()
        self.check_objects(application, templates, parameters)
        reader = FormReader(Reading(self.version, self.faults, self.warnings, self.constants))
        with self.faults.taken():
            forms = self.forms(reader)
        with self.faults.taken():
            source = self.parameters_source()
        if reader.declared or not self.faults:
            references.check(forms, reader.declared, application, templates, self.faults, self.warnings)
        return Definition(
            self.file,
            self.version,
            forms,
            application,
            templates,
            parameters,
            source,
            service,
            tuple(self.warnings),
        )

    def check_names(self, templates: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        for name in templates:
            if name in parameters:
                place = self.section("Templates").keys_at[name]
                self.faults.append(DefinitionFault(f"{name!r} is both a template and a parameter", place))

    def check_objects(
        self, application: Any, templates: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> None:
        for section in (application, *templates.values()):
            self.faults += objects.wrong_headers(section)
        for name, content in (
            ("Application", application),
            ("Templates", templates),
            ("Parameters", parameters),
        ):
            self.faults += self.constants.wrong(content, name)

    def forms(self, reader: FormReader) -> tuple[FormDefinition, ...]:
        found = self.section("Forms")
        if found is None:
            raise DefinitionFault("the section Forms is required: a list of forms", self.data.position)
        if not isinstance(found, list):
            raise self.fault(
                "Forms is a list, each entry a form's name with its fields: '- name: {fields: …}'", "Forms"
            )
        return reader.forms(found, self.place("Forms"))

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
            place = self.data.keys_at.get(key, self.data.position)
            message = f"there is no section {str(key)[:64]!r} (known: {', '.join(known)})"
            if near:
                self.faults.append(DefinitionFault(message + near, place))
            else:
                self.warn(f"{message}: it is not looked at", place)

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
        good = {}
        for name, content in found.items():
            with self.faults.taken():
                good[self.variable(section, name, found.keys_at.get(name, found.position))] = content
        return good

    def variable(self, section: str, name: Any, place: Position) -> str:
        if not isinstance(name, str) or not WORD.match(name) or name[0] == "_":
            raise DefinitionFault(
                f"{section}: {str(name)[:64]!r} is no name: it must begin with a letter and have "
                "letters, digits and underscores, so that it can be written as $name",
                place,
            )
        if name in ("index", "forms"):
            raise DefinitionFault(f"{section}: ${name} has a meaning of its own", place)
        return name

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
        if isinstance(found, Mapped) and None in found:
            raise DefinitionFault(objects.EMPTY_KEY, found.keys_at[None])
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
