"""The agent as one file that Python runs, for machines that do not have it."""

from __future__ import annotations

import functools
import io
import zipfile
from pathlib import Path

import knarr_agent

SHEBANG = b"#!/usr/bin/env python3\n"
MAIN = "from knarr_agent.cli import program\n\nprogram()\n"
WRITTEN = (1980, 1, 1, 0, 0, 0)  # the same agent is the same bytes


@functools.cache
def agent_program() -> bytes:
    """An archive of the package `knarr_agent`, as `python3 -m zipapp` makes it."""
    folder = Path(knarr_agent.__file__).parent
    sources = {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in folder.rglob("*.py")}
    made = io.BytesIO()
    made.write(SHEBANG)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted({"__main__.py": MAIN.encode(), **sources}.items()):
            entry = zipfile.ZipInfo(name, WRITTEN)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return made.getvalue()
