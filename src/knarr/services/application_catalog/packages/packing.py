"""Packages as zip archives: the same files always make the same bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from knarr.services.application_catalog.packages.faults import LIMITS, Limits, PackageFault
from knarr.services.application_catalog.packages.files import Archive, Files, Folder
from knarr.services.application_catalog.packages.manifest import FILE

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that an archive can tell
PLAIN_FILE = 0o100644 << 16
UNIX = 3


def pack(source: Path, limits: Limits = LIMITS) -> bytes:
    """The archive of a folder that is a package. Raises PackageFault, also for what no archive may be."""
    files = Folder(source, limits)
    if FILE not in files.names():
        raise PackageFault(f"{source} is no package: it has no {FILE}")
    data = archive(files)
    Archive(data, limits)
    return data


def archive(files: Files) -> bytes:
    """The files in the order of their names, without anything of the host that they are packed on."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name in sorted(files.names()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = PLAIN_FILE
            entry.create_system = UNIX
            made.writestr(entry, files.read(name))
    return stream.getvalue()
