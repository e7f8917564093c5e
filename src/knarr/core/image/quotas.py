"""What a project may have in images. It is looked at when data begins to come, and while it comes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knarr.core.image.models import Image
from knarr.core.image.settings import MEBIBYTE
from knarr.core.image.storage import Check
from knarr.kernel.errors import TooLarge


def count(session: Session, project_id: str, *wanted: Any) -> int:
    """Images of the project for which the conditions hold."""
    stmt = select(func.count()).select_from(Image).where(Image.project_id == project_id, *wanted)
    return session.scalar(stmt) or 0


def size(session: Session, project_id: str) -> int:
    """Bytes of the project's images."""
    return int(session.scalar(select(func.sum(Image.size)).where(Image.project_id == project_id)) or 0)


def check_count(session: Session, conf: Any, project_id: str) -> None:
    """Raise TooLarge if the project may have no more images."""
    most = conf.image.image_count_total
    if 0 <= most <= count(session, project_id):
        raise TooLarge(f"The project has {most} images, which is the most it may have (image_count_total).")


def bytes_left(session: Session, conf: Any, project_id: str) -> Check:
    """The check of data that is to become an image of the project."""
    most = conf.image.image_size_total
    if most < 0:
        return lambda size: None
    left = most * MEBIBYTE - size(session, project_id)

    def check(size: int) -> None:
        if size > left:
            raise TooLarge(
                f"The images of the project would be larger than {most} MiB, the most it may have "
                "(image_size_total)."
            )

    return check
