"""A database gets its schema, is upgraded by Alembic, and a newer one is left alone."""

from __future__ import annotations

import shutil
import threading

import pytest
from sqlalchemy import inspect, text

from knarr.kernel import migrations
from knarr.kernel.db import Base, Database
from knarr.kernel.migrations import SchemaError, prepare, schema_state
from knarr.kernel.migrations.__main__ import new_version

NEXT = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE TABLE test_next (id INTEGER PRIMARY KEY)")
"""


@pytest.fixture
def empty(db: Database):
    """A database without any table."""
    wipe(db)
    yield db
    wipe(db)


def wipe(db: Database) -> None:
    with db.writer.begin() as connection:
        for table in ("alembic_version", "test_next"):
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
        Base.metadata.drop_all(connection)


@pytest.fixture
def versions(tmp_path, monkeypatch, empty):
    """A copy of the migrations with one version, written from the models."""
    here = tmp_path / "migrations"
    shutil.copytree(migrations.HERE, here, ignore=shutil.ignore_patterns("0*.py"))
    monkeypatch.setattr(migrations, "HERE", here)
    assert new_version("initial") == "0001"
    return here / "versions"


def tables(db: Database) -> set[str]:
    return set(inspect(db.engine).get_table_names())


def test_an_empty_database_gets_all_tables_and_the_newest_version(empty, versions):
    assert not schema_state(empty).is_current
    assert prepare(empty).current == "0001"
    assert {"operation", "quota_usage", "alembic_version"} <= tables(empty)
    assert prepare(empty).is_current


def test_alembic_makes_the_same_schema_as_the_models(empty, versions):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with empty.writer.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
    assert prepare(empty).current == "0001"
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_an_older_database_is_upgraded_once_though_many_processes_start(empty, versions):
    prepare(empty)
    (versions / "0002_next.py").write_text(NEXT)
    assert (schema_state(empty).current, schema_state(empty).head) == ("0001", "0002")
    prepare(empty)
    assert schema_state(empty).is_current
    assert "test_next" in tables(empty)


def test_processes_that_start_together_make_one_schema(empty, versions):
    states = []

    def start() -> None:
        database = Database(empty.url)
        states.append(prepare(database))
        database.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.current for state in states] == ["0001"] * 4


def test_a_newer_database_is_left_alone(empty, versions):
    prepare(empty)
    with empty.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    with pytest.raises(SchemaError, match="0009"):
        prepare(empty)


def test_the_names_of_the_versions_tell_the_newest_one_that_alembic_knows():
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(migrations.alembic_config("sqlite:////nowhere"))
    assert script.get_current_head() == migrations.head_revision()
