"""The methods of a login:

each proves who somebody is, or raises Unauthorized without telling what was wrong.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import select
from sqlalchemy.orm import aliased

from knarr.core.identity import credentials, password_policy, receipts, totp
from knarr.core.identity.backend import EmbeddedIdentity
from knarr.core.identity.models import ApplicationCredential, Project, User
from knarr.core.identity.schemas import DomainRef, Identity, PasswordUser, TotpUser, UserRef
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Forbidden, Unauthorized

REFUSED = "The request you have made requires authentication."


@dataclass
class Proof:
    """Who somebody has proved to be, and by what.

    `expires_at` and `chain` come from the token of the method token. The new token counts as issued at
    `begun_at`, when the proof began: a password that is changed while the old one is being checked revokes
    it, too.
    """

    user_id: str
    methods: list[str] = field(default_factory=list)
    expires_at: datetime | None = None
    chain: str | None = None
    default_project_id: str | None = None
    credential: ApplicationCredential | None = None
    options: dict[str, Any] = field(default_factory=dict)
    begun_at: datetime = field(default_factory=utcnow)


def _check_factors(backend: EmbeddedIdentity, proof: Proof, methods: list[str]) -> None:
    """Raise the 401 with a receipt unless one of the user's rules for several factors is met by the methods.

    An application credential proves its user by itself: there are no options with its proof.
    """
    rules = proof.options.get("multi_factor_auth_rules")
    if not rules or not proof.options.get("multi_factor_auth_enabled", True):
        return
    if any(set(rule) <= set(methods) for rule in rules):
        return
    if "token" in methods:
        raise refused(backend)  # a token that met no rule cannot begin a login that meets one
    raise receipts.issue(backend, proof.user_id, methods, rules, refused(backend))


def _earlier(backend: EmbeddedIdentity, receipt: str | None) -> list[Proof]:
    """What a receipt says was proved in an earlier request."""
    if receipt is None:
        return []
    found = receipts.read(backend, receipt)
    if found is None:
        raise refused(backend)
    return [Proof(found.user, found.method_names)]


def refused(backend: EmbeddedIdentity, detail: str = REFUSED) -> Unauthorized:
    """A 401 that says where to authenticate, as RFC 9110 asks for and Keystone does."""
    address = f"{backend.runtime.base_url.rstrip('/')}/identity"
    return Unauthorized(detail, headers={"WWW-Authenticate": f'Keystone uri="{address}"'})


def authenticate(backend: EmbeddedIdentity, identity: Identity, receipt: str | None = None) -> Proof:
    """Go through all methods that the body names; they, and the receipt, must agree on the user.

    Raises BadRequest for a method without its part in the body, Unauthorized for everything that does not
    prove.
    """
    begun_at = utcnow()
    proofs = []
    for method in dict.fromkeys(identity.methods):
        prove = METHODS.get(method)
        if prove is None:
            raise refused(backend, f"Attempted to authenticate with an unsupported method: {method[:64]}.")
        part = getattr(identity, method)
        if part is UNSET:
            raise BadRequest(
                f"Expecting to find {method} in identity: the method {method} is named in methods."
            )
        proofs.append(prove(backend, part))
    first = proofs[0]
    proofs += _earlier(backend, receipt)
    if any(proof.user_id != first.user_id for proof in proofs):
        raise refused(backend)
    methods = list(dict.fromkeys(name for proof in proofs for name in proof.methods))
    _check_factors(backend, first, methods)
    return Proof(
        user_id=first.user_id,
        methods=methods,
        expires_at=min((p.expires_at for p in proofs if p.expires_at), default=None),
        chain=next((p.chain for p in proofs if p.chain), None),
        default_project_id=next((p.default_project_id for p in proofs if p.default_project_id), None),
        credential=next((p.credential for p in proofs if p.credential), None),
        begun_at=begun_at,
    )


def check_password(backend: EmbeddedIdentity, ref: UserRef | PasswordUser, password: str) -> Any:
    """The row of the user with that password who may log in.

    An unknown user takes as long as a wrong password.
    """
    row = find_user(backend, ref)
    is_right = backend.passwords.check(password, row.password_hash if row else None)
    return _admitted(backend, row, is_right)


def _admitted(backend: EmbeddedIdentity, row: Any, is_right: bool) -> Any:
    """The row of a user whose proof was right, unless it is locked out or disabled; wrong ones count."""
    if row is None or password_policy.is_locked(backend, row.id, row.options):
        raise refused(backend)
    if not is_right:
        password_policy.count_failure(backend, row.id, row.options)
        raise refused(backend)
    if not (row.enabled and row.domain_enabled):
        raise refused(backend)
    password_policy.forget_failures(backend, row.id, row.options)
    return row


def find_user(backend: EmbeddedIdentity, ref: UserRef | PasswordUser | TotpUser) -> Any:
    """The row of a user by id, or by name and domain, or None. Raises BadRequest if neither is there."""
    stmt, domain = _users_with_domain()
    if ref.id is not UNSET:
        stmt = stmt.where(User.id == ref.id)
    elif ref.name is UNSET:
        raise BadRequest("Expecting to find id or name in user.")
    else:
        stmt = stmt.where(User.name == ref.name, domain_matches(domain, ref.domain, "user"))
    with backend.db.read() as session:
        return session.execute(stmt).one_or_none()


@functools.cache
def _users_with_domain() -> tuple[Any, Any]:
    """The statement without its condition, built once, and the domain in it."""
    domain = aliased(Project)
    stmt = select(
        User.id,
        User.password_hash,
        User.password_expires_at,
        User.enabled,
        User.default_project_id,
        User.options,
        domain.enabled.label("domain_enabled"),
    ).join(domain, domain.id == User.domain_id)
    return stmt, domain


def domain_matches(domain: Any, ref: DomainRef | UnsetType, owner: str) -> Any:
    """The condition that a row of the table of domains is the one that a body refers to by id or name."""
    if isinstance(ref, UnsetType):
        raise BadRequest(f"Expecting to find domain in {owner}: a name is unique within its domain only.")
    if ref.id is not UNSET:
        return domain.id == ref.id
    if ref.name is UNSET:
        raise BadRequest(f"Expecting to find id or name in the domain of {owner}.")
    return (domain.name == ref.name) & domain.is_domain.is_(True)


def _password(backend: EmbeddedIdentity, part: Any) -> Proof:
    row = check_password(backend, part.user, part.user.password)
    expires_at = password_policy.expiry(row.password_expires_at, row.options)
    if expires_at is not None and expires_at <= utcnow():
        raise refused(backend, f"The password is expired and needs to be changed for user: {row.id}.")
    return Proof(row.id, ["password"], default_project_id=row.default_project_id, options=row.options)


def _totp(backend: EmbeddedIdentity, part: Any) -> Proof:
    """A one-time password of a generator whose seed is a credential of the type totp."""
    row = find_user(backend, part.user)
    seeds = credentials.blobs(backend, row.id, totp.CREDENTIAL_TYPE) if row else []
    now = time.time()
    row = _admitted(backend, row, any(totp.matches(seed, part.user.passcode, now) for seed in seeds))
    return Proof(row.id, ["totp"], default_project_id=row.default_project_id, options=row.options)


def _token(backend: EmbeddedIdentity, part: Any) -> Proof:
    entry = backend.entry(part.id)
    if entry is None:
        raise refused(backend)
    token = entry.token
    if token.trust or token.application_credential:
        raise Forbidden(
            "A token made from a trust or an application credential cannot be exchanged for another."
        )
    with backend.db.read() as session:
        row = session.execute(
            select(User.default_project_id, User.options).where(User.id == token.user)
        ).one()
    return Proof(
        token.user,
        # The methods of the first login stay: they are how the user was really authenticated.
        [*token.method_names, *([] if "token" in token.method_names else ["token"])],
        expires_at=token.expires_at,
        chain=token.audit_ids[-1],
        default_project_id=row.default_project_id,
        options=row.options,
    )


def _application_credential(backend: EmbeddedIdentity, part: Any) -> Proof:
    """A program's own secret. The credential, not the body, says for which project the token is."""
    stmt = select(ApplicationCredential)
    if part.id is not UNSET:
        stmt = stmt.where(ApplicationCredential.id == part.id)
    elif part.name is UNSET or part.user is UNSET:
        raise BadRequest("Expecting to find id, or name and user, in application_credential.")
    else:
        owner = find_user(backend, part.user)
        stmt = stmt.where(
            ApplicationCredential.name == part.name,
            ApplicationCredential.user_id == (owner.id if owner else ""),
        )
    with backend.db.read() as session:
        credential = session.scalar(stmt)
    if not backend.passwords.check(part.secret, credential.secret_hash if credential else None):
        raise refused(backend)
    if credential is None or (credential.expires_at is not None and credential.expires_at <= utcnow()):
        raise refused(backend)
    return Proof(
        credential.user_id,
        ["application_credential"],
        expires_at=credential.expires_at,
        credential=credential,
    )


METHODS: dict[str, Callable[[EmbeddedIdentity, Any], Proof]] = {
    "password": _password,
    "token": _token,
    "application_credential": _application_credential,
    "totp": _totp,
}
