"""The import of an image's data, as durable work: fetch it if it is elsewhere, then make it the image's.

queued ─ stage ─ uploading ─ glance-direct ─┐
queued ─ web-download ──────────────────────┴─ importing ─ active (queued again if it fails)
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knarr.core.image import quotas, tasks
from knarr.core.image.api.data import activate
from knarr.core.image.models import Image
from knarr.core.image.storage import Check, storage
from knarr.core.image.webdownload import allowed, opened
from knarr.kernel.db import after_commit, utcnow
from knarr.kernel.operations import Fatal, OperationKind, Step, enqueue
from knarr.kernel.request import Request
from knarr.kernel.work import Work

KIND = "image.import"
STATUS = "importing"
DAY = 24 * 3600
LOOK_EVERY = 128  # pieces of data


def begin(
    session: Session,
    req: Request,
    image: Image,
    kind: str,
    given: dict[str, Any],
    uri: str | None,
    os_hash_value: str | None = None,
) -> tasks.ImageTask:
    """Have the image imported, from the address or from what was staged. `given` is what the user sees as the
    task's input; `os_hash_value` is what the data must have. The data lies on this host, so the work is done
    here."""
    image.status, image.updated_at = STATUS, utcnow()
    task = tasks.new(session, req, kind, image, given)
    enqueue(
        session,
        KIND,
        resource_type="image",
        resource_id=image.id,
        ctx=req.ctx,
        host=req.runtime.host,
        data={"task": task.id, "uri": uri, "os_hash_value": os_hash_value},
    )
    return task


def fetch(work: Work) -> None:
    """Step: have the data on this host."""
    with work.db.write() as session:
        tasks.begin(session, work.data["task"])
    uri = work.data["uri"]
    if uri is None:
        return
    store = storage(work.runtime)
    check = _check(work)
    with opened(uri, allowed(work.runtime.conf)) as download:
        if download.size is not None:
            store.check_size(download.size)
        store.write(store.staged(work.resource_id), download, None, check)


def adopt(work: Work) -> None:
    """Step: make what is staged the data of the image."""
    if _status(work) == "active":
        return
    store = storage(work.runtime)
    try:
        written = store.adopt(work.resource_id, _check(work))
    except FileNotFoundError:
        raise Fatal("The data that was staged is not there any more; stage it again.") from None
    wanted = work.data["os_hash_value"]
    if wanted not in (None, written.os_hash_value):
        raise Fatal(f"The data has the SHA-512 {written.os_hash_value}, not {wanted}.")
    with work.db.write() as session:
        if not activate(session, work.resource_id, STATUS, written):
            raise _gone(work)
        _end(session, work, result={"image_id": work.resource_id})


def failed(work: Work, error: BaseException) -> None:
    """The image is queued again, without data; its task tells why."""
    store = storage(work.runtime)
    with work.db.write() as session:
        change = update(Image).where(Image.id == work.resource_id, Image.status == STATUS)
        session.execute(change.values(status="queued", updated_at=utcnow()))
        _end(session, work, message=str(error)[:2000])
        after_commit(session, lambda: store.remove(work.resource_id))


def _end(session: Session, work: Work, **outcome: Any) -> None:
    tasks.end(session, work.data["task"], work.runtime.conf.image.task_time_to_live, **outcome)


def _status(work: Work) -> str | None:
    with work.db.read() as session:
        return session.scalar(select(Image.status).where(Image.id == work.resource_id))


def _gone(work: Work) -> Fatal:
    return Fatal(f"Image {work.resource_id} was deleted during its import.")


def _check(work: Work) -> Check:
    """A check for every piece of data: may the work go on, is the image still wanted, and is there room?"""
    calls = 0

    with work.db.read() as session:
        owner = session.scalar(select(Image.project_id).where(Image.id == work.resource_id))
        check_size = quotas.bytes_left(session, work.runtime.conf, owner or "")

    def check(size: int) -> None:
        nonlocal calls
        work.check()
        check_size(size)
        if calls % LOOK_EVERY == 0 and _status(work) != STATUS:
            raise _gone(work)
        calls += 1

    return check


OPERATIONS = (
    OperationKind(
        KIND,
        (Step("fetch", fetch), Step("adopt", adopt)),
        retries=3,
        deadline=DAY,
        failed=failed,
        target="host",
    ),
)
