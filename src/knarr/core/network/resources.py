"""What all collections of the network API share: who sees what, filters, fields, paging, revisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, or_, select
from sqlalchemy.orm import Session

from knarr.core.network.errors import fault
from knarr.core.network.models import Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Forbidden
from knarr.kernel.listing import Listing
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

Filter = Callable[[str, list[str]], ColumnElement[bool]]
Views = Callable[[Request, Session, Sequence[Any]], list[dict[str, Any]]]

PAGING = frozenset({"limit", "marker", "page_reverse", "sort_key", "sort_dir", "sort", "fields"})
BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def equals(column: Any) -> Filter:
    return lambda _name, values: column.in_(values) if len(values) > 1 else column == values[0]


def is_true(column: Any) -> Filter:
    def condition(name: str, values: list[str]) -> ColumnElement[bool]:
        wanted = [BOOLEANS.get(value.lower()) for value in values]
        if None in wanted:
            raise BadRequest(f"Invalid value for '{name}': use true or false.")
        found: ColumnElement[bool] = column.in_(wanted)
        return found

    return condition


def chosen(condition: ColumnElement[bool], name: str, values: list[str]) -> ColumnElement[bool]:
    """The condition or its contrary, as the values of a yes-or-no filter ask."""
    wanted = {BOOLEANS.get(value.lower()) for value in values}
    if None in wanted:
        raise BadRequest(f"Invalid value for '{name}': use true or false.")
    return or_(False, *(condition if one else ~condition for one in wanted))


def number(column: Any) -> Filter:
    def condition(name: str, values: list[str]) -> ColumnElement[bool]:
        if not all(value.removeprefix("-").isdecimal() and len(value) < 10 for value in values):
            raise BadRequest(f"Invalid value for '{name}': use a number.")
        found: ColumnElement[bool] = column.in_([int(value) for value in values])
        return found

    return condition


def since(column: Any) -> Filter:
    """Rows whose column is of this moment (UTC, ISO 8601) or later."""

    def condition(name: str, values: list[str]) -> ColumnElement[bool]:
        found: ColumnElement[bool] = column >= max(_moment(name, value) for value in values)
        return found

    return condition


def at(column: Any) -> Filter:
    """Rows whose column is of one of these moments, to the second as they are shown."""

    def condition(name: str, values: list[str]) -> ColumnElement[bool]:
        moments = [_moment(name, value) for value in values]
        return or_(*((column >= one) & (column < one + timedelta(seconds=1)) for one in moments))

    return condition


def _moment(name: str, text: str) -> datetime:
    found = None
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
    if found is None or not 1970 <= found.year < 9999:
        raise BadRequest(f"Invalid value for '{name}': use a time as 2026-01-31T12:00:00.")
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def always(value: str) -> Filter:
    """The filter of an attribute that is the same everywhere."""
    from sqlalchemy import false, true

    return lambda _name, values: true() if value in values else false()


def _tagged(column: Any, any_of: bool) -> Filter:
    def condition(_name: str, values: list[str]) -> ColumnElement[bool]:
        tags = [tag for value in values for tag in value.split(",") if tag]
        tests = [column.in_(select(Tag.resource_id).where(Tag.tag == tag)) for tag in tags]
        if any_of:
            return or_(False, *tests)
        combined: ColumnElement[bool] = column.is_not(None)
        for test in tests:
            combined = combined & test
        return combined

    return condition


def _negated(inner: Filter) -> Filter:
    return lambda name, values: ~inner(name, values)


def standard_filters(model: Any) -> dict[str, Filter]:
    tags, tags_any = _tagged(model.id, False), _tagged(model.id, True)
    return {
        **{name: equals(getattr(model, name)) for name in ("id", "project_id", "description")},
        "tenant_id": equals(model.project_id),
        "revision_number": number(model.revision_number),
        "created_at": at(model.created_at),
        "updated_at": at(model.updated_at),
        "changed_since": since(model.updated_at),
        "tags": tags,
        "tags-any": tags_any,
        "not-tags": _negated(tags),
        "not-tags-any": _negated(tags_any),
    }


@dataclass(frozen=True)
class Resource:
    """A kind of thing. `views` turns rows into answers with one query for each side table; `visible` is the
    condition under which somebody who is no administrator sees a row.
    """

    singular: str
    plural: str
    model: Any
    views: Views
    not_found: str
    filters: Mapping[str, Filter] = field(default_factory=dict)
    sortable: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names of the API to sort by, and the columns that they are."""
    visible: Callable[[RequestContext], ColumnElement[bool]] | None = None
    standard: bool = True
    """Whether the model has Neutron's standard attributes."""

    @property
    def key(self) -> str:
        """The name under which a list stands: Neutron's element names have underscores."""
        return self.plural.replace("-", "_")

    @property
    def listing(self) -> Listing:
        standard = ("project_id", "description", "created_at", "updated_at", "revision_number")
        sortable = (*standard, *self.sortable) if self.standard else self.sortable
        return Listing(
            self.model,
            sortable=sortable,
            default_sort=(("id", "asc"),),
            limited=False,
            zero_is_all=True,
            aliases={"tenant_id": "project_id", **self.aliases},
        )

    def seen(self, stmt: Select[Any], ctx: RequestContext) -> Select[Any]:
        if ctx.is_admin:
            return stmt
        if self.visible is not None:
            return stmt.where(self.visible(ctx))
        return stmt.where(self.model.project_id == ctx.project_id)

    def columns(self) -> Select[Any]:
        """All columns as rows instead of entities, which cost several times as much on a list."""
        return select(*self.model.__table__.columns)

    def load(self, session: Session, ctx: RequestContext, ident: str, lock: bool = False) -> Any:
        """The row, or 404 by the resource's own name if it is not there or nothing of the caller's."""
        stmt = self.seen(self.columns().where(self.model.id == ident), ctx)
        row = session.execute(stmt.with_for_update() if lock else stmt).first()
        if row is None:
            raise fault(self.not_found, id=ident)
        return row


