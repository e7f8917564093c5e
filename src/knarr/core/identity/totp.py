"""One-time passwords by the clock (RFC 6238): six digits, a new one each half minute."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct

CREDENTIAL_TYPE = "totp"
STEP = 30
DIGITS = 6

# Clocks differ, and typing takes time: the password before the present one is taken as well.
WINDOWS = (0, -1)


def matches(seed: str, passcode: str, now: float) -> bool:
    """Whether the passcode is one that a generator with this seed (base32) shows at the time."""
    try:
        key = base64.b32decode(seed.upper() + "=" * (-len(seed) % 8))
    except (binascii.Error, ValueError):
        return False
    counter = int(now) // STEP
    given = passcode.encode()
    return any(hmac.compare_digest(_code(key, counter + window), given) for window in WINDOWS)


def _code(key: bytes, counter: int) -> bytes:
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS).encode()
