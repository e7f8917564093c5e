"""YAQL in UI definitions: the dialect that upstream's dashboard speaks, evaluated under a budget.

It is YAQL with the rules of version 0.2 (`$.form.field` of a missing key is null, `a => b` is a pair, most
functions are methods too), without the operators of MuranoPL.
"""

from __future__ import annotations

import datetime
import functools
import math
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from knarr.services.application_catalog.forms.budget import ITERATIONS, LARGEST, MEMORY, Budget
from knarr.services.application_catalog.forms.faults import ExpressionFault
from knarr.services.application_catalog.forms.functions import ObjectId
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.language.values import frozen

LONGEST = 16 * 1024
OPTIONS = {"yaql.limitIterators": ITERATIONS, "yaql.memoryQuota": MEMORY}
STATE = "$?state"
PROPERTY = "#property#"  # how YAQL calls the function that it looks for if a value has no parts
_parser_mutex = threading.Lock()  # the parser keeps its state in itself


@functools.cache
def engine() -> Any:
    """The engine of forms, made once for each process."""
    import collections.abc  # noqa: F401  yaql uses it without importing it

    from yaql import legacy

    return legacy.YaqlFactory().create(dict(OPTIONS))


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[Any, str]:
    """The syntax tree, or what is wrong: an error that is kept would keep all that saw it."""
    from yaql.language.exceptions import YaqlParsingException

    with _parser_mutex:
        try:
            return engine()(text).expression, ""
        except YaqlParsingException as error:
            return None, str(error) or "it cannot be parsed"
        except RecursionError:
            return None, "the expression is nested too deeply"


def parse(text: str) -> Any:
    """The syntax tree of an expression. Raises ValueError."""
    if len(text) > LONGEST:
        raise ValueError(f"an expression may have {LONGEST} characters")
    tree, problem = _parsed(text)
    if problem:
        raise ValueError(problem)
    return tree


@functools.cache
def _base() -> Any:
    """The context with all functions; those that could run away are bounded."""
    from yaql import legacy
    from yaql.language.contexts import Context

    from knarr.services.application_catalog.forms import functions, guards

    class Counted(Context):
        """A context that counts what is called in it, and whose descendants count on."""

        def collect_functions(self, name: str, predicate: Any = None, use_convention: bool = False) -> Any:
            state = self[STATE]
            if state is not None:
                state.budget.call()
            return super().collect_functions(name, predicate, use_convention)

    standard = legacy.create_context()
    guards.install(standard)
    made = Counted(standard)
    functions.register(made)
    return made


class Evaluator:
    """Evaluates expressions for one request. `state` is what the functions of forms look at; it has the
    budget as `state.budget`."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.budget: Budget = state.budget
        self._root = _base().create_child_context()
        self._root[STATE] = state

    def context(self, data: Any, variables: Mapping[str, Any]) -> Any:
        """A context in which `$` is the data and each variable has its `$name`."""
        made = self._root.create_child_context()
        made["$"] = frozen(data)
        for name, content in variables.items():
            made[name] = content
        return made

    def evaluate(self, value: Any, context: Any, depth: int = 0) -> Any:
        """The value with all expressions in it evaluated, as plain data: None, bool, int, float, str, list,
        dict. What an expression gives is evaluated again, so that templates unfold.

        Raises ExpressionFault with the expression's place.
        """
        self.budget.value(depth)
        if isinstance(value, Expression):
            return self._expression(value, context, depth)
        if value is None or isinstance(value, (str, bool, int, float)):
            return _scalar(value)
        if isinstance(value, Mapping):
            return {
                self._key(key, context, depth): self.evaluate(item, context, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, datetime.datetime):
            return value.isoformat()
        if isinstance(value, ObjectId):
            return value
        if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
            return [self.evaluate(item, context, depth + 1) for item in value]
        raise ExpressionFault(f"a value of the kind {type(value).__name__} cannot be part of the result")

    def _key(self, key: Any, context: Any, depth: int) -> Any:
        made = self.evaluate(key, context, depth + 1)
        if isinstance(made, (list, dict)):
            raise ExpressionFault("a key must be a scalar", getattr(key, "position", None))
        return made

    def _expression(self, expression: Expression, context: Any, depth: int) -> Any:
        position = expression.position
        try:
            result = self.run(expression, context)
            return self.evaluate(result, context, depth + 1)
        except ExpressionFault as fault:
            raise _placed(fault, expression) from None
        except RecursionError:
            raise ExpressionFault("expressions are nested too deeply", position) from None
        except Exception as error:
            raise ExpressionFault(_explained(expression, error), position) from None

    def run(self, expression: Expression, context: Any) -> Any:
        """What an expression gives, as YAQL gives it. Raises ExpressionFault."""
        from yaql.language.utils import NO_VALUE

        try:
            return expression.compiled(NO_VALUE, context, engine())
        except ExpressionFault as fault:
            raise _placed(fault, expression) from None
        except RecursionError:
            raise ExpressionFault("expressions are nested too deeply", expression.position) from None
        except Exception as error:
            raise ExpressionFault(_explained(expression, error), expression.position) from None

    def truth(self, expression: Any, context: Any) -> bool:
        """Whether an expression (or a value that is none) holds."""
        return bool(self.evaluate(expression, context))


def _scalar(value: Any) -> Any:
    """The value if JSON has it. Raises ExpressionFault."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ExpressionFault("a text has half of a surrogate pair in it") from None
    elif isinstance(value, float) and not math.isfinite(value):
        raise ExpressionFault(f"{value} is no number that JSON has")
    elif isinstance(value, int) and abs(value) >= LARGEST:
        raise ExpressionFault("a whole number is larger than 64 bits hold")
    return value


def _placed(fault: ExpressionFault, expression: Expression) -> ExpressionFault:
    """The fault with a place, if it has none of its own."""
    if fault.position is not None:
        return fault
    return type(fault)(f"{_short(expression)}: {fault.message}", expression.position)


def _explained(expression: Expression, error: Exception) -> str:
    from yaql.language import exceptions as yaql

    text = str(error)[:300] or type(error).__name__
    if isinstance(error, yaql.MemoryQuotaExceededException):
        text = f"a value takes more than {MEMORY} bytes"
    elif isinstance(error, yaql.CollectionTooLargeException):
        text = f"a collection has more than {ITERATIONS} values"
    elif isinstance(error, yaql.NoFunctionRegisteredException) and PROPERTY in text:
        name = text.partition(PROPERTY)[2].strip('"')
        text = f"what is before .{name} is null or has no parts"
    elif isinstance(error, (yaql.NoFunctionRegisteredException, yaql.NoMethodRegisteredException)):
        text += " (text that is no expression must be quoted)"
    elif isinstance(error, (yaql.NoMatchingFunctionException, yaql.NoMatchingMethodException)):
        hint = "$index is there in what repeat makes only" if "$index" in expression.text else ""
        text += f" ({hint or 'is something null on the way, or of another type?'})"
    return f"{_short(expression)} cannot be evaluated: {text}"


def _short(expression: Expression) -> str:
    text = " ".join(expression.text.split())
    return text if len(text) <= 100 else text[:97] + "…"
