"""What the handlers share:

the backend, links, list filters, looking things up, and writing with upstream's conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import orjson
from msgspec import UNSET
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from knarr.core.identity.backend import EmbeddedIdentity, embedded
from knarr.core.identity.models import DEFAULT_DOMAIN, Project
from knarr.kernel.errors import BadRequest, Conflict, NotFound
from knarr.kernel.listing import Listing, next_link
from knarr.kernel.web import Request

E = TypeVar("E")
View = dict[str, Any]

FALSE = frozenset({"0", "false", "f", "no", "off"})
TRUE = frozenset({"1", "true", "t", "yes", "on", ""})

# Upstream's comparators: `?name__contains=web`. Those beginning with i do not look at the case.
COMPARATORS: dict[str, Callable[[Any, str], ColumnElement[bool]]] = {
    "contains": lambda column, value: column.contains(value, autoescape=True),
    "startswith": lambda column, value: column.startswith(value, autoescape=True),
    "endswith": lambda column, value: column.endswith(value, autoescape=True),
    "icontains": lambda column, value: func.lower(column).contains(value.lower(), autoescape=True),
    "istartswith": lambda column, value: func.lower(column).startswith(value.lower(), autoescape=True),
    "iendswith": lambda column, value: func.lower(column).endswith(value.lower(), autoescape=True),
    "iexact": lambda column, value: func.lower(column) == value.lower(),
}

MAX_PAGE = 10000
BY_ID = (("id", "asc"),)


def identity(req: Request) -> EmbeddedIdentity:
    return embedded(req.runtime)


def caller(req: Request) -> str:
    """The id of the user who asks; routes that are not public always have one."""
    return str(req.ctx.user_id)


def link(req: Request, *parts: str) -> str:
    return req.url("/".join(("/v3", *parts)))


def linked(req: Request, view: View, *parts: str) -> View:
    view["links"] = {"self": link(req, *parts)}
    return view


def collection(
    req: Request, key: str, views: Sequence[View], path: str, following: str | None = None
) -> View:
    """{key: [...], links: {self, next, previous}} as all of Keystone's lists are."""
    links = {"next": following, "self": link(req, path), "previous": None}
    return {key: views, "links": links}


def one(req: Request, name: str) -> str | None:
    """The value of a query parameter, the last if it was given more than once."""
    values = req.params.get(name)
    return values[-1] if values else None


def flag(req: Request, name: str) -> bool:
    """A query parameter that is true by standing there (`?effective`) unless its value says no."""
    value = one(req, name)
    return value is not None and _boolean(name, value)


def matching(
    stmt: Select[Any], req: Request, columns: Mapping[str, InstrumentedAttribute[Any]]
) -> Select[Any]:
    """The statement narrowed by the query parameters that name a column, with upstream's comparators."""
    for parameter, values in req.params.items():
        name, _, comparator = parameter.partition("__")
        column = columns.get(name)
        if column is None:
            continue
        if not comparator:
            stmt = stmt.where(_equals(name, column, values))
        elif comparator in COMPARATORS:
            stmt = stmt.where(*(COMPARATORS[comparator](column, value) for value in values))
        else:
            known = ", ".join(sorted(COMPARATORS))
            raise BadRequest(f"{parameter} is no filter: after {name}__ comes one of {known}.")
    return stmt


def page(
    req: Request,
    session: Session,
    stmt: Select[Any],
    model: Any,
    sortable: Iterable[str] = ("name",),
) -> tuple[list[Any], str | None]:
    """The rows, by id unless the query sorts them, `limit` of them behind `marker`, and the next link."""
    keys = tuple(name for name in sortable if hasattr(model, name))
    listing = Listing(model, sortable=keys, default_sort=BY_ID, max_limit=MAX_PAGE, limited=False)
    found = listing.fetch(session, stmt, listing.paging(req))
    return [row[0] for row in found.rows], next_link(req, found)


def listed(
    req: Request,
    key: str,
    stmt: Select[Any],
    model: Any,
    view: Callable[[Request, Any], View],
    *,
    path: str = "",
    sortable: Iterable[str] = ("name",),
) -> View:
    """The page of the statement's rows that the query asks for; `path` is the list's own, below /v3."""
    with req.db.read() as session:
        rows, following = page(req, session, stmt, model, sortable)
    return collection(req, key, [view(req, row) for row in rows], path or key, following)


