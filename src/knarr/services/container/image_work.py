"""Operations on the images that administrators have pulled to hosts and removed from them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update

from knarr.kernel.operations import Cancelled, Fatal, OperationKind, Step
from knarr.kernel.periodic import Periodic
from knarr.kernel.work import Work
from knarr.services.container import images, registries
from knarr.services.container.drivers.base import EngineError, NotThere
from knarr.services.container.drivers.names import canonical
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Image

RESOURCE = "image"
GONE = "The image was removed from its host by something else: pull it again."
PULLING, AVAILABLE, DELETING, FAILED = "Pulling", "Available", "Deleting", "Error"


def full_ref(conf: Any, row: Any) -> str:
    """What the row's image is called on the engine."""
    mark = "@" if ":" in row.tag else ":"
    return registries.full_name(f"{row.repo}{mark}{row.tag}", conf.docker.default_registry)


def pull(work: Work) -> None:
    """A name that cannot be had ends the work at once, a registry that does not answer after some tries."""
    row = _row(work)
    if row is None or row.status != PULLING:
        return
    ref = full_ref(work.runtime.conf, row)
    login = registries.credentials(work.runtime, ref)
    try:
        found = images.have(work, engine_of(work.runtime), ref, row.image_pull_policy, login)
    except EngineError as error:
        raise _final(error) from error
    _change(work, status=AVAILABLE, status_reason=None, image_id=found.id, size=found.size)


def pull_failed(work: Work, error: BaseException) -> None:
    """The row stays and says why, unless its deletion is what ended the pull."""
    if not isinstance(error, Cancelled):
        _change(work, status=FAILED, status_reason=str(error) or type(error).__name__)


def remove(work: Work) -> None:
    """From the engine, then the row."""
    row = _row(work)
    if row is None:
        return
    if row.image_id is not None:
        _from_engine(work, row)
    with work.db.write() as session:
        session.execute(delete(Image).where(Image.uuid == work.resource_id))


def _from_engine(work: Work, row: Image) -> None:
    try:
        engine_of(work.runtime).image_delete(full_ref(work.runtime.conf, row))
    except NotThere:
        return
    except EngineError as error:
        raise _final(error) from error


def remove_failed(work: Work, error: BaseException) -> None:
    reason = f"The image could not be deleted: {error}"
    _change(work, status=AVAILABLE, status_reason=reason)


def compare(runtime: Any) -> None:
    """The periodic task: a row whose image somebody else took from the engine says so."""
    with runtime.db.read() as session:
        rows = session.scalars(
            select(Image).where(Image.host == runtime.host, Image.status == AVAILABLE)
        ).all()
    if not rows:
        return
    engine = engine_of(runtime)
    there = {canonical(image.ref) for image in engine.images()}
    refs = {row.uuid: full_ref(runtime.conf, row) for row in rows}
    gone = [ident for ident, ref in refs.items() if canonical(ref) not in there]
    gone = [ident for ident in gone if engine.image_present(refs[ident]) is None]
    if not gone:
        return
    with runtime.db.write() as session:
        lost = update(Image).where(Image.uuid.in_(gone), Image.status == AVAILABLE)
        session.execute(lost.values(status=FAILED, status_reason=GONE))


PERIODICS = (Periodic("container.images", "container.sync_interval", compare),)


def _final(error: EngineError) -> Exception:
    return error if error.retryable else Fatal(str(error))


def _row(work: Work) -> Image | None:
    with work.db.read() as session:
        return session.get(Image, work.resource_id)


def _change(work: Work, **values: Any) -> None:
    with work.db.write() as session:
        session.execute(update(Image).where(Image.uuid == work.resource_id).values(**values))


OPERATIONS = (
    OperationKind(
        "container.image_pull", (Step("pull", pull),), failed=pull_failed, retries=3, target="host"
    ),
    OperationKind(
        "container.image_delete", (Step("remove", remove),), failed=remove_failed, retries=3, target="host"
    ),
)
