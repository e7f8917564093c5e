"""Very many rows, copied from one that was made through the API: to make them all so would take an hour."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path


def _mac(number: int) -> str:
    return "02:" + ":".join(f"{number >> shift & 255:02x}" for shift in (32, 24, 16, 8, 0))


# Columns whose values must differ: what stands there in the nth row.
UNIQUE = {"mac_address": _mac}


def copy(database: Path, table: str, key: str, count: int) -> None:
    """Make the table hold at least `count` rows, equal to its newest but for the key and what is unique."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.row_factory = sqlite3.Row
        model = dict(connection.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone())

        def rows() -> Iterator[list[object]]:
            for number in range(count):
                changed = {key: str(uuid.uuid4())}
                changed |= {name: value(number) for name, value in UNIQUE.items() if name in model}
                yield list((model | changed).values())

        places = ", ".join("?" * len(model))
        connection.executemany(f"INSERT INTO {table} ({', '.join(model)}) VALUES ({places})", rows())
