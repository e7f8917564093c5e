"""Secrets at rest: values that are kept encrypted in the database with a key from the state directory.

The key file holds one Fernet key per line. The first encrypts; all of them decrypt, so that keys can be
rotated while old values are still there.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from knarr.kernel.db import new_id

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

FILE_NAME = "secrets.key"


class SecretError(Exception):
    """A value was encrypted with a key that is not in the key file, or is no encrypted value."""


class SecretBox:
    """Encrypts and decrypts texts with the keys in `state_dir`; the first use makes the key file (mode
    0600)."""

    def __init__(self, state_dir: str | Path) -> None:
        self.path = Path(state_dir) / FILE_NAME
        self._lock = threading.Lock()
        self._fernet: MultiFernet | None = None
        self._stamp: tuple[int, int] = (0, 0)

    def encrypt(self, text: str) -> str:
        return self._box().encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The text. Raises SecretError."""
        from cryptography.fernet import InvalidToken

        try:
            return self._box().decrypt(token.encode()).decode()
        except InvalidToken:
            raise SecretError(f"a secret was encrypted with a key that is not in {self.path}") from None

    def renew(self, token: str) -> str:
        """The same secret encrypted with the first key. Raises SecretError."""
        from cryptography.fernet import InvalidToken

        try:
            return self._box().rotate(token.encode()).decode()
        except InvalidToken:
            raise SecretError(f"a secret was encrypted with a key that is not in {self.path}") from None

    def rotate(self, keep: int = 3) -> None:
        """Put a new key first and drop all but `keep` keys; renew() what the dropped ones encrypted
        before that."""
        from cryptography.fernet import Fernet

        self._box()
        with self._lock:
            keys = [Fernet.generate_key().decode(), *self._keys()][: max(keep, 1)]
            self._written(keys).replace(self.path)
            self._fernet = None

    def _box(self) -> MultiFernet:
        """The keys as they stand in the file now; another process may have rotated them."""
        from cryptography.fernet import Fernet, MultiFernet

        with self._lock:
            if not self.path.exists():
                self._create(Fernet.generate_key().decode())
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if self._fernet is None or stamp != self._stamp:
                self._fernet = MultiFernet([Fernet(key) for key in self._keys()])
                self._stamp = stamp
            return self._fernet

    def _keys(self) -> list[str]:
        return [line for line in self.path.read_text(encoding="ascii").split() if line]

    def _create(self, key: str) -> None:
        """Make the key file, unless another process does so at this instant: then its keys count."""
        temporary = self._written([key])
        try:
            os.link(temporary, self.path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()

    def _written(self, keys: list[str]) -> Path:
        """A file beside the key file that holds the keys, on disk for good."""
        path = self.path.with_name(f".{FILE_NAME}.{new_id()}")
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return path
