"""Durable work: what must still happen after the answer to a request is a row of the table `operation`.

A service declares its kinds of work as lists of small steps that may be run again, and enqueues one in the
transaction that writes the resource:

    CREATE = OperationKind("container.create", (Step("sandbox", sandbox), Step("start", start)), failed=undo)

    with runtime.db.write() as session:
        session.add(container)
        enqueue(session, "container.create", resource_type="container", resource_id=container.id, ctx=ctx)

The engine (knarr.kernel.engine) claims such rows and runs them. The bus only wakes it up; the table is
the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from knarr.kernel.db import Base, Database, after_commit, new_id, utcnow

if TYPE_CHECKING:
    from knarr.kernel.bus import Bus
    from knarr.kernel.work import Work

# States of an operation. One that waits to be tried again is queued with `not_before` in the future.
QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
UNFINISHED = (QUEUED, RUNNING)
FINISHED = (DONE, FAILED, CANCELLED)

# Topics of the bus.
TOPIC_QUEUED = "operation.queued"  # {"host": str | None, "due": seconds from now}
TOPIC_CANCEL = "operation.cancel"  # {"id": str}
TOPIC_FINISHED = "operation.finished"  # {"id", "kind", "resource_type", "resource_id", "state", "engine"}


class Retry(Exception):  # noqa: N818  reads as what it asks for: raise Retry("image is still being saved")
    """Raised by a step to be run again after `after` seconds (None: a pause that grows with the attempts).

    With `count=False` it is no attempt: the step waits for something, and may do so until the deadline.
    """

    def __init__(self, why: str, *, after: float | None = None, count: bool = True) -> None:
        super().__init__(why)
        self.after = after
        self.count = count


class Fatal(Exception):  # noqa: N818
    """Raised by a step when trying again cannot help: the operation fails now."""


class Cancelled(Exception):  # noqa: N818
    """Raised by `Work.check()` when the operation is to be cancelled."""


class TimedOut(Cancelled):
    """Raised by `Work.check()` when the deadline of the operation has passed. The operation fails."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of an operation. `run` looks before it acts, for it may be run again after a crash."""

    name: str
    run: Callable[[Work], None]


@dataclass(frozen=True, slots=True)
class OperationKind:
    """A kind of durable work.

    `retries`: how often a step is run again after an error before the operation fails.
    `deadline`: seconds from the first start to the forced end; None for none.
    `failed(work, error)` undoes what was done and sets the status of the resource; `cancelled(work)` does so
    for a cancelled one (without it, `failed` gets a Cancelled). Both are run again if the process dies
    meanwhile.
    `target="host"`: every operation of the kind must name its host.
    """

    name: str
    steps: tuple[Step, ...]
    retries: int = 5
    deadline: float | None = 3600.0
    failed: Callable[[Work, BaseException], None] | None = None
    cancelled: Callable[[Work], None] | None = None
    target: Literal["host", "any"] = "any"

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"operation kind {self.name} needs steps with different names, has {names}")

    def position(self, step: str | None) -> int:
        """Where a recorded step stands; one that an upgrade removed means the beginning."""
        return next((i for i, candidate in enumerate(self.steps) if candidate.name == step), 0)


class Operation(Base):
    """A piece of work. `sequence` is the order of enqueueing, `id` what users see."""

    __tablename__ = "operation"
    __table_args__ = (
        Index(None, "state", "sequence"),
        Index(None, "resource_type", "resource_id", "state"),
        Index(None, "finished_at"),
    )

    sequence: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(64))
    resource_type: Mapped[str] = mapped_column(String(64))
    resource_id: Mapped[str] = mapped_column(String(255))
    project_id: Mapped[str | None] = mapped_column(String(64))
    user_id: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    host: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(16), default=QUEUED)
    # failed or cancelled once undoing has begun: a new engine then goes on undoing instead of repeating
    # steps.
    outcome: Mapped[str | None] = mapped_column(String(16))
    step: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    data: Mapped[dict[str, Any]]
    progress_done: Mapped[float | None]
    progress_total: Mapped[float | None]
    progress_text: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)
    not_before: Mapped[datetime] = mapped_column(default=utcnow)
    deadline: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None] = mapped_column(String(320))
    lease_expires: Mapped[datetime | None]
    # The resource, from the first claim to the end. Unique: never are two operations of one resource
    # under way, even if an earlier sequence is committed late (PostgreSQL and MariaDB number rows
    # before the commit).
    holds: Mapped[str | None] = mapped_column(String(320), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


@dataclass
class Operations:
    """The kinds of work of this process, and the bus on which engines are woken up. One per Database."""

    db: Database
    bus: Bus
    kinds: dict[str, OperationKind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.db.info["operations"] = self

    def register(self, kinds: Iterable[OperationKind]) -> None:
        for kind in kinds:
            if kind.name in self.kinds:
                raise ValueError(f"two operation kinds are called {kind.name}")
            self.kinds[kind.name] = kind

    def announce(self, session: Session, host: str | None, delay: float = 0.0) -> None:
        """Wake engines up once the session is committed."""
        after_commit(session, lambda: self.bus.publish(TOPIC_QUEUED, {"host": host, "due": delay}))


def enqueue(
    session: Session,
    kind_name: str,
    *,
    resource_type: str,
    resource_id: str,
    ctx: Any = None,
    project_id: str | None = None,
    host: str | None = None,
    data: Mapping[str, Any] | None = None,
    delay: float = 0.0,
) -> Operation:
    """Add an operation in the transaction of `session`, a session of `db.write()`. It starts after the
    commit.

    Operations on one (resource_type, resource_id) run in the order of enqueueing. `ctx` is the context of the
    request (user, project and request id are taken from it), `host` the one host whose engine may run it,
    `data` is JSON-able, `delay` in seconds. Raises ValueError for an unknown kind, or for a kind of target
    "host" without a host.
    """
    operations: Operations | None = session.info.get("operations")
    if operations is None:
        raise RuntimeError("enqueue() needs a db.write() session of a database that has Operations")
    kind = operations.kinds.get(kind_name)
    if kind is None:
        raise ValueError(f"there is no operation kind {kind_name}")
    if kind.target == "host" and not host:
        raise ValueError(f"operations of kind {kind_name} must name their host")
    now = utcnow()
    operation = Operation(
        kind=kind_name,
        resource_type=resource_type,
        resource_id=resource_id,
        project_id=project_id or getattr(ctx, "project_id", None),
        user_id=getattr(ctx, "user_id", None),
        request_id=getattr(ctx, "request_id", None),
        host=host,
        data=dict(data or {}),
        not_before=now + timedelta(seconds=delay),
        created_at=now,
    )
    session.add(operation)
    session.flush()  # numbers it now, so that the order is that of the calls
    operations.announce(session, host, delay)
    return operation
