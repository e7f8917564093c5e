"""What a password must be like, how long it holds, and how often a wrong one may be tried.

Rules that bind users who choose their own password (history, minimum age) do not bind an administrator who
gives them one, as upstream has it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from knarr.core.identity.models import FailedLogins, PastPassword, User
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest

if TYPE_CHECKING:
    from knarr.core.identity.backend import EmbeddedIdentity


def check_form(conf: Any, password: str) -> None:
    """Raise BadRequest for a password that is too short or not of the configured form."""
    if len(password) < conf.minimum_password_length:
        raise BadRequest(f"password must have at least {conf.minimum_password_length} characters.")
    if conf.password_regex and not re.search(conf.password_regex, password):
        wanted = conf.password_regex_description or "it does not match the configured form"
        raise BadRequest(f"password does not meet the requirements: {wanted}.")


def check_may_choose(backend: EmbeddedIdentity, user_id: str, password: str) -> None:
    """Raise BadRequest if the user's password is too young to be changed, or the new one was used before.

    Hashes are compared outside of a transaction: each takes as long as a login.
    """
    conf = backend.runtime.conf.identity
    with backend.db.read() as session:
        stmt = select(PastPassword).where(PastPassword.user_id == user_id)
        past = session.scalars(stmt.order_by(PastPassword.created_at.desc())).all()
    if not past:
        return
    oldest = past[0].created_at + timedelta(days=conf.minimum_password_age)
    if past[0].self_service and oldest > utcnow():
        raise BadRequest(
            f"password cannot be changed before {oldest:%Y-%m-%dT%H:%M:%SZ}: "
            f"it must be {conf.minimum_password_age} days old."
        )
    count = conf.unique_last_password_count
    if any(backend.passwords.check(password, row.password_hash) for row in past[:count]):
        raise BadRequest(f"password was used before: it must differ from the last {count} passwords.")


def set_password(
    session: Session, conf: Any, user: User, hashed: str, *, self_service: bool = False, first: bool = False
) -> None:
    """Give the user the password of that hash; it joins the history, which keeps as many as are compared.

    `first` is an administrator's choice for a new user or a reset, which may have to be changed at once.
    """
    now = utcnow()
    user.password_hash, user.password_changed_at = hashed, now
    user.password_expires_at = None
    if conf.password_expires_days:
        user.password_expires_at = now + timedelta(days=conf.password_expires_days)
    excepted = user.options.get("ignore_change_password_upon_first_use")
    if first and conf.change_password_upon_first_use and not excepted:
        user.password_expires_at = now
    session.add(
        PastPassword(user_id=user.id, password_hash=hashed, created_at=now, self_service=self_service)
    )
    session.flush()
    kept = select(PastPassword.id).where(PastPassword.user_id == user.id)
    ids = session.scalars(kept.order_by(PastPassword.created_at.desc())).all()
    doomed = ids[max(conf.unique_last_password_count, 1) :]
    if doomed:
        session.execute(delete(PastPassword).where(PastPassword.id.in_(doomed)))
    session.execute(delete(FailedLogins).where(FailedLogins.user_id == user.id))


def expiry(expires_at: datetime | None, options: dict[str, Any]) -> datetime | None:
    """When the password runs out; never for users whom an administrator excepted."""
    return None if options.get("ignore_password_expiry") else expires_at


# Lockout


def is_locked(backend: EmbeddedIdentity, user_id: str, options: dict[str, Any]) -> bool:
    """Whether the password was wrong so often that it is not looked at for a while."""
    conf = backend.runtime.conf.identity
    if not _counts(conf, options):
        return False
    with backend.db.read() as session:
        failed = session.get(FailedLogins, user_id)
    if failed is None or failed.count < conf.lockout_failure_attempts:
        return False
    return failed.last_at + timedelta(seconds=conf.lockout_duration) > utcnow()


def count_failure(backend: EmbeddedIdentity, user_id: str, options: dict[str, Any]) -> None:
    conf = backend.runtime.conf.identity
    if not _counts(conf, options):
        return
    now = utcnow()
    with backend.db.write() as session:
        failed = session.get(FailedLogins, user_id)
        if failed is None:
            session.add(FailedLogins(user_id=user_id, count=1, last_at=now))
            return
        served = failed.last_at + timedelta(seconds=conf.lockout_duration) <= now
        failed.count = 1 if served and failed.count >= conf.lockout_failure_attempts else failed.count + 1
        failed.last_at = now


def forget_failures(backend: EmbeddedIdentity, user_id: str, options: dict[str, Any]) -> None:
    """A right password ends the row of wrong ones."""
    if not _counts(backend.runtime.conf.identity, options):
        return
    with backend.db.read() as session:
        if session.get(FailedLogins, user_id) is None:
            return
    with backend.db.write() as session:
        session.execute(delete(FailedLogins).where(FailedLogins.user_id == user_id))


def _counts(conf: Any, options: dict[str, Any]) -> bool:
    return bool(conf.lockout_failure_attempts) and not options.get("ignore_lockout_failure_attempts")
