"""The table of interactive sessions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from knarr.kernel.db import Base, new_id


class ContainerSession(Base):
    """Leave to open one terminal, and, once somebody used it, the open session.

    The row goes with the session. Of the token only a digest is kept. `exec_id` is the engine's, None for the
    terminal of the container's main process; `height` and `width` are what a client asked for before it
    connected.
    """

    __tablename__ = "container_sessions"
    __table_args__ = (
        Index("ix_container_sessions_container_uuid", "container_uuid", "exec_id"),
        Index("ix_container_sessions_host", "host"),
    )

    uuid: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    container_uuid: Mapped[str] = mapped_column(String(36))
    project_id: Mapped[str] = mapped_column(String(64))
    host: Mapped[str]
    exec_id: Mapped[str | None] = mapped_column(String(64))
    token_digest: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    connected_at: Mapped[datetime | None]
    height: Mapped[int | None] = mapped_column(Integer)
    width: Mapped[int | None] = mapped_column(Integer)
