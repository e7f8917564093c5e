"""JSON schemas of classes and of model builders: what may stand in an object's description, for forms.

Contracts are translated: their functions run on a Draft instead of on a value and write down what they would
demand. The schemas are those of JSON Schema draft 4 with the field's additions: the type `muranoObject` with
`muranoType` and `owned`, and hints for forms (`formSection`, `formIndex`, `visible`, `helpText`).
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language import metadata
from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.language.model import (
    Argument,
    Method,
    MethodUsage,
    MuranoType,
    Property,
    PropertyUsage,
)
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.language.values import MuranoObject, Opaque, thawed
from knarr.services.application_catalog.language.versions import spec

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

Schema = dict[str, Any]

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
ASKED_FOR = (PropertyUsage.IN, PropertyUsage.IN_OUT)
MODEL_BUILDER = "io.murano.metadata.ModelBuilder"
SECTION = "io.murano.metadata.forms.Section"
POSITION = "io.murano.metadata.forms.Position"
HINTS = (
    ("io.murano.metadata.Title", "title", "text"),
    ("io.murano.metadata.Description", "description", "text"),
    ("io.murano.metadata.HelpText", "helpText", "text"),
    ("io.murano.metadata.forms.Hidden", "visible", "visible"),
)
# The class itself among the names of model builders
WHOLE_CLASS = ""


def schemas(
    session: Session,
    class_name: str,
    methods: Sequence[str] = (),
    version: str | None = None,
    package: str | None = None,
) -> dict[str, Schema]:
    """A schema for each model builder of the class by its name, and for the class itself under "".

    `methods` leaves only those of these names. Raises PackageNotFound or ClassNotFound.
    """
    wanted = spec(version or "*")
    if package:
        home = session.loader.load_package(package, wanted)
    else:
        home = session.loader.load_class_package(class_name, wanted)
    kind = home.find_class(class_name)
    found = {WHOLE_CLASS: class_schema(session, kind)} if not methods or WHOLE_CLASS in methods else {}
    for method in model_builders(session, kind):
        if not methods or method.name in methods:
            found[method.name] = method_schema(session, kind, method)
    return found


def model_builders(session: Session, kind: MuranoType) -> Iterator[Method]:
    """Static actions that say of themselves that they make a model."""
    for method in kind.all_methods().values():
        if method.usage is MethodUsage.STATIC and method.is_public and _builds(session, method):
            yield method


def _builds(session: Session, method: Method) -> bool:
    try:
        return any(
            one.kind.name == MODEL_BUILDER and one.values.get("enabled")
            for one in metadata.of_method(session, method)
        )
    except MuranoPlError:
        return False


def class_schema(session: Session, kind: MuranoType) -> Schema:
    properties = (kind.find_property(name) for name in kind.property_names())
    asked = [prop for prop in properties if prop is not None and prop.usage in ASKED_FOR]
    meta = metadata.of_type(session, kind)
    parts = {
        prop.name: _part_schema(session, kind, prop.declared_by, prop, metadata.of_property(session, prop))
        for prop in asked
    }
    return _object_schema(kind, meta, parts)


def method_schema(session: Session, kind: MuranoType, method: Method) -> Schema:
    parts = {
        argument.name: _part_schema(
            session, kind, method.declared_by, argument, metadata.of_argument(session, method, argument)
        )
        for argument in method.arguments
    }
    return _object_schema(kind, metadata.of_method(session, method), parts)


def _object_schema(kind: MuranoType, meta: Sequence[MuranoObject], parts: Mapping[str, Schema]) -> Schema:
    weights = distances(kind)
    return {
        "$schema": DRAFT_4,
        "type": "object",
        "properties": dict(parts),
        "additionalProperties": False,
        "formSections": _sections(meta, weights),
        **_hints(meta, weights),
    }


def _part_schema(
    session: Session,
    kind: MuranoType,
    declared_by: MuranoType,
    part: Property | Argument,
    meta: Sequence[MuranoObject],
) -> Schema:
    schema = Translation(session, declared_by).of(part.contract)
    if part.has_default:
        default = part.default
        if isinstance(default, Expression) or _has_expressions(default):
            default = _constant(session, declared_by, default)
        if default is not _UNKNOWN:
            schema["default"] = thawed(default)
    return schema | _hints(meta, distances(kind))


# Hints for forms


def distances(kind: MuranoType) -> dict[str, int]:
    """How far each ancestor is: 0 for the class itself, by the shortest way."""
    found: dict[str, int] = {}
    waiting = deque([(kind, 0)])
    while waiting:
        one, distance = waiting.popleft()
        if one.name not in found:
            found[one.name] = distance
            waiting.extend((parent, distance + 1) for parent in one.parents)
    return found


def _hints(meta: Sequence[MuranoObject], weights: Mapping[str, int]) -> Schema:
    by_class: dict[str, MuranoObject] = {}
    for one in meta:
        by_class.setdefault(one.kind.name, one)
    hints = {key: by_class[name].values.get(source) for name, key, source in HINTS if name in by_class}
    position = by_class.get(POSITION)
    if position is not None:
        hints["formSection"] = position.values.get("section")
        if position.values.get("index") is not None:
            hints["formIndex"] = _rank(position, weights)
    return hints


def _rank(one: MuranoObject, weights: Mapping[str, int]) -> int:
    """The place of what has an index, so that what ancestors declare comes first among equals."""
    declared = one.declared_by.name if one.declared_by else ""
    return int((one.values["index"] + 1) * len(weights) - weights.get(declared, 0))


def _sections(meta: Sequence[MuranoObject], weights: Mapping[str, int]) -> dict[str, Schema]:
    """Sections by their names, numbered anew; of several with one name the most derived class's counts."""
    chosen: dict[str, MuranoObject] = {}
    for one in meta:
        if one.kind.name == SECTION:
            name = one.values["name"]
            chosen[name] = _nearer(chosen[name], one, weights) if name in chosen else one
    ordered = [one for one in chosen.values() if one.values.get("index") is not None]
    rest = [one for one in chosen.values() if one.values.get("index") is None]
    found: dict[str, Schema] = {}
    for index, one in enumerate(sorted(ordered, key=lambda one: _rank(one, weights))):
        found[one.values["name"]] = {"title": one.values.get("title"), "index": index}
    return found | {one.values["name"]: {"title": one.values.get("title")} for one in rest}


