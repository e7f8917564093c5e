"""Another program asks for something: the running engine does it at once, not at its next look."""

from __future__ import annotations

import socket

import pytest
from tests.support.cloud import wait_for

from knarr.kernel import history
from knarr.kernel.db import Database
from knarr.kernel.doorbell import FILE, Doorbell, Visitor, ring
from knarr.kernel.operations import CANCELLED, DONE, FAILED, Fatal, Operations

# Far below the half minute after which an engine looks by itself.
SOON = 5.0


@pytest.fixture
def bell(house):
    made = Doorbell(house.runtime.state_dir, house.bus)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def visitor(house):
    """The database as another program opens it."""
    db = Database(house.db.url)
    Operations(db, Visitor(house.runtime.state_dir))
    yield db
    db.close()


def test_a_cancellation_from_another_program_is_heard_at_once(house, bell, visitor):
    house.kind("thing.wait", lambda work: work.wait(60))
    house.engine()
    operation = house.enqueue("thing.wait")
    with visitor.write() as session:
        history.cancel_operation(session, operation)
    assert house.finished(operation, SOON).state == CANCELLED


def test_a_failed_operation_that_another_program_runs_again_begins_at_once(house, bell, visitor):
    answers = [Fatal("no"), None]

    def step(work):
        answer = answers.pop(0)
        if answer:
            raise answer

    house.kind("thing.create", step)
    house.engine()
    operation = house.enqueue("thing.create")
    assert house.finished(operation).state == FAILED
    with visitor.write() as session:
        history.retry_operation(session, operation)
    assert visitor.info["operations"].bus.heard
    assert house.finished(operation, SOON).state == DONE


def test_without_a_running_one_nobody_hears(house):
    assert ring(house.runtime.state_dir, "operation.queued", {"host": None, "due": 0}) is False


def test_one_that_died_leaves_a_socket_that_the_next_one_replaces(house):
    place = house.runtime.state_dir / FILE
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(place))
    assert ring(house.runtime.state_dir, "operation.queued", {}) is False
    bell = Doorbell(house.runtime.state_dir, house.bus)
    bell.start()
    assert ring(house.runtime.state_dir, "operation.queued", {}) is True
    bell.stop()
    assert not place.exists()


def test_only_what_concerns_operations_is_passed_on(house, bell):
    heard = []
    house.bus.subscribe("operation.cancel", heard.append)
    house.bus.subscribe("secrets", heard.append)
    ring(house.runtime.state_dir, "secrets", "x")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as rude:
        rude.sendto(b"\xff", str(house.runtime.state_dir / FILE))
    ring(house.runtime.state_dir, "operation.cancel", {"id": "1"})
    wait_for(lambda: heard)
    assert heard == [{"id": "1"}]
