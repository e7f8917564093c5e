"""What goes wrong for reasons that the user can change, told in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

# What libraries put into their errors and nobody can use.
_NOISE = re.compile(r"\(Background on this error at: [^)]*\)|^\[Errno \d+\] |^\(\w+\.\w+\) ")
_PLACE = re.compile(r" from LocationInfo\(location=<[^>]*>, detail='([^']*)'\)")
# Database drivers, and the extra of this package that brings them.
DRIVERS = {"psycopg": "postgresql", "pymysql": "mariadb"}


class Problem(Exception):  # noqa: N818 - it is what the user is told
    """Ends the command with this line and status 1."""


@contextmanager
def told() -> Iterator[None]:
    """Turn what configuration, files, the database and the engine raise into a Problem."""
    from knarr.kernel.config import cfg

    try:
        yield
    except cfg.ConfigFilesNotFoundError as error:
        raise Problem(f"no such configuration file: {', '.join(error.config_files)}") from None
    except cfg.ConfigFilesPermissionDeniedError as error:
        raise Problem(f"configuration file cannot be read: {', '.join(error.config_files)}") from None
    except (cfg.Error, ValueError) as error:
        raise Problem(f"configuration: {_line(error)}") from None
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("knarr"):
            raise
        extra = DRIVERS.get(error.name)
        remedy = f"; it comes with pip install 'knarr[{extra}]'" if extra else ""
        raise Problem(f"the Python package {error.name} is not installed{remedy}") from None
    except OSError as error:
        raise Problem(_line(error)) from None
    except RuntimeError as error:
        raise Problem(_line(error)) from None
    except Exception as error:
        if not _is_database_error(error):
            raise
        raise Problem(f"database: {_line(error)}") from None


def _is_database_error(error: Exception) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, SQLAlchemyError)


def _line(error: BaseException) -> str:
    from knarr.kernel.logs import mask

    text = _PLACE.sub(r" in \1", _NOISE.sub("", str(error)))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return mask(" ".join(lines[:3]) or type(error).__name__)
