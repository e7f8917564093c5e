"""The data of images in files: written under another name, renamed when whole, removed with the image.

    <data_dir>/<image id>            whole data of an image
    <data_dir>/<image id>.part       being written
    <data_dir>/<image id>.staged     staged for an import

A file without a row that owns it is a leftover of a killed process and goes at the next start. What is being
written is locked, so that the start of one process leaves the uploads of another alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from knarr.core.image.settings import MEBIBYTE
from knarr.kernel.errors import BadRequest, Conflict, TooLarge

CHUNK = 512 * 1024
HEAD = 32
ALGORITHM = "sha512"
PART = ".part"
STAGED = ".staged"

Check = Callable[[int], None]
"""Told how many bytes have come, it raises to have no more of them."""


@dataclass(frozen=True)
class Written:
    """What was written: bytes, MD5 and SHA-512 in hexadecimal digits, and the first bytes."""

    size: int
    checksum: str
    os_hash_value: str
    head: bytes


class _Digest:
    """What is told of data, as it passes."""

    def __init__(self) -> None:
        self._md5, self._sha512 = hashlib.md5(usedforsecurity=False), hashlib.sha512()
        self._head = b""
        self.size = 0

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._head += data[: HEAD - len(self._head)]
        self._md5.update(data)
        self._sha512.update(data)

    def written(self) -> Written:
        return Written(self.size, self._md5.hexdigest(), self._sha512.hexdigest(), self._head)


class Source(Protocol):
    """What data is read from."""

    def read(self, size: int, /) -> bytes: ...


class Storage:
    """One directory of image data."""

    def __init__(self, directory: Path, largest: int) -> None:
        self.directory = directory
        self.largest = largest

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, ident: str) -> Path:
        return self.directory / ident

    def staged(self, ident: str) -> Path:
        return self.directory / (ident + STAGED)

    def write(
        self, target: Path, source: Source, length: int | None, check: Check = lambda size: None
    ) -> Written:
        """All of `source` (of `length` bytes where known) into the file, or nothing.

        Raises TooLarge past the cap, BadRequest if the source ends too early, and Conflict if the file is
        being written already. `check` is called before each piece is written, with the size so far: it
        may end the writing by raising.
        """
        if length is not None:
            self.check_size(length)
        part = target.with_name(target.name + PART)
        with open(part, "ab", opener=_private) as file:
            if not _lock(file) or not _is_at(file, part):
                raise Conflict("The data of this image is being written by another request.")
            try:
                file.truncate(0)
                written = self._copy(source, file, length, check)
                file.flush()
                os.fsync(file.fileno())
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        self._sync()
        return written

    def check_size(self, size: int) -> None:
        """Raise TooLarge past the cap."""
        if size > self.largest:
            raise TooLarge(
                f"The data is larger than {self.largest // MEBIBYTE} MiB, the most an image may have."
            )

    def adopt(self, ident: str, check: Check) -> Written:
        """Make what was staged the data of the image. Safe to repeat. Raises FileNotFoundError."""
        staged, whole = self.staged(ident), self.path(ident)
        with (staged if staged.exists() else whole).open("rb") as file:
            written = _digest(file, check)
        if staged.exists():
            staged.replace(whole)
            self._sync()
        return written

    def _copy(self, source: Source, file: BinaryIO, length: int | None, check: Check) -> Written:
        digest = _Digest()
        while length is None or digest.size < length:
            data = source.read(CHUNK if length is None else min(CHUNK, length - digest.size))
            if not data:
                break
            digest.update(data)
            self.check_size(digest.size)
            check(digest.size)
            file.write(data)
        if length is not None and digest.size < length:
            raise BadRequest(f"The data ended after {digest.size} of {length} bytes; upload it again.")
        return digest.written()

    def read(self, ident: str, start: int, length: int) -> Iterator[bytes]:
        """The bytes from `start` on, in pieces. The file is opened at once, so that a removal does not hurt.
        Raises FileNotFoundError."""
        file = self.path(ident).open("rb")

        def pieces() -> Iterator[bytes]:
            left = length
            with file:
                file.seek(start)
                while left > 0 and (data := file.read(min(CHUNK, left))):
                    left -= len(data)
                    yield data

        return pieces()

    def remove(self, ident: str) -> None:
        for path in (self.path(ident), self.staged(ident)):
            path.unlink(missing_ok=True)

    def clean(self, whole: Collection[str], staged: Collection[str]) -> list[str]:
        """Remove every file that no image owns; the names of what went."""
        keep = {*whole, *(ident + STAGED for ident in staged)}
        gone = [
            path
            for path in self.directory.iterdir()
            if path.is_file() and path.name not in keep and not _is_locked(path)
        ]
        for path in gone:
            path.unlink(missing_ok=True)
        return [path.name for path in gone]

    def writing(self) -> set[str]:
        """The ids of the images whose data some process is writing now."""
        parts = [path for path in self.directory.glob(f"*{PART}") if _is_locked(path)]
        return {path.name.removesuffix(PART).removesuffix(STAGED) for path in parts}

    def _sync(self) -> None:
        """Make the renaming durable."""
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lock(file: BinaryIO) -> bool:
    """Hold the file until it is closed; False if somebody does already."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open file still has that name: its last holder may have renamed or removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return not _lock(file)
    except FileNotFoundError:
        return False


def _digest(file: BinaryIO, check: Check) -> Written:
    digest = _Digest()
    while data := file.read(CHUNK):
        digest.update(data)
        check(digest.size)
    return digest.written()


def storage(runtime: Any) -> Storage:
    """The storage of this process."""

    def make() -> Storage:
        options = runtime.conf.image
        directory = Path(options.data_dir) if options.data_dir else runtime.state_dir / "images"
        return Storage(directory, options.image_size_cap * MEBIBYTE)

    found: Storage = runtime.component("image.storage", make)
    return found


def copies(runtime: Any) -> Storage:
    """This host's own copies of data, which administrators have asked for."""

    def make() -> Storage:
        options = runtime.conf.image
        own = options.image_cache_dir
        directory = Path(own) if own else runtime.state_dir / "image-cache"
        return Storage(directory, options.image_cache_max_size * MEBIBYTE)

    found: Storage = runtime.component("image.copies", make)
    return found