def list_all(req: Request, resource: Resource) -> dict[str, Any]:
    stmt = seen = resource.seen(resource.columns(), req.ctx)
    for name, values in req.params.items():
        if name in PAGING:
            continue
        test = resource.filters.get(name)
        if test is None:
            known = ", ".join(sorted(resource.filters))
            raise BadRequest(f"'{name[:64]}' is no attribute to filter {resource.plural} by. Known: {known}.")
        stmt = stmt.where(test(name, values))
    paging = resource.listing.paging(req)
    with req.db.read() as session:
        page = resource.listing.fetch(session, stmt, paging, seen)
        views = resource.views(req, session, page.rows)
    links = _links(req, resource, [view["id"] for view in views], paging.limit, paging.reverse)
    answer: dict[str, Any] = {resource.key: only_fields(req, views)}
    if links:
        answer[f"{resource.key}_links"] = links
    return answer


def show_one(req: Request, resource: Resource, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        row = resource.load(session, req.ctx, ident)
        views = resource.views(req, session, [row])
    return {resource.singular: only_fields(req, views)[0]}


def only_fields(req: Request, views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = {name for name in req.params.get("fields", ()) if name}
    if not wanted:
        return views
    return [{name: value for name, value in view.items() if name in wanted} for view in views]


def _links(
    req: Request, resource: Resource, ids: list[str], limit: int | None, reverse: bool
) -> list[dict[str, str]]:
    """`next` and `previous` as Neutron gives them: only with a limit, by the ids at the ends of the page."""
    if not limit or not ids:
        return []
    full = len(ids) >= limit
    links = []
    if full or reverse:
        links.append({"rel": "next", "href": _link(req, ids[-1], False)})
    if full or not reverse:
        links.append({"rel": "previous", "href": _link(req, ids[0], True)})
    return links


def _link(req: Request, marker: str, reverse: bool) -> str:
    skipped = ("marker", "page_reverse")
    params = [(k, v) for k, values in req.params.items() if k not in skipped for v in values]
    params.append(("marker", marker))
    if reverse:
        params.append(("page_reverse", "True"))
    return f"{req.url(req.path)}?{urlencode(params)}"


def when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def standard_view(row: Any, tags: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "id": row.id,
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "description": row.description,
        "revision_number": row.revision_number,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
        "tags": tags.get(row.id, []),
    }


# What of many things is asked for with each list: statements are made once, and get the ids.
IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_TAGS = select(Tag.resource_id, Tag.tag).where(Tag.resource_id.in_(IDS)).order_by(Tag.tag)


def tags_of(session: Session, ids: Iterable[str]) -> dict[str, list[str]]:
    return grouped(session, _TAGS, list(ids))


def grouped(session: Session, stmt: Any, ids: list[str]) -> dict[str, list[Any]]:
    """{first column: [second column, …]} of a statement for IDS."""
    found: dict[str, list[Any]] = {}
    for key, value in session.execute(stmt, {"ids": ids}):
        found.setdefault(key, []).append(value)
    return found


def owner(req: Request, body: Any) -> str:
    """Whose the new thing is to be. Only administrators (and services) make things for others."""
    asked = {value for value in (body.project_id, body.tenant_id) if value}
    if len(asked) > 1:
        raise BadRequest("'project_id' and 'tenant_id' differ: give one of them.")
    own = req.ctx.project_id
    if not asked and not own:
        raise BadRequest("'project_id' is required, for the token has no project.")
    wanted = str(asked.pop() if asked else own)
    if wanted != own and not {"admin", "service", "advsvc"} & set(req.ctx.roles):
        raise Forbidden("Policy doesn't allow 'project_id' to be another project than the token's.")
    return wanted


def target(project_id: str, **more: Any) -> dict[str, Any]:
    return {"project_id": project_id, "tenant_id": project_id, **more}


def authorize(
    req: Request, action: str, body: Any, guarded: Mapping[str, str], aim: Mapping[str, Any]
) -> None:
    """Check the action, and the rule of each guarded attribute that the body really sets."""
    req.authorize(action, aim)
    for name, attribute in guarded.items():
        value = getattr(body, name, UNSET)
        if value is UNSET or value is None or value is False:
            continue
        rule = f"{action}:{attribute}"
        if not req.allows(rule, aim):
            raise Forbidden(f"Policy doesn't allow '{attribute}' to be set ({rule}).")


def given(body: Any, names: Iterable[str]) -> dict[str, Any]:
    """What the body sets of these columns."""
    return {n: v for n in names if (v := getattr(body, n, UNSET)) is not UNSET and v is not None}


def touched(row: Any, **values: Any) -> dict[str, Any]:
    """Values for an UPDATE of the row, with what every update changes."""
    return {**values, "revision_number": row.revision_number + 1, "updated_at": utcnow()}


def check_revision(req: Request, row: Any) -> None:
    """Honour `If-Match: revision_number=N`."""
    header = req.header("If-Match")
    if not header:
        return
    name, _, wanted = header.partition("=")
    if name.strip() != "revision_number" or not wanted.strip().isdecimal() or len(wanted) > 20:
        raise BadRequest("Invalid header 'If-Match': use revision_number=N.")
    if int(wanted) != row.revision_number:
        raise fault("RevisionNumberConstraintFailed", wanted=wanted, actual=row.revision_number)


def bodies(req: Request) -> list[Any]:
    return req.body if isinstance(req.body, list) else [req.body]


def created(req: Request, resource: Resource, ids: list[str]) -> dict[str, Any]:
    """The answer to a create: one under the singular, what came in bulk under the plural."""
    with req.db.read() as session:
        rows = {row.id: row for row in session.execute(resource.columns().where(resource.model.id.in_(ids)))}
        views = resource.views(req, session, [rows[ident] for ident in ids])
    if isinstance(req.body, list):
        return {resource.key: views}
    return {resource.singular: views[0]}


def charge(req: Request, session: Session, project_id: str, **deltas: int) -> None:
    from knarr.kernel.errors import OverQuota

    try:
        req.runtime.quotas("network").charge(session, project_id, deltas)
    except OverQuota as error:
        raise fault("OverQuota", why=error.detail) from None
