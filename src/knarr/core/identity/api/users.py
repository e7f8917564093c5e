"""Users: /v3/users, and what belongs to one of them."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.identity import authentication, password_policy, tokens
from knarr.core.identity.api import groups, projects
from knarr.core.identity.api.common import (
    View,
    apply,
    check_domain,
    collection,
    domain_for,
    identity,
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
from knarr.core.identity.api.filters import by_moment
from knarr.core.identity.backend import EmbeddedIdentity
from knarr.core.identity.models import (
    AccessRule,
    ApplicationCredential,
    Assignment,
    Credential,
    FailedLogins,
    Group,
    Membership,
    PastPassword,
    Project,
    Trust,
    User,
)
from knarr.core.identity.options import merged
from knarr.core.identity.schemas import UserRef
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Conflict
from knarr.kernel.web import Request

FILTERS = {
    "id": User.id,
    "name": User.name,
    "domain_id": User.domain_id,
    "enabled": User.enabled,
    "default_project_id": User.default_project_id,
    "email": User.email,
    "description": User.description,
}


def view(req: Request, user: User) -> View:
    body: View = {
        **(user.extra or {}),
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.enabled,
        "password_expires_at": tokens.plain_stamp(
            password_policy.expiry(user.password_expires_at, user.options)
        ),
        "options": user.options,
    }
    for name in ("default_project_id", "email", "description"):
        if getattr(user, name) is not None:
            body[name] = getattr(user, name)
    return linked(req, body, "users", user.id)


def target(user: User | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"target.user.id": user.id, "target.user.domain_id": user.domain_id}


def list_users(req: Request) -> View:
    stmt = in_visible_domain(req, filtered(select(User), req), "identity:list_users", User.domain_id)
    return listed(req, "users", stmt, User, view)


def filtered(stmt: Select[Any], req: Request) -> Select[Any]:
    """The users of the statement that the query leaves."""
    return by_moment(matching(stmt, req, FILTERS), req, "password_expires_at", User.password_expires_at)


def show_user(req: Request, user_id: str) -> View:
    with req.db.read() as session:
        return {"user": view(req, found(req, session, user_id, "identity:get_user"))}


def create_user(req: Request) -> View:
    """201 {user}. 404 for an unknown domain, 409 for a name that the domain has already."""
    body, domain_id = req.body, domain_for(req, req.body.domain_id)
    req.authorize("identity:create_user", {"target.user.domain_id": domain_id})
    hashed = _hashed(identity(req), body.password)
    with writing(req, "user") as session:
        check_domain(session, domain_id)
        _check_default_project(session, body.default_project_id)
        refuse_duplicate(session, User, "user", body.name, domain_id)
        user = User(
            name=body.name,
            domain_id=domain_id,
            default_project_id=body.default_project_id,
            enabled=body.enabled,
            description=body.description,
            email=body.email,
            options=merged({}, body.options),
        )
        session.add(user)
        session.flush()
        if hashed is not None:
            password_policy.set_password(session, _conf(req), user, hashed, first=True)
        keep_extra(user, body, view(req, user))
    return {"user": view(req, user)}


def update_user(req: Request, user_id: str) -> View:
    """200 {user}. A new password, or disabling, revokes all tokens of the user."""
    body = req.body
    with req.db.read() as session:
        found(req, session, user_id, "identity:update_user")
    hashed = _hashed(identity(req), body.password)
    with writing(req, "user") as session:
        user = load(session, User, user_id, "user")
        shown = view(req, user)
        if body.domain_id is not UNSET and body.domain_id != user.domain_id:
            raise BadRequest("domain_id cannot be changed.")
        _check_default_project(session, body.default_project_id)
        if body.name is not UNSET:
            refuse_duplicate(session, User, "user", body.name, user.domain_id, but=user.id)
        apply(user, body, ("name", "default_project_id", "enabled", "description", "email"))
        user.options = merged(user.options, body.options)
        if hashed is not None:
            password_policy.set_password(session, _conf(req), user, hashed, first=True)
        if body.password is None:
            user.password_hash = None
        keep_extra(user, body, shown)
    if body.password is not UNSET or body.enabled is False:
        _revoke_tokens(req, user_id)
    return {"user": view(req, user)}


def _check_default_project(session: Session, project_id: Any) -> None:
    """As upstream: it may be a project that is not there (any more), and no domain."""
    project = session.get(Project, project_id) if isinstance(project_id, str) else None
    if project is not None and project.is_domain:
        raise BadRequest(f"default_project_id must be the id of a project, and {project_id} is a domain.")


def delete_user(req: Request, user_id: str) -> None:
    with req.db.read() as session:
        user = found(req, session, user_id, "identity:delete_user")
    if user.id == identity(req).service_user_id():
        raise Conflict("Knarr's services act as this user among themselves: it cannot be deleted.")
    with writing(req, "user") as session:
        forget_users(session, [user_id])


def change_password(req: Request, user_id: str) -> None:
    """A user's own change of password, with the old one instead of a token; it works for an expired one, too.

    204. 401 if the old password is wrong (or there is no such user). All tokens of the user are revoked.
    """
    backend, body = identity(req), req.body
    row = authentication.check_password(backend, UserRef(id=user_id), body.original_password)
    if row.options.get("lock_password"):
        raise BadRequest("password cannot be changed by its user: the option lock_password is set.")
    if body.password == body.original_password:
        raise BadRequest("password must differ from original_password.")
    password_policy.check_may_choose(backend, row.id, body.password)
    hashed = _hashed(backend, body.password)
    assert hashed is not None
    with writing(req, "user") as session:
        user = load(session, User, row.id, "user")
        if user.password_hash != row.password_hash:
            # Another change came in between: the old password that was checked is none any more.
            raise authentication.refused(backend)
        password_policy.set_password(session, _conf(req), user, hashed, self_service=True)
    _revoke_tokens(req, row.id)


def list_user_projects(req: Request, user_id: str) -> View:
    """The enabled projects on which the user has a role."""
    with req.db.read() as session:
        found(req, session, user_id, "identity:list_user_projects")
        rows = projects.may_enter(session, user_id)
    views = [projects.view(req, row) for row in rows]
    return collection(req, "projects", views, f"users/{user_id}/projects")


def list_user_groups(req: Request, user_id: str) -> View:
    own = select(Membership.group_id).where(Membership.user_id == user_id)
    stmt = matching(select(Group).where(Group.id.in_(own)), req, groups.FILTERS)
    with req.db.read() as session:
        found(req, session, user_id, "identity:list_groups_for_user")
    return listed(req, "groups", stmt, Group, groups.view, path=f"users/{user_id}/groups")


def found(req: Request, session: Session, user_id: str, rule: str) -> User:
    """The user, once the rule allows it: who may not see users cannot tell which exist."""
    user = session.get(User, user_id)
    req.authorize(rule, target(user))
    if user is None:
        raise missing("user", user_id)
    return user


def forget_users(session: Session, user_ids: list[str]) -> None:
    """Delete users with all that hangs on them."""
    session.execute(delete(Assignment).where(Assignment.actor_id.in_(user_ids)))
    session.execute(delete(Membership).where(Membership.user_id.in_(user_ids)))
    session.execute(delete(ApplicationCredential).where(ApplicationCredential.user_id.in_(user_ids)))
    session.execute(
        delete(Trust).where(or_(Trust.trustor_user_id.in_(user_ids), Trust.trustee_user_id.in_(user_ids)))
    )
    for model in (AccessRule, Credential, FailedLogins, PastPassword):
        session.execute(delete(model).where(model.user_id.in_(user_ids)))
    session.execute(delete(User).where(User.id.in_(user_ids)))


def _conf(req: Request) -> Any:
    return req.runtime.conf.identity


def _hashed(backend: EmbeddedIdentity, password: Any) -> str | None:
    """The hash of a new password, made before a transaction begins: it takes long, by intent."""
    if not isinstance(password, str):
        return None
    password_policy.check_form(backend.runtime.conf.identity, password)
    return backend.passwords.hash(password)


def _revoke_tokens(req: Request, user_id: str) -> None:
    """Refuse all tokens that were issued until now.

    In a transaction of its own, after the change: a login that still saw the old password began before this.
    """
    with writing(req, "user") as session:
        session.execute(update(User).where(User.id == user_id).values(tokens_valid_from=utcnow()))
