"""Signs plans, so that an agent can tell them from what others put into its queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Signer:
    """The engine's RSA key. A signature covers the queue's name too: it holds for one agent only."""

    def __init__(self, key: Any) -> None:
        self._key = key

    @classmethod
    def load(cls, pem: bytes, password: bytes | None = None) -> Signer:
        """The key in PEM data. Raises ValueError for everything but an RSA key of at least 2048 bits."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem, password)
        except (TypeError, ValueError) as error:
            raise ValueError(f"signing key: {error}") from error
        if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
            raise ValueError("signing key: must be an RSA key of at least 2048 bits")
        return cls(key)

    @classmethod
    def read(cls, path: Path, password: bytes | None = None) -> Signer:
        """The key in a file. Raises ValueError and OSError."""
        return cls.load(path.read_bytes(), password)

    def sign(self, queue: str, text: str) -> bytes:
        """RSA, PKCS #1 v1.5, SHA-256."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        signature: bytes = self._key.sign((queue + text).encode("utf-8"), padding.PKCS1v15(), hashes.SHA256())
        return signature

    def public_key(self, line_prefix: str = "") -> str:
        """For an agent's configuration: PEM of PKCS #1, each line after the prefix."""
        from cryptography.hazmat.primitives import serialization

        pem: bytes = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.PKCS1
        )
        return "".join(line_prefix + line for line in pem.decode("ascii").splitlines(keepends=True))
