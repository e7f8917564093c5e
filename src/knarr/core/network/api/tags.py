"""Tags, for every kind of resource alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, resources
from knarr.core.network.api.addressgroups import ADDRESS_GROUPS
from knarr.core.network.api.floatingips import FLOATING_IPS
from knarr.core.network.api.groups import GROUPS
from knarr.core.network.api.networks import NETWORKS
from knarr.core.network.api.qos import POLICIES
from knarr.core.network.api.routers import ROUTERS
from knarr.core.network.api.rules import RULES
from knarr.core.network.api.subnetpools import POOLS
from knarr.core.network.api.subnets import SUBNETS
from knarr.core.network.api.trunks import TRUNKS
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import Tag
from knarr.core.network.portviews import PORTS
from knarr.kernel.errors import NotFound
from knarr.kernel.request import Request

RESOURCES = (
    *(NETWORKS, SUBNETS, PORTS, GROUPS, RULES, ROUTERS, FLOATING_IPS, POLICIES, POOLS, ADDRESS_GROUPS),
    TRUNKS,
)
TAGGED = {resource.plural: resource for resource in RESOURCES}
WRITES = {"security-group-rules": "create_security_group_rule"}  # upstream has no update of rules
MOST = 50


def _resource(collection: str) -> resources.Resource:
    if collection not in TAGGED:
        raise NotFound(f"There is no resource at /v2.0/{collection}.")
    return TAGGED[collection]


def _load(req: Request, session: Session, collection: str, ident: str, write: bool) -> Any:
    resource = _resource(collection)
    row = resource.load(session, req.ctx, ident)
    if write:
        rule = WRITES.get(collection, f"update_{resource.singular}")
        req.authorize(rule, resources.target(row.project_id))
    return row


def _bump(session: Session, collection: str, row: Any) -> None:
    model = TAGGED[collection].model
    session.execute(update(model).where(model.id == row.id).values(**resources.touched(row)))


def list_tags(req: Request, collection: str, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        _load(req, session, collection, ident, write=False)
        return {"tags": resources.tags_of(session, [ident]).get(ident, [])}


def check_tag(req: Request, collection: str, ident: str, tag: str) -> None:
    with req.db.read() as session:
        _load(req, session, collection, ident, write=False)
        if tag not in resources.tags_of(session, [ident]).get(ident, []):
            raise fault("TagNotFound", id=tag)


def add_tag(req: Request, collection: str, ident: str, tag: str) -> None:
    if len(tag) > 255:
        raise invalid("a tag has 255 characters at most")

    def add() -> None:
        with req.db.write() as session:
            row = _load(req, session, collection, ident, write=True)
            have = set(session.scalars(select(Tag.tag).where(Tag.resource_id == ident)))
            if tag in have:
                return
            if len(have) >= MOST:
                raise invalid(f"a resource has {MOST} tags at most")
            session.execute(insert(Tag), [{"resource_id": ident, "tag": tag}])
            _bump(session, collection, row)

    ipam.race(add)


def replace_tags(req: Request, collection: str, ident: str) -> dict[str, Any]:
    tags = sorted(set(req.body.tags))

    def replace() -> None:
        with req.db.write() as session:
            row = _load(req, session, collection, ident, write=True)
            session.execute(delete(Tag).where(Tag.resource_id == ident))
            if tags:
                session.execute(insert(Tag), [{"resource_id": ident, "tag": tag} for tag in tags])
            _bump(session, collection, row)

    ipam.race(replace)
    return {"tags": tags}


def remove_tag(req: Request, collection: str, ident: str, tag: str) -> None:
    with req.db.write() as session:
        row = _load(req, session, collection, ident, write=True)
        condition = (Tag.resource_id == ident, Tag.tag == tag)
        if session.scalar(select(Tag.tag).where(*condition)) is None:
            raise fault("TagNotFound", id=tag)
        session.execute(delete(Tag).where(*condition))
        _bump(session, collection, row)


def remove_tags(req: Request, collection: str, ident: str) -> None:
    with req.db.write() as session:
        row = _load(req, session, collection, ident, write=True)
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        _bump(session, collection, row)
