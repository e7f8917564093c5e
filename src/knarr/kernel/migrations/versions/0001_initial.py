# ruff: noqa: I001
"""The tables of identity, network, containers and the kernel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from knarr.kernel import db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "container_actions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("container_uuid", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("start_time", db.Timestamp(), nullable=False),
        sa.Column("finish_time", db.Timestamp(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_container_actions")),
    )
    with op.batch_alter_table("container_actions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_container_actions_container_uuid", ["container_uuid", "request_id"], unique=False
        )

    op.create_table(
        "container_hosts",
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("hostname", sa.String(length=255), nullable=False),
        sa.Column("mem_total", sa.Integer(), nullable=False),
        sa.Column("mem_used", sa.Integer(), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("cpu_used", sa.Float(), nullable=False),
        sa.Column("disk_total", sa.Integer(), nullable=False),
        sa.Column("disk_used", sa.Integer(), nullable=False),
        sa.Column("disk_quota_supported", sa.Boolean(), nullable=False),
        sa.Column("total_containers", sa.Integer(), nullable=False),
        sa.Column("architecture", sa.String(length=32), nullable=True),
        sa.Column("os", sa.String(length=255), nullable=True),
        sa.Column("os_type", sa.String(length=32), nullable=True),
        sa.Column("kernel_version", sa.String(length=255), nullable=True),
        sa.Column("labels", db.Json(), nullable=False),
        sa.Column("runtimes", db.Json(), nullable=False),
        sa.Column("enable_cpu_pinning", sa.Boolean(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_container_hosts")),
        sa.UniqueConstraint("hostname", name=op.f("uq_container_hosts_hostname")),
    )
    op.create_table(
        "container_services",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("binary", sa.String(length=64), nullable=False),
        sa.Column("availability_zone", sa.String(length=255), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(length=255), nullable=True),
        sa.Column("forced_down", sa.Boolean(), nullable=False),
        sa.Column("report_count", sa.Integer(), nullable=False),
        sa.Column("last_seen_up", db.Timestamp(), nullable=True),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_container_services")),
        sa.UniqueConstraint("host", "binary", name=op.f("uq_container_services_host_binary")),
    )
    op.create_table(
        "containers",
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("image", sa.String(length=255), nullable=False),
        sa.Column("image_id", sa.String(length=255), nullable=True),
        sa.Column("image_driver", sa.String(length=32), nullable=False),
        sa.Column("image_pull_policy", sa.String(length=32), nullable=False),
        sa.Column("command", db.Json(), nullable=True),
        sa.Column("entrypoint", db.Json(), nullable=True),
        sa.Column("cpu", sa.Float(), nullable=False),
        sa.Column("cpu_policy", sa.String(length=32), nullable=False),
        sa.Column("memory", sa.Integer(), nullable=False),
        sa.Column("disk", sa.Integer(), nullable=False),
        sa.Column("workdir", sa.String(length=1024), nullable=True),
        sa.Column("hostname", sa.String(length=255), nullable=True),
        sa.Column("environment", db.Json(), nullable=False),
        sa.Column("labels", db.Json(), nullable=False),
        sa.Column("restart_policy", db.Json(), nullable=True),
        sa.Column("healthcheck", db.Json(), nullable=True),
        sa.Column("interactive", sa.Boolean(), nullable=False),
        sa.Column("tty", sa.Boolean(), nullable=False),
        sa.Column("auto_remove", sa.Boolean(), nullable=False),
        sa.Column("auto_heal", sa.Boolean(), nullable=False),
        sa.Column("privileged", sa.Boolean(), nullable=False),
        sa.Column("runtime", sa.String(length=255), nullable=True),
        sa.Column("availability_zone", sa.String(length=255), nullable=True),
        sa.Column("hints", db.Json(), nullable=False),
        sa.Column("nets", db.Json(), nullable=False),
        sa.Column("security_groups", db.Json(), nullable=False),
        sa.Column("ports", db.Json(), nullable=False),
        sa.Column("addresses", db.Json(), nullable=False),
        sa.Column("registry_id", sa.String(length=36), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=True),
        sa.Column("engine_id", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("task_state", sa.String(length=32), nullable=True),
        sa.Column("started_at", db.Timestamp(), nullable=True),
        sa.Column("finished_at", db.Timestamp(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_containers")),
    )
    with op.batch_alter_table("containers", schema=None) as batch_op:
        batch_op.create_index("ix_containers_host", ["host"], unique=False)
        batch_op.create_index("ix_containers_name", ["name"], unique=False)
        batch_op.create_index(
            "ix_containers_project_id_created_at", ["project_id", "created_at", "uuid"], unique=False
        )

    op.create_table(
        "identity_application_credential",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("role_ids", db.Json(), nullable=False),
        sa.Column("unrestricted", sa.Boolean(), nullable=False),
        sa.Column("expires_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_application_credential")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_identity_application_credential_user_id_name")),
    )
    op.create_table(
        "identity_assignment",
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("role_id", sa.String(length=64), nullable=False),
        sa.Column("target_type", sa.String(length=16), nullable=False),
        sa.Column("inherited", sa.Boolean(), nullable=False),
        sa.Column("actor_type", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint(
            "actor_id",
            "target_id",
            "role_id",
            "target_type",
            "inherited",
            name=op.f("pk_identity_assignment"),
        ),
    )
    with op.batch_alter_table("identity_assignment", schema=None) as batch_op:
        batch_op.create_index("ix_identity_assignment_role_id", ["role_id"], unique=False)
        batch_op.create_index("ix_identity_assignment_target_id", ["target_id"], unique=False)

    op.create_table(
        "identity_change",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_change")),
    )
    op.create_table(
        "identity_endpoint",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.String(length=64), nullable=False),
        sa.Column("interface", sa.String(length=8), nullable=False),
        sa.Column("region_id", sa.String(length=255), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_endpoint")),
    )
    with op.batch_alter_table("identity_endpoint", schema=None) as batch_op:
        batch_op.create_index("ix_identity_endpoint_service_id", ["service_id"], unique=False)

    op.create_table(
        "identity_group",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_group")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_group_domain_id_name")),
    )
    op.create_table(
        "identity_implied_role",
        sa.Column("prior_role_id", sa.String(length=64), nullable=False),
        sa.Column("implied_role_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("prior_role_id", "implied_role_id", name=op.f("pk_identity_implied_role")),
    )
    op.create_table(
        "identity_membership",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_identity_membership")),
    )
    with op.batch_alter_table("identity_membership", schema=None) as batch_op:
        batch_op.create_index("ix_identity_membership_group_id", ["group_id"], unique=False)

    op.create_table(
        "identity_project",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("is_domain", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", db.Json(), nullable=False),
        sa.Column("options", db.Json(), nullable=False),
        sa.Column("extra", db.Json(), nullable=False),
        sa.Column("tokens_valid_from", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_project")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_project_domain_id_name")),
    )
    with op.batch_alter_table("identity_project", schema=None) as batch_op:
        batch_op.create_index("ix_identity_project_parent_id", ["parent_id"], unique=False)

    op.create_table(
        "identity_region",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("parent_region_id", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_region")),
    )
    op.create_table(
        "identity_revoked_token",
        sa.Column("audit_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_identity_revoked_token")),
    )
    with op.batch_alter_table("identity_revoked_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_identity_revoked_token_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "identity_role",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("options", db.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_role")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_role_domain_id_name")),
    )
    op.create_table(
        "identity_service",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_service")),
    )
    op.create_table(
        "identity_trust",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("trustor_user_id", sa.String(length=64), nullable=False),
        sa.Column("trustee_user_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=True),
        sa.Column("impersonation", sa.Boolean(), nullable=False),
        sa.Column("role_ids", db.Json(), nullable=False),
        sa.Column("expires_at", db.Timestamp(), nullable=True),
        sa.Column("remaining_uses", sa.Integer(), nullable=True),
        sa.Column("redelegated_trust_id", sa.String(length=64), nullable=True),
        sa.Column("redelegation_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_trust")),
    )
    with op.batch_alter_table("identity_trust", schema=None) as batch_op:
        batch_op.create_index("ix_identity_trust_trustee_user_id", ["trustee_user_id"], unique=False)
        batch_op.create_index("ix_identity_trust_trustor_user_id", ["trustor_user_id"], unique=False)

    op.create_table(
        "identity_user",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("domain_id", sa.String(length=64), nullable=False),
        sa.Column("default_project_id", sa.String(length=64), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("options", db.Json(), nullable=False),
        sa.Column("extra", db.Json(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("password_changed_at", db.Timestamp(), nullable=True),
        sa.Column("password_expires_at", db.Timestamp(), nullable=True),
        sa.Column("tokens_valid_from", db.Timestamp(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_user")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_user_domain_id_name")),
    )
    op.create_table(
        "network",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("mtu", sa.Integer(), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network")),
    )
    with op.batch_alter_table("network", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_network_project_id_id"), ["project_id", "id"], unique=False)

    op.create_table(
        "network_host",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("vif_type", sa.String(length=64), nullable=False),
        sa.Column("port_filter", sa.Boolean(), nullable=False),
        sa.Column("started_at", db.Timestamp(), nullable=False),
        sa.Column("seen_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_network_host")),
    )
    op.create_table(
        "network_tag",
        sa.Column("resource_id", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "tag", name=op.f("pk_network_tag")),
    )
    op.create_table(
        "operation",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("resource_type", sa.String(length=64), nullable=False),
        sa.Column("resource_id", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=True),
        sa.Column("user_id", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("step", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("data", db.Json(), nullable=False),
        sa.Column("progress_done", sa.Double(), nullable=True),
        sa.Column("progress_total", sa.Double(), nullable=True),
        sa.Column("progress_text", sa.String(length=255), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("not_before", db.Timestamp(), nullable=False),
        sa.Column("deadline", db.Timestamp(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.String(length=320), nullable=True),
        sa.Column("lease_expires", db.Timestamp(), nullable=True),
        sa.Column("holds", sa.String(length=320), nullable=True),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("started_at", db.Timestamp(), nullable=True),
        sa.Column("finished_at", db.Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_operation")),
        sa.UniqueConstraint("holds", name=op.f("uq_operation_holds")),
        sa.UniqueConstraint("id", name=op.f("uq_operation_id")),
    )
    with op.batch_alter_table("operation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_operation_finished_at"), ["finished_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_operation_resource_type_resource_id_state"),
            ["resource_type", "resource_id", "state"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_operation_state_sequence"), ["state", "sequence"], unique=False)

    op.create_table(
        "quota_limit",
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("scope_id", sa.String(length=255), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service", "scope", "scope_id", "resource", name=op.f("pk_quota_limit")),
    )
    op.create_table(
        "quota_usage",
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service", "project_id", "resource", name=op.f("pk_quota_usage")),
    )
    op.create_table(
        "security_group",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("stateful", sa.Boolean(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_group")),
    )
    with op.batch_alter_table("security_group", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_security_group_project_id_id"), ["project_id", "id"], unique=False
        )

    op.create_table(
        "container_action_events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("action_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("start_time", db.Timestamp(), nullable=False),
        sa.Column("finish_time", db.Timestamp(), nullable=True),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["container_actions.id"],
            name=op.f("fk_container_action_events_action_id_container_actions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_container_action_events")),
    )
    with op.batch_alter_table("container_action_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_container_action_events_action_id"), ["action_id"], unique=False)

    op.create_table(
        "port",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("mac_address", sa.String(length=32), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("device_id", sa.String(length=255), nullable=False),
        sa.Column("device_owner", sa.String(length=255), nullable=False),
        sa.Column("port_security_enabled", sa.Boolean(), nullable=False),
        sa.Column("allowed_address_pairs", db.Json(), nullable=False),
        sa.Column("dns_name", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("vnic_type", sa.String(length=64), nullable=False),
        sa.Column("vif_type", sa.String(length=64), nullable=False),
        sa.Column("profile", db.Json(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_port_network_id_network")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_port")),
        sa.UniqueConstraint("network_id", "mac_address", name=op.f("uq_port_network_id_mac_address")),
    )
    with op.batch_alter_table("port", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_port_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_port_host"), ["host"], unique=False)
        batch_op.create_index(batch_op.f("ix_port_project_id_id"), ["project_id", "id"], unique=False)

    op.create_table(
        "security_group_default",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["security_group.id"],
            name=op.f("fk_security_group_default_group_id_security_group"),
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_security_group_default")),
    )
    with op.batch_alter_table("security_group_default", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_security_group_default_group_id"), ["group_id"], unique=False)

    op.create_table(
        "security_group_rule",
        sa.Column("security_group_id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("ethertype", sa.String(length=8), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=True),
        sa.Column("port_range_min", sa.Integer(), nullable=True),
        sa.Column("port_range_max", sa.Integer(), nullable=True),
        sa.Column("remote_ip_prefix", sa.String(length=64), nullable=True),
        sa.Column("remote_group_id", sa.String(length=36), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["remote_group_id"],
            ["security_group.id"],
            name=op.f("fk_security_group_rule_remote_group_id_security_group"),
        ),
        sa.ForeignKeyConstraint(
            ["security_group_id"],
            ["security_group.id"],
            name=op.f("fk_security_group_rule_security_group_id_security_group"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_group_rule")),
    )
    with op.batch_alter_table("security_group_rule", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_security_group_rule_project_id_id"), ["project_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_security_group_rule_remote_group_id"), ["remote_group_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_security_group_rule_security_group_id"), ["security_group_id"], unique=False
        )

    op.create_table(
        "subnet",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("cidr", sa.String(length=64), nullable=False),
        sa.Column("gateway_ip", sa.String(length=64), nullable=True),
        sa.Column("enable_dhcp", sa.Boolean(), nullable=False),
        sa.Column("ipv6_ra_mode", sa.String(length=32), nullable=True),
        sa.Column("ipv6_address_mode", sa.String(length=32), nullable=True),
        sa.Column("allocation_pools", db.Json(), nullable=False),
        sa.Column("dns_nameservers", db.Json(), nullable=False),
        sa.Column("host_routes", db.Json(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_subnet_network_id_network")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subnet")),
    )
    with op.batch_alter_table("subnet", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subnet_network_id"), ["network_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_subnet_project_id_id"), ["project_id", "id"], unique=False)

    op.create_table(
        "port_address",
        sa.Column("subnet_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.String(length=32), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("ip_address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["port.id"], name=op.f("fk_port_address_port_id_port")),
        sa.ForeignKeyConstraint(["subnet_id"], ["subnet.id"], name=op.f("fk_port_address_subnet_id_subnet")),
        sa.PrimaryKeyConstraint("subnet_id", "position", name=op.f("pk_port_address")),
    )
    with op.batch_alter_table("port_address", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_port_address_ip_address"), ["ip_address"], unique=False)
        batch_op.create_index(batch_op.f("ix_port_address_port_id"), ["port_id"], unique=False)

    op.create_table(
        "port_security_group",
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["security_group.id"], name=op.f("fk_port_security_group_group_id_security_group")
        ),
        sa.ForeignKeyConstraint(["port_id"], ["port.id"], name=op.f("fk_port_security_group_port_id_port")),
        sa.PrimaryKeyConstraint("port_id", "group_id", name=op.f("pk_port_security_group")),
    )
    with op.batch_alter_table("port_security_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_port_security_group_group_id"), ["group_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("port_security_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_port_security_group_group_id"))

    op.drop_table("port_security_group")
    with op.batch_alter_table("port_address", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_port_address_port_id"))
        batch_op.drop_index(batch_op.f("ix_port_address_ip_address"))

    op.drop_table("port_address")
    with op.batch_alter_table("subnet", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subnet_project_id_id"))
        batch_op.drop_index(batch_op.f("ix_subnet_network_id"))

    op.drop_table("subnet")
    with op.batch_alter_table("security_group_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_security_group_rule_security_group_id"))
        batch_op.drop_index(batch_op.f("ix_security_group_rule_remote_group_id"))
        batch_op.drop_index(batch_op.f("ix_security_group_rule_project_id_id"))

    op.drop_table("security_group_rule")
    with op.batch_alter_table("security_group_default", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_security_group_default_group_id"))

    op.drop_table("security_group_default")
    with op.batch_alter_table("port", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_port_project_id_id"))
        batch_op.drop_index(batch_op.f("ix_port_host"))
        batch_op.drop_index(batch_op.f("ix_port_device_id"))

    op.drop_table("port")
    with op.batch_alter_table("container_action_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_container_action_events_action_id"))

    op.drop_table("container_action_events")
    with op.batch_alter_table("security_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_security_group_project_id_id"))

    op.drop_table("security_group")
    op.drop_table("quota_usage")
    op.drop_table("quota_limit")
    with op.batch_alter_table("operation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_operation_state_sequence"))
        batch_op.drop_index(batch_op.f("ix_operation_resource_type_resource_id_state"))
        batch_op.drop_index(batch_op.f("ix_operation_finished_at"))

    op.drop_table("operation")
    op.drop_table("network_tag")
    op.drop_table("network_host")
    with op.batch_alter_table("network", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_network_project_id_id"))

    op.drop_table("network")
    op.drop_table("identity_user")
    with op.batch_alter_table("identity_trust", schema=None) as batch_op:
        batch_op.drop_index("ix_identity_trust_trustor_user_id")
        batch_op.drop_index("ix_identity_trust_trustee_user_id")

    op.drop_table("identity_trust")
    op.drop_table("identity_service")
    op.drop_table("identity_role")
    with op.batch_alter_table("identity_revoked_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_revoked_token_expires_at"))

    op.drop_table("identity_revoked_token")
    op.drop_table("identity_region")
    with op.batch_alter_table("identity_project", schema=None) as batch_op:
        batch_op.drop_index("ix_identity_project_parent_id")

    op.drop_table("identity_project")
    with op.batch_alter_table("identity_membership", schema=None) as batch_op:
        batch_op.drop_index("ix_identity_membership_group_id")

    op.drop_table("identity_membership")
    op.drop_table("identity_implied_role")
    op.drop_table("identity_group")
    with op.batch_alter_table("identity_endpoint", schema=None) as batch_op:
        batch_op.drop_index("ix_identity_endpoint_service_id")

    op.drop_table("identity_endpoint")
    op.drop_table("identity_change")
    with op.batch_alter_table("identity_assignment", schema=None) as batch_op:
        batch_op.drop_index("ix_identity_assignment_target_id")
        batch_op.drop_index("ix_identity_assignment_role_id")

    op.drop_table("identity_assignment")
    op.drop_table("identity_application_credential")
    with op.batch_alter_table("containers", schema=None) as batch_op:
        batch_op.drop_index("ix_containers_project_id_created_at")
        batch_op.drop_index("ix_containers_name")
        batch_op.drop_index("ix_containers_host")

    op.drop_table("containers")
    op.drop_table("container_services")
    op.drop_table("container_hosts")
    with op.batch_alter_table("container_actions", schema=None) as batch_op:
        batch_op.drop_index("ix_container_actions_container_uuid")

    op.drop_table("container_actions")
