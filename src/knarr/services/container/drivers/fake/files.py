"""The small file tree of a fake container, and tars of it."""

from __future__ import annotations

import io
import posixpath
import tarfile
from datetime import UTC, datetime
from typing import BinaryIO

from knarr.services.container.drivers.base import ArchiveStat, InvalidRequest, NotThere

DIRECTORIES = ("/", "/bin", "/etc", "/home", "/root", "/tmp", "/usr", "/var")  # noqa: S108
DIRECTORY_BIT = 1 << 31  # as Go writes the mode of a directory


def normal(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def parents(files: dict[str, bytes]) -> set[str]:
    """All directories that there are."""
    found = set(DIRECTORIES)
    for path in files:
        while path != "/":
            path = posixpath.dirname(path)
            found.add(path)
    return found


def list_dir(files: dict[str, bytes], path: str) -> list[str] | None:
    path = normal(path)
    directories = parents(files)
    if path in files:
        return [path]
    if path not in directories:
        return None
    return sorted(
        posixpath.basename(other)
        for other in {*files, *directories}
        if other != "/" and posixpath.dirname(other) == path
    )


def pack(files: dict[str, bytes], path: str, changed: float) -> tuple[bytes, ArchiveStat]:
    """A tar of a file or directory under its own name, as the engine makes it."""
    path = normal(path)
    name = posixpath.basename(path) or "/"
    mtime = datetime.fromtimestamp(changed, UTC).isoformat().replace("+00:00", "Z")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        if path in files:
            _add(tar, name, files[path], changed)
            return _closed(tar, out), ArchiveStat(name, len(files[path]), 0o644, mtime)
        if path not in parents(files):
            raise NotThere(f"reading {path}: no such file or directory in the container")
        _add(tar, name.strip("/") or ".", None, changed)
        below = path.rstrip("/") + "/"
        for other in sorted(files):
            if other.startswith(below):
                _add(tar, posixpath.join(name.strip("/"), other[len(below) :]), files[other], changed)
        return _closed(tar, out), ArchiveStat(name, 4096, DIRECTORY_BIT | 0o755, mtime)


def _add(tar: tarfile.TarFile, name: str, data: bytes | None, changed: float) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = changed
    if data is None:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
        return
    entry.size, entry.mode = len(data), 0o644
    tar.addfile(entry, io.BytesIO(data))


def _closed(tar: tarfile.TarFile, out: io.BytesIO) -> bytes:
    tar.close()
    return out.getvalue()


def unpack(files: dict[str, bytes], path: str, data: BinaryIO) -> dict[str, bytes]:
    """The tree with a tar unpacked into a directory that is there."""
    path = normal(path)
    if path in files:
        raise InvalidRequest(f"{path} is not a directory")
    if path not in parents(files):
        raise NotThere(f"writing to {path}: no such directory in the container")
    result = dict(files)
    try:
        with tarfile.open(fileobj=data) as tar:
            for entry in tar:
                content = tar.extractfile(entry) if entry.isfile() else None
                if content is not None:
                    result[normal(posixpath.join(path, normal(entry.name).lstrip("/")))] = content.read()
    except tarfile.TarError as error:
        raise InvalidRequest(f"writing to {path}: this is not a tar archive: {error}") from error
    return result
