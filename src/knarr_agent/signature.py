"""Checks the engine's signature of plans: RSA, PKCS #1 v1.5, SHA-256 over the queue's name and the text.

The agent has no cryptographic library, and needs none for this: a check uses the public key only, so nothing
here is secret, and the whole padded block is compared rather than parsed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

# DER of DigestInfo for SHA-256, before the digest (RFC 8017, section 9.2).
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_RSA = bytes.fromhex("2a864886f70d010101")  # OID of RSA keys
_PEM = re.compile(r"-----BEGIN (RSA )?PUBLIC KEY-----(.*?)-----END (RSA )?PUBLIC KEY-----", re.DOTALL)
MINIMUM_BITS = 1024


@dataclass(frozen=True)
class PublicKey:
    """An RSA public key."""

    modulus: int
    exponent: int

    def verify(self, queue: str, text: str, signature: bytes) -> bool:
        """Whether this key's owner signed the text for the queue."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature, "big")
        if len(signature) != size or number >= self.modulus:
            return False
        digest = hashlib.sha256((queue + text).encode("utf-8", "surrogatepass")).digest()
        tail = _SHA256 + digest
        expected = b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail
        return hmac.compare_digest(pow(number, self.exponent, self.modulus).to_bytes(size, "big"), expected)


def load(pem: str) -> PublicKey:
    """The key in PEM text, of either form (PKCS #1 or SubjectPublicKeyInfo). Raises ValueError."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("is no public key in PEM form (BEGIN PUBLIC KEY or BEGIN RSA PUBLIC KEY)")
    try:
        data = base64.b64decode("".join(found[2].split()), validate=True)
        if not found[1]:
            data = _inner_key(data)
        numbers = _sequence(data)
        modulus, exponent = (int.from_bytes(_value(part, 0x02), "big") for part in numbers)
    except (binascii.Error, IndexError, ValueError) as error:
        raise ValueError("is no RSA public key") from error
    if modulus.bit_length() < MINIMUM_BITS or exponent < 3 or not exponent & 1 or not modulus & 1:
        raise ValueError(f"is no RSA public key of at least {MINIMUM_BITS} bits")
    return PublicKey(modulus, exponent)


def _inner_key(data: bytes) -> bytes:
    """What SubjectPublicKeyInfo wraps."""
    algorithm, bits = _sequence(data)
    if _value(_sequence(algorithm)[0], 0x06) != _RSA:
        raise ValueError("another algorithm")
    return _value(bits, 0x03)[1:]  # the first byte counts unused bits: none


def _sequence(data: bytes) -> list[bytes]:
    """The elements of a DER sequence, each with its header."""
    content, parts = _value(data, 0x30), []
    while content:
        _, start, length = _header(content)
        parts.append(content[: start + length])
        content = content[start + length :]
    return parts


def _value(data: bytes, tag: int) -> bytes:
    found, start, length = _header(data)
    if found != tag or len(data) < start + length:
        raise ValueError("another kind of DER value")
    return data[start : start + length]


def _header(data: bytes) -> tuple[int, int, int]:
    """Tag, where the content starts, how long it is."""
    length = data[1]
    if length < 0x80:
        return data[0], 2, length
    count = length & 0x7F
    return data[0], 2 + count, int.from_bytes(data[2 : 2 + count], "big")