def _nearer(one: MuranoObject, other: MuranoObject, weights: Mapping[str, int]) -> MuranoObject:
    def key(section: MuranoObject) -> tuple[int, bool, int]:
        declared = section.declared_by.name if section.declared_by else ""
        index = section.values.get("index")
        return weights.get(declared, 0), index is None, index or 0

    return min(one, other, key=key)


# Contracts


@dataclass(frozen=True)
class Draft(Opaque):
    """What stands for the value while a contract is translated."""

    data: Schema = field(default_factory=dict)
    not_null: bool = False

    def typed(self, name: str, **more: Any) -> Draft:
        """A Draft of this type, and of null unless that is excluded; what was known before is dropped."""
        return Draft({"type": name if self.not_null else [name, "null"], **more}, self.not_null)

    def with_(self, **more: Any) -> Draft:
        return Draft({**self.data, **more}, self.not_null)

    def __hash__(self) -> int:
        return id(self)


class Translation:
    """Contracts of one class as schemas."""

    def __init__(self, session: Session, kind: MuranoType) -> None:
        self.session = session
        self.kind = kind

    def of(self, contract: Any) -> Schema:
        if isinstance(contract, Expression):
            return self._expression(contract)
        if isinstance(contract, Mapping):
            return self._mapping(contract)
        if isinstance(contract, (list, tuple)):
            return self._list(contract)
        return {"enum": [contract]}

    def _expression(self, contract: Expression) -> Schema:
        context = self.session.type_context(self.kind).create_child_context()
        for definition in _functions():
            context.register_function(definition)
        context["$"] = Draft()
        context["$?translation"] = self
        found = self.session.run(contract, context)
        return dict(found.data) if isinstance(found, Draft) else {}

    def _mapping(self, contract: Mapping[Any, Any]) -> Schema:
        free = [key for key in contract if isinstance(key, Expression)]
        return {
            "type": "object",
            "properties": {key: self.of(item) for key, item in contract.items() if key not in free},
            "additionalProperties": self.of(contract[free[0]]) if free else not contract,
        }

    def _list(self, contract: Sequence[Any]) -> Schema:
        items = [self.of(item) for item in contract if isinstance(item, bool) or not isinstance(item, int)]
        if not items:
            return {"type": "array"}
        if len(items) == 1:
            return {"type": "array", "items": items[0]}
        return {"type": "array", "items": items, "additionalItems": items[-1]}


def _string(draft: Draft) -> Draft:
    return draft.typed("string")


def _int(draft: Draft) -> Draft:
    return draft.typed("integer")


def _bool(draft: Draft) -> Draft:
    return draft.typed("boolean")


def _not_null(draft: Draft) -> Draft:
    data = dict(draft.data)
    types = data.get("type")
    if isinstance(types, list):
        left = [one for one in types if one != "null"]
        data["type"] = left[0] if len(left) == 1 else left
    return Draft(data, True)


def _owned(draft: Draft) -> Draft:
    return draft.with_(owned=True)


def _not_owned(draft: Draft) -> Draft:
    return draft.with_(owned=False)


