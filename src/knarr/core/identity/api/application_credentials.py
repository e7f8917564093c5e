"""Application credentials: /v3/users/ID/application_credentials. They never change, so there is no update."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity import delegating, tokens
from knarr.core.identity.api import access_rules, users
from knarr.core.identity.api.common import (
    View,
    collection,
    identity,
    linked,
    matching,
    missing,
    page,
    writing,
)
from knarr.core.identity.models import AccessRule, ApplicationCredential, Role
from knarr.kernel.errors import BadRequest, Conflict, Forbidden
from knarr.kernel.web import Request

FILTERS = {"name": ApplicationCredential.name}


@dataclass(frozen=True)
class Named:
    """What credentials refer to by id, read for all of a list at once."""

    roles: dict[str, Role]
    rules: dict[str, AccessRule]

    @classmethod
    def read(cls, session: Session, user_id: str) -> Named:
        roles = session.scalars(select(Role))
        rules = session.scalars(select(AccessRule).where(AccessRule.user_id == user_id))
        return cls({row.id: row for row in roles}, {row.id: row for row in rules})


def view(req: Request, row: ApplicationCredential, named: Named) -> View:
    body: View = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "user_id": row.user_id,
        "project_id": row.project_id,
        "roles": [
            {"id": role.id, "name": role.name, "domain_id": role.domain_id or None}
            for role in (named.roles[role_id] for role_id in row.role_ids if role_id in named.roles)
        ],
        "expires_at": tokens.plain_stamp(row.expires_at),
        "unrestricted": row.unrestricted,
        "system": None,
    }
    if row.access_rule_ids:
        body["access_rules"] = [access_rules.short_view(named.rules[ident]) for ident in row.access_rule_ids]
    return linked(req, body, "users", row.user_id, "application_credentials", row.id)


def list_credentials(req: Request, user_id: str) -> View:
    path = f"users/{user_id}/application_credentials"
    stmt = select(ApplicationCredential).where(ApplicationCredential.user_id == user_id)
    with req.db.read() as session:
        users.found(req, session, user_id, "identity:list_application_credentials")
        rows, following = page(req, session, matching(stmt, req, FILTERS), ApplicationCredential)
        named = Named.read(session, user_id)
    views = [view(req, row, named) for row in rows]
    return collection(req, "application_credentials", views, path, following)


def show_credential(req: Request, user_id: str, credential_id: str) -> View:
    with req.db.read() as session:
        users.found(req, session, user_id, "identity:get_application_credential")
        row = _found(session, user_id, credential_id)
        return {"application_credential": view(req, row, Named.read(session, user_id))}


def create_credential(req: Request, user_id: str) -> View:
    """201 {application_credential} with its `secret`, which is told this once.

    It is for the project of the caller's token and has its roles, or those of them that were named.
    """
    body, token = req.body, req.ctx.token or {}
    with req.db.read() as session:
        users.found(req, session, user_id, "identity:create_application_credential")
    project_id = check_may_delegate(req)
    if "OS-TRUST:trust" in token:
        raise Forbidden(
            "A token made from a trust cannot make an application credential, which would outlive it."
        )
    if body.project_id not in (None, project_id):
        raise BadRequest("project_id must be the project of your token.")
    expires_at = delegating.end_of(body.expires_at)
    backend = identity(req)
    held = delegating.token_roles(token)
    role_ids = delegating.lent_roles(backend.role_book(), body.roles, held, BadRequest)
    secret = body.secret or secrets.token_urlsafe(64)
    hashed = backend.passwords.hash(secret)
    with writing(req, "application_credential") as session:
        _refuse_duplicate(session, user_id, body.name)
        row = ApplicationCredential(
            name=body.name,
            user_id=user_id,
            project_id=project_id,
            secret_hash=hashed,
            description=body.description,
            role_ids=role_ids,
            unrestricted=bool(body.unrestricted),
            expires_at=expires_at,
        )
        rules = access_rules.rules_for(session, user_id, body.access_rules)
        row.access_rule_ids = [rule.id for rule in rules] or None
        session.add(row)
        session.flush()
        named = Named.read(session, user_id)
    return {"application_credential": {**view(req, row, named), "secret": secret}}


def delete_credential(req: Request, user_id: str, credential_id: str) -> None:
    """204; tokens made from it are refused from now on."""
    _check_unrestricted(req)
    with writing(req, "application_credential") as session:
        users.found(req, session, user_id, "identity:delete_application_credential")
        session.delete(_found(session, user_id, credential_id))


def check_may_delegate(req: Request) -> str:
    """The project of the caller's token.

    Raises Forbidden for a token that must not make further credentials.
    """
    _check_unrestricted(req)
    if not req.ctx.project_id:
        raise Forbidden("A project-scoped token is required: roles on its project are what is delegated.")
    return str(req.ctx.project_id)


def _check_unrestricted(req: Request) -> None:
    token: dict[str, Any] = req.ctx.token or {}
    if token.get("application_credential", {}).get("restricted"):
        raise Forbidden("A restricted application credential cannot make or delete credentials and trusts.")


def _found(session: Session, user_id: str, credential_id: str) -> ApplicationCredential:
    row = session.get(ApplicationCredential, credential_id)
    if row is None or row.user_id != user_id:
        raise missing("application credential", credential_id)
    return row


def _refuse_duplicate(session: Session, user_id: str, name: str) -> None:
    stmt = select(ApplicationCredential.id).where(
        ApplicationCredential.user_id == user_id, ApplicationCredential.name == name
    )
    if session.scalar(stmt):
        raise Conflict(
            "Conflict occurred attempting to store application_credential - "
            f"Duplicate entry found with name {name}."
        )
