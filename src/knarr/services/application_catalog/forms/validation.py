"""Checks what a user gave, field by field and form by form, and makes values of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms.definition import FormDefinition, Validator
from knarr.services.application_catalog.forms.faults import BudgetExceeded, ExpressionFault
from knarr.services.application_catalog.forms.fieldtypes import (
    EMPTY,
    FIELD_TYPES,
    PASSWORD_LENGTHS,
    Invalid,
)
from knarr.services.application_catalog.forms.patterns import Pattern
from knarr.services.application_catalog.forms.prepared import Prepared
from knarr.services.application_catalog.forms.scope import Scope

CLONE = "-clone"


@dataclass(frozen=True, slots=True)
class AnswerError:
    """What is wrong with an answer; `field` None means the form as a whole, `form` "" the request."""

    form: str
    field: str | None
    code: str
    message: str


def tentative(field: Prepared) -> Any:
    """The value that the field begins with, as far as it is one."""
    try:
        return FIELD_TYPES[field.type].convert(field.initial, field)
    except Invalid:
        return None


def checked(field: Prepared, given: Any, scope: Scope) -> Any:
    """The value that a user's answer makes. Raises Invalid with the author's message, where there is one."""
    kind = FIELD_TYPES[field.type]
    try:
        value = kind.convert(given, field)
    except Invalid as error:
        if not field.enabled:
            return None
        raise Invalid(field.message(error.code, f"{field.label}: {error.message}"), error.code) from None
    if not field.enabled:
        return value
    if value in EMPTY and not isinstance(value, bool):
        if field.required:
            raise Invalid(field.message("required", f"{field.label} is required"), "required")
        return value
    _check_size(field, given, value)
    _check_range(field, value)
    _check_rules(field, value, scope)
    return value


def _check_size(field: Prepared, given: Any, value: Any) -> None:
    least, most = field.attributes.get("min_length"), field.attributes.get("max_length")
    if field.type == "password" and not field.own_rules:
        least = PASSWORD_LENGTHS[0] if least is None else least
        most = PASSWORD_LENGTHS[1] if most is None else most
    if least is None and most is None:
        return
    length = len(value) if isinstance(value, str) else len(str(given))
    if least is not None and length < least:
        usual = f"{field.label} must have at least {least} characters (it has {length})"
        raise Invalid(field.message("min_length", usual), "min_length")
    if most is not None and length > most:
        usual = f"{field.label} must have at most {most} characters (it has {length})"
        raise Invalid(field.message("max_length", usual), "max_length")


def _check_range(field: Prepared, value: Any) -> None:
    least, most = field.attributes.get("min_value"), field.attributes.get("max_value")
    number = len(value) if isinstance(value, list) else value
    if not isinstance(number, int):
        return
    if least is not None and number < least:
        raise Invalid(field.message("min_value", f"{field.label} must be at least {least}"), "min_value")
    if most is not None and number > most:
        raise Invalid(field.message("max_value", f"{field.label} must be at most {most}"), "max_value")


def _check_rules(field: Prepared, value: Any, scope: Scope) -> None:
    rule = field.attributes.get("regexp_validator")
    if isinstance(rule, Pattern) and not _found(rule, value, scope):
        raise Invalid(field.message("invalid", f"{field.label} has not the form that is wanted"))
    usual = field.message("invalid", f"{field.label} is not valid")
    for validator in field.definition.validators:
        if not holds(validator, value, scope):
            raise Invalid(said(validator, scope, value) or usual)


def _found(rule: Pattern, value: Any, scope: Scope) -> bool:
    text = value if isinstance(value, str) else ",".join(value) if isinstance(value, list) else str(value)
    try:
        return rule.search(text, scope.budget.pattern_seconds)
    except BudgetExceeded as error:
        raise Invalid(error.message) from None


def holds(validator: Validator, value: Any, scope: Scope) -> bool:
    """Whether a rule holds, with `$` being the value. What cannot be judged is Invalid, with why."""
    if isinstance(validator.rule, Pattern):
        return _found(validator.rule, value, scope)
    try:
        return scope.evaluator.truth(validator.rule, scope.context(value))
    except BudgetExceeded:
        raise
    except ExpressionFault as error:
        raise Invalid(f"this could not be checked: {error}") from None


def said(validator: Validator, scope: Scope, value: Any) -> str:
    """A validator's message; "" if it has none."""
    return "" if validator.message is None else str(scope.value(validator.message, value))


def confirmation(field: Prepared, value: Any, given: Mapping[str, Any]) -> AnswerError | None:
    """What is wrong with the second input of a password, which stands under the field's name and `-clone`."""
    name = field.name + CLONE
    if not (field.confirmed and field.required and field.enabled) or given.get(name) == value:
        return None
    if given.get(name) in EMPTY:
        return AnswerError("", name, "required", f"{field.label} must be given twice")
    return AnswerError("", name, "mismatch", f"the two inputs of {field.label} are not the same")


def form_errors(form: FormDefinition, data: Mapping[str, Any], scope: Scope) -> list[AnswerError]:
    """What a form's own validators say, with `$` being all answers so far."""
    found = []
    for validator in form.validators:
        try:
            if holds(validator, data, scope):
                continue
            message = said(validator, scope, data) or "the answers do not fit together"
        except Invalid as error:
            message = error.message
        found.append(AnswerError(form.name, None, "invalid", message))
    return found
