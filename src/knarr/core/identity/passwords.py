"""Password hashes: bcrypt, whose rounds are configurable, with any length of password.

bcrypt looks at 72 bytes only, so what it gets is the base64 of a SHA-256: every character of a long password
counts, and none of the zero bytes at which bcrypt would stop. bcrypt lets other threads run while it
computes; how many compute at once is bounded by the processors, so that a flood of logins slows logins down
and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading

import bcrypt

# Upstream's range; below 10 is for tests only.
MIN_ROUNDS, MAX_ROUNDS = 4, 31

_turns = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1)))


class Passwords:
    """Makes and checks hashes. `rounds` is the binary logarithm of the work (12: a quarter of a second)."""

    def __init__(self, rounds: int) -> None:
        self.rounds = min(max(rounds, MIN_ROUNDS), MAX_ROUNDS)
        self._nobody: bytes | None = None

    def hash(self, password: str) -> str:
        with _turns:
            return bcrypt.hashpw(_digest(password), bcrypt.gensalt(self.rounds)).decode()

    def check(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one of the hash. Without a hash it takes as long and is False."""
        with _turns:
            if hashed is None:
                bcrypt.checkpw(_digest(password), self._no_hash())
                return False
            return bcrypt.checkpw(_digest(password), hashed.encode())

    def _no_hash(self) -> bytes:
        # A well-formed hash that no password has: 31 characters are its end, the work is the same.
        if self._nobody is None:
            self._nobody = bcrypt.gensalt(self.rounds) + b"." * 31
        return self._nobody


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())
