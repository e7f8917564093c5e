# ruff: noqa: I001
"""The life of containers in full: exposed ports, files, pinned CPUs and health."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from knarr.kernel import db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FILE = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "container_files",
        sa.Column("container_uuid", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination", sa.String(length=1024), nullable=False),
        sa.Column("content", FILE, nullable=False),
        sa.ForeignKeyConstraint(
            ["container_uuid"],
            ["containers.uuid"],
            name=op.f("fk_container_files_container_uuid_containers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("container_uuid", "number", name=op.f("pk_container_files")),
    )
    with op.batch_alter_table("containers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("exposed_ports", db.Json(), nullable=True))
        batch_op.add_column(sa.Column("cpuset_cpus", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("cpuset_mems", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("health", sa.String(length=16), nullable=True))
    with op.batch_alter_table("container_hosts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("floating_cpu_set", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("numa", db.Json(), nullable=True))
