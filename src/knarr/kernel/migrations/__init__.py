"""The schema of the database and its versions.

A version is a file versions/NNNN_what.py whose revision is its number NNNN; each follows the one
before. So the newest version is known from the names of the files, and a start with a current database
imports no Alembic.

A new version is written by `python -m knarr.kernel.migrations "what it changes"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, util
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from knarr.kernel.db import Database, create_tables

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent

# Modules of the kernel that define tables.
KERNEL_MODELS = ("knarr.kernel.operations", "knarr.kernel.quota")

# Which process may change the schema now: an advisory lock, for the databases that several processes share.
LOCK = 7_566_770
LOCKS = {
    "postgresql": (f"SELECT pg_advisory_lock({LOCK})", f"SELECT pg_advisory_unlock({LOCK})"),
    "mariadb": (f"SELECT GET_LOCK('knarr-{LOCK}', 600)", f"SELECT RELEASE_LOCK('knarr-{LOCK}')"),
}


class SchemaError(RuntimeError):
    """The database has a schema that this program cannot work with."""


@dataclass(frozen=True)
class SchemaState:
    """The version of a database (None: it has none yet) and the newest one this program knows."""

    current: str | None
    head: str | None

    @property
    def is_current(self) -> bool:
        return self.current == self.head and self.head is not None

    @property
    def is_newer(self) -> bool:
        """Whether a newer program has changed the database."""
        return bool(self.current and self.head and self.current > self.head)


def head_revision() -> str | None:
    """The newest version that this program knows; None if there is none."""
    files = (HERE / "versions").glob("[0-9]*_*.py")
    return max((file.name.partition("_")[0] for file in files), default=None)


def schema_state(db: Database) -> SchemaState:
    """One SELECT, without Alembic."""
    return SchemaState(_current(db), head_revision())


def prepare(db: Database) -> SchemaState:
    """Bring the database to the newest version, which for a current one costs a SELECT.

    An empty database gets all tables at once; an older one is upgraded by Alembic. Several processes
    may call this at the same instant. Raises SchemaError if the database is newer than the program.
    """
    state = schema_state(db)
    if state.is_newer:
        raise SchemaError(f"the database has schema {state.current}; this program knows {state.head} at most")
    if state.is_current:
        return state
    with _locked(db) as connection:
        if state.head is None or not inspect(connection).get_table_names():
            create(connection)
        else:
            _upgrade(db, connection)
    return schema_state(db)


def upgrade(url: str) -> SchemaState:
    """Bring the database at this URL to the newest version."""
    db = Database(url)
    try:
        return prepare(db)
    finally:
        db.close()


def create(connection: Connection) -> None:
    """Make the tables of all models in an empty database, and note the version they stand for."""
    import_models()
    create_tables(connection)
    head = head_revision()
    if head:
        table = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        connection.execute(text(table))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head})


def import_models() -> None:
    """Import the models of the kernel and of every installed service, so that Base.metadata holds all
    tables."""
    for name in KERNEL_MODELS:
        import_module(name)
    for entry in entry_points(group="knarr.services"):
        name = f"{entry.module}.models"
        if util.find_spec(name):
            import_module(name)


def alembic_config(url: str) -> Config:
    """What Alembic's commands need to work on the database at this URL."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def _current(db: Database) -> str | None:
    try:
        with db.read() as session:
            return session.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        # No such table, or no connection: the second is found out by asking for the tables.
        with db.engine.connect() as connection:
            inspect(connection).get_table_names()
        return None


def _upgrade(db: Database, connection: Connection) -> None:
    from alembic import command

    config = alembic_config(db.url.render_as_string(hide_password=False))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _locked(db: Database) -> Iterator[Connection]:
    """A connection in a transaction that changes the schema alone, whatever other processes start now."""
    with db.writer.connect() as connection:
        lock = LOCKS.get(db.dialect)  # SQLite's BEGIN IMMEDIATE of a writing connection is lock enough
        if lock:
            connection.execute(text(lock[0]))
            connection.commit()
        try:
            with connection.begin():
                yield connection
        finally:
            if lock:
                connection.execute(text(lock[1]))
                connection.commit()
