"""Regular expressions as UI definitions write them: plain, or between slashes with flags behind."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knarr.services.application_catalog.forms.faults import BudgetExceeded, ExpressionFault
from knarr.services.application_catalog.language import patterns
from knarr.services.application_catalog.language.errors import InvalidArguments, LimitReached

_DELIMITED = re.compile(r"/(.*)/([A-Za-z]*)\Z", re.DOTALL)
_FLAGS = {"I": re.I, "M": re.M, "S": re.S, "X": re.X, "A": re.A, "U": re.U}


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an author wrote, and what it says."""

    text: str
    source: str
    flags: int

    def search(self, value: str, seconds: float) -> bool:
        """Whether it is found in the value. Raises BudgetExceeded."""
        bound(self.source, self.flags, value, seconds)
        return re.search(self.source, value, self.flags) is not None

    def match(self, value: str, seconds: float) -> bool:
        """Whether the value begins with it. Raises BudgetExceeded."""
        bound(self.source, self.flags, value, seconds)
        return re.match(self.source, value, self.flags) is not None


def pattern(text: str) -> Pattern:
    """The pattern that a text says. Raises ValueError with what is wrong."""
    if len(text) > patterns.LONGEST_PATTERN:
        raise ValueError(
            f"a regular expression may have {patterns.LONGEST_PATTERN} characters, not {len(text)}"
        )
    source, flags = text, 0
    delimited = _DELIMITED.match(text)
    if delimited:
        source, letters = delimited.groups()
        for letter in letters.upper():
            if letter not in _FLAGS:
                raise ValueError(
                    f"there is no flag {letter!r} of regular expressions: use {', '.join(_FLAGS)}"
                )
            flags |= int(_FLAGS[letter])
    try:
        re.compile(source, flags)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise ValueError(f"{text[:80]!r} is no regular expression: {error}") from None
    return Pattern(text, source, flags)


def bound(source: str, flags: int, value: str, seconds: float) -> None:
    """Make sure that matching all over the value ends within the time.

    Raises BudgetExceeded, ExpressionFault if it is no pattern.
    """
    try:
        patterns.tried(source, flags, value, seconds)
    except LimitReached as error:
        raise BudgetExceeded(error.message) from None
    except InvalidArguments as error:
        raise ExpressionFault(error.message) from None
