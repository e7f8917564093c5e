"""Filters that are not plain columns: lists that stand in memory, and times."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from knarr.core.identity.api.common import (
    BY_ID,
    COMPARATORS,
    MAX_PAGE,
    flag,
)
from knarr.kernel.errors import BadRequest
from knarr.kernel.listing import Listing, Page, next_link
from knarr.kernel.web import Request

E = TypeVar("E")

# What COMPARATORS of the columns do, for texts.
TEXT_COMPARATORS: dict[str, Callable[[str, str], bool]] = {
    "": operator.eq,
    "contains": lambda text, value: value in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "icontains": lambda text, value: value.lower() in text.lower(),
    "istartswith": lambda text, value: text.lower().startswith(value.lower()),
    "iendswith": lambda text, value: text.lower().endswith(value.lower()),
    "iexact": lambda text, value: text.lower() == value.lower(),
}

# `?password_expires_at=lt:2026-01-31T12:00:00Z`
MOMENT_COMPARATORS: dict[str, Callable[[Any, datetime], Any]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}


def among(req: Request, entries: Iterable[E], names: Sequence[str]) -> tuple[list[E], str | None]:
    """The entries that the query leaves, `limit` of them behind `marker`, and the next link.

    `names` are the attributes that may be filtered, with comparators as columns are, and `enabled`.
    """
    kept = [entry for entry in entries if _fits(req, entry, names)]
    paging = Listing(None, sortable=tuple(names), default_sort=BY_ID, max_limit=MAX_PAGE).paging(req)
    for key, way in reversed(paging.sort_keys):
        kept.sort(key=lambda entry: str(getattr(entry, key) or ""), reverse=way == "desc")
    if paging.marker is not None:
        kept = _behind(kept, paging.marker)
    end = paging.limit or len(kept)
    shown = kept[:end]
    marker = str(shown[-1].id) if len(kept) > end else None  # type: ignore[attr-defined]
    return shown, next_link(req, Page(shown, marker))


def by_moment(stmt: Select[Any], req: Request, name: str, column: InstrumentedAttribute[Any]) -> Select[Any]:
    """The statement narrowed by a time of the query, with one of MOMENT_COMPARATORS before it."""
    for text in req.params.get(name, ()):
        sign, _, rest = text.partition(":")
        known = sign in MOMENT_COMPARATORS
        compare = MOMENT_COMPARATORS[sign if known else "eq"]
        stmt = stmt.where(compare(column, _moment(name, rest if known else text)))
    return stmt


def _fits(req: Request, entry: Any, names: Sequence[str]) -> bool:
    for parameter, values in req.params.items():
        name, _, comparator = parameter.partition("__")
        if name == "enabled" and entry.enabled != flag(req, parameter):
            return False
        if name not in names:
            continue
        compare = TEXT_COMPARATORS.get(comparator)
        if compare is None:
            known = ", ".join(sorted(COMPARATORS))
            raise BadRequest(f"{parameter} is no filter: after {name}__ comes one of {known}.")
        value = getattr(entry, name)
        if value is None or not any(compare(value, wanted) for wanted in values):
            return False
    return True


def _behind(entries: list[E], marker: str) -> list[E]:
    for at, entry in enumerate(entries):
        if entry.id == marker:  # type: ignore[attr-defined]
            return entries[at + 1 :]
    raise BadRequest(f"Invalid value for 'marker': {marker[:64]!r} is not the id of anything here.")


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"{name} must be a time such as 2026-01-31T12:00:00Z, one of "
            f"{', '.join(MOMENT_COMPARATORS)} and a colon before it: not {text[:64]!r}."
        ) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