def _class(draft: Draft, context: Any, name: Any, default: Any = None, version: Any = None) -> Draft:
    translation: Translation = context["$?translation"]
    kind = translation.session.resolve_type(name, translation.kind, version)
    return draft.typed("muranoObject", muranoType=kind.name)


def _template(draft: Draft, context: Any, name: Any, exclude_properties: Any = ()) -> Draft:
    made = _class(draft, context, name).with_(owned=True)
    return made.with_(excludedProperties=list(exclude_properties)) if exclude_properties else made


def _check(draft: Draft, context: Any, predicate: Any, message: Any = None) -> Draft:
    """What of the predicate a schema can say: bounds, choices and patterns; the rest is not told."""
    translation: Translation = context["$?translation"]
    known: Schema = {}
    for part in _conjuncts(predicate):
        known |= _told(translation, part) or {}
    return draft.with_(**known)


def _conjuncts(node: Any) -> Iterator[Any]:
    from yaql.language.expressions import BinaryOperator

    if isinstance(node, BinaryOperator) and node.operator == "and":
        yield from _conjuncts(node.args[0])
        yield from _conjuncts(node.args[1])
    else:
        yield node


BOUNDS: dict[str, tuple[str, str, bool]] = {
    ">": ("minimum", "exclusiveMinimum", True),
    ">=": ("minimum", "exclusiveMinimum", False),
    "<": ("maximum", "exclusiveMaximum", True),
    "<=": ("maximum", "exclusiveMaximum", False),
}
MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


def _told(translation: Translation, node: Any) -> Schema | None:
    from yaql.language.expressions import BinaryOperator, Function

    if not isinstance(node, BinaryOperator):
        return None
    left, right = node.args[0], node.args[1]
    if node.operator in BOUNDS:
        operator = node.operator if _is_dollar(left) else MIRRORED[node.operator]
        other = right if _is_dollar(left) else left if _is_dollar(right) else None
        bound = _UNKNOWN if other is None else _constant_of(translation, other)
        if isinstance(bound, bool) or not isinstance(bound, (int, float)):
            return None
        name, exclusive, is_exclusive = BOUNDS[operator]
        return {name: bound, exclusive: is_exclusive}
    if node.operator == "in" and _is_dollar(left):
        choices = _constant_of(translation, right)
        return {"enum": thawed(choices)} if isinstance(choices, (tuple, list)) else None
    if node.operator == "." and _is_dollar(left) and isinstance(right, Function) and right.name == "matches":
        pattern = _constant_of(translation, right.args[0])
        return {"pattern": pattern} if isinstance(pattern, str) else None
    return None


def _is_dollar(node: Any) -> bool:
    from yaql.language.expressions import GetContextValue

    return isinstance(node, GetContextValue) and node.path.value in ("$", "$1")


_UNKNOWN: Any = object()


def _mentions_value(node: Any) -> bool:
    if _is_dollar(node):
        return True
    return any(_mentions_value(part) for part in getattr(node, "args", ()) or ())


def _constant_of(translation: Translation, node: Any) -> Any:
    """The value of an expression that does not look at what is checked; _UNKNOWN for others."""
    from yaql.language.exceptions import YaqlException
    from yaql.language.utils import NO_VALUE as YAQL_NO_VALUE

    if _mentions_value(node):
        return _UNKNOWN
    session, kind = translation.session, translation.kind
    context = session.type_context(kind).create_child_context()
    try:
        return node(YAQL_NO_VALUE, context, session.engine(session.dialect_of(kind)))
    except (YaqlException, MuranoPlError, ArithmeticError, TypeError, ValueError):
        return _UNKNOWN


def _has_expressions(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_expressions(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return any(_has_expressions(item) for item in value)
    return isinstance(value, Expression)


def _constant(session: Session, kind: MuranoType, default: Any) -> Any:
    """A default that is computed, if it can be without an object."""
    try:
        return session.evaluate(default, session.type_context(kind).create_child_context())
    except MuranoPlError:
        return _UNKNOWN


@functools.cache
def _functions() -> tuple[Any, ...]:
    from yaql.language import specs, yaqltypes
    from yaql.language.conventions import CamelCaseConvention

    rows = {
        "string": _string,
        "int": _int,
        "bool": _bool,
        "notNull": _not_null,
        "owned": _owned,
        "notOwned": _not_owned,
        "class": specs.parameter("version", nullable=True, value_type=object)(_class),
        "template": _template,
        "check": specs.parameter("predicate", yaqltypes.YaqlExpression())(_check),
    }
    return tuple(
        specs.get_function_definition(
            function, name=name, method=True, function=False, convention=CamelCaseConvention()
        )
        for name, function in rows.items()
    )
