"""Packages of the format Heat.HOT/1.0: an orchestration template, and what it asks of its users.

The template is `template.yaml` at the top of the package; nested templates and files that it names lie under
Resources/HotFiles, environments of Heat under Resources/HotEnvironments. Class and form are made of it by
`hot_class` and `hot_form`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Mapped, misread
from knarr.services.application_catalog.packages.faults import Faults, PackageFault
from knarr.services.application_catalog.packages.reading import mapping

TEMPLATE = "template.yaml"
FILES, ENVIRONMENTS = "HotFiles/", "HotEnvironments/"
NO_DEFAULT: Any = object()
HEADER = "?"
NO_TEMPLATE = "this is no HOT template: it needs a mapping with the key resources"

# Sections that are mappings from names of the author's.
SECTIONS = ("parameters", "resources", "outputs", "conditions")

TYPES = ("string", "number", "boolean", "json", "comma_delimited_list")
SAME_TYPES = {"list": "comma_delimited_list", "int": "number", "float": "number"}
PARAMETER_KEYS = frozenset(
    {"type", "label", "description", "default", "hidden", "constraints", "immutable", "tags"}
)

# Constraints, and the types of parameters that each may stand at.
CONSTRAINTS: dict[str, tuple[str, ...]] = {
    "length": ("string", "json", "comma_delimited_list"),
    "range": ("number",),
    "modulo": ("number",),
    "allowed_values": ("string", "number", "boolean", "comma_delimited_list"),
    "allowed_pattern": ("string", "comma_delimited_list"),
    "custom_constraint": TYPES,
}
BOUNDS = {"length": ("min", "max"), "range": ("min", "max"), "modulo": ("step", "offset")}


@dataclass(frozen=True)
class Constraint:
    """One constraint of a parameter: `value` is a mapping of numbers, a list of values, or text."""

    kind: str
    value: Any
    description: str | None = None


@dataclass(frozen=True)
class Parameter:
    """A parameter of the template. `default` is NO_DEFAULT where a user has to give the value."""

    name: str
    type: str
    label: str
    description: str | None = None
    default: Any = NO_DEFAULT
    hidden: bool = False
    constraints: tuple[Constraint, ...] = ()
    position: Position | None = None

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT

    @property
    def is_fractional(self) -> bool:
        """Whether the template shows that the number may have a fraction."""
        limits = [row.value.values() for row in self.constraints if row.kind in ("range", "modulo")]
        return any(isinstance(one, float) for one in (self.default, *(n for row in limits for n in row)))


@dataclass(frozen=True)
class Group:
    """Parameters that are asked for together."""

    parameters: tuple[Parameter, ...]
    label: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Template:
    """What was read of a template. `body` is all of its data, with the places of its keys."""

    body: Mapped
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    outputs: tuple[str, ...] = ()
    description: str = ""


def read(data: bytes) -> Template:
    """The template in the bytes of a file. Raises PackageFault with the line of what is wrong."""
    template, faults = inspect(data)
    faults.stop()
    assert template is not None
    return template


def inspect(data: bytes) -> tuple[Template | None, Faults]:
    """The template, as far as it can be read, and everything that is wrong with it."""
    faults = Faults()
    with faults.taken():
        body = _parse(data)
        return _Reader(body, faults).template(), faults
    return None, faults


def _parse(data: bytes) -> Mapped:
    found = mapping(data, TEMPLATE, NO_TEMPLATE)
    if not isinstance(found.get("resources"), Mapped):
        raise PackageFault(NO_TEMPLATE, Position(TEMPLATE, 1))
    return found


class _Reader:
    def __init__(self, body: Mapped, faults: Faults) -> None:
        self.body = body
        self.faults = faults
        self.sections = {name: self._section(name) for name in SECTIONS}

    def template(self) -> Template:
        parameters = {}
        for name, value in self.sections["parameters"].items():
            with self.faults.taken():
                parameters[name] = self._parameter(name, value)
        return Template(
            self.body,
            parameters,
            self._groups(parameters),
            tuple(self.sections["outputs"]),
            str(self.body.get("description") or "").strip(),
        )

    def _section(self, section: str) -> Mapped:
        """A section's entries, but for those whose names are none."""
        good = Mapped(self.body.position)
        found = self.body.get(section)
        if not isinstance(found, (Mapped, type(None))):
            self.faults.note(f"{section} must be a mapping", self.body.keys_at[section])
        elif found is not None:
            for name, value in found.items():
                told = misread(name)
                if told:
                    self.faults.note(f"{section}: {told}", found.keys_at[name])
                else:
                    good[name], good.keys_at[name] = value, found.keys_at[name]
        return good

    def _parameter(self, name: str, data: Any) -> Parameter:
        where = self.sections["parameters"].keys_at[name]
        if name == HEADER:
            raise PackageFault(f"a parameter cannot be named {HEADER}: it begins an object's header", where)
        if not isinstance(data, Mapped):
            raise PackageFault(f"parameter {name} must be a mapping with a type", where)
        for key in data:
            if key not in PARAMETER_KEYS:
                known = ", ".join(sorted(PARAMETER_KEYS))
                self.faults.note(f"parameter {name} has no key {key!s} (known: {known})", data.keys_at[key])
        kind = SAME_TYPES.get(str(data.get("type")), data.get("type"))
        if kind not in TYPES:
            raise PackageFault(f"parameter {name}: type {kind!s} is none of {', '.join(TYPES)}", where)
        default = data.get("default", NO_DEFAULT)
        if default is None:
            default = NO_DEFAULT
        return Parameter(
            name,
            kind,
            str(data.get("label") or name.replace("_", " ").title()),
            None if data.get("description") is None else str(data["description"]).strip(),
            default,
            data.get("hidden") is True or str(data.get("hidden")).lower() == "true",
            tuple(self._constraints(name, kind, data)),
            where,
        )

    def _constraints(self, name: str, kind: str, data: Mapped) -> Iterator[Constraint]:
        rows = data.get("constraints") or []
        if not isinstance(rows, list):
            raise PackageFault(f"parameter {name}: constraints is a list", data.keys_at["constraints"])
        for row in rows:
            with self.faults.taken():
                yield self._constraint(name, kind, row, data.keys_at["constraints"])

    def _constraint(self, name: str, kind: str, row: Any, around: Position) -> Constraint:
        where = row.position if isinstance(row, Mapped) else around
        words = [key for key in row if key != "description"] if isinstance(row, Mapped) else []
        if len(words) != 1 or words[0] not in CONSTRAINTS:
            raise PackageFault(
                f"parameter {name}: a constraint is one of {', '.join(CONSTRAINTS)}, with a description",
                where,
            )
        word = words[0]
        if kind not in CONSTRAINTS[word]:
            raise PackageFault(
                f"parameter {name}: {word} is for {', '.join(CONSTRAINTS[word])}, not for {kind}", where
            )
        description = row.get("description")
        value = _constraint_value(name, word, row[word], where)
        return Constraint(word, value, None if description is None else str(description).strip())

    def _groups(self, parameters: Mapping[str, Parameter]) -> tuple[Group, ...]:
        found = self.body.get("parameter_groups") or []
        groups: list[Group] = []
        used: set[str] = set()
        if not isinstance(found, list):
            self.faults.note("parameter_groups is a list", self.body.keys_at["parameter_groups"])
            found = []
        for row in found:
            with self.faults.taken():
                group = self._group(row, parameters, used)
                if group.parameters:
                    groups.append(group)
        rest = tuple(one for name, one in parameters.items() if name not in used)
        return (*groups, Group(rest)) if rest else tuple(groups)

    def _group(self, row: Any, parameters: Mapping[str, Parameter], used: set[str]) -> Group:
        where = row.position if isinstance(row, Mapped) else self.body.keys_at["parameter_groups"]
        names = row.get("parameters") if isinstance(row, Mapped) else None
        if not isinstance(names, list):
            raise PackageFault("a parameter group needs the list parameters", where)
        members = []
        for name in names:
            if not isinstance(name, str):
                self.faults.note(f"parameter_groups: {misread(name)}", where)
            elif name in used:
                self.faults.note(f"parameter {name} is in two parameter groups", where)
            elif name not in self.sections["parameters"]:
                self.faults.note(f"the parameter group names {name}, which is no parameter", where)
            elif name in parameters:
                used.add(name)
                members.append(parameters[name])
        label, description = row.get("label"), row.get("description")
        return Group(
            tuple(members),
            None if label is None else str(label).strip(),
            None if description is None else str(description).strip(),
        )


