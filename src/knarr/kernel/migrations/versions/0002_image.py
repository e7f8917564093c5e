# ruff: noqa: I001
"""The tables of images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from knarr.kernel import db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "image",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("visibility", sa.String(length=32), nullable=False),
        sa.Column("container_format", sa.String(length=32), nullable=True),
        sa.Column("disk_format", sa.String(length=32), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("virtual_size", sa.BigInteger(), nullable=True),
        sa.Column("checksum", sa.String(length=32), nullable=True),
        sa.Column("os_hash_algo", sa.String(length=32), nullable=True),
        sa.Column("os_hash_value", sa.String(length=128), nullable=True),
        sa.Column("min_disk", sa.Integer(), nullable=False),
        sa.Column("min_ram", sa.Integer(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("os_hidden", sa.Boolean(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
    )
    with op.batch_alter_table("image", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_image_project_id_created_at_id"), ["project_id", "created_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_image_visibility_created_at_id"), ["visibility", "created_at", "id"], unique=False
        )

    op.create_table(
        "image_member",
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_member_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "member_id", name=op.f("pk_image_member")),
    )
    with op.batch_alter_table("image_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_image_member_member_id_image_id"), ["member_id", "image_id"], unique=False
        )

    op.create_table(
        "image_property",
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_property_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "name", name=op.f("pk_image_property")),
    )
    with op.batch_alter_table("image_property", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_image_property_name_image_id"), ["name", "image_id"], unique=False
        )

    op.create_table(
        "image_tag",
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_tag_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "tag", name=op.f("pk_image_tag")),
    )
    with op.batch_alter_table("image_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_image_tag_tag_image_id"), ["tag", "image_id"], unique=False)

    op.create_table(
        "image_task",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("input", db.Json(), nullable=False),
        sa.Column("result", db.Json(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("expires_at", db.Timestamp(), nullable=True),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_task")),
    )
    with op.batch_alter_table("image_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_image_task_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_image_task_image_id"), ["image_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_image_task_project_id_created_at_id"),
            ["project_id", "created_at", "id"],
            unique=False,
        )

    _create_tombstones_and_copies()
    _create_metadefs()


def _create_tombstones_and_copies() -> None:
    op.create_table(
        "image_tombstone",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("deleted_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_tombstone")),
    )
    op.create_table(
        "image_copy",
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("last_accessed", db.Timestamp(), nullable=False),
        sa.Column("last_modified", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_copy_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "host", name=op.f("pk_image_copy")),
    )


def _create_metadefs() -> None:
    op.create_table(
        "metadef_namespace",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("namespace", sa.String(length=80), nullable=False),
        sa.Column("display_name", sa.String(length=80), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("visibility", sa.String(length=32), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metadef_namespace")),
        sa.UniqueConstraint("namespace", name=op.f("uq_metadef_namespace_namespace")),
    )
    with op.batch_alter_table("metadef_namespace", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_metadef_namespace_created_at_namespace"), ["created_at", "namespace"], unique=False
        )

    op.create_table(
        "metadef_item",
        sa.Column("namespace_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("body", db.Json(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["metadef_namespace.id"],
            name=op.f("fk_metadef_item_namespace_id_metadef_namespace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", "kind", "name", name=op.f("pk_metadef_item")),
    )
    op.create_table(
        "metadef_resource_type",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_metadef_resource_type")),
    )
    op.create_table(
        "metadef_association",
        sa.Column("namespace_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("prefix", sa.String(length=80), nullable=True),
        sa.Column("properties_target", sa.String(length=80), nullable=True),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"],
            ["metadef_resource_type.name"],
            name=op.f("fk_metadef_association_name_metadef_resource_type"),
        ),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["metadef_namespace.id"],
            name=op.f("fk_metadef_association_namespace_id_metadef_namespace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("namespace_id", "name", name=op.f("pk_metadef_association")),
    )
    with op.batch_alter_table("metadef_association", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_metadef_association_name"), ["name"], unique=False)
