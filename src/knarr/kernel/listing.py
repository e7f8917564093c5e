"""Lists with limit, marker, sort keys and next links: one query each, once for all services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import Session

from knarr.kernel.errors import BadRequest
from knarr.kernel.request import Request

SortKeys = tuple[tuple[str, str], ...]
DIRECTIONS = ("asc", "desc")


@dataclass(frozen=True)
class Paging:
    limit: int | None = None
    marker: str | None = None
    sort_keys: SortKeys = ()
    reverse: bool = False


@dataclass(frozen=True)
class Page:
    """The rows, and the id to go on from (None on the last page)."""

    rows: Sequence[Any]
    next_marker: str | None = None


@dataclass(frozen=True)
class Listing:
    """How a model is listed. `id` is the column that markers name; it also makes every order a total one.

    `limited` lists never answer more than `max_limit` rows; others only when a limit is asked for. With
    `zero_is_all` the limit 0 is none.
    """

    model: Any
    id: str = "id"
    sortable: tuple[str, ...] = ("created_at",)
    default_sort: SortKeys = (("created_at", "asc"),)
    max_limit: int = 1000
    limited: bool = True
    zero_is_all: bool = False
    aliases: dict[str, str] = field(default_factory=dict)

    def paging(self, req: Request) -> Paging:
        """limit, marker, sort_key, sort_dir (each may repeat), or sort=key:dir,key:dir of the query."""
        params = req.params
        limit = self._limit(params.get("limit"))
        marker = params.get("marker", [None])[-1] or None
        reverse = (params.get("page_reverse", ["false"])[-1] or "").lower() == "true"
        return Paging(limit, marker, self._sort(params), reverse)

    def fetch(
        self, session: Session, stmt: Select[Any], paging: Paging, markers: Select[Any] | None = None
    ) -> Page:
        """One page of the statement's rows. Raises BadRequest for a marker that is not there.

        `markers` are the rows that may be named as one, if there are more than the statement's: those that
        the caller sees, so that one which fits the filters no more is still a marker. What the caller does
        not see is none, or its place in an order would tell of it.
        """
        order = self._order(paging)
        markers = stmt if markers is None else markers
        if paging.marker is not None:
            stmt = stmt.where(self._behind(markers, paging.marker, order))
        stmt = stmt.order_by(*(term for column, up in order for term in _terms(column, up)))
        limit = paging.limit or (self.max_limit if self.limited else None)
        rows = _run(session, stmt.limit(limit + 1) if limit else stmt)
        if not rows and paging.marker is not None:
            self._check_marker(session, markers, paging.marker)
        more = limit is not None and len(rows) > limit
        page = rows[:limit] if more else rows
        marker = str(self._ident(page[-1])) if more and page else None
        return Page(page[::-1] if paging.reverse else page, marker)

    def _limit(self, values: list[str] | None) -> int | None:
        if not values or values[-1] == "":
            return None
        text = values[-1]
        if text == "0" and self.zero_is_all:
            return None
        if not text.isdecimal() or int(text[:18]) <= 0:
            raise BadRequest(f"Invalid value for 'limit': {text[:64]!r} is not a positive number.")
        return min(int(text[:18]), self.max_limit)

    def _sort(self, params: dict[str, list[str]]) -> SortKeys:
        if "sort" in params:
            parts = [part for value in params["sort"] for part in value.split(",") if part]
            pairs = [(key, way or "asc") for key, _, way in (part.partition(":") for part in parts)]
        else:
            keys, ways = params.get("sort_key", []), params.get("sort_dir", [])
            if ways and len(ways) not in (1, len(keys) or 1):
                raise BadRequest("'sort_dir' must be given once, or once for each 'sort_key'.")
            keys = keys or [key for key, _ in self.default_sort[:1] if ways]
            pairs = [(key, ways[n % len(ways)] if ways else "asc") for n, key in enumerate(keys)]
        for key, way in pairs:
            if self.aliases.get(key, key) not in (*self.sortable, self.id):
                known = ", ".join(sorted((*self.sortable, self.id)))
                raise BadRequest(f"Invalid value for 'sort_key': {key[:64]!r}. Known keys: {known}.")
            if way not in DIRECTIONS:
                raise BadRequest(f"Invalid value for 'sort_dir': {way[:64]!r} is neither 'asc' nor 'desc'.")
        return tuple((self.aliases.get(key, key), way) for key, way in pairs)

    def _order(self, paging: Paging) -> list[tuple[Any, bool]]:
        pairs = list(paging.sort_keys or self.default_sort)
        if self.id not in (key for key, _ in pairs):
            pairs.append((self.id, pairs[-1][1] if pairs else "asc"))
        return [(getattr(self.model, key), (way == "asc") != paging.reverse) for key, way in pairs]

    def _behind(self, markers: Select[Any], marker: str, order: list[tuple[Any, bool]]) -> Any:
        """The condition of the rows after the marker, column by column."""
        equal: list[Any] = []
        choices = []
        for column, up in order:
            at = self._of_marker(markers, marker, column).scalar_subquery()
            if _may_be_null(column):
                # Where the marker's place is between those without a value and the others
                known = self._of_marker(markers, marker, column.is_not(None)).scalar_subquery()
                over = and_(column.is_not(None), known.is_(False)) if up else and_(column.is_(None), known)
                choices.append(and_(*equal, or_(over, column > at if up else column < at)))
                equal.append(or_(column == at, and_(column.is_(None), known.is_(False))))
            else:
                choices.append(and_(*equal, column > at if up else column < at))
                equal.append(column == at)
        return or_(*choices)

    def _of_marker(self, markers: Select[Any], marker: str, what: Any) -> Select[Any]:
        ident = getattr(self.model, self.id)
        found = markers.with_only_columns(what, maintain_column_froms=True).where(ident == marker)
        return found.order_by(None).correlate(None)

    def _check_marker(self, session: Session, markers: Select[Any], marker: str) -> None:
        if session.execute(self._of_marker(markers, marker, getattr(self.model, self.id))).first() is None:
            raise BadRequest(f"Invalid value for 'marker': {marker[:64]!r} is not the id of anything here.")

    def _ident(self, row: Any) -> Any:
        fields = row._fields
        return row[fields.index(self.id)] if self.id in fields else getattr(row[0], self.id)


def _may_be_null(column: Any) -> bool:
    return bool(getattr(column.expression, "nullable", True))


def _terms(column: Any, up: bool) -> list[Any]:
    """What to order by: rows without a value come first, or last on the way down, on every database."""
    terms = [column, column.is_not(None)] if _may_be_null(column) else [column]
    return [term.asc() if up else term.desc() for term in reversed(terms)]


def _run(session: Session, stmt: Select[Any]) -> Sequence[Any]:
    """The rows. A select of columns needs nothing of the session's, whose part costs as much as the query."""
    if any(described["expr"] is described.get("entity") for described in stmt.column_descriptions):
        return session.execute(stmt).all()
    return session.connection().execute(stmt).all()


def next_link(req: Request, page: Page, paging: Paging | None = None) -> str | None:
    """The absolute address of the next page, with the parameters of this one; None on the last."""
    if page.next_marker is None:
        return None
    params = [(k, v) for k, values in req.params.items() if k != "marker" for v in values]
    return f"{req.url(req.path)}?{urlencode([*params, ('marker', page.next_marker)])}"
