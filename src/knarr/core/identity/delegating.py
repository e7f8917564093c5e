"""Which of its roles a caller may lend to an application credential or a trust."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity.grants import RoleBook
from knarr.core.identity.models import NO_DOMAIN, Role
from knarr.core.identity.schemas import RoleRef
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, KnarrError, NotFound


def lent_roles(
    book: RoleBook, refs: Sequence[RoleRef] | None, held: set[str], lacking: type[KnarrError]
) -> list[str]:
    """The ids of the roles that were asked for, or all that the caller's token has if none were named.

    Raises NotFound for a name that no role has, `lacking` for a role that the caller has not (as upstream:
    400 for an application credential, 404 for a trust).
    """
    if not refs:
        return sorted(held)
    ids = [_role_id(book, ref) for ref in refs]
    for role_id in ids:
        if role_id not in held:
            raise lacking(f"roles: {book.names.get(role_id, role_id)} is not among the roles of your token.")
    return list(dict.fromkeys(ids))


def token_roles(body: dict[str, Any]) -> set[str]:
    return {role["id"] for role in body.get("roles", ())}


def end_of(moment: datetime | None) -> datetime | None:
    """The end that was asked for as naive UTC. Raises BadRequest if it has passed."""
    if moment is None:
        return None
    naive = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if naive <= utcnow():
        raise BadRequest("expires_at must be a time in the future.")
    return naive


def role_views(session: Session, role_ids: Sequence[str]) -> list[Role]:
    """The roles that still exist, by name."""
    return list(session.scalars(select(Role).where(Role.id.in_(role_ids)).order_by(Role.name)))


def _role_id(book: RoleBook, ref: RoleRef) -> str:
    if isinstance(ref.id, str):
        return ref.id
    if ref.name is UNSET:
        raise BadRequest("roles: each needs an id or a name.")
    wanted = ref.domain_id if isinstance(ref.domain_id, str) else NO_DOMAIN
    for role_id, name in book.names.items():
        if name == ref.name and book.domains[role_id] == wanted:
            return role_id
    raise NotFound(f"roles: there is no role {ref.name}.")
