"""A database, a bus and an engine as a process has them; of the runtime, the services' part is left out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from knarr.kernel.bus import LocalBus
from knarr.kernel.db import Base, Database
from knarr.kernel.engine import Engine
from knarr.kernel.operations import (
    FINISHED,
    TOPIC_FINISHED,
    Operation,
    OperationKind,
    Operations,
    Step,
    enqueue,
)

# An empty database of another kind to run these tests on, e.g. postgresql://postgres@127.0.0.1/knarr_test
URL = os.environ.get("KNARR_TEST_DATABASE")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(URL or f"sqlite:///{tmp_path}/knarr.db")
    if URL:
        Base.metadata.drop_all(database.engine)
    database.create_all()
    yield database
    database.close()


class House:
    """What the tests ask for: kinds of work, engines that run them, and how an operation ended."""

    def __init__(self, db: Database, state_dir: Path) -> None:
        self.db = db
        self.bus = LocalBus()
        self.operations = Operations(db, self.bus)
        self.runtime = SimpleNamespace(
            db=db, bus=self.bus, host="here", state_dir=state_dir, metrics=None, conf=None
        )
        self.engines: list[Engine] = []

    def kind(self, name: str, *steps: Callable[[Any], None], **options: Any) -> OperationKind:
        kind = OperationKind(name, tuple(Step(step.__name__, step) for step in steps), **options)
        self.operations.register([kind])
        return kind

    def engine(self, **options: Any) -> Engine:
        engine = Engine(self.runtime, self.operations, **{"workers": 4, **options})
        engine.start()
        self.engines.append(engine)
        return engine

    def enqueue(self, kind: str, resource: str = "r1", **options: Any) -> str:
        with self.db.write() as session:
            return enqueue(session, kind, resource_type="thing", resource_id=resource, **options).id

    def show(self, operation_id: str) -> Operation:
        with self.db.read() as session:
            return session.scalars(select(Operation).where(Operation.id == operation_id)).one()

    def finished(self, operation_id: str, timeout: float = 15.0) -> Operation:
        """The operation once it has ended."""
        ended = threading.Event()
        unsubscribe = self.bus.subscribe(TOPIC_FINISHED, lambda payload: ended.set())
        try:
            until = time.monotonic() + timeout
            while True:
                operation = self.show(operation_id)
                if operation.state in FINISHED:
                    return operation
                if not ended.wait(until - time.monotonic()):
                    raise AssertionError(f"still {operation.state} in {operation.step}: {operation.error}")
                ended.clear()
        finally:
            unsubscribe()


@pytest.fixture
def house(db: Database, tmp_path: Path) -> Iterator[House]:
    house = House(db, tmp_path)
    yield house
    for engine in house.engines:
        engine.stop()
    house.bus.close()
