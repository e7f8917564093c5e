"""What a namespace of metadata definitions holds: objects, properties and tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from knarr.core.image import metadefs
from knarr.core.image.metadefs import OBJECT, PROPERTY, TAG
from knarr.core.image.models import MetadefItem, MetadefNamespace
from knarr.core.image.schemas import Tag
from knarr.core.image.views import link
from knarr.kernel.db import affected, utcnow
from knarr.kernel.errors import BadRequest, Conflict, NotFound
from knarr.kernel.request import Request

MOST = 1000
APPEND = "X-Openstack-Append"


@dataclass(frozen=True)
class Items:
    """The handlers of one kind of item. `rules` are the policy rules of changes: add, modify, remove, and of
    the removal of all."""

    kind: str
    plural: str
    add_rule: str
    modify_rule: str
    remove_rule: str
    clear_rule: str

    def index(self, req: Request, namespace: str) -> dict[str, Any]:
        """In the order of their names, after the marker, up to the limit."""
        marker, limit = req.params.get("marker", [""])[-1], _limit(req)
        with req.db.read() as session:
            found = metadefs.load(session, req.ctx, namespace)
            stmt = self._all(found)
            if marker:
                self._find(session, found, marker)
                stmt = stmt.where(MetadefItem.name > marker)
            rows = session.scalars(stmt.order_by(MetadefItem.name).limit(limit + 1)).all()
        path = metadefs.address(found.namespace, self.plural)
        answer = self._listed(found.namespace, rows[:limit]) | {"first": link(req, path, None)}
        answer["schema"] = f"{metadefs.SCHEMA}{self.plural}"
        return answer | ({"next": link(req, path, rows[limit - 1].name)} if len(rows) > limit else {})

    def _listed(self, namespace: str, rows: Iterable[MetadefItem]) -> dict[str, Any]:
        if self.kind == PROPERTY:
            return {self.plural: {row.name: metadefs.item_view(namespace, row) for row in rows}}
        if self.kind == TAG:
            return {self.plural: [{"name": row.name} for row in rows]}
        return {self.plural: [metadefs.item_view(namespace, row) for row in rows]}

    def show(self, req: Request, namespace: str, name: str) -> dict[str, Any]:
        with req.db.read() as session:
            found = metadefs.load(session, req.ctx, namespace)
            view = metadefs.item_view(found.namespace, self._find(session, found, name))
        wanted = req.params.get("resource_type", [""])[-1]
        return self._prefixed(req, namespace, view, wanted) if wanted and self.kind != TAG else view

    def _prefixed(self, req: Request, namespace: str, view: dict[str, Any], wanted: str) -> dict[str, Any]:
        """The item with the names of properties as that type of resource has them."""
        with req.db.read() as session:
            whole = metadefs.namespaces(session, [metadefs.load(session, req.ctx, namespace)])[0]
        if self.kind == OBJECT:
            objects: list[dict[str, Any]] = metadefs.prefixed(whole | {"objects": [view]}, wanted)["objects"]
            return objects[0]
        (name,) = metadefs.prefixed(whole | {"properties": {view["name"]: {}}}, wanted)["properties"]
        return view | {"name": name}

    def create(self, req: Request, namespace: str, name: str | None = None) -> dict[str, Any]:
        item = req.body if name is None else tag(name)
        with req.db.write() as session:
            found = metadefs.load_own(session, req, namespace, self.add_rule)
            store(session, found, self.kind, [item])
            return metadefs.item_view(found.namespace, self._find(session, found, item.name))

    def update(self, req: Request, namespace: str, name: str) -> dict[str, Any]:
        """Put another in its place, perhaps with another name."""
        with req.db.write() as session:
            found = metadefs.load_own(session, req, namespace, self.modify_rule)
            row = self._find(session, found, name)
            row.name, row.body, row.updated_at = req.body.name, body(req.body), utcnow()
            taken = _taken(found, self.kind, [row.name])
            try:
                session.flush()
            except IntegrityError:
                raise taken from None
            return metadefs.item_view(found.namespace, row)

    def delete(self, req: Request, namespace: str, name: str) -> None:
        with req.db.write() as session:
            found = metadefs.load_own(session, req, namespace, self.remove_rule)
            metadefs.check_unprotected(found)
            session.delete(self._find(session, found, name))

    def clear(self, req: Request, namespace: str) -> None:
        with req.db.write() as session:
            found = metadefs.load_own(session, req, namespace, self.clear_rule)
            metadefs.check_unprotected(found)
            affected(session, delete(MetadefItem).where(*self._of(found)))

    def replace_tags(self, req: Request, namespace: str) -> dict[str, Any]:
        """Make these the tags; with the header that asks for it, keep those that there are."""
        append = (req.header(APPEND) or "").strip().lower() in ("true", "1")
        with req.db.write() as session:
            found = metadefs.load_own(session, req, namespace, "add_metadef_tags")
            if not append:
                metadefs.check_unprotected(found)
                session.execute(delete(MetadefItem).where(*self._of(found)))
            store(session, found, TAG, req.body.tags)
        return {"tags": [{"name": item.name} for item in req.body.tags]}

    def _of(self, namespace: MetadefNamespace) -> tuple[Any, ...]:
        return MetadefItem.namespace_id == namespace.id, MetadefItem.kind == self.kind

    def _all(self, namespace: MetadefNamespace) -> Any:
        return select(MetadefItem).where(*self._of(namespace))

    def _find(self, session: Session, namespace: MetadefNamespace, name: str) -> MetadefItem:
        row: MetadefItem | None = session.scalars(
            self._all(namespace).where(MetadefItem.name == name)
        ).first()
        if row is None:
            raise NotFound(
                f"The metadata definition {self.kind} with name={name[:80]} was not found in "
                f"namespace={namespace.namespace}."
            )
        return row


OBJECTS = Items(
    OBJECT, "objects", *(f"{verb}_metadef_object" for verb in ("add", "modify", "delete", "delete"))
)
PROPERTIES = Items(
    PROPERTY, "properties", *(f"{verb}_metadef_property" for verb in ("add", "modify", "remove", "remove"))
)
TAGS = Items(
    TAG,
    "tags",
    "add_metadef_tag",
    "modify_metadef_tag",
    "delete_metadef_tag",
    "delete_metadef_tags",
)


def store(session: Session, namespace: MetadefNamespace, kind: str, items: Iterable[Any]) -> None:
    """Add the items to the namespace. Raises Conflict if a name is there, or given twice."""
    rows = [
        {"namespace_id": namespace.id, "kind": kind, "name": item.name, "body": body(item)} for item in items
    ]
    if not rows:
        return
    try:
        session.execute(insert(MetadefItem), rows)
    except IntegrityError:
        raise _taken(namespace, kind, [row["name"] for row in rows]) from None


def _taken(namespace: MetadefNamespace, kind: str, names: list[str]) -> Conflict:
    return Conflict(
        f"A metadata definition {kind} with name={', '.join(names)[:255]} already exists in "
        f"namespace={namespace.namespace}."
    )


def body(item: Any) -> dict[str, Any]:
    """What is kept of an item beside its name. Raises BadRequest for numbers that cannot be kept."""
    given: dict[str, Any] = msgspec.to_builtins(item)
    given.pop("name", None)
    for definition in given.get("properties", {}).values():
        definition.pop("name", None)
    try:
        orjson.dumps(given)
    except TypeError as error:
        raise BadRequest(f"Invalid value in '{item.name}': {error}.") from None
    return given


def tag(name: str) -> Tag:
    """The tag of a name that stands in the address. Raises BadRequest if it is too long."""
    from knarr.kernel.schema import convert

    made: Tag = convert({"name": name}, Tag)
    return made


def _limit(req: Request) -> int:
    text = req.params.get("limit", [""])[-1]
    if not text:
        return MOST
    if not text.isdecimal() or int(text[:18]) <= 0:
        raise BadRequest(f"Invalid value for 'limit': {text[:64]!r} is not a positive number.")
    return min(int(text[:18]), MOST)
