"""What the expressions of one request see: parameters, templates, objects made by ref, the user's answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from knarr.services.application_catalog.forms.budget import Budget
from knarr.services.application_catalog.forms.cloud import KeyManager
from knarr.services.application_catalog.forms.expressions import Evaluator
from knarr.services.application_catalog.forms.faults import BudgetExceeded
from knarr.services.application_catalog.forms.functions import ObjectId
from knarr.services.application_catalog.language.values import frozen


class Scope:
    """One for each request. `templates` are as the definition has them; `parameters` are values."""

    def __init__(
        self, budget: Budget, templates: Mapping[str, Any], key_manager: KeyManager | None = None
    ) -> None:
        self.budget = budget
        self.templates = templates
        self.key_manager = key_manager
        self.parameters: dict[str, Any] = {}
        self.answers: Mapping[str, Any] = {}
        self.references: dict[str, tuple[dict[str, Any], ObjectId]] = {}
        self.application_name: str | None = None
        self.evaluator = Evaluator(self)
        self._depth = 0

    @contextmanager
    def nested(self) -> Iterator[int]:
        """The depth at which a function evaluates a template. Raises BudgetExceeded."""
        self._depth += 1
        try:
            if self._depth > self.budget.allowance.depth:
                raise BudgetExceeded("templates use each other without end")
            yield self._depth
        finally:
            self._depth -= 1

    def context(self, data: Any, templates: bool = False) -> Any:
        """Where `$` is the data, `$forms` all answers so far, `$name` a parameter and, if asked for, a
        template."""
        seen = {**self.parameters, "forms": frozen(self.answers)}
        return self.evaluator.context(data, {**seen, **self.templates} if templates else seen)

    def value(self, value: Any, data: Any) -> Any:
        """An attribute of a form evaluated, with `$` being the answers so far. Raises ExpressionFault."""
        return self.evaluator.evaluate(value, self.context(data))
