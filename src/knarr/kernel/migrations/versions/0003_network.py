# ruff: noqa: I001
"""Routers, floating IPs, subnet pools, QoS, and what else networks have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from knarr.kernel import db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "address_group",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("addresses", db.Json(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_group")),
    )
    with op.batch_alter_table("address_group", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_address_group_project_id_id"), ["project_id", "id"], unique=False
        )

    op.create_table(
        "address_scope",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_scope")),
    )
    with op.batch_alter_table("address_scope", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_address_scope_project_id_id"), ["project_id", "id"], unique=False
        )

    op.create_table(
        "network_rbac",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("target_project", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_rbac")),
        sa.UniqueConstraint(
            "object_id",
            "action",
            "target_project",
            name=op.f("uq_network_rbac_object_id_action_target_project"),
        ),
    )
    with op.batch_alter_table("network_rbac", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_network_rbac_target_project_object_type"),
            ["target_project", "object_type"],
            unique=False,
        )

    op.create_table(
        "qos_policy",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qos_policy")),
    )
    with op.batch_alter_table("qos_policy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_qos_policy_project_id_id"), ["project_id", "id"], unique=False)

    op.create_table(
        "router",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("enable_snat", sa.Boolean(), nullable=False),
        sa.Column("routes", db.Json(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_router")),
    )
    with op.batch_alter_table("router", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_router_host"), ["host"], unique=False)
        batch_op.create_index(batch_op.f("ix_router_project_id_id"), ["project_id", "id"], unique=False)

    op.create_table(
        "security_group_default_rule",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("ethertype", sa.String(length=8), nullable=False),
        sa.Column("protocol", sa.String(length=40), nullable=True),
        sa.Column("port_range_min", sa.Integer(), nullable=True),
        sa.Column("port_range_max", sa.Integer(), nullable=True),
        sa.Column("remote_ip_prefix", sa.String(length=64), nullable=True),
        sa.Column("remote_group_id", sa.String(length=36), nullable=True),
        sa.Column("remote_address_group_id", sa.String(length=36), nullable=True),
        sa.Column("used_in_default_sg", sa.Boolean(), nullable=False),
        sa.Column("used_in_non_default_sg", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_group_default_rule")),
    )
    op.create_table(
        "qos_bandwidth_rule",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("policy_id", sa.String(length=36), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("max_kbps", sa.Integer(), nullable=False),
        sa.Column("max_burst_kbps", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["qos_policy.id"], name=op.f("fk_qos_bandwidth_rule_policy_id_qos_policy")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qos_bandwidth_rule")),
        sa.UniqueConstraint("policy_id", "direction", name=op.f("uq_qos_bandwidth_rule_policy_id_direction")),
    )
    op.create_table(
        "qos_policy_default",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("policy_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["qos_policy.id"], name=op.f("fk_qos_policy_default_policy_id_qos_policy")
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_qos_policy_default")),
    )
    with op.batch_alter_table("qos_policy_default", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_qos_policy_default_policy_id"), ["policy_id"], unique=False)

    op.create_table(
        "subnet_pool",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("ip_version", sa.Integer(), nullable=False),
        sa.Column("prefixes", db.Json(), nullable=False),
        sa.Column("min_prefixlen", sa.Integer(), nullable=False),
        sa.Column("max_prefixlen", sa.Integer(), nullable=False),
        sa.Column("default_prefixlen", sa.Integer(), nullable=False),
        sa.Column("default_quota", sa.Integer(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("address_scope_id", sa.String(length=36), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_scope_id"],
            ["address_scope.id"],
            name=op.f("fk_subnet_pool_address_scope_id_address_scope"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subnet_pool")),
    )
    with op.batch_alter_table("subnet_pool", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_subnet_pool_address_scope_id"), ["address_scope_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_subnet_pool_project_id_id"), ["project_id", "id"], unique=False)

    op.create_table(
        "floating_ip",
        sa.Column("floating_network_id", sa.String(length=36), nullable=False),
        sa.Column("floating_port_id", sa.String(length=36), nullable=False),
        sa.Column("floating_ip_address", sa.String(length=64), nullable=False),
        sa.Column("fixed_port_id", sa.String(length=36), nullable=True),
        sa.Column("fixed_ip_address", sa.String(length=64), nullable=True),
        sa.Column("router_id", sa.String(length=36), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("dns_name", sa.String(length=255), nullable=False),
        sa.Column("dns_domain", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fixed_port_id"], ["port.id"], name=op.f("fk_floating_ip_fixed_port_id_port")
        ),
        sa.ForeignKeyConstraint(
            ["floating_network_id"], ["network.id"], name=op.f("fk_floating_ip_floating_network_id_network")
        ),
        sa.ForeignKeyConstraint(
            ["floating_port_id"], ["port.id"], name=op.f("fk_floating_ip_floating_port_id_port")
        ),
        sa.ForeignKeyConstraint(["router_id"], ["router.id"], name=op.f("fk_floating_ip_router_id_router")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floating_ip")),
        sa.UniqueConstraint(
            "floating_network_id", "fixed_port_id", "fixed_ip_address", name="uq_floating_ip_fixed"
        ),
        sa.UniqueConstraint("floating_port_id", name=op.f("uq_floating_ip_floating_port_id")),
    )
    with op.batch_alter_table("floating_ip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_floating_ip_fixed_port_id"), ["fixed_port_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_floating_ip_floating_ip_address"), ["floating_ip_address"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_floating_ip_project_id_id"), ["project_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_floating_ip_router_id"), ["router_id"], unique=False)

    op.create_table(
        "router_port",
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("router_id", sa.String(length=36), nullable=False),
        sa.Column("gateway", sa.Boolean(), nullable=False),
        sa.Column("network_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"], ["network.id"], name=op.f("fk_router_port_network_id_network")
        ),
        sa.ForeignKeyConstraint(["port_id"], ["port.id"], name=op.f("fk_router_port_port_id_port")),
        sa.ForeignKeyConstraint(["router_id"], ["router.id"], name=op.f("fk_router_port_router_id_router")),
        sa.PrimaryKeyConstraint("port_id", name=op.f("pk_router_port")),
    )
    with op.batch_alter_table("router_port", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_router_port_network_id"), ["network_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_router_port_router_id"), ["router_id"], unique=False)

    op.create_table(
        "port_forwarding",
        sa.Column("floatingip_id", sa.String(length=36), nullable=False),
        sa.Column("protocol", sa.String(length=8), nullable=False),
        sa.Column("external_port", sa.Integer(), nullable=False),
        sa.Column("internal_port_id", sa.String(length=36), nullable=False),
        sa.Column("internal_ip_address", sa.String(length=64), nullable=False),
        sa.Column("internal_port", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["floatingip_id"], ["floating_ip.id"], name=op.f("fk_port_forwarding_floatingip_id_floating_ip")
        ),
        sa.ForeignKeyConstraint(
            ["internal_port_id"], ["port.id"], name=op.f("fk_port_forwarding_internal_port_id_port")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_port_forwarding")),
        sa.UniqueConstraint(
            "floatingip_id",
            "protocol",
            "external_port",
            name=op.f("uq_port_forwarding_floatingip_id_protocol_external_port"),
        ),
        sa.UniqueConstraint(
            "floatingip_id",
            "protocol",
            "internal_port_id",
            "internal_ip_address",
            "internal_port",
            name="uq_port_forwarding_internal",
        ),
    )
    with op.batch_alter_table("port_forwarding", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_port_forwarding_internal_port_id"), ["internal_port_id"], unique=False
        )

    op.create_table(
        "trunk",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("admin_state_up", sa.Boolean(), nullable=False),
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("revision_number", sa.Integer(), nullable=False),
        sa.Column("created_at", db.Timestamp(), nullable=False),
        sa.Column("updated_at", db.Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["port.id"], name=op.f("fk_trunk_port_id_port")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunk")),
        sa.UniqueConstraint("port_id", name=op.f("uq_trunk_port_id")),
    )
    with op.batch_alter_table("trunk", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trunk_project_id_id"), ["project_id", "id"], unique=False)

    op.create_table(
        "trunk_subport",
        sa.Column("port_id", sa.String(length=36), nullable=False),
        sa.Column("trunk_id", sa.String(length=36), nullable=False),
        sa.Column("vlan", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["port_id"], ["port.id"], name=op.f("fk_trunk_subport_port_id_port")),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_trunk_subport_trunk_id_trunk")),
        sa.PrimaryKeyConstraint("port_id", name=op.f("pk_trunk_subport")),
        sa.UniqueConstraint("trunk_id", "vlan", name=op.f("uq_trunk_subport_trunk_id_vlan")),
    )

    with op.batch_alter_table("network", schema=None) as batch_op:
        batch_op.add_column(sa.Column("dns_domain", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("qos_policy_id", sa.String(length=36), nullable=True))
        batch_op.create_index(batch_op.f("ix_network_qos_policy_id"), ["qos_policy_id"], unique=False)

    with op.batch_alter_table("network_host", schema=None) as batch_op:
        batch_op.add_column(sa.Column("capabilities", db.Json(), nullable=True))

    with op.batch_alter_table("port", schema=None) as batch_op:
        batch_op.add_column(sa.Column("qos_policy_id", sa.String(length=36), nullable=True))
        batch_op.create_index(batch_op.f("ix_port_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_port_qos_policy_id"), ["qos_policy_id"], unique=False)

    with op.batch_alter_table("security_group_rule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("remote_address_group_id", sa.String(length=36), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_security_group_rule_remote_address_group_id"),
            ["remote_address_group_id"],
            unique=False,
        )

    with op.batch_alter_table("subnet", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subnetpool_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("service_types", db.Json(), nullable=True))
        batch_op.create_index(batch_op.f("ix_subnet_subnetpool_id"), ["subnetpool_id"], unique=False)

    fill()


def fill() -> None:
    """Rows that stand for what was so without them: the rules that groups begin with, and what is shared."""
    from knarr.kernel.db import new_id

    rules = sa.table(
        "security_group_default_rule",
        *(sa.column(name) for name in ("id", "description", "direction", "ethertype", "remote_group_id")),
        sa.column("used_in_default_sg", sa.Boolean),
        sa.column("used_in_non_default_sg", sa.Boolean),
    )
    blank = {"description": "", "used_in_default_sg": True}
    op.bulk_insert(
        rules,
        [
            {
                **blank,
                "id": new_id(),
                "direction": direction,
                "ethertype": kind,
                "remote_group_id": remote,
                "used_in_non_default_sg": remote is None,
            }
            for direction, remote in (("egress", None), ("ingress", "PARENT"))
            for kind in ("IPv4", "IPv6")
        ],
    )
    names = ("id", "project_id", "object_type", "object_id", "action", "target_project")
    rbac = sa.table("network_rbac", *(sa.column(name) for name in names))
    networks = sa.table("network", *(sa.column(name) for name in ("id", "project_id", "shared", "external")))
    rows = (
        op.get_bind()
        .execute(sa.select(networks.c.id, networks.c.project_id, networks.c.shared, networks.c.external))
        .all()
    )
    entries = [
        {
            "id": new_id(),
            "project_id": row.project_id,
            "object_type": "network",
            "object_id": row.id,
            "action": action,
            "target_project": "*",
        }
        for row in rows
        for action, there in (("access_as_shared", row.shared), ("access_as_external", row.external))
        if there
    ]
    op.bulk_insert(rbac, entries)


def downgrade() -> None:
    with op.batch_alter_table("subnet", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subnet_subnetpool_id"))
        batch_op.drop_column("service_types")
        batch_op.drop_column("subnetpool_id")

    with op.batch_alter_table("security_group_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_security_group_rule_remote_address_group_id"))
        batch_op.drop_column("remote_address_group_id")

    with op.batch_alter_table("port", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_port_qos_policy_id"))
        batch_op.drop_index(batch_op.f("ix_port_name"))
        batch_op.drop_column("qos_policy_id")

    with op.batch_alter_table("network_host", schema=None) as batch_op:
        batch_op.drop_column("capabilities")

    with op.batch_alter_table("network", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_network_qos_policy_id"))
        batch_op.drop_column("qos_policy_id")
        batch_op.drop_column("dns_domain")

    op.drop_table("trunk_subport")
    with op.batch_alter_table("trunk", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trunk_project_id_id"))

    op.drop_table("trunk")
    with op.batch_alter_table("port_forwarding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_port_forwarding_internal_port_id"))

    op.drop_table("port_forwarding")
    with op.batch_alter_table("router_port", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_router_port_router_id"))
        batch_op.drop_index(batch_op.f("ix_router_port_network_id"))

    op.drop_table("router_port")
    with op.batch_alter_table("floating_ip", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_floating_ip_router_id"))
        batch_op.drop_index(batch_op.f("ix_floating_ip_project_id_id"))
        batch_op.drop_index(batch_op.f("ix_floating_ip_floating_ip_address"))
        batch_op.drop_index(batch_op.f("ix_floating_ip_fixed_port_id"))

    op.drop_table("floating_ip")
    with op.batch_alter_table("subnet_pool", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subnet_pool_project_id_id"))
        batch_op.drop_index(batch_op.f("ix_subnet_pool_address_scope_id"))

    op.drop_table("subnet_pool")
    with op.batch_alter_table("qos_policy_default", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_qos_policy_default_policy_id"))

    op.drop_table("qos_policy_default")
    op.drop_table("qos_bandwidth_rule")
    op.drop_table("security_group_default_rule")
    with op.batch_alter_table("router", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_router_project_id_id"))
        batch_op.drop_index(batch_op.f("ix_router_host"))

    op.drop_table("router")
    with op.batch_alter_table("qos_policy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_qos_policy_project_id_id"))

    op.drop_table("qos_policy")
    with op.batch_alter_table("network_rbac", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_network_rbac_target_project_object_type"))

    op.drop_table("network_rbac")
    with op.batch_alter_table("address_scope", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_address_scope_project_id_id"))

    op.drop_table("address_scope")
    with op.batch_alter_table("address_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_address_group_project_id_id"))

    op.drop_table("address_group")
