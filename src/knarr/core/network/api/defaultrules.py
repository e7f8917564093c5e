"""The rules that new security groups begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from knarr.core.network import resources
from knarr.core.network.api.addressgroups import ADDRESS_GROUPS
from knarr.core.network.api.groups import GROUPS
from knarr.core.network.api.rules import MATCH, rule_values
from knarr.core.network.defaultrules import PARENT
from knarr.core.network.errors import fault
from knarr.core.network.models import DefaultRule
from knarr.kernel.db import new_id
from knarr.kernel.request import Request

USES = ("used_in_default_sg", "used_in_non_default_sg")


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in ("id", "description", *MATCH, *USES)} for row in rows]


DEFAULT_RULES = resources.Resource(
    singular="default_security_group_rule",
    plural="default-security-group-rules",
    model=DefaultRule,
    views=views,
    not_found="DefaultSecurityGroupRuleNotFound",
    visible=lambda _ctx: DefaultRule.id.is_not(None),
    standard=False,
    sortable=("direction", "ethertype", "protocol"),
    filters={
        **{
            name: resources.equals(getattr(DefaultRule, name))
            for name in ("id", "description", *MATCH)
            if not name.startswith("port_range")
        },
        "port_range_min": resources.number(DefaultRule.port_range_min),
        "port_range_max": resources.number(DefaultRule.port_range_max),
        **{name: resources.is_true(getattr(DefaultRule, name)) for name in USES},
    },
)


def list_rules(req: Request) -> dict[str, Any]:
    return resources.list_all(req, DEFAULT_RULES)


def show_rule(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, DEFAULT_RULES, ident)


def create_rule(req: Request) -> dict[str, Any]:
    req.authorize("create_default_security_group_rule")
    rows = []
    with req.db.write() as session:
        for body in resources.bodies(req):
            row = {"id": new_id(), **rule_values(body), **{name: getattr(body, name) for name in USES}}
            _check(req, session, row)
            session.execute(insert(DefaultRule), [row])
            rows.append(row)
    return resources.created(req, DEFAULT_RULES, [str(row["id"]) for row in rows])


def _check(req: Request, session: Session, row: dict[str, Any]) -> None:
    if row["remote_group_id"] not in (None, PARENT):
        GROUPS.load(session, req.ctx, row["remote_group_id"])
    if row["remote_address_group_id"]:
        ADDRESS_GROUPS.load(session, req.ctx, row["remote_address_group_id"])
    same = [
        getattr(DefaultRule, name).is_(None) if row[name] is None else getattr(DefaultRule, name) == row[name]
        for name in (*MATCH, *USES)
    ]
    found = session.scalar(select(DefaultRule.id).where(*same).limit(1))
    if found:
        raise fault("DefaultSecurityGroupRuleExists", id=found)


def delete_rule(req: Request, ident: str) -> None:
    req.authorize("delete_default_security_group_rule")
    with req.db.write() as session:
        DEFAULT_RULES.load(session, req.ctx, ident, lock=True)
        session.execute(delete(DefaultRule).where(DefaultRule.id == ident))
