"""The two dialects of expressions: today's YAQL, and YAQL 0.2 for packages of formats 1.0 and 1.1.

Both have the operators that MuranoPL adds: `ns:Name` and `:Name` for types, and `is`.
"""

from __future__ import annotations

import collections.abc  # noqa: F401  yaql uses it without importing it
import functools
import threading
from typing import Any

# Limits of a single expression; a session may ask for others.
OPTIONS: dict[str, Any] = {
    "yaql.limitIterators": 2000,
    "yaql.memoryQuota": 32 * 1024 * 1024,
    "yaql.convertSetsToLists": False,
    "yaql.convertTuplesToLists": False,
    "yaql.iterableDicts": True,
}

LONGEST = 32 * 1024
# What is remembered of expressions: how many, and characters of all together.
MOST_PARSED = 20_000
MOST_CHARACTERS = 4 * 1024 * 1024

Parsed = tuple[Any, str]
"""An expression's syntax tree, or what is wrong with it."""

CURRENT, LEGACY = "current", "legacy"


class Dialect:
    """A parser and a context with the standard functions. Made once for each process: see `dialect`."""

    def __init__(self, name: str, factory: Any, context: Any, options: dict[str, Any]) -> None:
        self.name = name
        self.engine = factory.create(options)
        self.context = context
        self._parsed: dict[str, Parsed] = {}
        self._kept = 0  # characters of them
        self._mutex = threading.Lock()  # the parser keeps its state in itself

    def parse(self, text: str) -> Any:
        """An expression's syntax tree, to be called with (receiver, context, engine). Raises ValueError."""
        if len(text) > LONGEST:
            raise ValueError(f"an expression has {LONGEST} characters at most")
        tree, problem = self._parsed.get(text) or self._keep(text, self._parse(text))
        if problem:
            raise ValueError(problem)
        return tree

    def _keep(self, text: str, found: Parsed) -> Parsed:
        if len(self._parsed) >= MOST_PARSED or self._kept >= MOST_CHARACTERS:
            self._parsed.clear()
            self._kept = 0
        self._parsed[text] = found
        self._kept += len(text)
        return found

    def _parse(self, text: str) -> Parsed:
        """The tree, or what is wrong: an error that is kept would keep all that saw it."""
        from yaql.language.exceptions import YaqlParsingException

        from knarr.services.application_catalog.language.quick import quickened

        with self._mutex:
            try:
                found = self.engine(text).expression
                return (found if self.name == LEGACY else quickened(found)), ""
            except YaqlParsingException as error:
                return None, str(error) or "it cannot be parsed"
            except RecursionError:
                return None, "the expression is nested too deeply"


def is_legacy(format_version: str) -> bool:
    """Whether packages of this format are written for YAQL 0.2."""
    return format_version in ("1.0", "1.1")


def dialect(legacy: bool = False) -> Dialect:
    """The dialect of the packages' format."""
    return _made(legacy)


@functools.cache
def _made(legacy: bool) -> Dialect:
    import yaql
    from yaql import legacy as old
    from yaql.language.conventions import CamelCaseConvention

    convention = CamelCaseConvention()
    if legacy:
        factory = old.YaqlFactory(allow_delegates=True)
        context = old.create_context(convention=convention, delegates=True)
    else:
        factory = yaql.YaqlFactory(allow_delegates=True)
        context = yaql.create_context(convention=convention, delegates=True)
    _add_operators(factory)
    return Dialect(LEGACY if legacy else CURRENT, factory, context, OPTIONS)


def _add_operators(factory: Any) -> None:
    from yaql.language.factory import OperatorType

    factory.insert_operator(None, True, ":", OperatorType.BINARY_LEFT_ASSOCIATIVE, True)
    factory.insert_operator(":", True, ":", OperatorType.PREFIX_UNARY, False)
    factory.insert_operator(">", True, "is", OperatorType.BINARY_LEFT_ASSOCIATIVE, False)
