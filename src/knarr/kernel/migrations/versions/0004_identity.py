# ruff: noqa: I001
"""Identity: extra attributes, access rules, credentials, old passwords, limits, narrowed catalogues."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from knarr.kernel import db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_access_rule",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_access_rule")),
    )
    with op.batch_alter_table("identity_access_rule", schema=None) as batch_op:
        batch_op.create_index("ix_identity_access_rule_user_id", ["user_id"], unique=False)

    op.create_table(
        "identity_credential",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=True),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("encrypted_blob", sa.Text(), nullable=False),
        sa.Column("extra", db.Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_credential")),
    )
    with op.batch_alter_table("identity_credential", schema=None) as batch_op:
        batch_op.create_index("ix_identity_credential_user_id", ["user_id"], unique=False)

    op.create_table(
        "identity_endpoint_filter",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "target_id", name=op.f("pk_identity_endpoint_filter")),
    )
    op.create_table(
        "identity_endpoint_group",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("filters", db.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_endpoint_group")),
    )
    op.create_table(
        "identity_failed_logins",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_identity_failed_logins")),
    )
    op.create_table(
        "identity_limit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("registered_limit_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("resource_limit", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_limit")),
        sa.UniqueConstraint(
            "registered_limit_id",
            "project_id",
            "domain_id",
            name=op.f("uq_identity_limit_registered_limit_id_project_id_domain_id"),
        ),
    )
    op.create_table(
        "identity_password",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("self_service", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_password")),
    )
    with op.batch_alter_table("identity_password", schema=None) as batch_op:
        batch_op.create_index("ix_identity_password_user_id", ["user_id"], unique=False)

    op.create_table(
        "identity_policy",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("extra", db.Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_policy")),
    )
    op.create_table(
        "identity_registered_limit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.String(length=64), nullable=False),
        sa.Column("region_id", sa.String(length=255), nullable=False),
        sa.Column("resource_name", sa.String(length=255), nullable=False),
        sa.Column("default_limit", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_registered_limit")),
        sa.UniqueConstraint(
            "service_id",
            "region_id",
            "resource_name",
            name=op.f("uq_identity_registered_limit_service_id_region_id_resource_name"),
        ),
    )
    with op.batch_alter_table("identity_application_credential", schema=None) as batch_op:
        batch_op.add_column(sa.Column("access_rule_ids", db.Json(), nullable=True))

    with op.batch_alter_table("identity_endpoint", schema=None) as batch_op:
        batch_op.add_column(sa.Column("extra", db.Json(), nullable=True))

    with op.batch_alter_table("identity_group", schema=None) as batch_op:
        batch_op.add_column(sa.Column("extra", db.Json(), nullable=True))

    with op.batch_alter_table("identity_region", schema=None) as batch_op:
        batch_op.add_column(sa.Column("extra", db.Json(), nullable=True))

    with op.batch_alter_table("identity_role", schema=None) as batch_op:
        batch_op.add_column(sa.Column("extra", db.Json(), nullable=True))

    with op.batch_alter_table("identity_service", schema=None) as batch_op:
        batch_op.add_column(sa.Column("extra", db.Json(), nullable=True))
