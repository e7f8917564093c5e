"""The files of a package, from a zip archive or a folder. Both are hostile until proven otherwise.

Nothing is unpacked to a disk. Refused are: paths that lead outside, absolute ones, links, devices, encrypted
entries, two entries of one name, and anything past the limits, whatever an archive claims of its sizes.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Protocol

from knarr.services.application_catalog.packages.faults import LIMITS, Limits, PackageFault

ALLOWED_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What reading a broken archive raises.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    IndexError,
)


class Files(Protocol):
    """Names are relative with slashes, as in the manifest."""

    def names(self) -> tuple[str, ...]: ...

    def read(self, name: str) -> bytes:
        """Raises PackageFault if there is none of that name."""
        ...


def open_package(source: Path | bytes, limits: Limits = LIMITS) -> Files:
    """The files of an archive (its path or bytes) or of a folder. Raises PackageFault."""
    if isinstance(source, bytes):
        return Archive(source, limits)
    if source.is_dir():
        return Folder(source, limits)
    try:
        if source.stat().st_size > limits.archive:
            raise PackageFault(f"the archive is larger than {limits.archive} bytes")
        data = source.read_bytes()
    except OSError as error:
        raise PackageFault(f"{source} cannot be read: {error.strerror}") from None
    return Archive(data, limits)


def safe_name(name: str, limits: Limits = LIMITS) -> str:
    """The name if it stays inside of the package. Raises PackageFault."""
    path = PurePosixPath(name)
    bad = (
        not name
        or not path.parts
        or "\\" in name
        or not name.isprintable()
        or ":" in path.parts[0]
        or path.is_absolute()
        or ".." in path.parts
        or len(name) > limits.name
    )
    if bad:
        raise PackageFault(f"the path {name[:80]!r} is not allowed: it must lead inside of the package")
    return str(path)


class Archive:
    """A zip archive in memory."""

    def __init__(self, data: bytes, limits: Limits = LIMITS) -> None:
        if len(data) > limits.archive:
            raise PackageFault(f"the archive has {len(data)} bytes; {limits.archive} is the most")
        self._limits = limits
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        except BROKEN as error:
            raise PackageFault(f"this is no zip archive: {error}") from None
        self._entries = self._checked(entries)

    def _checked(self, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        limits = self._limits
        if len(entries) > limits.entries:
            raise PackageFault(f"the archive has {len(entries)} entries; {limits.entries} is the most")
        found: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for entry in entries:
            name = safe_name(entry.filename, limits)
            if entry.is_dir():
                self._check_folder(entry, name)
                continue
            self._check_entry(entry, name)
            total += entry.file_size
            if total > limits.total:
                raise PackageFault(f"the files have more than {limits.total} bytes together")
            if name in found:
                raise PackageFault(f"the archive has two files {name!r}")
            found[name] = entry
        return found

    def _check_folder(self, entry: zipfile.ZipInfo, name: str) -> None:
        mode = entry.external_attr >> 16
        if entry.file_size or (mode and stat.S_IFMT(mode) not in (0, stat.S_IFDIR)):
            raise PackageFault(f"{name!r} is a folder that is something else as well")

    def _check_entry(self, entry: zipfile.ZipInfo, name: str) -> None:
        limits = self._limits
        mode = entry.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise PackageFault(f"{name!r} is a link or device; only plain files are allowed")
        if entry.flag_bits & 0x1:
            raise PackageFault(f"{name!r} is encrypted")
        if entry.compress_type not in ALLOWED_COMPRESSION:
            raise PackageFault(f"{name!r} is compressed in a way that is not allowed: use deflate")
        if entry.file_size > limits.file:
            raise PackageFault(f"{name!r} has {entry.file_size} bytes; {limits.file} is the most")
        if entry.file_size > limits.ratio * max(entry.compress_size, 1024):
            raise PackageFault(f"{name!r} expands more than {limits.ratio} times")

    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def read(self, name: str) -> bytes:
        entry = self._entries.get(safe_name(name, self._limits))
        if entry is None:
            raise PackageFault(f"the package has no file {name!r}")
        try:
            with self._zip.open(entry) as file:
                data = file.read(entry.file_size + 1)
        except BROKEN as error:
            raise PackageFault(f"{name!r} cannot be read: {error}") from None
        if len(data) != entry.file_size:
            raise PackageFault(f"{name!r} has not the size that the archive says")
        return data


class Folder:
    """A folder on this host."""

    def __init__(self, root: Path, limits: Limits = LIMITS) -> None:
        self._root = root.resolve()
        self._limits = limits
        self._names = tuple(self._walk())

    def _walk(self) -> Iterable[str]:
        count = total = 0
        for folder, folders, files in os.walk(self._root, followlinks=False):
            # Hidden files, such as those of version control, are no part of the package.
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for plain in sorted(name for name in (*files, *folders) if not name.startswith(".")):
                path = Path(folder) / plain
                name = path.relative_to(self._root).as_posix()
                found = path.lstat()
                if stat.S_ISDIR(found.st_mode):
                    continue
                if not stat.S_ISREG(found.st_mode):
                    raise PackageFault(f"{name!r} is a link or device; only plain files are allowed")
                if found.st_size > self._limits.file:
                    raise PackageFault(f"{name!r} has {found.st_size} bytes; {self._limits.file} is the most")
                count, total = count + 1, total + found.st_size
                if count > self._limits.entries or total > self._limits.total:
                    raise PackageFault("the folder has more files or bytes than a package may have")
                yield safe_name(name, self._limits)

    def names(self) -> tuple[str, ...]:
        return self._names

    def read(self, name: str) -> bytes:
        name = safe_name(name, self._limits)
        if name not in self._names:
            raise PackageFault(f"the package has no file {name!r}")
        try:
            # It may have become something else since it was looked at.
            with open(self._root / name, "rb", opener=_no_link) as file:
                data: bytes = file.read(self._limits.file + 1)
        except OSError as error:
            raise PackageFault(f"{name!r} cannot be read: {error.strerror}") from None
        if len(data) > self._limits.file:
            raise PackageFault(f"{name!r} has more than {self._limits.file} bytes")
        return data


def _no_link(path: str, flags: int) -> int:
    found = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.EINVAL, "it is no plain file")
    return found
