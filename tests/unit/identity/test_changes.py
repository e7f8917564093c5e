"""The count of changes that makes every process forget what it computed."""

import threading

import pytest

from knarr.core.identity.changes import Changes
from knarr.core.identity.models import Role
from knarr.kernel.db import Database


@pytest.fixture
def db(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/x.db")
    database.create_all()
    yield database
    database.close()


def test_the_writer_sees_its_change_at_once(db):
    changes = Changes(db, interval=3600)
    before = changes.current()
    with changes.changing() as session:
        session.add(Role(name="r"))
    assert changes.current() == before + 1


def test_what_is_rolled_back_is_no_change(db):
    changes = Changes(db, interval=3600)
    before = changes.current()
    with pytest.raises(RuntimeError), changes.changing() as session:
        session.add(Role(name="r"))
        raise RuntimeError
    assert changes.current() == before
    assert Changes(db).current() == before


def test_another_process_sees_it_when_it_looks_again(db):
    here, there = Changes(db, interval=0), Changes(db, interval=3600)
    assert here.current() == there.current() == 0
    with there.changing() as session:
        session.add(Role(name="r"))
    assert here.current() == 1


def test_between_two_looks_there_is_no_query(db):
    here, there = Changes(db, interval=3600), Changes(db)
    assert here.current() == 0
    with there.changing():
        pass
    assert here.current() == 0  # an hour has not passed


def test_changes_side_by_side_are_all_counted(db):
    changes = Changes(db, interval=0)

    def change():
        for _ in range(5):
            with changes.changing():
                pass

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert changes.current() == Changes(db).current() == 20
