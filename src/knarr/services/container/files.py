"""Files that are given with the request and seen in the container: mounts of type `bind`.

Their content is in the database, so that any host can place them; the host keeps a copy under the state
directory, which the engine mounts. They are read-only inside, as what a container wrote there would fill the
host's disk past every bound.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
import shutil
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from knarr.kernel.errors import BadRequest
from knarr.services.container.drivers import base
from knarr.services.container.models import ContainerFile

FOLDER = "container-files"
KIB = 1024
MIN_AGE = 60.0  # seconds
# The kernel's own file systems in a container: nothing of a user's has a place there.
FORBIDDEN = ("/proc", "/sys", "/dev")


def parse(mounts: Sequence[Any], most_kib: int, typed: bool = True) -> list[ContainerFile]:
    """The files of a request; `typed`: whether its version knows types of mounts.

    Raises BadRequest that names the mount and says what is wrong with it."""
    for n, mount in enumerate(mounts):
        if mount.type is not None and not typed:
            raise BadRequest(f"'mounts[{n}].type' is only supported from version 1.23 on.")
    found = [_one(mount, f"mounts[{n}]", n, most_kib) for n, mount in enumerate(mounts)]
    places = [file.destination for file in found]
    for n, place in enumerate(places):
        if place in places[:n]:
            raise BadRequest(f"Invalid input for field 'mounts[{n}].destination': {place} is named twice.")
    return found


def _one(mount: Any, field: str, number: int, most_kib: int) -> ContainerFile:
    if mount.type != "bind":
        raise BadRequest(
            f"Invalid input for field '{field}.type': this cloud has no volumes for containers yet; what it "
            "mounts are files: type bind, with the content in base64 as 'source'."
        )
    if mount.source is None:
        raise BadRequest(f"'{field}.source' is a required property and is missing.")
    if mount.size is not None:
        raise BadRequest(f"Invalid input for field '{field}.size': it goes with type volume only.")
    destination = _destination(mount.destination, field)
    return ContainerFile(
        number=number, destination=destination, content=_content(mount.source, field, most_kib)
    )


def _destination(text: str, field: str) -> str:
    wrong = f"Invalid input for field '{field}.destination': "
    if not text.startswith("/"):
        raise BadRequest(f"{wrong}it must be an absolute path.")
    if ".." in text.split("/"):
        raise BadRequest(f"{wrong}it must not have '..' in it.")
    path = posixpath.normpath("/" + text.lstrip("/"))
    if path == "/" or text.endswith("/"):
        raise BadRequest(f"{wrong}it must be the path of a file.")
    if any(path == top or path.startswith(f"{top}/") for top in FORBIDDEN):
        raise BadRequest(f"{wrong}nothing can be mounted under {', '.join(FORBIDDEN)}.")
    return path


def _content(source: str, field: str, most_kib: int) -> bytes:
    try:
        # Encoders put line ends in; anything else that is no base64 is a mistake.
        content = base64.b64decode("".join(source.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"Invalid input for field '{field}.source': it is not base64.") from None
    if len(content) > most_kib * KIB:
        raise BadRequest(
            f"Invalid input for field '{field}.source': the file has {len(content)} bytes, "
            f"and {most_kib} KiB is the most."
        )
    return content


# On the host


def place(runtime: Any, uuid: str) -> list[base.Mount]:
    """Have the container's files on this host, each whole or not at all; what the engine is to mount."""
    with runtime.db.read() as session:
        stmt = select(ContainerFile).where(ContainerFile.container_uuid == uuid)
        rows = session.scalars(stmt.order_by(ContainerFile.number)).all()
    if not rows:
        return []
    folder = _folder(runtime, uuid)
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    return [base.Mount(str(_write(folder, row)), row.destination, read_only=True) for row in rows]


def _write(folder: Path, row: ContainerFile) -> Path:
    """A file that is there stays the same one: it may be mounted."""
    path = folder / str(row.number)
    if path.exists():
        return path
    draft = path.with_suffix(".new")
    draft.write_bytes(row.content)
    # For whatever user the container runs as; the folder above lets no one of the host in.
    draft.chmod(0o444)
    return draft.replace(path)


def remove(runtime: Any, uuid: str) -> None:
    shutil.rmtree(_folder(runtime, uuid), ignore_errors=True)


def clear(runtime: Any, known: Collection[str]) -> list[str]:
    """Remove what is kept for containers that are gone; their uuids. `known` may be a little old, so what
    has just been made stays."""
    folder = _folder(runtime, "")
    if not folder.is_dir():
        return []
    before = time.time() - MIN_AGE
    gone = [
        entry.name for entry in folder.iterdir() if entry.name not in known and entry.stat().st_mtime < before
    ]
    for uuid in gone:
        remove(runtime, uuid)
    return gone


def _folder(runtime: Any, uuid: str) -> Path:
    return Path(runtime.state_dir) / FOLDER / uuid
