"""QoS policies and their bandwidth limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, resources, sharing, sync
from knarr.core.network.errors import fault
from knarr.core.network.models import BandwidthRule, Network, Port, QosDefault, QosPolicy, Rbac, Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

LIMIT = "bandwidth_limit"
LIMITS = ("max_kbps", "max_burst_kbps", "direction")
NOT_REAL = ("dscp_marking", "minimum_bandwidth", "minimum_packet_rate", "packet_rate_limit")
SETTABLE = ("name", "description", "shared")


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    granted = sharing.granted(QosPolicy, "qos_policy", ctx.project_id)
    return or_(QosPolicy.project_id == ctx.project_id, QosPolicy.shared.is_(True), granted)


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    rules: dict[str, list[dict[str, Any]]] = {}
    stmt = select(*BandwidthRule.__table__.columns).where(BandwidthRule.policy_id.in_(ids))
    for rule in session.execute(stmt.order_by(BandwidthRule.direction)):
        rules.setdefault(rule.policy_id, []).append({**_rule_view(rule), "type": LIMIT})
    defaults = set(session.scalars(select(QosDefault.policy_id).where(QosDefault.policy_id.in_(ids))))
    tags = resources.tags_of(session, ids)
    shared = sharing.seen_as_shared(session, req.ctx, rows, "qos_policy")
    return [
        {
            **resources.standard_view(row, tags),
            "name": row.name,
            "shared": row.id in shared,
            "is_default": row.id in defaults,
            "rules": rules.get(row.id, []),
        }
        for row in rows
    ]


def _rule_view(rule: Any) -> dict[str, Any]:
    return {
        "id": rule.id,
        "qos_policy_id": rule.policy_id,
        **{name: getattr(rule, name) for name in LIMITS},
    }


POLICIES = resources.Resource(
    singular="policy",
    plural="policies",
    model=QosPolicy,
    views=views,
    not_found="QosPolicyNotFound",
    visible=visible,
    sortable=("name", "shared"),
    filters={
        **resources.standard_filters(QosPolicy),
        "name": resources.equals(QosPolicy.name),
        "shared": resources.is_true(QosPolicy.shared),
        "is_default": lambda name, values: resources.chosen(
            QosPolicy.id.in_(select(QosDefault.policy_id)), name, values
        ),
    },
)


def list_policys(req: Request) -> dict[str, Any]:
    return resources.list_all(req, POLICIES)


def show_policy(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, POLICIES, ident)


def create_policy(req: Request) -> dict[str, Any]:
    ids = []
    with req.db.write() as session:
        for body in resources.bodies(req):
            project_id = resources.owner(req, body)
            req.authorize("create_policy", resources.target(project_id))
            values = resources.given(body, SETTABLE)
            row = {"id": new_id(), "project_id": project_id, "name": "", "description": "", **values}
            session.execute(insert(QosPolicy), [row])
            sharing.share(session, project_id, "qos_policy", row["id"], bool(values.get("shared")))
            if body.is_default is True:
                _make_default(session, project_id, row["id"])
            ids.append(row["id"])
    return resources.created(req, POLICIES, ids)


def _make_default(session: Session, project_id: str, policy_id: str) -> None:
    current = session.scalar(select(QosDefault.policy_id).where(QosDefault.project_id == project_id))
    if current and current != policy_id:
        raise fault("QoSPolicyDefaultAlreadyExists", project=project_id)
    if not current:
        session.execute(insert(QosDefault), [{"project_id": project_id, "policy_id": policy_id}])


def _locked(req: Request, session: Session, ident: str, rule: str) -> Any:
    row = POLICIES.load(session, req.ctx, ident, lock=True)
    req.authorize(rule, resources.target(row.project_id))
    resources.check_revision(req, row)
    return row


def update_policy(req: Request, ident: str) -> dict[str, Any]:
    body = req.body

    def change() -> None:
        with req.db.write() as session:
            row = _locked(req, session, ident, "update_policy")
            values = resources.given(body, SETTABLE)
            if "shared" in values:
                sharing.share(session, row.project_id, "qos_policy", ident, values["shared"])
            if body.is_default is True:
                _make_default(session, row.project_id, ident)
            elif body.is_default is False:
                session.execute(delete(QosDefault).where(QosDefault.policy_id == ident))
            _touch(session, row, **values)

    ipam.race(change)
    return resources.show_one(req, POLICIES, ident)


def _touch(session: Session, row: Any, **values: Any) -> None:
    session.execute(
        update(QosPolicy).where(QosPolicy.id == row.id).values(**resources.touched(row, **values))
    )


def delete_policy(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = _locked(req, session, ident, "delete_policy")
        for model, what in ((Network, "network"), (Port, "port")):
            user = session.scalar(select(model.id).where(model.qos_policy_id == ident).limit(1))
            if user:
                raise fault("QosPolicyInUse", id=ident, what=what, user=user)
        session.execute(delete(BandwidthRule).where(BandwidthRule.policy_id == ident))
        session.execute(delete(QosDefault).where(QosDefault.policy_id == ident))
        session.execute(delete(Rbac).where(Rbac.object_id == ident))
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(QosPolicy).where(QosPolicy.id == row.id))


# Bandwidth limits


def list_limits(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        POLICIES.load(session, req.ctx, ident)
        stmt = select(*BandwidthRule.__table__.columns).where(BandwidthRule.policy_id == ident)
        found = [_rule_view(rule) for rule in session.execute(stmt.order_by(BandwidthRule.direction))]
    for name in ("id", *LIMITS):
        wanted = req.params.get(name)
        found = [rule for rule in found if not wanted or str(rule[name]) in wanted]
    return {"bandwidth_limit_rules": resources.only_fields(req, found)}


def show_limit(req: Request, ident: str, rule_id: str) -> dict[str, Any]:
    with req.db.read() as session:
        POLICIES.load(session, req.ctx, ident)
        found = _rule_view(_limit(session, ident, rule_id))
    return {"bandwidth_limit_rule": resources.only_fields(req, [found])[0]}


def _limit(session: Session, policy_id: str, ident: str) -> Any:
    stmt = select(*BandwidthRule.__table__.columns).where(
        BandwidthRule.policy_id == policy_id, BandwidthRule.id == ident
    )
    row = session.execute(stmt).first()
    if row is None:
        raise fault("QosRuleNotFound", id=ident, policy=policy_id)
    return row


def create_limit(req: Request, ident: str) -> dict[str, Any]:
    body = req.body

    def make() -> dict[str, Any]:
        with req.db.write() as session:
            policy = _locked(req, session, ident, "create_policy_bandwidth_limit_rule")
            row = {"id": new_id(), "policy_id": ident, **{n: getattr(body, n) for n in LIMITS}}
            _check_direction(session, ident, row["id"], row["direction"])
            session.execute(insert(BandwidthRule), [row])
            _touch(session, policy)
            sync.policy(session, req, ident)
        row["qos_policy_id"] = row.pop("policy_id")
        return row

    return {"bandwidth_limit_rule": ipam.race(make)}


def _check_direction(session: Session, policy_id: str, ident: str, direction: str) -> None:
    same = select(BandwidthRule.id).where(
        BandwidthRule.policy_id == policy_id,
        BandwidthRule.direction == direction,
        BandwidthRule.id != ident,
    )
    found = session.scalar(same)
    if found:
        raise fault("QoSRulesConflict", kind=LIMIT, id=found, policy=policy_id)


def update_limit(req: Request, ident: str, rule_id: str) -> dict[str, Any]:
    values = resources.given(req.body, LIMITS)
    with req.db.write() as session:
        policy = _locked(req, session, ident, "update_policy_bandwidth_limit_rule")
        row = _limit(session, ident, rule_id)
        _check_direction(session, ident, rule_id, values.get("direction", row.direction))
        if values:
            session.execute(update(BandwidthRule).where(BandwidthRule.id == rule_id).values(**values))
        _touch(session, policy)
        sync.policy(session, req, ident)
    return show_limit(req, ident, rule_id)


def delete_limit(req: Request, ident: str, rule_id: str) -> None:
    with req.db.write() as session:
        policy = _locked(req, session, ident, "delete_policy_bandwidth_limit_rule")
        _limit(session, ident, rule_id)
        session.execute(delete(BandwidthRule).where(BandwidthRule.id == rule_id))
        _touch(session, policy)
        sync.policy(session, req, ident)


def _policy_of(req: Request, ident: str) -> str:
    with req.db.read() as session:
        found = session.scalar(select(BandwidthRule.policy_id).where(BandwidthRule.id == ident))
    if found is None:
        raise fault("QosRuleNotFound", id=ident, policy="any")
    return found


def show_limit_alias(req: Request, ident: str) -> dict[str, Any]:
    return show_limit(req, _policy_of(req, ident), ident)


def update_limit_alias(req: Request, ident: str) -> dict[str, Any]:
    return update_limit(req, _policy_of(req, ident), ident)


def delete_limit_alias(req: Request, ident: str) -> None:
    delete_limit(req, _policy_of(req, ident), ident)


# Kinds of rules


def list_kinds(req: Request) -> dict[str, Any]:
    return {"rule_types": resources.only_fields(req, [{"type": LIMIT}])}


def show_kind(req: Request, kind: str) -> dict[str, Any]:
    if kind != LIMIT:
        raise fault("QosRuleTypeNotFound", kind=kind)
    numbers = {"start": 0, "end": 2**31 - 1}
    parameters: list[dict[str, Any]] = [
        {"parameter_name": name, "parameter_type": "range", "parameter_values": numbers}
        for name in ("max_kbps", "max_burst_kbps")
    ]
    direction = {"parameter_name": "direction", "parameter_type": "choices"}
    parameters.append({**direction, "parameter_values": ["egress", "ingress"]})
    driver = {"name": "knarr", "supported_parameters": parameters}
    return {"rule_type": {"type": LIMIT, "drivers": [driver]}}


def list_none(req: Request, ident: str, kind: str) -> dict[str, Any]:
    """The rules of a kind that no backend can keep: none."""
    with req.db.read() as session:
        POLICIES.load(session, req.ctx, ident)
    return {f"{kind}_rules": []}


def refuse(req: Request, ident: str, kind: str) -> None:
    raise fault("QosRuleNotSupported", kind=kind, only=LIMIT)


# Who uses a policy


def check_usable(session: Session, ctx: RequestContext, policy_id: Any) -> str | None:
    """The id of a policy that the caller may give to a port or a network; 404 if it is nothing of theirs.

    The row is locked, so that it is not deleted meanwhile.
    """
    if policy_id is UNSET or not policy_id:
        return None
    return str(POLICIES.load(session, ctx, policy_id, lock=True).id)


def default_of(session: Session, project_id: str) -> str | None:
    return session.scalar(select(QosDefault.policy_id).where(QosDefault.project_id == project_id))
