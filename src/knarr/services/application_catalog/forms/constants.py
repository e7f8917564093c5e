"""Finds text that is taken for an expression, such as `image: ubuntu-22.04`, before any user does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from knarr.services.application_catalog.forms.budget import Allowance, Budget
from knarr.services.application_catalog.forms.faults import BudgetExceeded, DefinitionFault, ExpressionFault
from knarr.services.application_catalog.forms.scope import Scope
from knarr.services.application_catalog.language.source import Expression

ALLOWANCE = Allowance(seconds=2.0, calls=20_000, values=20_000)


class ConstantCheck:
    """Evaluates expressions that depend on nothing: neither on a variable nor on a call."""

    def __init__(self) -> None:
        self._scope = Scope(Budget(ALLOWANCE), {})

    def wrong(self, value: Any, what: str) -> Iterator[DefinitionFault]:
        """What can never be evaluated in a structure."""
        if isinstance(value, Expression):
            if not self._can_be_evaluated(value):
                yield DefinitionFault(
                    f"{what}: {value.text[:80]!r} is read as an expression and cannot be evaluated: "
                    "quote it if it is text",
                    value.position,
                )
        elif isinstance(value, Mapping):
            for key, item in value.items():
                yield from self.wrong(key, what)
                yield from self.wrong(item, what)
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield from self.wrong(item, what)

    def _can_be_evaluated(self, expression: Expression) -> bool:
        if "$" in expression.text or "(" in expression.text:
            return True
        try:
            self._scope.value(expression, None)
        except BudgetExceeded:
            return True  # whoever uses it will learn of it
        except ExpressionFault:
            return False
        return True
