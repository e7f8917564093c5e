"""What a login asks to act on: a project, a domain, the system, or nothing."""

from __future__ import annotations

from dataclasses import replace

from msgspec import UNSET, UnsetType
from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from knarr.core.identity import tokens
from knarr.core.identity.authentication import Proof, domain_matches, refused
from knarr.core.identity.backend import EmbeddedIdentity, Entry
from knarr.core.identity.issuing import InvalidTokenError
from knarr.core.identity.models import Project, Trust
from knarr.core.identity.schemas import DomainRef, ProjectRef, Scope
from knarr.kernel.errors import BadRequest

Asked = Scope | str | UnsetType

KINDS = ("project", "domain", "system", "trust", "unscoped")


def issue(backend: EmbeddedIdentity, proof: Proof, asked: Asked) -> tuple[str, Entry]:
    """The text and entry of a token for what was asked. Raises Unauthorized where the user has no role.

    Without a scope in the body it is the user's default project if the user still may act on it, else
    unscoped.
    """
    if proof.credential is not None:
        return _issue_for_credential(backend, proof, asked)
    if isinstance(asked, UnsetType):
        return _issue_by_default(backend, proof)
    if not isinstance(asked, str) and not isinstance(asked.trust, UnsetType):
        _only_one(asked)
        return _issue_for_trust(backend, proof, asked.trust.id)
    kind, target = _resolve(backend, asked)
    try:
        return _make(backend, proof, kind, target)
    except InvalidTokenError as error:
        raise refused(backend) from error


def _issue_by_default(backend: EmbeddedIdentity, proof: Proof) -> tuple[str, Entry]:
    if proof.default_project_id:
        try:
            return _make(backend, proof, tokens.PROJECT, proof.default_project_id)
        except InvalidTokenError:
            pass  # a default project that the user lost is no reason to refuse the login
    try:
        return _make(backend, proof, tokens.UNSCOPED, "")
    except InvalidTokenError as error:
        raise refused(backend) from error


def _issue_for_credential(backend: EmbeddedIdentity, proof: Proof, asked: Asked) -> tuple[str, Entry]:
    """The project is the credential's; upstream refuses any scope beside it."""
    if not isinstance(asked, UnsetType):
        raise refused(backend, "Application credentials cannot request a scope.")
    assert proof.credential is not None
    try:
        return _make(
            backend,
            proof,
            tokens.PROJECT,
            proof.credential.project_id,
            application_credential_id=proof.credential.id,
        )
    except InvalidTokenError as error:
        raise refused(backend) from error


def _issue_for_trust(backend: EmbeddedIdentity, proof: Proof, trust_id: str) -> tuple[str, Entry]:
    """A token for the trustee, who shows as the trustor if the trust says so.

    It takes one of the trust's uses.
    """
    with backend.db.read() as session:
        trust = session.get(Trust, trust_id)
    if trust is None or trust.trustee_user_id != proof.user_id or not trust.project_id:
        raise refused(backend)
    if not _take_use(backend, trust):
        raise refused(backend)
    shown = replace(proof, user_id=trust.trustor_user_id) if trust.impersonation else proof
    if trust.expires_at is not None:
        shown = replace(shown, expires_at=min(filter(None, (shown.expires_at, trust.expires_at))))
    try:
        return _make(backend, shown, tokens.PROJECT, trust.project_id, trust_id=trust.id)
    except InvalidTokenError as error:
        raise refused(backend) from error


def _take_use(backend: EmbeddedIdentity, trust: Trust) -> bool:
    """Whether a use was left; it is taken in one statement, so that two logins do not share the last one."""
    if trust.remaining_uses is None:
        return True
    with backend.db.write() as session:
        taken = session.execute(
            update(Trust)
            .where(Trust.id == trust.id, Trust.remaining_uses > 0)
            .values(remaining_uses=Trust.remaining_uses - 1)
        )
        return bool(taken.rowcount)  # type: ignore[attr-defined]


def _make(
    backend: EmbeddedIdentity, proof: Proof, kind: int, target: str, **delegation: str
) -> tuple[str, Entry]:
    lasts_until = proof.begun_at + backend.lifetime
    token = tokens.make(
        proof.user_id,
        proof.methods,
        kind,
        target,
        proof.begun_at,
        # A token made from another one, or from what runs out, lives no longer than that.
        min(proof.expires_at or lasts_until, lasts_until),
        chain=proof.chain,
        **delegation,
    )
    return backend.issue(token)


def _resolve(backend: EmbeddedIdentity, asked: Scope | str) -> tuple[int, str]:
    if isinstance(asked, str):
        return tokens.UNSCOPED, ""
    kinds = [kind for kind in KINDS if getattr(asked, kind) is not UNSET]
    if len(kinds) != 1:
        raise BadRequest(
            "scope must hold exactly one of project, domain, system, OS-TRUST:trust and unscoped."
        )
    with backend.db.read() as session:
        if not isinstance(asked.project, UnsetType):
            return tokens.PROJECT, _project_id(backend, session, asked.project)
        if not isinstance(asked.domain, UnsetType):
            return tokens.DOMAIN, _domain_id(backend, session, asked.domain)
    if asked.system is not UNSET:
        return tokens.SYSTEM_SCOPE, ""
    return tokens.UNSCOPED, ""


def _only_one(asked: Scope) -> None:
    if sum(getattr(asked, kind) is not UNSET for kind in KINDS) != 1:
        raise BadRequest(
            "scope must hold exactly one of project, domain, system, OS-TRUST:trust and unscoped."
        )


def _project_id(backend: EmbeddedIdentity, session: Session, ref: ProjectRef) -> str:
    if not isinstance(ref.id, UnsetType):
        return ref.id
    if ref.name is UNSET:
        raise BadRequest("Expecting to find id or name in project.")
    domain = aliased(Project)
    found = session.scalar(
        select(Project.id)
        .join(domain, domain.id == Project.domain_id)
        .where(Project.name == ref.name, domain_matches(domain, ref.domain, "project"))
    )
    return _found(backend, found)


def _domain_id(backend: EmbeddedIdentity, session: Session, ref: DomainRef) -> str:
    found = session.scalar(select(Project.id).where(domain_matches(Project, ref, "scope")))
    return _found(backend, found)


def _found(backend: EmbeddedIdentity, ident: str | None) -> str:
    # Whether a project exists is not told to those who may not enter it.
    if ident is None:
        raise refused(backend)
    return ident
