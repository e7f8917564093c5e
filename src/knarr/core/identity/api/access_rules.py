"""Access rules: /v3/users/ID/access_rules. They are made with application credentials and outlive them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UnsetType
from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity.api import users
from knarr.core.identity.api.common import (
    View,
    linked,
    listed,
    matching,
    missing,
    writing,
)
from knarr.core.identity.models import AccessRule, ApplicationCredential
from knarr.core.identity.schemas import AccessRuleRef
from knarr.kernel.errors import BadRequest, Forbidden
from knarr.kernel.web import Request

FILTERS = {"service": AccessRule.service, "method": AccessRule.method, "path": AccessRule.path}


def view(req: Request, row: AccessRule) -> View:
    return linked(req, short_view(row), "users", row.user_id, "access_rules", row.id)


def short_view(row: AccessRule) -> View:
    return {"id": row.id, "service": row.service, "method": row.method, "path": row.path}


def list_rules(req: Request, user_id: str) -> View:
    stmt = matching(select(AccessRule).where(AccessRule.user_id == user_id), req, FILTERS)
    with req.db.read() as session:
        users.found(req, session, user_id, "identity:list_access_rules")
    path = f"users/{user_id}/access_rules"
    return listed(req, "access_rules", stmt, AccessRule, view, path=path, sortable=FILTERS)


def show_rule(req: Request, user_id: str, rule_id: str) -> View:
    with req.db.read() as session:
        users.found(req, session, user_id, "identity:get_access_rule")
        return {"access_rule": view(req, _found(session, user_id, rule_id))}


def delete_rule(req: Request, user_id: str, rule_id: str) -> None:
    """204. 403 while an application credential is confined to it."""
    with writing(req, "access_rule") as session:
        users.found(req, session, user_id, "identity:delete_access_rule")
        row = _found(session, user_id, rule_id)
        stmt = select(ApplicationCredential.access_rule_ids).where(ApplicationCredential.user_id == user_id)
        if any(rule_id in (ids or ()) for ids in session.scalars(stmt)):
            raise Forbidden(f"The access rule {rule_id} is in use by an application credential.")
        session.delete(row)


def rules_for(session: Session, user_id: str, refs: Sequence[AccessRuleRef] | None) -> list[AccessRule]:
    """The user's rules that the body of an application credential names, made where they are not there yet.

    Raises BadRequest for an unknown id and for a rule without all of its parts.
    """
    if not refs:
        return []
    own = list(session.scalars(select(AccessRule).where(AccessRule.user_id == user_id)))
    chosen: dict[str, AccessRule] = {}
    for number, ref in enumerate(refs):
        row = _by_id(own, ref, number) if not isinstance(ref.id, UnsetType) else _by_route(own, ref, number)
        if row.id is None:
            row.user_id = user_id
            session.add(row)
            session.flush()
            own.append(row)
        chosen[row.id] = row
    return list(chosen.values())


def _by_id(own: list[AccessRule], ref: AccessRuleRef, number: int) -> AccessRule:
    for row in own:
        if row.id == ref.id:
            return row
    raise BadRequest(f"access_rules[{number}].id: you have no access rule {ref.id}.")


def _by_route(own: list[AccessRule], ref: AccessRuleRef, number: int) -> AccessRule:
    for name in ("service", "method", "path"):
        if isinstance(getattr(ref, name), UnsetType):
            raise BadRequest(f"access_rules[{number}].{name} is missing: service, method and path, or id.")
    route = (ref.service, ref.method, ref.path)
    for row in own:
        if (row.service, row.method, row.path) == route:
            return row
    return AccessRule(service=ref.service, method=ref.method, path=ref.path)


def _found(session: Session, user_id: str, rule_id: str) -> AccessRule:
    row = session.get(AccessRule, rule_id)
    if row is None or row.user_id != user_id:
        raise missing("access rule", rule_id)
    return row