def _constraint_value(name: str, word: str, value: Any, where: Position) -> Any:
    if word in BOUNDS:
        keys = BOUNDS[word]
        good = isinstance(value, Mapped) and value and all(key in keys for key in value)
        numbers = {str(key): number_of(item) for key, item in value.items()} if good else {}
        if not numbers or None in numbers.values() or (word == "modulo" and not numbers.get("step")):
            raise PackageFault(f"parameter {name}: {word} needs numbers for {' and '.join(keys)}", where)
        return numbers
    if word == "allowed_values":
        if not isinstance(value, list) or not value or any(isinstance(one, (list, Mapped)) for one in value):
            raise PackageFault(f"parameter {name}: allowed_values needs a list of plain values", where)
        return list(value)
    if not isinstance(value, (str, int, float)):
        raise PackageFault(f"parameter {name}: {word} needs text", where)
    if word == "allowed_pattern":
        try:
            re.compile(str(value))
        except (re.error, RecursionError, OverflowError) as error:
            raise PackageFault(
                f"parameter {name}: {str(value)[:80]!r} is no regular expression: {error}", where
            ) from None
    return str(value)


def number_of(value: Any) -> int | float | None:
    """The number that the value is, or is the text of; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    try:
        return int(value) if re.fullmatch(r"[-+]?\d+", str(value).strip()) else float(value)
    except (ValueError, TypeError):
        return None


# Expressions that say what a constraint wants, for contracts and for forms alike: `$` is the value.


def anchored(pattern: str) -> str:
    """The pattern for the whole of a text, as Heat takes it."""
    flags = re.match(r"\(\?[aiLmsux]+\)", pattern)
    lead = flags.group() if flags else ""
    return rf"{lead}\A(?:{pattern[len(lead) :]})\Z"


def literal(value: Any) -> str:
    """A plain value as YAQL writes it."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return repr(value)
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


