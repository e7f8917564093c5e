"""From what a token carries to the body that services and clients see, checked against the tables.

Nothing of a token is trusted but its seal: user, scope, domains and roles are looked up, so a token whose
user was disabled, whose project is gone, or whose last role there was taken away, is no longer one.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, aliased

from knarr.core.identity import grants, tokens
from knarr.core.identity.grants import RoleBook
from knarr.core.identity.models import Project, RevokedToken, User
from knarr.core.identity.tokens import Token

LOG = logging.getLogger(__name__)


class InvalidTokenError(Exception):
    """A sealed token that holds no longer; the text says why, for the log and not for the client."""


def describe(session: Session, token: Token, book: RoleBook) -> dict[str, Any]:
    """The v3 token body without its catalogue. Raises InvalidTokenError."""
    _check_not_revoked(session, token)
    user = _user(session, token)
    body: dict[str, Any] = {
        "methods": token.method_names,
        "user": {
            "id": user.id,
            "name": user.name,
            "domain": {"id": user.domain_id, "name": user.domain_name},
            "password_expires_at": _optional_stamp(user.password_expires_at),
        },
        "audit_ids": token.audit_ids,
        "expires_at": tokens.stamp(token.expires_at),
        "issued_at": tokens.stamp(token.issued_at),
    }
    if token.scope == tokens.UNSCOPED:
        return body
    roles = book.expand(SCOPES[token.scope](session, token, body))
    if not roles:
        raise InvalidTokenError("the user has no role on what the token is scoped to")
    body["roles"] = book.view(roles)
    return body


def _check_not_revoked(session: Session, token: Token) -> None:
    if session.scalar(select(RevokedToken.audit_id).where(RevokedToken.audit_id.in_(token.audit_ids[:1]))):
        raise InvalidTokenError("the token was revoked")


def _user(session: Session, token: Token) -> Row[Any]:
    domain = aliased(Project)
    row = session.execute(
        select(
            User.id,
            User.name,
            User.domain_id,
            User.enabled,
            User.password_expires_at,
            User.tokens_valid_from,
            domain.name.label("domain_name"),
            domain.enabled.label("domain_enabled"),
            domain.tokens_valid_from.label("domain_valid_from"),
        )
        .join(domain, domain.id == User.domain_id)
        .where(User.id == token.user)
    ).one_or_none()
    if row is None:
        raise InvalidTokenError("the user is gone")
    _check_holds(token, "user", row.enabled, row.tokens_valid_from)
    _check_holds(token, "user's domain", row.domain_enabled, row.domain_valid_from)
    return row


def _project_scope(session: Session, token: Token, body: dict[str, Any]) -> set[str]:
    domain = aliased(Project)
    row = session.execute(
        select(
            Project.id,
            Project.name,
            Project.domain_id,
            Project.parent_id,
            Project.is_domain,
            Project.enabled,
            Project.tokens_valid_from,
            domain.name.label("domain_name"),
            domain.enabled.label("domain_enabled"),
            domain.tokens_valid_from.label("domain_valid_from"),
        )
        .join(domain, domain.id == Project.domain_id)
        .where(Project.id == token.target)
    ).one_or_none()
    if row is None:
        raise InvalidTokenError("the project is gone")
    _check_holds(token, "project", row.enabled, row.tokens_valid_from)
    _check_holds(token, "project's domain", row.domain_enabled, row.domain_valid_from)
    body["project"] = {
        "id": row.id,
        "name": row.name,
        "domain": {"id": row.domain_id, "name": row.domain_name},
    }
    body["is_domain"] = row.is_domain
    return grants.on_project(session, token.user, row.id, row.parent_id, row.domain_id)


def _domain_scope(session: Session, token: Token, body: dict[str, Any]) -> set[str]:
    row = session.execute(
        select(Project.id, Project.name, Project.enabled, Project.tokens_valid_from).where(
            Project.id == token.target, Project.is_domain.is_(True)
        )
    ).one_or_none()
    if row is None:
        raise InvalidTokenError("the domain is gone")
    _check_holds(token, "domain", row.enabled, row.tokens_valid_from)
    body["domain"] = {"id": row.id, "name": row.name}
    return grants.on_domain(session, token.user, row.id)


def _system_scope(session: Session, token: Token, body: dict[str, Any]) -> set[str]:
    body["system"] = {"all": True}
    return grants.on_system(session, token.user)


SCOPES = {
    tokens.PROJECT: _project_scope,
    tokens.DOMAIN: _domain_scope,
    tokens.SYSTEM_SCOPE: _system_scope,
}


def _check_holds(token: Token, what: str, enabled: bool, valid_from: datetime) -> None:
    if not enabled:
        raise InvalidTokenError(f"the {what} is disabled")
    if token.issued_at < valid_from:
        raise InvalidTokenError(f"the tokens of the {what} were revoked after this one was issued")


def _optional_stamp(moment: datetime | None) -> str | None:
    return None if moment is None else tokens.stamp(moment)
