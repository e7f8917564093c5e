"""Errors that are nobody's fault who asks: a full disk, a database that is away or gave way to others.

They are answered with 503 and one line in the log; what is not known here stays an unexpected error.
"""

from __future__ import annotations

import errno
import sys

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from knarr.kernel.db import is_conflict
from knarr.kernel.errors import Conflict, KnarrError, ServiceUnavailable

FULL = "No space is left on the disk of the server."
READ_ONLY = "The disk of the server cannot be written."
AWAY = "The database does not answer."
BUSY = "The database is busy with other requests; try again."
ERRNOS = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY}
# SQLite's primary result codes: FULL, READONLY, IOERR, CANTOPEN.
SQLITE = {13: FULL, 8: READ_ONLY, 10: "The disk of the database has errors.", 14: AWAY}
# PostgreSQL's classes of SQLSTATE: connections, resources (53100 is the disk), shutting down.
POSTGRESQL = {"53100": FULL, "08": AWAY, "53": BUSY, "57": AWAY}
MARIADB = {1021: FULL, 1114: FULL, 1040: BUSY, 1053: AWAY, 2002: AWAY, 2003: AWAY, 2006: AWAY, 2013: AWAY}


def as_known(error: Exception) -> KnarrError | None:
    """The answer for an error of the machine or the database; None for one that is not known."""
    if isinstance(error, IntegrityError):
        return Conflict("The change conflicts with another one that was made at the same time; try again.")
    reason = _reason(error)
    if reason is None:
        return None
    return ServiceUnavailable(reason, headers={"Retry-After": "1" if reason == BUSY else "30"})


def _reason(error: Exception) -> str | None:
    if isinstance(error, OSError):
        return ERRNOS.get(error.errno or 0)
    if isinstance(error, PoolTimeoutError) or is_conflict(error):
        return BUSY
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    if error.connection_invalidated:
        return AWAY
    return _of_database(error.orig)


def _of_database(error: BaseException) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return SQLITE.get(code & 0xFF)
    state = getattr(error, "sqlstate", None)
    if state:
        return POSTGRESQL.get(state) or POSTGRESQL.get(state[:2])
    if _is_from(error, "psycopg", "OperationalError"):
        return AWAY  # it has no state where no connection was made
    number = error.args[0] if error.args else None
    return MARIADB.get(number) if isinstance(number, int) else None


def _is_from(error: BaseException, package: str, name: str) -> bool:
    """Whether the error is of a driver's class, which is not imported for the question."""
    kind = getattr(sys.modules.get(package), name, None)
    return kind is not None and isinstance(error, kind)
