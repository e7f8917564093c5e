"""What a new security group begins with, by the template that administrators keep."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from knarr.core.network.models import DefaultRule, SecurityGroup
from knarr.kernel.db import new_id

PARENT = "PARENT"
"""Stands for the new group itself as a remote group."""

COPIED = (
    "description",
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_address_group_id",
)


def first_template() -> list[dict[str, Any]]:
    """Neutron's: everything out, and in the default group everything in from its members."""
    return [
        {
            "id": new_id(),
            "direction": direction,
            "ethertype": kind,
            "remote_group_id": remote,
            "used_in_default_sg": True,
            "used_in_non_default_sg": remote is None,
        }
        for direction, remote in (("egress", None), ("ingress", PARENT))
        for kind in ("IPv4", "IPv6")
    ]


def prepare(session: Session) -> None:
    """Write the first template down, unless there is one or there are groups made without it."""
    there = session.scalar(select(DefaultRule.id).limit(1)) or session.scalar(
        select(SecurityGroup.id).limit(1)
    )
    if not there:
        session.execute(insert(DefaultRule), first_template())


def rules_for(session: Session, project_id: str, group_id: str, default: bool) -> list[dict[str, Any]]:
    """The rows of `security_group_rule` for a new group."""
    used = DefaultRule.used_in_default_sg if default else DefaultRule.used_in_non_default_sg
    rows = session.execute(select(*DefaultRule.__table__.columns).where(used.is_(True))).all()
    return [
        {
            "id": new_id(),
            "project_id": project_id,
            "security_group_id": group_id,
            "remote_group_id": group_id if row.remote_group_id == PARENT else row.remote_group_id,
            **{name: getattr(row, name) for name in COPIED},
        }
        for row in rows
    ]
