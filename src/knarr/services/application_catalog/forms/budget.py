"""What one request may use for the expressions of a definition: time, calls of functions, values made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from knarr.services.application_catalog.forms.faults import BudgetExceeded

# Upstream's dashboard allows an iterator ten thousand values and a result one megabyte.
ITERATIONS = 10_000
MEMORY = 1_000_000
INTEGER_BITS = 4096
LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Allowance:
    """`seconds` of time, `calls` of functions and operators, `values` in what is made, `depth` of templates
    in templates."""

    seconds: float = 10.0
    calls: int = 200_000
    values: int = 100_000
    depth: int = 64
    pattern_seconds: float = 0.5


class Budget:
    """What is left of an allowance. One for each request; not shared by threads."""

    def __init__(self, allowance: Allowance | None = None) -> None:
        self.allowance = allowance or Allowance()
        self._end = time.monotonic() + self.allowance.seconds
        self._calls = 0
        self._values = 0

    def call(self) -> None:
        """Count a call of a function. Raises BudgetExceeded."""
        self._calls += 1
        if self._calls > self.allowance.calls:
            raise BudgetExceeded(f"the expressions call more than {self.allowance.calls} functions")
        if not self._calls % 16:
            self.check_time()

    def value(self, depth: int) -> None:
        """Count a value that is made, at a depth of the structure that it belongs to."""
        self._values += 1
        if self._values > self.allowance.values:
            raise BudgetExceeded(f"the expressions make more than {self.allowance.values} values")
        if depth > self.allowance.depth:
            raise BudgetExceeded(
                f"values are nested deeper than {self.allowance.depth} levels: does a template use itself?"
            )
        if not self._values % 256:
            self.check_time()

    def check_time(self) -> None:
        if time.monotonic() > self._end:
            raise BudgetExceeded(f"the expressions take longer than {self.allowance.seconds:g} seconds")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The time that others take (the cloud, a key manager) is not the definition's."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - began

    @property
    def pattern_seconds(self) -> float:
        """How long a regular expression may take now."""
        return max(0.01, min(self.allowance.pattern_seconds, self._end - time.monotonic()))
