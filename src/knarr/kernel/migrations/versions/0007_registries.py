# ruff: noqa: I001
"""Images and registries of containers, and the networks that an administrator made known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from knarr.kernel import db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "container_images",
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("repo", sa.String(length=255), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column("image_id", sa.String(length=255), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("image_pull_policy", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_container_images")),
        sa.UniqueConstraint("host", "repo", "tag", name=op.f("uq_container_images_host_repo_tag")),
    )
    op.create_table(
        "container_networks",
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("neutron_net_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_container_networks")),
        sa.UniqueConstraint("neutron_net_id", name=op.f("uq_container_networks_neutron_net_id")),
    )
    op.create_table(
        "container_registries",
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_container_registries")),
    )
    with op.batch_alter_table("container_registries", schema=None) as batch_op:
        batch_op.create_index("ix_container_registries_project_id_name", ["project_id", "name"], unique=False)

    with op.batch_alter_table("containers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("image_registry", sa.String(length=255), nullable=True))
