"""Trusts: /v3/OS-TRUST/trusts, by which one user lets another act with some of its roles on a project."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity import delegating, tokens
from knarr.core.identity.api.application_credentials import check_may_delegate
from knarr.core.identity.api.common import (
    View,
    collection,
    identity,
    linked,
    listed,
    matching,
    missing,
    one,
    writing,
)
from knarr.core.identity.models import Trust, User
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Forbidden, NotFound
from knarr.kernel.web import Request

PATH = "OS-TRUST/trusts"

# Upstream's max_redelegation_count.
MAX_REDELEGATIONS = 3

FILTERS = {"trustor_user_id": Trust.trustor_user_id, "trustee_user_id": Trust.trustee_user_id}


def view(req: Request, trust: Trust) -> View:
    body: View = {
        "id": trust.id,
        "trustor_user_id": trust.trustor_user_id,
        "trustee_user_id": trust.trustee_user_id,
        "project_id": trust.project_id,
        "impersonation": trust.impersonation,
        "expires_at": tokens.stamp(trust.expires_at) if trust.expires_at else None,
        "remaining_uses": trust.remaining_uses,
        "deleted_at": None,
        "redelegated_trust_id": trust.redelegated_trust_id,
        "redelegation_count": trust.redelegation_count,
    }
    return linked(req, body, PATH, trust.id)


def full_view(req: Request, session: Session, trust: Trust) -> View:
    """With the roles, as upstream shows a single trust but not a list of them."""
    roles = [_role_view(req, role) for role in delegating.role_views(session, trust.role_ids)]
    own = linked(req, {}, PATH, trust.id, "roles")["links"]["self"]
    return {
        **view(req, trust),
        "roles": roles,
        "roles_links": {"self": own, "next": None, "previous": None},
    }


def list_trusts(req: Request) -> View:
    """All for who may see all; with `trustor_user_id` or `trustee_user_id` those of the caller."""
    for party in ("trustor", "trustee"):
        user_id = one(req, f"{party}_user_id")
        if user_id is not None:
            req.authorize(f"identity:list_trusts_for_{party}", {f"target.trust.{party}_user_id": user_id})
            break
    else:
        req.authorize("identity:list_trusts", {})
    return listed(req, "trusts", matching(select(Trust), req, FILTERS), Trust, view, path=PATH)


def show_trust(req: Request, trust_id: str) -> View:
    with req.db.read() as session:
        return {"trust": full_view(req, session, _found(req, session, trust_id, "identity:get_trust"))}


def create_trust(req: Request) -> View:
    """201 {trust}. The trustor is the caller, the project that of the token, the roles among its own."""
    body, token = req.body, req.ctx.token or {}
    req.authorize("identity:create_trust", {"target.trust.trustor_user_id": body.trustor_user_id})
    project_id = check_may_delegate(req)
    if body.project_id not in (None, project_id):
        raise Forbidden(
            "project_id must be the project of your token: you can delegate your roles on it only."
        )
    if not body.roles:
        raise Forbidden("At least one role should be specified.")
    held, lacking = delegating.token_roles(token), Forbidden if "OS-TRUST:trust" in token else NotFound
    role_ids = delegating.lent_roles(identity(req).role_book(), body.roles, held, lacking)
    expires_at = delegating.end_of(body.expires_at)
    with writing(req, "trust") as session:
        if session.get(User, body.trustee_user_id) is None:
            raise missing("user", body.trustee_user_id)
        trust = Trust(
            trustor_user_id=body.trustor_user_id,
            trustee_user_id=body.trustee_user_id,
            project_id=project_id,
            impersonation=body.impersonation,
            role_ids=role_ids,
            expires_at=expires_at,
            remaining_uses=body.remaining_uses,
            redelegation_count=_redelegations(body),
        )
        passed_on = token.get("OS-TRUST:trust")
        if passed_on is not None:
            _pass_on(session, trust, passed_on["id"])
        session.add(trust)
        session.flush()
        return {"trust": full_view(req, session, trust)}


def delete_trust(req: Request, trust_id: str) -> None:
    """204; tokens made from it, and trusts that it was passed on to, are gone with it."""
    with writing(req, "trust") as session:
        doomed = [_found(req, session, trust_id, "identity:delete_trust")]
        while doomed:
            trust = doomed.pop()
            doomed += session.scalars(select(Trust).where(Trust.redelegated_trust_id == trust.id)).all()
            session.delete(trust)


def list_roles(req: Request, trust_id: str) -> View:
    with req.db.read() as session:
        trust = _found(req, session, trust_id, "identity:list_roles_for_trust")
        roles = [_role_view(req, role) for role in delegating.role_views(session, trust.role_ids)]
    return collection(req, "roles", roles, f"{PATH}/{trust_id}/roles")


def show_role(req: Request, trust_id: str, role_id: str) -> View:
    with req.db.read() as session:
        trust = _found(req, session, trust_id, "identity:get_role_for_trust")
        for role in delegating.role_views(session, trust.role_ids):
            if role.id == role_id:
                return {"role": _role_view(req, role)}
    raise missing("role", role_id)


def _redelegations(body: Any) -> int:
    """How often the trust may be passed on, from the two fields that say it."""
    if not body.allow_redelegation:
        if body.redelegation_count:
            raise BadRequest("redelegation_count must be 0 unless allow_redelegation is true.")
        return 0
    if body.remaining_uses is not None:
        raise BadRequest("remaining_uses must not be set if allow_redelegation is true.")
    wanted = MAX_REDELEGATIONS if body.redelegation_count is None else body.redelegation_count
    if wanted > MAX_REDELEGATIONS:
        raise Forbidden(f"redelegation_count must be {MAX_REDELEGATIONS} at most.")
    return int(wanted)


def _pass_on(session: Session, trust: Trust, parent_id: str) -> None:
    """Bind a trust that was made with a trust's token to that trust: it can give no more than it got."""
    parent = session.get(Trust, parent_id)
    if parent is None or parent.redelegation_count <= 0:
        raise Forbidden("This trust cannot be passed on: its redelegation_count is used up.")
    if trust.redelegation_count >= parent.redelegation_count:
        trust.redelegation_count = parent.redelegation_count - 1
    if parent.expires_at is not None:
        if trust.expires_at is not None and trust.expires_at > parent.expires_at:
            raise Forbidden("expires_at must not be later than the end of the trust that is passed on.")
        trust.expires_at = trust.expires_at or parent.expires_at
    if parent.remaining_uses is not None:
        raise Forbidden("A trust with a limited number of uses cannot be passed on.")
    if trust.impersonation and not parent.impersonation:
        raise Forbidden("impersonation must be false, as in the trust that is passed on.")
    trust.redelegated_trust_id = parent.id


def _found(req: Request, session: Session, trust_id: str, rule: str) -> Trust:
    trust = session.get(Trust, trust_id)
    target = (
        {
            "target.trust.trustor_user_id": trust.trustor_user_id,
            "target.trust.trustee_user_id": trust.trustee_user_id,
        }
        if trust is not None
        else {}
    )
    req.authorize(rule, target)
    if trust is None or (trust.expires_at is not None and trust.expires_at <= utcnow()):
        raise missing("trust", trust_id)
    return trust


def _role_view(req: Request, role: Any) -> View:
    return linked(req, {"id": role.id, "name": role.name}, "roles", role.id)
