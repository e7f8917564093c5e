"""Looks for `$.form.field` of what is not there, where it stands alone and so means the answers for sure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from knarr.services.application_catalog.forms.definition import MANAGEMENT, FormDefinition
from knarr.services.application_catalog.forms.faults import DefinitionFault, Warned, similar
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.packages.faults import Faults

# Deeper parts and calls are left to those who evaluate.
_ANSWER = re.compile(r"\$\.([A-Za-z_]\w*)\.([A-Za-z_]\w*)(\[\d+\])?\Z")


Declared = Mapping[str, list[str] | None]


def check(
    forms: tuple[FormDefinition, ...],
    declared: Declared,
    application: Any,
    templates: Mapping[str, Any],
    faults: Faults,
    warnings: list[Warned],
) -> None:
    """A form that is not there, or comes later, is a fault; a field that is not there is null, which may be
    meant, and a warning. `declared` has the names of all forms in their order, with those of their fields;
    `forms` are those of them that could be read."""
    checker = _Checker(declared, faults, warnings)
    names = list(declared)
    for form in forms:
        known = names[: names.index(form.name) + 1]
        for field in form.fields:
            checker.look(field.attributes, known)
        checker.look([validator.rule for validator in form.validators], known)
    checker.look(application, names)
    checker.look(templates, names)


class _Checker:
    def __init__(self, declared: Declared, faults: Faults, warnings: list[Warned]) -> None:
        self.declared = declared
        self.faults = faults
        self.warnings = warnings

    def look(self, value: Any, known: list[str]) -> None:
        for expression in _expressions(value):
            match = _ANSWER.match(expression.text.strip())
            if match is not None:
                self.answer(expression, match.group(1), match.group(2), known)

    def answer(self, expression: Expression, form: str, field: str, known: list[str]) -> None:
        if form == MANAGEMENT:
            return
        names = self.declared.get(form)
        if form not in known:
            what = "comes later" if form in self.declared else "is not there"
            hint = "" if form in self.declared else similar(form, list(self.declared))
            message = f"{expression.text[:80]}: the form {form!r} {what}{hint}"
            self.faults.append(DefinitionFault(message, expression.position))
        elif names is not None and field not in names:
            message = f"{expression.text[:80]} is null: the form {form!r} has no field {field!r}"
            self.warnings.append(Warned(message + similar(field, names), expression.position))


def _expressions(value: Any) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _expressions(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _expressions(item)
