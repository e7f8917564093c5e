"""Functions that UI definitions have beside YAQL's own: generateHostname, repeat, name, ref, encryptData."""

from __future__ import annotations

import itertools
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.forms.faults import ExpressionFault, similar
from knarr.services.application_catalog.language.formatting import formatted

if TYPE_CHECKING:
    from knarr.services.application_catalog.forms.scope import Scope

STATE = "$?state"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789" + LETTERS
MOST_REPEATS = 10_000
_counter = itertools.count(1)


class ObjectId:
    """An id that the function ref gave: whoever makes the object model leaves it as it is."""

    __slots__ = ("object_id",)

    def __init__(self) -> None:
        self.object_id = str(uuid.uuid4())


def in_base(number: int, base: int) -> str:
    """A whole number with the digits 0-9a-z, in a base from 2 to 36."""
    if number < 0:
        return "-" + in_base(-number, base)
    digits = ""
    while True:
        number, rest = divmod(number, base)
        digits = DIGITS[rest] + digits
        if not number:
            return digits


def generate_hostname(pattern: str, index: int) -> str:
    """The pattern with each `#` replaced by the index; of an empty one, a short name that is not used twice:
    five letters, the time and a counter, fifteen characters at most as Windows wants it."""
    if pattern:
        return pattern.replace("#", str(index))
    prefix = "".join(secrets.choice(LETTERS) for _ in range(5))
    moment = in_base(int(time.time() * 1000), 36)[:8]
    return prefix + moment + in_base(next(_counter) % 1296, 36)


def repeat(template: Any, times: int, context: Any) -> list[Any]:
    """The template as many times; in it, `$index` counts from 1."""
    scope: Scope = context[STATE]
    if times > MOST_REPEATS:
        raise ExpressionFault(f"repeat: {times} times is more than the {MOST_REPEATS} that are allowed")
    made = []
    for index in range(1, times + 1):
        inner = context.create_child_context()
        inner["index"] = index
        with scope.nested() as depth:
            made.append(scope.evaluator.evaluate(template, inner, depth))
    return made


def name(context: Any) -> str | None:
    """The application's name that the user chose; null before version 2.2, where there is none."""
    scope: Scope = context[STATE]
    return scope.application_name


def ref(template: str, context: Any, parameter: str | None = None, id_only: bool | None = None) -> Any:
    """The object of a template at its first use and its id at further ones, so that it is one object.

    `parameter` names the object if a template makes several; `id_only` asks for the id (or the object)
    whatever use it is.
    """
    scope: Scope = context[STATE]
    key = parameter or template
    first = key not in scope.references
    if first:
        scope.references[key] = _made(template, context, scope)
    made, ident = scope.references[key]
    if id_only is None:
        id_only = not first
    return ident if id_only else made


def _made(template: str, context: Any, scope: Scope) -> tuple[dict[str, Any], ObjectId]:
    if template not in scope.templates:
        known = sorted(scope.templates)
        raise ExpressionFault(
            f"ref: there is no template {template[:64]!r} (known: {', '.join(known) or 'none'})"
            + similar(template, known)
        )
    with scope.nested() as depth:
        made = scope.evaluator.evaluate(scope.templates[template], context, depth)
    if not isinstance(made, dict) or not isinstance(made.get("?"), Mapping):
        raise ExpressionFault(f"ref: the template {template!r} is no object: it has no header '?'")
    ident = ObjectId()
    made["?"] = {**made["?"], "id": ident}
    return made, ident


def encrypt_data(data: str, context: Any) -> str:
    """The text's id in the key manager, where only the id is known to the object model."""
    scope: Scope = context[STATE]
    if scope.key_manager is None:
        raise ExpressionFault("encryptData: this cloud has no key manager")
    with scope.budget.paused():
        return str(scope.key_manager.store(data))


def format_text(text: str, *args: Any, **kwargs: Any) -> str:
    """`format('{0}-{1}', …)`: YAQL had it until 3.0, and definitions use it."""
    return formatted(text, args, kwargs)


def register(context: Any) -> None:
    """Add the functions to a context."""
    from yaql.language import specs, yaqltypes
    from yaql.language.conventions import CamelCaseConvention

    text, whole = yaqltypes.String(), yaqltypes.Integer()

    def add(called: str, function: Any, /, method: bool = False, **types: Any) -> None:
        definition = specs.get_function_definition(
            function, name=called, function=True, method=method, convention=CamelCaseConvention()
        )
        for parameter, kind in types.items():
            definition.set_parameter(parameter, kind, overwrite=True)
        context.register_function(definition)

    nullable = yaqltypes.PythonType(object, True)
    add("generateHostname", generate_hostname, pattern=yaqltypes.String(True), index=whole)
    add("repeat", repeat, template=nullable, times=whole)
    add("name", name)
    add(
        "ref",
        ref,
        template=text,
        parameter=yaqltypes.String(True),
        id_only=yaqltypes.PythonType(bool, True),
    )
    add("encryptData", encrypt_data, data=text)
    add("format", format_text, method=True, text=text)
