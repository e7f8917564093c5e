"""Repositories that gave this host an image only for a project's credentials, and to whom they are open.

The images of an engine are everybody's, those of such a repository are not: who did not pull from it here has
its registry asked with credentials of their own first. A note is a folder named after the repository, with an
empty file for each row of a registry whose credentials opened it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.names import repository

FOLDER = "container-images-closed"


def is_open(runtime: Any, ref: str, registry_id: str | None) -> bool:
    """Whether an image of that full name may be used without asking its registry by who names that registry
    (None: by who has no credentials of their own)."""
    note = _note(runtime, ref)
    return not note.is_dir() or (registry_id is not None and (note / registry_id).exists())


def opened(runtime: Any, ref: str, registry_id: str | None) -> None:
    """The image's registry gave, or would give it to these credentials; without any, it is everybody's."""
    note = _note(runtime, ref)
    if registry_id is None:
        shutil.rmtree(note, ignore_errors=True)
        return
    note.mkdir(parents=True, exist_ok=True)
    (note / registry_id).touch()


@contextmanager
def pulling(runtime: Any, ref: str, registry_id: str | None) -> Iterator[None]:
    """Around a pull. The note is there before the image is, also if Knarr is killed in between, and goes
    again if there will be none: a pull that fails must not close to others what lies here."""
    note = _note(runtime, ref)
    if registry_id is not None:
        note.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # it is not empty: somebody pulled from there
            note.rmdir()
        raise
    opened(runtime, ref, registry_id)


def _note(runtime: Any, ref: str) -> Path:
    name = hashlib.sha256(repository(ref).encode()).hexdigest()
    return Path(runtime.state_dir) / FOLDER / name
