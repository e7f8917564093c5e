"""The keys that seal tokens: a directory of Fernet keys, as Keystone lays it out.

    STATE/fernet-keys/0    staged: the next primary, already known to every process that shares the directory
    STATE/fernet-keys/N    the highest number is the primary, which seals; all of them open

A rotation makes the staged key the primary, stages a new one and drops the oldest beyond `max_active_keys`. A
token stays valid as long as its key is there, so keys must live longer than tokens: interval x (keys - 2) >
lifetime.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

STAGED = 0
LOCK = ".lock"

# Seconds between two looks at the directory for a rotation that another process made.
LOOK_INTERVAL = 5.0


class KeyRing:
    """Seals and opens bytes with the keys in `directory` (made if it is missing, 0700; its files 0600)."""

    def __init__(self, directory: Path, max_active_keys: int = 3) -> None:
        if max_active_keys < 2:
            raise ValueError("max_active_keys must be at least 2: one key seals, one is staged")
        self.directory = directory
        self.max_active_keys = max_active_keys
        self._mutex = threading.Lock()
        self._stamp = -1
        self._looked = 0.0
        self._fernets: list[Fernet] = []
        self._set_up()
        self._load()

    def seal(self, payload: bytes) -> str:
        """The payload encrypted and signed by the primary key, without the padding of base64."""
        self._notice_rotation()
        return self._fernets[0].encrypt(payload).rstrip(b"=").decode()

    def open(self, token: str) -> bytes | None:
        """The payload of a token that one of the keys sealed, else None."""
        try:
            padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        except UnicodeEncodeError:
            return None
        self._notice_rotation()
        payload = self._try(padded)
        # A token sealed by a key that another process has just made is looked at twice.
        if payload is None and self._stamp != self._directory_stamp():
            self._load()
            payload = self._try(padded)
        return payload

    def rotate(self) -> int:
        """Make the staged key the primary; the primary's number."""
        with self._locked():
            numbers = self._numbers()
            primary = max(numbers) + 1
            promoted = (self.directory / str(STAGED)).rename(self.directory / str(primary))
            os.utime(promoted)  # its age is counted from now, when it becomes the primary
            self._write(STAGED)
            active = sorted(n for n in (*numbers, primary) if n != STAGED)
            for number in active[: -(self.max_active_keys - 1)]:
                (self.directory / str(number)).unlink(missing_ok=True)
        self._load()
        return primary

    def rotate_if_older(self, seconds: float) -> bool:
        """Rotate if the primary key has sealed for longer than that; whether it had."""
        primary = self.directory / str(max(self._numbers()))
        if time.time() - primary.stat().st_mtime < seconds:
            return False
        self.rotate()
        return True

    def _try(self, token: bytes) -> bytes | None:
        for fernet in self._fernets:
            try:
                return fernet.decrypt(token)
            except InvalidToken:
                continue
        return None

    def _notice_rotation(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_INTERVAL:
            return
        self._looked = now
        if self._stamp != self._directory_stamp():
            self._load()

    def _load(self) -> None:
        with self._mutex:
            self._stamp = self._directory_stamp()
            keys = []
            # The primary first: it sealed most tokens.
            for number in sorted(self._numbers(), reverse=True):
                try:
                    keys.append(Fernet((self.directory / str(number)).read_bytes()))
                except FileNotFoundError:  # a rotation removed or renamed it in between
                    self._stamp = -1
            if not keys:
                raise RuntimeError(f"there is no token key in {self.directory}")
            self._fernets = keys

    def _set_up(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            if not self._numbers():
                self._write(STAGED)
                self._write(1)

    def _write(self, number: int) -> None:
        target = self.directory / str(number)
        part = target.with_name(f"{number}.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)

    def _numbers(self) -> list[int]:
        return [int(path.name) for path in self.directory.iterdir() if path.name.isdigit()]

    def _directory_stamp(self) -> int:
        return self.directory.stat().st_mtime_ns

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.directory / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
