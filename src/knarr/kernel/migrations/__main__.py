"""Write a new schema version from what the models have that the newest version has not.

python -m knarr.kernel.migrations "add the host of a container"
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from knarr.kernel.migrations import alembic_config, head_revision


def new_version(message: str) -> str:
    """The number of the version that was written. It is made by comparing a scratch database with the
    models.
    """
    from alembic import command

    number = f"{int(head_revision() or 0) + 1:04d}"
    with tempfile.TemporaryDirectory() as scratch:
        config = alembic_config(f"sqlite:///{Path(scratch)}/scratch.db")
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=number)
    return number


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: python -m knarr.kernel.migrations "what the version changes"')
    print(f"version {new_version(sys.argv[1])} was written; read it before it is committed")
