"""What a token carries: a compact payload, sealed by the key ring. Nothing about it is stored.

The payload is a MessagePack array (180 to 250 characters of token), like Keystone's Fernet tokens: who, how,
for what, since when, until when, and the audit ids by which one token, or a chain of rescoped ones, is known
without being told. Roles, names and the catalogue are looked up when it is checked, so that a change holds
for tokens already issued.
"""

from __future__ import annotations

import base64
import os
import re
from datetime import UTC, datetime

import msgspec

# Bits of the methods in the payload: their order is part of the format, new ones are appended.
METHODS = (
    "password",
    "token",
    "application_credential",
    "trust",
    "ec2credential",
    "oauth1",
    "totp",
    "mapped",
)

# Scopes in the payload.
UNSCOPED, PROJECT, DOMAIN, SYSTEM_SCOPE = range(4)

FORMAT = 1
# A receipt is no token: it has the same fields, and its own format.
RECEIPT_FORMAT = 2

HEX_ID = re.compile("[0-9a-f]{32}")


class Token(msgspec.Struct, frozen=True, array_like=True, kw_only=True, omit_defaults=True):
    """The content of one token. Times are microseconds since 1970 in UTC."""

    format: int = FORMAT
    user_id: bytes
    methods: int
    scope: int
    scope_id: bytes
    issued_us: int
    expires_us: int
    audit: list[bytes]
    trust_id: bytes = b""
    application_credential_id: bytes = b""

    @property
    def user(self) -> str:
        return _unpack(self.user_id)

    @property
    def target(self) -> str:
        """The id of the project or domain; empty for the other scopes."""
        return _unpack(self.scope_id)

    @property
    def trust(self) -> str:
        return _unpack(self.trust_id)

    @property
    def application_credential(self) -> str:
        return _unpack(self.application_credential_id)

    @property
    def issued_at(self) -> datetime:
        return _time(self.issued_us)

    @property
    def expires_at(self) -> datetime:
        return _time(self.expires_us)

    @property
    def audit_ids(self) -> list[str]:
        """The token's own audit id and, for one made from another token, that of the first in the chain."""
        return [base64.urlsafe_b64encode(raw).rstrip(b"=").decode() for raw in self.audit]

    @property
    def method_names(self) -> list[str]:
        return [name for bit, name in enumerate(METHODS) if self.methods >> bit & 1]


_decoder = msgspec.msgpack.Decoder(Token)


def make(
    user_id: str,
    methods: list[str],
    scope: int,
    scope_id: str,
    issued_at: datetime,
    expires_at: datetime,
    *,
    chain: str | None = None,
    trust_id: str = "",
    application_credential_id: str = "",
) -> Token:
    """A new token with an audit id of its own.

    `chain` is the first audit id of the token that it was made from.
    """
    audit = [os.urandom(16)]
    if chain:
        audit.append(base64.urlsafe_b64decode(chain + "=="))
    return Token(
        user_id=_pack(user_id),
        methods=sum(1 << METHODS.index(name) for name in set(methods)),
        scope=scope,
        scope_id=_pack(scope_id),
        issued_us=_microseconds(issued_at),
        expires_us=_microseconds(expires_at),
        audit=audit,
        trust_id=_pack(trust_id),
        application_credential_id=_pack(application_credential_id),
    )


def encode(token: Token) -> bytes:
    return msgspec.msgpack.encode(token)


def decode(payload: bytes, kind: int = FORMAT) -> Token | None:
    """The token (or receipt) in a payload, or None if it is of another format."""
    try:
        token = _decoder.decode(payload)
    except msgspec.MsgspecError:
        return None
    return token if token.format == kind else None


def stamp(moment: datetime) -> str:
    """A time as Keystone writes it in tokens: 2026-01-31T12:00:00.000000Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain_stamp(moment: datetime | None) -> str | None:
    """A time as Keystone writes it where it shows what it stores, and as clients read it: without a zone.

    So the ends of passwords and of application credentials: 2026-01-31T12:00:00.000000.
    """
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def _pack(ident: str) -> bytes:
    """32 hex digits as 16 bytes, other ids (`default`) as text; the first byte says which."""
    if not ident:
        return b""
    if HEX_ID.fullmatch(ident):
        return b"\x01" + bytes.fromhex(ident)
    return b"\x00" + ident.encode()


def _unpack(packed: bytes) -> str:
    return packed[1:].hex() if packed[:1] == b"\x01" else packed[1:].decode()


def _microseconds(moment: datetime) -> int:
    whole = moment.replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1_000_000 + whole.microsecond


def _time(microseconds: int) -> datetime:
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest, tzinfo=None)
