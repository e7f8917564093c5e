"""Finds text that is taken for an expression, such as `image: ubuntu-22.04`, before any user does."""

from __future__ import annotations

from collections.abc import Mapping
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

    def check(self, value: Any, what: str) -> None:
        """Look through a structure. Raises DefinitionFault with the place of what can never be evaluated."""
        if isinstance(value, Expression):
            self._expression(value, what)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self.check(key, what)
                self.check(item, what)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.check(item, what)

    def _expression(self, expression: Expression, what: str) -> None:
        if "$" in expression.text or "(" in expression.text:
            return
        try:
            self._scope.value(expression, None)
        except BudgetExceeded:
            return  # whoever uses it will learn of it
        except ExpressionFault:
            raise DefinitionFault(
                f"{what}: {expression.text[:80]!r} is read as an expression and cannot be evaluated: "
                "quote it if it is text",
                expression.position,
            ) from None