def add(req: Request, session: Session, row: E, body: Any, view: Callable[[Request, E], View]) -> None:
    """Store a new row, with the attributes of the users' own that its body has."""
    session.add(row)
    session.flush()
    keep_extra(row, body, view(req, row))


def load(session: Session, model: type[E], ident: str, what: str) -> E:
    entity = session.get(model, ident)
    if entity is None:
        raise missing(what, ident)
    return entity


def check_domain(session: Session, domain_id: str) -> Project:
    """The domain of that id; NotFound if there is none."""
    domain = session.get(Project, domain_id)
    if domain is None or not domain.is_domain:
        raise missing("domain", domain_id)
    return domain


def missing(what: str, ident: str) -> NotFound:
    return NotFound(f"Could not find {what}: {ident[:255]}.")


@contextmanager
def writing(req: Request, what: str) -> Iterator[Session]:
    """A session for a change of identity.

    A duplicate that another request made meanwhile is a conflict as well.
    """
    try:
        with identity(req).changes.changing() as session:
            yield session
    except IntegrityError as error:
        raise Conflict(f"Conflict occurred attempting to store {what} - Duplicate entry found.") from error


def refuse_duplicate(
    session: Session, model: Any, what: str, name: str, domain_id: str, but: str | None = None
) -> None:
    """Raise Conflict if another row of the domain has the name."""
    stmt = select(model.id).where(model.name == name, model.domain_id == domain_id)
    other = session.scalar(stmt if but is None else stmt.where(model.id != but))
    if other is None:
        return
    where = f" at domain ID {domain_id}" if domain_id else ""
    raise Conflict(
        f"Conflict occurred attempting to store {what} - Duplicate entry found with name {name}{where}."
    )


def apply(entity: Any, body: Any, fields: Sequence[str]) -> None:
    """Take over the fields that the body has."""
    for name in fields:
        value = getattr(body, name)
        if value is not UNSET:
            setattr(entity, name, value)


def keep_extra(row: Any, body: Any, shown: View) -> None:
    """Keep the attributes of the users' own that a body has; `shown` is the row's view before.

    Raises BadRequest for what the service itself shows and nobody sets, unless it stays as it is: then a
    client sends back what it was shown.
    """
    own = dict(row.extra or {})
    for name, value in body.extra.items():
        if name in shown and name not in own:
            if name != "links" and shown[name] != value:
                raise BadRequest(f"{name[:64]} cannot be set.")
            continue
        if not 0 < len(name) <= 255:
            raise BadRequest(f"{name[:64]!r}: the name of an attribute has 1 to 255 characters.")
        try:
            orjson.dumps(value)
        except TypeError as error:
            raise BadRequest(f"{name} cannot be stored: {error}.") from None
        own[name] = value
    row.extra = own


def domain_for(req: Request, domain_id: Any) -> str:
    """The domain that a new thing belongs to:

    the one asked for, else that of the token, else the default one.
    """
    if isinstance(domain_id, str):
        return domain_id
    return req.ctx.domain_id or DEFAULT_DOMAIN


def in_visible_domain(
    req: Request, stmt: Select[Any], rule: str, column: InstrumentedAttribute[Any]
) -> Select[Any]:
    """The statement narrowed to the one domain of `visible_domain`, if it is one."""
    domain_id = visible_domain(req, rule)
    return stmt if domain_id is None else stmt.where(column == domain_id)


def visible_domain(req: Request, rule: str) -> str | None:
    """None if the caller may list everything, else the one domain that a domain-scoped token may list.

    Raises Forbidden for all others.
    """
    if req.allows(rule, {}):
        return None
    # Without the check a token for no domain would match a domain named None.
    req.authorize(rule, {"target.domain_id": req.ctx.domain_id} if req.ctx.domain_id else {})
    return str(req.ctx.domain_id)


def _equals(name: str, column: InstrumentedAttribute[Any], values: list[str]) -> ColumnElement[bool]:
    if column.type.python_type is bool:
        return column.is_(_boolean(name, values[-1]))
    return column == values[0] if len(values) == 1 else column.in_(values)


def _boolean(name: str, value: str) -> bool:
    text = value.lower()
    if text in FALSE:
        return False
    if text in TRUE:
        return True
    raise BadRequest(f"{name} must be true or false, not {value[:64]!r}.")
