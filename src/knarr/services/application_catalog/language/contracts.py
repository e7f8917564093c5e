"""Contracts: what a value must be, and what it is turned into.

A contract is data of the class file. Expressions in it are evaluated with `$` being the value and with the
functions below, each of which gives the value on (converted) or raises ContractViolation.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from yaql.language import expressions as ast
from yaql.language.utils import NO_VALUE as YAQL_NO_VALUE

from knarr.services.application_catalog.language.errors import (
    ClassNotFound,
    ContractSyntax,
    ContractViolation,
    Foreign,
    MuranoPlError,
    ObjectNotFound,
    PackageNotFound,
    Position,
)
from knarr.services.application_catalog.language.model import MuranoType
from knarr.services.application_catalog.language.source import Expression, Mapped
from knarr.services.application_catalog.language.values import (
    NO_VALUE,
    MuranoObject,
    Reference,
    TypeObject,
    frozen,
)

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

STATE = "$?contract"
SHORT = 80


@dataclass(frozen=True)
class Check:
    """One use of a contract.

    `this` is the object whose property it is (the owner of what is made), `kind` the class that wrote the
    contract. `template` only checks: nothing is made of what describes objects. `default` is the property's
    Default where the value is absent, `dry` makes every conversion that would make an object fail.
    """

    session: Session
    kind: MuranoType
    this: Any = None
    default: Any = None
    template: bool = False
    dry: bool = False
    excluded: tuple[str, ...] = field(default=())

    def apply(self, contract: Any, value: Any, path: str) -> Any:
        """The value as the contract wants it. Raises ContractViolation naming `path`."""
        if isinstance(contract, Expression):
            return self._expression(contract, value, path)
        if isinstance(contract, Mapping):
            return self._mapping(contract, value, path)
        if isinstance(contract, list):
            return self._list(contract, value, path)
        if value is NO_VALUE or value != contract:
            raise violation(path, f"{_short(value)} is not {contract!r}")
        return value

    def _expression(self, contract: Expression, value: Any, path: str) -> Any:
        if contract.steps is None:
            contract.steps = _steps(contract.compiled)
        try:
            if contract.steps:
                return self._chain(contract, None if value is NO_VALUE else value)
            return self._evaluated(contract, value)
        except ContractViolation as error:
            if error.path is not None:
                raise
            raise violation(path, error.message, error.position or contract.position) from None
        except (ObjectNotFound, ClassNotFound, PackageNotFound) as error:
            if error.path is None:
                raise lost(path, error, contract.position) from None
            raise

    def _chain(self, contract: Expression, value: Any) -> Any:
        """A contract that is a chain of the functions below, without the detour over YAQL."""
        for name, nodes in contract.steps:
            value = CHAINED[name](self, value, *nodes)
        return frozen(value)

    def _context(self, value: Any) -> Any:
        context = self.session.type_context(self.kind, contract=True).create_child_context()
        context["$"] = None if value is NO_VALUE else value
        context["$this"] = self.this
        context[STATE] = self
        return context

    def _evaluated(self, contract: Expression, value: Any) -> Any:
        return frozen(self.session.evaluate(contract, self._context(value)))

    def argument(self, node: Any, value: Any) -> Any:
        """What stands in the parentheses of a function, `$` being the value."""
        if isinstance(node, ast.Constant):
            return node.value
        engine = self.session.engine(self.session.dialect_of(self.kind))
        try:
            return node(YAQL_NO_VALUE, self._context(value), engine)
        except MuranoPlError:
            raise
        except Exception as error:
            raise Foreign(error) from error

    def _mapping(self, contract: Mapping[Any, Any], value: Any, path: str) -> Any:
        if value is None or value is NO_VALUE:
            value = {}
        if not isinstance(value, Mapping):
            raise violation(path, f"{_short(value)} is no dictionary", _place(contract))
        if not contract:
            return frozen(value)
        found: dict[Any, Any] = {}
        free = [key for key in contract if isinstance(key, Expression)]
        if len(free) > 1:
            raise ContractSyntax(f"[{path}] a contract has one key that is an expression at most")
        for key, wanted in contract.items():
            if not isinstance(key, Expression):
                found[key] = self.apply(wanted, value.get(key, NO_VALUE), f"{path}.{key}")
        if free:
            for key, item in value.items():
                if key in contract:
                    continue
                checked = self.apply(free[0], key, f"{path}.{key}")
                found[checked] = self.apply(contract[free[0]], item, f"{path}.{key}")
        return frozen(found)

    def _list(self, contract: list[Any], value: Any, path: str) -> Any:
        items = self._items(value)
        if not contract:
            return frozen(items)
        shapes, least, most = _bounds(contract)
        if len(items) < least or (most is not None and len(items) > most):
            wanted = f"{least} or more" if most is None else f"{least} to {most}"
            raise violation(path, f"the list has {len(items)} items, not {wanted}", _place(contract))
        return tuple(
            self.apply(shapes[min(number, len(shapes) - 1)], item, f"{path}[{number}]")
            for number, item in enumerate(items)
        )

    def _items(self, value: Any) -> Sequence[Any]:
        if value is None or value is NO_VALUE:
            return ()
        if isinstance(value, (Sequence, Iterator, frozenset)) and not isinstance(value, str):
            return tuple(value)
        return (value,)

    def with_template(self, excluded: Sequence[str]) -> Check:
        return replace(self, template=True, excluded=tuple(excluded))


def violation(path: str, message: str, position: Position | None = None) -> ContractViolation:
    """The error that tells at which place of what value it was."""
    error = ContractViolation(f"[{path}] {message}", position)
    error.here = None  # the contract's place is not one of the method that gave the value
    error.path = path
    return error


def lost(path: str, error: MuranoPlError, position: Position) -> MuranoPlError:
    """An error of something that is not there, which tells who wants it."""
    made = type(error)(f"[{path}] {error.message}", error.position or position)
    made.path = path
    made.here = None
    return made


def _place(contract: Any) -> Position | None:
    """Where a contract that is no expression stands, as near as can be told."""
    if isinstance(contract, list):
        contract = next((one for one in contract if isinstance(one, (Expression, Mapped))), None)
    return getattr(contract, "position", None)


def _bounds(contract: list[Any]) -> tuple[list[Any], int, int | None]:
    """(contracts of the items, fewest items, most items) of a list contract."""
    shapes = list(contract)
    numbers: list[int] = []
    while len(shapes) > 1 and len(numbers) < 2 and _is_number(shapes[-1]):
        numbers.insert(0, shapes.pop())
    if len(numbers) == 2:
        return shapes, numbers[0], numbers[1]
    if numbers:
        return shapes, numbers[0], None
    return shapes, len(shapes) if len(shapes) > 1 else 0, None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: Any) -> str:
    if value is NO_VALUE:
        return "nothing"
    text = repr(value)
    return text if len(text) <= SHORT else text[:SHORT] + "…"


# The functions. Each gets the value as receiver and the Check from the context.


def _state(context: Any) -> Check:
    found: Check = context[STATE]
    return found


def to_string(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, Reference):
        return value.real.id
    raise ContractViolation(f"{_short(value)} is no string")


def to_int(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, (int, float, str)):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise ContractViolation(f"{_short(value)} is no whole number")


def to_bool(value: Any) -> bool | None:
    return None if value is None else bool(value)


def not_null(value: Any) -> Any:
    if value is None:
        raise ContractViolation("null is not allowed here")
    return value


def check(value: Any, predicate: Any, message: Any = None) -> Any:
    if predicate(value):
        return value
    raise ContractViolation(str(message) if message else f"{_short(value)} does not pass the check")


def owned(value: Any, context: Any) -> Any:
    return _ownership(_state(context), value, True)


def not_owned(value: Any, context: Any) -> Any:
    return _ownership(_state(context), value, False)


def _ownership(state: Check, value: Any, wanted: bool) -> Any:
    if value is None or state.template:
        return value
    if not isinstance(value, Reference):
        raise ContractViolation(f"{_short(value)} is no object")
    this = state.this.real if isinstance(state.this, Reference) else None
    is_owned = this is not None and value.real.owned_by(this)
    if is_owned is not wanted:
        raise ContractViolation(f"{value!r} is {'not ' if wanted else ''}owned by {this!r}")
    return value


def to_class(value: Any, context: Any, name: Any, default: Any = None, version: Any = None) -> Any:
    """A reference to an object of the class. What describes one becomes one, owned by this object."""
    return _to_class(_state(context), value, name, default, version)


def _to_class(state: Check, value: Any, name: Any, default: Any = None, version: Any = None) -> Any:
    kind = state.session.resolve_type(name, state.kind, version)
    usual = state.session.resolve_type(default, state.kind, version) if default is not None else None
    if value is None:
        if usual is None or state.template:
            return None
        value = {}
    if isinstance(value, TypeObject):
        raise ContractViolation(f"{value!r} is a type, not an object of one")
    if state.template:
        return _template(state, value, kind, usual)
    found = _as_object(state, value, usual or kind)
    fitting = found.kind.compatible(kind, state.session.requirement(state.kind, kind))
    if fitting is None:
        raise ContractViolation(f"{found!r} is no {kind.name} ({kind.version})")
    return found


def _as_object(state: Check, value: Any, kind: MuranoType) -> MuranoObject:
    if isinstance(value, Reference):
        return value.real
    if isinstance(value, str):
        return state.session.store.require(value)
    if not isinstance(value, Mapping):
        raise ContractViolation(f"{_short(value)} is no object")
    if state.dry:
        raise ContractViolation(f"{_short(value)} would have to become an object first")
    owner = state.this.real if isinstance(state.this, Reference) else None
    with_defaults = value
    if isinstance(state.default, Mapping) and "?" not in state.default:
        with_defaults = {**state.default, **value}
    return state.session.store.load(with_defaults, owner, kind, state.kind)


def template(value: Any, context: Any, name: Any, exclude_properties: Any = ()) -> Any:
    """The description of an object, checked as if it were made; excluded properties are not checked, as
    they are given later."""
    state = _state(context)
    if value is None:
        return None
    kind = state.session.resolve_type(name, state.kind)
    return _template(state.with_template(exclude_properties), value, kind, None)


def _template(state: Check, value: Any, kind: MuranoType, usual: MuranoType | None) -> Any:
    session = state.session
    if isinstance(value, Reference):
        return session.store.describe(value.real)
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        raise ContractViolation(f"{_short(value)} describes no object")
    model = session.store.normalized(value, usual or kind, state.kind)
    actual = session.store.type_of(model, state.kind)
    if actual.compatible(kind, session.requirement(state.kind, kind)) is None:
        raise ContractViolation(f"{actual.name} is no {kind.name}")
    found = dict(model)
    for prop in session.input_properties(actual):
        if prop.name in state.excluded:
            continue
        given = model.get(prop.name, NO_VALUE)
        if given is NO_VALUE:
            given = prop.default if prop.has_default else NO_VALUE
        nested = Check(session, prop.declared_by, state.this, template=True)
        checked = nested.apply(prop.contract, given, f"{actual.name}.{prop.name}")
        if prop.name in model:
            found[prop.name] = checked
    return frozen(found)


@functools.cache
def functions() -> tuple[Any, ...]:
    """The functions as definitions that YAQL can register; methods all, so `$.int()` and not `int($)`."""
    from yaql.language import specs, yaqltypes

    check_ = specs.parameter("predicate", yaqltypes.Lambda())(check)
    to_class_ = specs.parameter("version", nullable=True, value_type=object)(to_class)
    rows = {
        "string": to_string,
        "int": to_int,
        "bool": to_bool,
        "notNull": not_null,
        "check": check_,
        "owned": owned,
        "notOwned": not_owned,
        "class": to_class_,
        "template": template,
    }
    from yaql.language.conventions import CamelCaseConvention

    return tuple(
        specs.get_function_definition(
            fn, name=name, method=True, function=False, convention=CamelCaseConvention()
        )
        for name, fn in rows.items()
    )


def _steps(node: Any) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """(function, arguments) of a contract that is `$` or `$.f(…).g(…)`, of functions in CHAINED alone and
    with positional arguments; empty for every other one."""
    steps: list[tuple[str, tuple[Any, ...]]] = []
    while isinstance(node, ast.BinaryOperator) and node.operator == ".":
        node, call = node.args
        if type(call) is not ast.Function or call.name not in CHAINED:
            return ()
        if any(isinstance(one, ast.MappingRuleExpression) or _is_arrow(one) for one in call.args):
            return ()
        if not FEWEST[call.name] <= len(call.args) <= MOST[call.name]:
            return ()
        steps.insert(0, (call.name, tuple(call.args)))
    return tuple(steps) if isinstance(node, ast.GetContextValue) and node.path.value == "$" else ()


def _is_arrow(node: Any) -> bool:
    return getattr(node, "operator", None) == "=>"


def _checked(state: Check, value: Any, predicate: Any, message: Any = None) -> Any:
    told = None if message is None else state.argument(message, value)
    return check(value, lambda one: state.argument(predicate, one), told)


def _classed(state: Check, value: Any, *nodes: Any) -> Any:
    return _to_class(state, value, *(state.argument(node, value) for node in nodes))


CHAINED: dict[str, Any] = {
    "string": lambda state, value: to_string(value),
    "int": lambda state, value: to_int(value),
    "bool": lambda state, value: to_bool(value),
    "notNull": lambda state, value: not_null(value),
    "owned": lambda state, value: _ownership(state, value, True),
    "notOwned": lambda state, value: _ownership(state, value, False),
    "class": _classed,
    "check": _checked,
}
FEWEST = dict.fromkeys(CHAINED, 0) | {"class": 1, "check": 1}
MOST = dict.fromkeys(CHAINED, 0) | {"class": 3, "check": 2}


class ContractType:
    """Whether a value could be the first argument of an extension method, as YAQL asks it."""

    def __init__(self, session: Session, kind: MuranoType, contract: Any) -> None:
        self.check = Check(session, kind, dry=True)
        self.contract = contract

    def takes(self, value: Any) -> bool:
        try:
            converted = self.check.apply(self.contract, value, "receiver")
        except MuranoPlError:
            return False
        # What merely can be converted is another type: 2.foo() is not for an extension of strings.
        return type(converted) is type(value) or isinstance(value, (Reference, Mapping, Sequence))
