"""One-time passwords by the clock (RFC 6238): six digits, a new one each half minute."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

CREDENTIAL_TYPE = "totp"
STEP = 30
DIGITS = 6

# Clocks differ, and typing takes time: the password before the present one is taken as well.
WINDOWS = (0, -1)


def passcode(seed: str, now: float) -> str:
    """What a generator with this seed (base32) shows at the time. Raises ValueError for another seed."""
    key = base64.b32decode(seed.upper() + "=" * (-len(seed) % 8))
    if not key:
        raise ValueError("the seed is empty")
    digest = hmac.new(key, struct.pack(">Q", int(now) // STEP), hashlib.sha1).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matches(seed: str, given: str, now: float) -> bool:
    """Whether it is a passcode of a generator with this seed at the time."""
    try:
        shown = [passcode(seed, now + window * STEP) for window in WINDOWS]
    except ValueError:
        return False
    return any(hmac.compare_digest(code.encode(), given.encode()) for code in shown)
