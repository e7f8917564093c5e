"""Secrets that are kept for users, encrypted with the key of the state folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from knarr.core.identity.models import Credential

if TYPE_CHECKING:
    from knarr.core.identity.backend import EmbeddedIdentity


def blobs(backend: EmbeddedIdentity, user_id: str, kind: str) -> list[str]:
    """The user's secrets of that type."""
    stmt = select(Credential.encrypted_blob).where(Credential.user_id == user_id, Credential.type == kind)
    with backend.db.read() as session:
        sealed = session.scalars(stmt).all()
    return [backend.runtime.secrets.decrypt(blob) for blob in sealed]
