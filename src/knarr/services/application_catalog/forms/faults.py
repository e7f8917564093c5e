"""What is wrong with a UI definition, or with its evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.packages.faults import PackageFault


class DefinitionFault(PackageFault):
    """A UI definition that cannot be used. `str()` begins with file and line."""


class ExpressionFault(DefinitionFault):
    """An expression of a UI definition that has no value: it is wrong, or the values given to it are."""


class BudgetExceeded(ExpressionFault):
    """The expressions of a definition took more time, calls, values or memory than they may."""


class CloudUnavailable(Exception):
    """What a contract raises when the cloud cannot be asked. The message is shown to the user."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something in a definition that works, but not everywhere or not as its author may think."""

    message: str
    position: Position | None = None

    def __str__(self) -> str:
        return f"{self.position}: {self.message}" if self.position else self.message


def similar(word: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'?` if a known word is close, else nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word[:64], known, 1, 0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
