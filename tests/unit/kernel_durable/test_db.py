"""Sessions: what a write promises, what a read refuses, and that values come back as they were given."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import String, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from knarr.kernel.db import (
    Base,
    Database,
    FairLock,
    Timestamps,
    after_commit,
    insert_if_missing,
    new_id,
    retry_on_conflict,
)


class Thing(Timestamps, Base):
    __tablename__ = "test_thing"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    number: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any] | None]
    when: Mapped[datetime | None]


# Not a table of the program: tests that look at all of those must not find it.
Base.metadata.remove(Thing.__table__)


@pytest.fixture(autouse=True)
def table(db: Database) -> Iterator[None]:
    Thing.__table__.create(db.writer)
    yield
    Thing.__table__.drop(db.writer)


def add(db: Database, **values: Any) -> str:
    with db.write() as session:
        thing = Thing(**{"name": new_id(), **values})
        session.add(thing)
    return thing.id


def number(db: Database) -> int:
    with db.read() as session:
        return session.scalars(select(Thing.number)).one()


def test_values_come_back_as_they_were_given(db):
    when = datetime(2026, 1, 31, 12, 30, 15, 123456)
    add(db, name="Ærø", data={"list": [1, 2.5, None], "text": "日本 🐳"}, when=when)
    with db.read() as session:
        thing = session.scalars(select(Thing)).one()

    assert (thing.name, thing.when, thing.data) == ("Ærø", when, {"list": [1, 2.5, None], "text": "日本 🐳"})
    assert thing.created_at.microsecond or thing.created_at.second
    assert thing.updated_at is None


def test_a_change_sets_updated_at(db):
    identity = add(db)
    with db.write() as session:
        session.get(Thing, identity).number = 2
    with db.read() as session:
        thing = session.get(Thing, identity)
    assert thing.updated_at >= thing.created_at


def test_an_error_rolls_back_and_what_was_to_follow_the_commit_does_not_happen(db):
    calls = []
    with pytest.raises(KeyError), db.write() as session:
        session.add(Thing(name="a"))
        session.flush()
        after_commit(session, lambda: calls.append("committed"))
        raise KeyError
    add(db, name="b")
    with db.read() as session:
        assert session.scalars(select(Thing.name)).all() == ["b"]
    assert not calls


def test_what_follows_a_commit_sees_it_and_cannot_undo_it(db):
    seen = []

    def look() -> None:
        with db.read() as session:
            seen.append(session.scalars(select(Thing.name)).all())
        raise OSError("nobody listens")

    with db.write() as session:
        session.add(Thing(name="a"))
        after_commit(session, look)
        after_commit(session, lambda: seen.append("second"))
    assert seen == [["a"], "second"]


def test_a_reading_session_refuses_to_write(db):
    identity = add(db)
    with db.read() as session, pytest.raises(RuntimeError, match=r"db\.write"):
        session.execute(update(Thing).values(number=1))
    with db.read() as session, pytest.raises(RuntimeError, match=r"db\.write"):
        session.get(Thing, identity).number = 1
        session.flush()
    assert number(db) == 0


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_itself(db):
    with pytest.raises(RuntimeError, match="inside"), db.write(), db.write():
        pass
    add(db)


def test_many_threads_write_one_after_another(db):
    add(db)

    def work() -> None:
        for _ in range(10):
            with db.write() as session:
                session.execute(update(Thing).values(number=Thing.number + 1))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert number(db) == 160


def test_readers_go_on_while_somebody_writes(db):
    add(db)
    with db.write() as session:
        session.execute(update(Thing).values(number=7))
        found = []
        reader = threading.Thread(target=lambda: found.append(number(db)))
        reader.start()
        reader.join(5)
    assert found == [0]
    assert number(db) == 7


def test_the_lock_is_handed_over_in_the_order_of_asking():
    lock, order, threads = FairLock(), [], []
    assert lock.acquire(1)

    def work(name: int) -> None:
        assert lock.acquire(5)
        order.append(name)
        lock.release()

    for name in range(8):
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        threads.append(thread)
        while len(lock._waiting) <= name:
            time.sleep(0.001)
    assert not lock.acquire(0.01)
    lock.release()
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))
    assert lock.acquire(0.01)


def test_inserting_what_is_there_changes_nothing(db):
    identity = add(db, name="a", number=3)
    with db.write() as session:
        for _ in range(2):
            insert_if_missing(session, Thing.__table__, {"id": identity, "name": "a", "number": 9,
                                                         "created_at": datetime(2026, 1, 1)})  # fmt: skip
    assert number(db) == 3


def test_a_constraint_is_no_conflict_and_is_not_tried_again(db):
    add(db, name="a")
    calls = []

    def again() -> None:
        calls.append(1)
        add(db, name="a")

    with pytest.raises(IntegrityError):
        retry_on_conflict(again)
    assert len(calls) == 1


def test_a_transaction_that_lost_a_conflict_is_tried_again():
    calls = []

    def transaction() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("UPDATE", {}, Exception(1213, "Deadlock found when trying to get lock"))
        return "done"

    assert retry_on_conflict(transaction) == "done"
    assert len(calls) == 3


def test_a_new_file_is_private(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/new/knarr.db")
    Thing.__table__.create(database.writer)
    with database.write() as session:
        session.add(Thing(name="a"))
        session.flush()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    database.close()
    assert modes
    assert set(modes.values()) == {0o600}


def test_sqlite_in_memory_is_refused():
    with pytest.raises(ValueError, match="needs a file"):
        Database("sqlite://")


def test_a_current_schema_is_recognised_without_alembic(tmp_path):
    program = f"""
import sys
from knarr.kernel.db import Database
from knarr.kernel.migrations import schema_state
print(schema_state(Database("sqlite:///{tmp_path}/knarr.db")).current, "alembic" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["None", "False"]
