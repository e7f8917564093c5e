"""The database: one `Database` per process, its sessions for reading and for writing, and types for models.

SQLite (WAL), PostgreSQL (psycopg) and MariaDB (pymysql) behave alike towards the services:

    with db.read() as session:      # a consistent snapshot on SQLite; writing through it is refused
        rows = session.execute(select(Thing.id, Thing.name)).all()
    with db.write() as session:     # commits at the end, rolls back on an error
        session.add(Thing(name="x"))
        after_commit(session, lambda: bus.publish("thing", {}))

Keep writes short: on SQLite one writer works at a time, so call no REST service and no
container engine inside `db.write()`.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import orjson
from sqlalchemy import (
    DateTime,
    Dialect,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.engine import URL, Connection, CursorResult, Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

LOG = logging.getLogger(__name__)

T = TypeVar("T")

# Constraints need names, or Alembic cannot drop them; all three databases allow these.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

SQLITE_PRAGMAS = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 30000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8000",
)

# Names that SQLAlchemy gives to the dialects of one family.
MARIADB = frozenset({"mysql", "mariadb"})

# Seconds that a writer waits for its turn before the caller is told that the service is busy.
WRITE_WAIT = 60.0

# What a database reports when it gave up one of two transactions that were in each other's way.
POSTGRESQL_CONFLICTS = frozenset({"40001", "40P01"})
MARIADB_CONFLICTS = frozenset({1205, 1213, 1020})


class Json(TypeDecorator[Any]):
    """A JSON value in a text column. Assign a new value to change it: changes inside one go unnoticed."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name not in MARIADB:
            return dialect.type_descriptor(Text())
        from sqlalchemy.dialects.mysql import MEDIUMTEXT

        return dialect.type_descriptor(MEDIUMTEXT())  # TEXT ends at 64 KiB there

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


class StoredJson(Json):
    """Read as the stored text, which an encoder puts into an answer as it is."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any]:
        return msgspec.Raw


def as_stored(column: Any) -> Any:
    """The column for a select whose rows only become JSON again: JSON is neither decoded nor encoded.

    What is NULL in the database is JSON's null already, so that no function of ours runs for any value.
    """
    if not isinstance(column.type, Json):
        return column
    return type_coerce(func.coalesce(column, literal_column("'null'")), StoredJson()).label(column.name)


def as_text(column: Any) -> Any:
    """The column of times for a select whose rows only show it: text on SQLite, and a datetime elsewhere.

    Both begin with `2026-01-02 03:04:05` as text.
    """
    return type_coerce(column, String()).label(column.name)


class Timestamp(TypeDecorator[datetime]):
    """Naive UTC with microseconds."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name not in MARIADB:
            return dialect.type_descriptor(DateTime())
        from sqlalchemy.dialects.mysql import DATETIME

        return dialect.type_descriptor(DATETIME(fsp=6))  # whole seconds unless told otherwise


