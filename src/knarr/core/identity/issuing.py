"""From what a token carries to the body that services and clients see, checked against the tables.

Nothing of a token is trusted but its seal: user, scope, domains and roles are looked up, so a token whose
user was disabled, whose project is gone, or whose last role there was taken away, is no longer one.
"""

from __future__ import annotations

import functools
import logging
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, aliased

from knarr.core.identity import grants, password_policy, tokens
from knarr.core.identity.grants import RoleBook
from knarr.core.identity.models import (
    AccessRule,
    ApplicationCredential,
    Project,
    RevokedToken,
    Trust,
    User,
)
from knarr.core.identity.tokens import Token
from knarr.kernel.db import utcnow

LOG = logging.getLogger(__name__)


class InvalidTokenError(Exception):
    """A sealed token that holds no longer; the text says why, for the log and not for the client."""


def describe(session: Session, token: Token, book: RoleBook) -> dict[str, Any]:
    """The v3 token body without its catalogue. Raises InvalidTokenError."""
    _check_not_revoked(session, token)
    user = _user(session, token, token.user)
    body: dict[str, Any] = {
        "methods": token.method_names,
        "user": {
            "id": user.id,
            "name": user.name,
            "domain": {"id": user.domain_id, "name": user.domain_name},
            "password_expires_at": tokens.plain_stamp(
                password_policy.expiry(user.password_expires_at, user.options)
            ),
        },
        "audit_ids": token.audit_ids,
        "expires_at": tokens.stamp(token.expires_at),
        "issued_at": tokens.stamp(token.issued_at),
    }
    if token.scope == tokens.UNSCOPED:
        return body
    owner, lent = _delegated(session, token, body)
    roles = book.expand(SCOPES[token.scope](session, token, body, owner))
    if lent is not None:
        roles &= book.expand(lent)
    if not roles:
        raise InvalidTokenError("the user has no role on what the token is scoped to")
    body["roles"] = book.view(roles)
    return body


def _check_not_revoked(session: Session, token: Token) -> None:
    if session.execute(_revocation(), {"audit_id": token.audit_ids[0]}).first():
        raise InvalidTokenError("the token was revoked")


def _delegated(session: Session, token: Token, body: dict[str, Any]) -> tuple[str, set[str] | None]:
    """Whose roles count, and which of them a trust or application credential lends (None: all)."""
    if token.trust:
        return _trust(session, token, body)
    if token.application_credential:
        return token.user, _application_credential(session, token, body)
    return token.user, None


def _trust(session: Session, token: Token, body: dict[str, Any]) -> tuple[str, set[str]]:
    trust = session.get(Trust, token.trust)
    if trust is None:
        raise InvalidTokenError("the trust is gone")
    if trust.expires_at is not None and trust.expires_at <= utcnow():
        raise InvalidTokenError("the trust has run out")
    # The token shows one of the two; the other one must be enabled as well.
    for user_id in {trust.trustor_user_id, trust.trustee_user_id} - {token.user}:
        _user(session, token, user_id)
    body["OS-TRUST:trust"] = {
        "id": trust.id,
        "impersonation": trust.impersonation,
        "trustor_user": {"id": trust.trustor_user_id},
        "trustee_user": {"id": trust.trustee_user_id},
    }
    return trust.trustor_user_id, set(trust.role_ids)


def _application_credential(session: Session, token: Token, body: dict[str, Any]) -> set[str]:
    credential = session.get(ApplicationCredential, token.application_credential)
    if credential is None:
        raise InvalidTokenError("the application credential is gone")
    if credential.expires_at is not None and credential.expires_at <= utcnow():
        raise InvalidTokenError("the application credential has run out")
    body["application_credential"] = {
        "id": credential.id,
        "name": credential.name,
        "restricted": not credential.unrestricted,
    }
    if credential.access_rule_ids:
        rows = session.scalars(select(AccessRule).where(AccessRule.id.in_(credential.access_rule_ids)))
        body["application_credential"]["access_rules"] = [
            {"id": row.id, "service": row.service, "method": row.method, "path": row.path} for row in rows
        ]
    return set(credential.role_ids)


def _user(session: Session, token: Token, user_id: str) -> Any:
    row = session.execute(_user_with_domain(), {"user_id": user_id}).one_or_none()
    if row is None:
        raise InvalidTokenError("the user is gone")
    _check_holds(token, "user", row.enabled, row.tokens_valid_from)
    _check_holds(token, "user's domain", row.domain_enabled, row.domain_valid_from)
    return row


# The statements of every check are built once: building one costs more than running it.


@functools.cache
def _user_with_domain() -> Any:
    domain = aliased(Project)
    return (
        select(
            User.id,
            User.name,
            User.domain_id,
            User.enabled,
            User.password_expires_at,
            User.options,
            User.tokens_valid_from,
            domain.name.label("domain_name"),
            domain.enabled.label("domain_enabled"),
            domain.tokens_valid_from.label("domain_valid_from"),
        )
        .join(domain, domain.id == User.domain_id)
        .where(User.id == bindparam("user_id"))
    )


@functools.cache
def _project_with_domain() -> Any:
    domain = aliased(Project)
    return (
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
        .where(Project.id == bindparam("project_id"))
    )


@functools.cache
def _revocation() -> Any:
    return select(RevokedToken.audit_id).where(RevokedToken.audit_id == bindparam("audit_id"))


def _project_scope(session: Session, token: Token, body: dict[str, Any], owner: str) -> set[str]:
    row = session.execute(_project_with_domain(), {"project_id": token.target}).one_or_none()
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
    return grants.on_project(session, owner, row.id, row.parent_id, row.domain_id)


def _domain_scope(session: Session, token: Token, body: dict[str, Any], owner: str) -> set[str]:
    row = session.execute(
        select(Project.id, Project.name, Project.enabled, Project.tokens_valid_from).where(
            Project.id == token.target, Project.is_domain.is_(True)
        )
    ).one_or_none()
    if row is None:
        raise InvalidTokenError("the domain is gone")
    _check_holds(token, "domain", row.enabled, row.tokens_valid_from)
    body["domain"] = {"id": row.id, "name": row.name}
    return grants.on_domain(session, owner, row.id)


def _system_scope(session: Session, token: Token, body: dict[str, Any], owner: str) -> set[str]:
    body["system"] = {"all": True}
    return grants.on_system(session, owner)


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
