"""Databases of another kind to run the tests on: KNARR_TEST_DATABASE names a server, each cloud gets its own.

    KNARR_TEST_DATABASE=postgresql://postgres@127.0.0.1/knarr_test python -m pytest tests/api

The user must be allowed to make databases; the one that is named must exist.
"""

from __future__ import annotations

import atexit
import os
import uuid
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from knarr.kernel.db import with_driver

SERVER = os.environ.get("KNARR_TEST_DATABASE")


_made: dict[Path, str] = {}


def of(state_dir: Path) -> str | None:
    """The URL of the state directory's own database on the server; None to have SQLite in it.

    The databases are dropped when the process ends, so a cloud that is started again finds its rows.
    """
    if not SERVER:
        return None
    if state_dir not in _made:
        name = f"knarr_test_{uuid.uuid4().hex[:12]}"
        _execute(f"CREATE DATABASE {name}")
        atexit.register(_execute, f"DROP DATABASE {name}")
        _made[state_dir] = make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    return _made[state_dir]


def _execute(statement: str) -> None:
    assert SERVER
    engine = create_engine(with_driver(make_url(SERVER)), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
