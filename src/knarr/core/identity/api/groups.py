"""Groups of users: /v3/groups. A role of a group is a role of all who are in it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from knarr.core.identity.api import users
from knarr.core.identity.api.common import (
    View,
    add,
    apply,
    check_domain,
    domain_for,
    in_visible_domain,
    keep_extra,
    linked,
    listed,
    load,
    matching,
    missing,
    refuse_duplicate,
    writing,
)
from knarr.core.identity.models import Assignment, Group, Membership, User
from knarr.kernel.errors import BadRequest, NotFound
from knarr.kernel.web import Request

FILTERS = {
    "id": Group.id,
    "name": Group.name,
    "domain_id": Group.domain_id,
    "description": Group.description,
}


def view(req: Request, group: Group) -> View:
    body: View = {
        **(group.extra or {}),
        "id": group.id,
        "name": group.name,
        "domain_id": group.domain_id,
        "description": group.description,
    }
    return linked(req, body, "groups", group.id)


def list_groups(req: Request) -> View:
    stmt = matching(select(Group), req, FILTERS)
    stmt = in_visible_domain(req, stmt, "identity:list_groups", Group.domain_id)
    return listed(req, "groups", stmt, Group, view)


def show_group(req: Request, group_id: str) -> View:
    with req.db.read() as session:
        return {"group": view(req, found(req, session, group_id, "identity:get_group"))}


def create_group(req: Request) -> View:
    body, domain_id = req.body, domain_for(req, req.body.domain_id)
    req.authorize("identity:create_group", {"target.group.domain_id": domain_id})
    with writing(req, "group") as session:
        check_domain(session, domain_id)
        refuse_duplicate(session, Group, "group", body.name, domain_id)
        group = Group(name=body.name, domain_id=domain_id, description=body.description or "")
        add(req, session, group, body, view)
    return {"group": view(req, group)}


def update_group(req: Request, group_id: str) -> View:
    body = req.body
    with req.db.read() as session:
        found(req, session, group_id, "identity:update_group")
    with writing(req, "group") as session:
        group = load(session, Group, group_id, "group")
        shown = view(req, group)
        if body.domain_id is not UNSET and body.domain_id != group.domain_id:
            raise BadRequest("domain_id cannot be changed.")
        if body.name is not UNSET:
            refuse_duplicate(session, Group, "group", body.name, group.domain_id, but=group.id)
        apply(group, body, ("name", "description"))
        group.description = group.description or ""
        keep_extra(group, body, shown)
    return {"group": view(req, group)}


def delete_group(req: Request, group_id: str) -> None:
    with req.db.read() as session:
        found(req, session, group_id, "identity:delete_group")
    with writing(req, "group") as session:
        forget_groups(session, [group_id])


def list_members(req: Request, group_id: str) -> View:
    members = select(Membership.user_id).where(Membership.group_id == group_id)
    stmt = users.filtered(select(User).where(User.id.in_(members)), req)
    with req.db.read() as session:
        found(req, session, group_id, "identity:list_users_in_group")
    return listed(req, "users", stmt, User, users.view, path=f"groups/{group_id}/users")


def add_member(req: Request, group_id: str, user_id: str) -> None:
    with writing(req, "membership") as session:
        _pair(req, session, group_id, user_id, "identity:add_user_to_group")
        if session.get(Membership, (user_id, group_id)) is None:
            session.add(Membership(user_id=user_id, group_id=group_id))


def check_member(req: Request, group_id: str, user_id: str) -> None:
    with req.db.read() as session:
        _pair(req, session, group_id, user_id, "identity:check_user_in_group")
        if session.get(Membership, (user_id, group_id)) is None:
            raise NotFound(f"User {user_id} is not in group {group_id}.")


def remove_member(req: Request, group_id: str, user_id: str) -> None:
    with writing(req, "membership") as session:
        _pair(req, session, group_id, user_id, "identity:remove_user_from_group")
        membership = session.get(Membership, (user_id, group_id))
        if membership is None:
            raise NotFound(f"User {user_id} is not in group {group_id}.")
        session.delete(membership)


def found(req: Request, session: Session, group_id: str, rule: str) -> Group:
    """The group, once the rule allows it."""
    group = session.get(Group, group_id)
    req.authorize(rule, {} if group is None else target(group))
    if group is None:
        raise missing("group", group_id)
    return group


def target(group: Group) -> dict[str, Any]:
    return {"target.group.id": group.id, "target.group.domain_id": group.domain_id}


def forget_groups(session: Session, group_ids: list[str]) -> None:
    """Delete groups with their members' roles."""
    session.execute(delete(Assignment).where(Assignment.actor_id.in_(group_ids)))
    session.execute(delete(Membership).where(Membership.group_id.in_(group_ids)))
    session.execute(delete(Group).where(Group.id.in_(group_ids)))


def _pair(req: Request, session: Session, group_id: str, user_id: str, rule: str) -> None:
    group, user = session.get(Group, group_id), session.get(User, user_id)
    req.authorize(rule, {**(target(group) if group else {}), **users.target(user)})
    if group is None:
        raise missing("group", group_id)
    if user is None:
        raise missing("user", user_id)