class Base(DeclarativeBase):
    """What every model inherits from. `Mapped[str]` is 255 characters, `Mapped[datetime]` naive UTC."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        str: String(255),
        datetime: Timestamp,
        dict[str, Any]: Json,
        dict[str, str]: Json,
        list[Any]: Json,
        list[str]: Json,
        list[dict[str, Any]]: Json,
    }


class Timestamps:
    """created_at, and updated_at, which is null until the first change (as in upstream's tables)."""

    created_at: Mapped[datetime] = mapped_column(default=lambda: utcnow(), sort_order=900)
    updated_at: Mapped[datetime | None] = mapped_column(onupdate=lambda: utcnow(), sort_order=901)


def new_id() -> str:
    """A random UUID with dashes."""
    return str(uuid.uuid4())


def utcnow() -> datetime:
    """Now in UTC without a time zone, which is how times stand in the database."""
    return datetime.now(UTC).replace(tzinfo=None)


class ReadSession(Session):
    """A session that refuses to write, so that a change is never silently rolled back."""

    def flush(self, objects: Any = None) -> None:
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("a change was made in a session of db.read(); use db.write()")

    def execute(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(statement, "is_dml", False):
            raise RuntimeError("INSERT, UPDATE or DELETE in a session of db.read(); use db.write()")
        return super().execute(statement, *args, **kwargs)


class FairLock:
    """A lock that is handed over in the order of asking, so that no writer starves under load."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def acquire(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; whether the lock was got."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._mutex:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        return True  # handed over in the instant that the wait ended

    def release(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class Database:
    """The connections to one database.

    `url` is an SQLAlchemy URL: `sqlite:////path/file.db`; `postgresql://` and `mariadb://` (or `mysql://`)
    get the driver that is used here. SQLite in memory is refused (ValueError): threads could not share it.

    `info` is handed to every session for writing as its `session.info`; the kernel keeps there what
    functions that are given only a session need (the operations registry).
    """

    def __init__(self, url: str | URL, *, pool_size: int = 20) -> None:
        self.url = with_driver(make_url(url))
        self.info: dict[str, Any] = {}
        self.engine = _connect(self.url, pool_size)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.writer = self.engine.execution_options(knarr_write=True)
        self._write_lock = FairLock() if self.is_sqlite else None
        self._local = threading.local()

    @property
    def dialect(self) -> str:
        """sqlite, postgresql or mariadb"""
        name = self.engine.dialect.name
        return "mariadb" if name == "mysql" else name

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading. What was loaded stays usable after its end."""
        session = ReadSession(self.engine, expire_on_commit=False, autoflush=False)
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are committed at the end, or rolled back if an exception leaves the block.

        Nothing is retried: wrap the caller in `retry_on_conflict` where two transactions may deadlock.
        Raises ServiceUnavailable when a turn to write is not got within a minute.
        """
        if getattr(self._local, "writing", False):
            raise RuntimeError("db.write() inside db.write() of the same thread would wait for itself")
        session = Session(self.writer, expire_on_commit=False, info=self.info)
        with self._turn():
            try:
                yield session
                session.commit()
            finally:
                session.close()
        for callback in session.info.get("after_commit", ()):
            try:
                callback()
            except Exception:
                # The change is committed already: its maker must not be told that it failed.
                LOG.exception("a callable that was to run after a commit failed")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        lock = self._write_lock
        if lock and not lock.acquire(WRITE_WAIT):
            from knarr.kernel.errors import ServiceUnavailable

            raise ServiceUnavailable(f"The database was busy for {WRITE_WAIT:.0f} seconds; try again later.")
        self._local.writing = True
        try:
            yield
        finally:
            self._local.writing = False
            if lock:
                lock.release()

    def create_all(self) -> None:
        """Create the tables of all models imported so far that do not exist yet."""
        with self.writer.begin() as connection:
            create_tables(connection)

    def close(self) -> None:
        self.engine.dispose()


def create_tables(connection: Connection) -> None:
    """Create the tables of all imported models that do not exist yet."""
    if connection.dialect.name in MARIADB:
        # Text is compared as on the other databases: by case, and with the blanks at its end.
        connection.exec_driver_sql("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin")
    Base.metadata.create_all(connection)


def after_commit(session: Session, fn: Callable[[], Any]) -> None:
    """Call `fn` once the transaction of this `db.write()` is committed; never if it is rolled back."""
    session.info.setdefault("after_commit", []).append(fn)


def affected(session: Session, statement: Any) -> int:
    """Execute the UPDATE or DELETE; how many rows its condition matched."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def insert_if_missing(session: Session, table: Table, values: dict[str, Any]) -> None:
    """Insert the row unless one with its primary key exists; others that do the same are waited for."""
    dialect = session.get_bind().dialect.name
    if dialect in MARIADB:
        from sqlalchemy.dialects import mysql

        # IGNORE would leave a shared lock, and two of those deadlock in the update that follows.
        key = table.primary_key.columns.values()[0].name
        row = mysql.insert(table).values(values)
        session.execute(row.on_duplicate_key_update({key: table.c[key]}))
        return
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        session.execute(postgresql.insert(table).values(values).on_conflict_do_nothing())
        return
    from sqlalchemy.dialects import sqlite

    session.execute(sqlite.insert(table).values(values).on_conflict_do_nothing())


def is_conflict(error: BaseException) -> bool:
    """Whether the database gave this transaction up for another one, so that trying again makes sense."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return False
    if getattr(error.orig, "sqlstate", None) in POSTGRESQL_CONFLICTS:
        return True
    args = error.orig.args
    return bool(args) and (args[0] in MARIADB_CONFLICTS or "database is locked" in str(args[0]))


def retry_on_conflict(fn: Callable[[], T], attempts: int = 6) -> T:
    """The result of `fn()`, which makes a whole transaction; it is called again if that lost a deadlock."""
    for attempt in range(1, attempts):
        try:
            return fn()
        except DBAPIError as error:
            if not is_conflict(error):
                raise
            LOG.debug("transaction given up by the database, attempt %d: %s", attempt, error.orig)
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  only spreads the attempts
    return fn()


def with_driver(url: URL) -> URL:
    """The URL with the driver that is used here, where it names none."""
    if url.drivername == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in ("mysql", "mariadb"):
        return url.set(drivername=f"{url.drivername}+pymysql")
    return url


def _connect(url: URL, pool_size: int) -> Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _connect_sqlite(url, pool_size)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size, "pool_pre_ping": True}
    if backend in MARIADB:
        # Without READ COMMITTED the conditional updates of the kernel meet InnoDB's gap locks.
        options["isolation_level"] = "READ COMMITTED"
        options["connect_args"] = {
            "charset": "utf8mb4",
            "init_command": "SET SESSION default_storage_engine=InnoDB, time_zone='+00:00'",
        }
    return create_engine(url, **options)


def _connect_sqlite(url: URL, pool_size: int) -> Engine:
    path = url.database
    if not path or path == ":memory:" or "mode=memory" in str(url):
        raise ValueError("SQLite needs a file, e.g. sqlite:////var/lib/knarr.db: threads cannot share memory")
    if not path.startswith("file:"):
        _create_private(Path(path))
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=-1,
        # isolation_level None: transactions begin here, not where the driver guesses.
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 30},
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: Path) -> None:
    """Make the file readable by its owner alone (its -wal and -shm files take over the mode)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _set_pragmas(connection: Any, _record: Any) -> None:
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: an upgrade from reader to writer would fail instead of waiting.
    write = connection.get_execution_options().get("knarr_write")
    driver: Any = connection.connection.dbapi_connection
    driver.execute("BEGIN IMMEDIATE" if write else "BEGIN")
