"""Receipts: for a login that met a part of what its user's rules for several factors ask for.

A receipt is sealed as a token is, and is none. It names the methods that were right, so that a second request
with it needs the others only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec import structs

from knarr.core.identity import issuing, tokens
from knarr.kernel.db import utcnow
from knarr.kernel.errors import Unauthorized

if TYPE_CHECKING:
    from knarr.core.identity.backend import EmbeddedIdentity

HEADER = "Openstack-Auth-Receipt"


class FactorsMissingError(Unauthorized):
    """401 whose body is the receipt, and the rules of which one has to be met."""

    def __init__(self, body: dict[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__("More factors are required to authenticate.", headers=headers)
        self.body = body


def issue(
    backend: EmbeddedIdentity, user_id: str, methods: list[str], rules: list[list[str]], refusal: Unauthorized
) -> FactorsMissingError:
    """The answer for a user who proved to be it by these methods, which no rule is content with.

    It is the plain `refusal` with a receipt.
    """
    now = utcnow()
    lifetime = timedelta(seconds=backend.runtime.conf.identity.receipt_expiration)
    token = tokens.make(user_id, methods, tokens.UNSCOPED, "", now, now + lifetime)
    receipt = structs.replace(token, format=tokens.RECEIPT_FORMAT)
    with backend.db.read() as session:
        shown = issuing.describe(session, receipt, backend.role_book())
    kept = {name: shown[name] for name in ("methods", "issued_at", "expires_at")}
    user = {name: shown["user"][name] for name in ("id", "name", "domain")}
    body = {"receipt": {**kept, "user": user}, "required_auth_methods": rules}
    return FactorsMissingError(body, {**refusal.headers, HEADER: backend.keys.seal(tokens.encode(receipt))})


def read(backend: EmbeddedIdentity, text: str) -> tokens.Token | None:
    """What a receipt says, or None if it holds no longer: tokens of that user and time must hold, too."""
    payload = backend.keys.open(text)
    receipt = tokens.decode(payload, tokens.RECEIPT_FORMAT) if payload else None
    if receipt is None or receipt.expires_at <= utcnow():
        return None
    try:
        with backend.db.read() as session:
            issuing.describe(session, receipt, backend.role_book())
    except issuing.InvalidTokenError:
        return None
    return receipt
