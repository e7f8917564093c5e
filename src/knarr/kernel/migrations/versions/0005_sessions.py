"""Interactive sessions of containers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from knarr.kernel import db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "container_sessions",
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("container_uuid", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("exec_id", sa.String(length=64), nullable=True),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", db.Timestamp(), nullable=False),
        sa.Column("connected_at", db.Timestamp(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_container_sessions")),
    )
    op.create_index(
        "ix_container_sessions_container_uuid", "container_sessions", ["container_uuid", "exec_id"]
    )
    op.create_index("ix_container_sessions_host", "container_sessions", ["host"])
