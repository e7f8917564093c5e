"""Regular expressions of applications and UI definitions, kept from running without end.

Python's matcher goes back over a text again and again where a pattern is ambiguous, holds the interpreter
while it does, and nothing can stop it within the process. A pattern that could do so on a text is therefore
tried by another process first, which can be ended; the rest, which is nearly all of them, is matched at once.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from knarr.services.application_catalog.language import trials
from knarr.services.application_catalog.language.errors import InvalidArguments

LONGEST_PATTERN = 4096
SECONDS = 2.0
# Steps that a match may take at most, by a rough estimate, before it is tried elsewhere.
CHEAP = 10_000_000
REMEMBERED = 1000  # characters of a text
REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)


@functools.lru_cache(maxsize=1024)
def _shape(pattern: str, flags: int) -> tuple[int, bool]:
    """(places where the matcher has a choice, whether one is inside of a repeat)."""
    try:
        tree = parser.parse(pattern, flags)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        raise InvalidArguments(f"{pattern[:80]!r} is no regular expression: {error}") from None
    depths = list(_repeats(tree, 0))
    return len(depths), any(depths)


def _repeats(tree: Any, depth: int) -> Iterator[int]:
    """For each place where the matcher has a choice, how many repeats are around it."""
    for code, argument in tree:
        if code in REPEATS:
            least, most, inner = argument
            if least != most:
                yield depth
            yield from _repeats(inner, depth + (most > 1))
        elif code is codes.BRANCH:
            if depth:
                yield depth
            for branch in argument[1]:
                yield from _repeats(branch, depth)
        elif isinstance(argument, tuple):
            for part in argument:
                if isinstance(part, parser.SubPattern):
                    yield from _repeats(part, depth)


def tried(pattern: str, flags: int, text: str, seconds: float | None = None) -> None:
    """Raises LimitReached if the pattern takes longer on the text, InvalidArguments if it is none."""
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidArguments(f"a regular expression has {LONGEST_PATTERN} characters at most")
    try:
        choices, nested = _shape(pattern, flags)
    except RecursionError:
        raise InvalidArguments("the regular expression is nested too deeply") from None
    # A search begins at each character again, and makes each of its choices as often.
    if not nested and len(text) ** min(choices + 1, 6) <= CHEAP:
        return
    trial = trials.tried_once if len(text) <= REMEMBERED else trials.tried
    trial(pattern, flags & ~re.DEBUG, text, seconds or SECONDS)


def register(context: Any) -> None:
    """Put guarded functions of regular expressions before those of YAQL in a context."""
    from yaql.language import specs
    from yaql.language.conventions import CamelCaseConvention
    from yaql.standard_library import regex as library

    for member in vars(library).values():
        if not inspect.isfunction(member) or member.__module__ != library.__name__:
            continue
        names = inspect.signature(member).parameters
        given = next((name for name in ("regexp", "pattern") if name in names), None)
        if given is None or "string" not in names:
            continue
        definition = specs.get_function_definition(member, convention=CamelCaseConvention())
        definition.payload = _guarded(member, given)
        context.register_function(definition)


def _guarded(function: Callable[..., Any], given: str) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        values = signature.bind(*args, **kwargs).arguments
        pattern = values[given]
        if isinstance(pattern, re.Pattern):
            tried(pattern.pattern, pattern.flags, values["string"])
        else:
            tried(str(pattern), 0, values["string"])
        return function(*args, **kwargs)

    call.__signature__ = signature  # type: ignore[attr-defined]  # YAQL looks at it
    return call