TEXT_ITEMS = "$.split(',').select($.trim())"
ITEMS = f"switch(isString($) => {TEXT_ITEMS}, true => $)"


def predicate(
    parameter: Parameter, constraint: Constraint, subject: str = "$", items: str = ITEMS
) -> str | None:
    """The expression that is true for a good value; None where only the cloud can tell.

    `subject` is the value where it is a single number or text, `items` are those of a list.
    """
    kind, value = constraint.kind, constraint.value
    is_list = parameter.type == "comma_delimited_list"
    if kind == "length":
        size = f"len({items})" if is_list else "len($)"
        text = _between(size, value)
        return f"isString($) or {text}" if parameter.type == "json" else text
    if kind == "range":
        return _between(subject, value)
    if kind == "modulo":
        return f"({subject} - ({literal(value.get('offset', 0))})) mod ({literal(value['step'])}) = 0"
    if kind == "allowed_values":
        as_they_are = parameter.type in ("number", "boolean")
        words = ", ".join(literal(one if as_they_are else str(one)) for one in value)
        return f"{items}.all($ in list({words}))" if is_list else f"{subject} in list({words})"
    if kind == "allowed_pattern":
        text = f"$.matches({literal(anchored(value))})"
        return f"{items}.all({text})" if is_list else text
    return None


def _between(what: str, bounds: Mapping[str, Any]) -> str:
    parts = [
        f"{what} {sign} {literal(bounds[key])}"
        for key, sign in (("min", ">="), ("max", "<="))
        if key in bounds
    ]
    return " and ".join(parts)


def message(parameter: Parameter, constraint: Constraint) -> str:
    """What a user is told whose value does not meet the constraint."""
    if constraint.description:
        return constraint.description
    value = constraint.value
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {number}" for key, number in value.items())
    elif isinstance(value, list):
        value = ", ".join(map(str, value))
    return f"{parameter.name} does not meet {constraint.kind}: {value}"
