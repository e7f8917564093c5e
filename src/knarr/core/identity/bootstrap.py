"""What must be there before anybody can log in: made on the first start, looked at on every other one.

The domain, the roles that tools expect, the projects `admin` and `service`, the user `admin` (whose generated
password is stored as a hash only, and written once to clouds.yaml) and the user that Knarr's services act as
among themselves, who has no password at all.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from knarr.core.identity import clouds
from knarr.core.identity.backend import SERVICE_PROJECT, SERVICE_USER, EmbeddedIdentity, embedded
from knarr.core.identity.catalogue import REGION
from knarr.core.identity.changes import count
from knarr.core.identity.models import (
    DEFAULT_DOMAIN,
    NO_DOMAIN,
    SYSTEM,
    Assignment,
    ChangeCounter,
    ImpliedRole,
    Project,
    Region,
    Role,
    User,
)
from knarr.core.identity.options import IMMUTABLE
from knarr.kernel.db import utcnow

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)

ROLES = ("admin", "manager", "member", "reader", "service", "creator", "ResellerAdmin", "heat_stack_owner")
# Rules speak of these by name, so they are made immutable, as upstream's own first start does.
LASTING_ROLES = ("admin", "manager", "member", "reader", "service")
IMPLIED = (("admin", "manager"), ("manager", "member"), ("member", "reader"))
PROJECTS = {"admin": "The administrators' own project", SERVICE_PROJECT: "The services' own project"}
ADMIN = "admin"

# (user, role, target type, name of the project)
GRANTS = (
    (ADMIN, "admin", "project", "admin"),
    (ADMIN, "admin", "system", None),
    (SERVICE_USER, "admin", "project", SERVICE_PROJECT),
    (SERVICE_USER, "service", "project", SERVICE_PROJECT),
)


def prepare(runtime: Runtime) -> str | None:
    """Make what is missing. Returns the administrator's password if it was made just now, else None."""
    backend = embedded(runtime)
    password = None if _is_done(backend) else _make_once(backend, runtime)
    if password is not None:
        LOG.info("the user admin was made; its password is in %s", runtime.state_dir / clouds.FILE)
    else:
        clouds.follow_address(runtime.state_dir, runtime.base_url)
    return password


def _is_done(backend: EmbeddedIdentity) -> bool:
    with backend.db.read() as session:
        return session.scalar(select(ChangeCounter.value)) is not None


def _make_once(backend: EmbeddedIdentity, runtime: Runtime) -> str | None:
    try:
        return _make(backend, runtime)
    except IntegrityError:
        if _is_done(backend):
            return None  # another process made the rows in the same instant
        raise


def _make(backend: EmbeddedIdentity, runtime: Runtime) -> str | None:
    password = runtime.conf.identity.admin_password or secrets.token_hex(16)
    # Outside of the transaction: a hash is slow, and the database has one writer.
    hashed = backend.passwords.hash(password)
    with backend.db.write() as session:
        if session.scalar(select(ChangeCounter.value)) is not None:
            return None  # another process was quicker
        _make_domain_and_region(session)
        roles = _make_roles(session)
        projects = _make_projects(session)
        users = _make_users(session, hashed)
        for user, role, target_type, project in GRANTS:
            target = SYSTEM if project is None else projects[project]
            session.add(
                Assignment(
                    actor_type="user",
                    actor_id=users[user],
                    target_type=target_type,
                    target_id=target,
                    role_id=roles[role],
                )
            )
        count(session)
        # Before the commit: whoever is killed in between starts anew, with another password. After it, the
        # password of an administrator that is there would be known to nobody.
        clouds.write(runtime.state_dir, runtime.base_url, password)
    return password


def _make_domain_and_region(session: Session) -> None:
    session.add(
        Project(
            id=DEFAULT_DOMAIN,
            name="Default",
            domain_id=NO_DOMAIN,
            is_domain=True,
            description="The default domain",
        )
    )
    session.add(Region(id=REGION))


def _make_roles(session: Session) -> dict[str, str]:
    rows = {
        name: Role(name=name, options={IMMUTABLE: True} if name in LASTING_ROLES else {}) for name in ROLES
    }
    session.add_all(rows.values())
    session.flush()
    for prior, implied in IMPLIED:
        session.add(ImpliedRole(prior_role_id=rows[prior].id, implied_role_id=rows[implied].id))
    return {name: row.id for name, row in rows.items()}


def _make_projects(session: Session) -> dict[str, str]:
    rows = {
        name: Project(name=name, domain_id=DEFAULT_DOMAIN, parent_id=DEFAULT_DOMAIN, description=description)
        for name, description in PROJECTS.items()
    }
    session.add_all(rows.values())
    session.flush()
    return {name: row.id for name, row in rows.items()}


def _make_users(session: Session, admin_hash: str) -> dict[str, str]:
    rows = {
        ADMIN: User(
            name=ADMIN, domain_id=DEFAULT_DOMAIN, password_hash=admin_hash, password_changed_at=utcnow()
        ),
        SERVICE_USER: User(name=SERVICE_USER, domain_id=DEFAULT_DOMAIN, description="Knarr's own services"),
    }
    session.add_all(rows.values())
    session.flush()
    return {name: row.id for name, row in rows.items()}
