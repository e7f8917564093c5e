"""Tables of the network service. Addresses are rows that ports own, so that none can leak."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knarr.kernel.db import Base, new_id, utcnow

ID = String(36)
PROJECT = String(64)


class Standard:
    """What every resource of Neutron has (its "standard attributes")."""

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(PROJECT)
    description: Mapped[str] = mapped_column(String(255), default="")
    revision_number: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class Network(Standard, Base):
    __tablename__ = "network"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    admin_state_up: Mapped[bool] = mapped_column(default=True)
    shared: Mapped[bool] = mapped_column(default=False)
    external: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)
    mtu: Mapped[int] = mapped_column(default=1500)
    port_security_enabled: Mapped[bool] = mapped_column(default=True)
    dns_domain: Mapped[str | None]
    qos_policy_id: Mapped[str | None] = mapped_column(ID, index=True)


class Subnet(Standard, Base):
    __tablename__ = "subnet"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    network_id: Mapped[str] = mapped_column(ID, ForeignKey("network.id"), index=True)
    ip_version: Mapped[int]
    cidr: Mapped[str] = mapped_column(String(64))
    gateway_ip: Mapped[str | None] = mapped_column(String(64))
    enable_dhcp: Mapped[bool] = mapped_column(default=True)
    ipv6_ra_mode: Mapped[str | None] = mapped_column(String(32))
    ipv6_address_mode: Mapped[str | None] = mapped_column(String(32))
    allocation_pools: Mapped[list[dict[str, Any]]]
    dns_nameservers: Mapped[list[str]]
    host_routes: Mapped[list[dict[str, Any]]]
    subnetpool_id: Mapped[str | None] = mapped_column(ID, index=True)
    service_types: Mapped[list[str] | None]


class Port(Standard, Base):
    __tablename__ = "port"
    __table_args__ = (
        UniqueConstraint("network_id", "mac_address"),
        Index(None, "project_id", "id"),
        Index(None, "device_id"),
        Index(None, "host"),
        Index(None, "name"),
    )

    name: Mapped[str] = mapped_column(default="")
    network_id: Mapped[str] = mapped_column(ID, ForeignKey("network.id"))
    mac_address: Mapped[str] = mapped_column(String(32))
    admin_state_up: Mapped[bool] = mapped_column(default=True)
    status: Mapped[str] = mapped_column(String(16), default="DOWN")
    device_id: Mapped[str] = mapped_column(default="")
    device_owner: Mapped[str] = mapped_column(default="")
    port_security_enabled: Mapped[bool] = mapped_column(default=True)
    allowed_address_pairs: Mapped[list[dict[str, Any]]]
    dns_name: Mapped[str] = mapped_column(default="")
    host: Mapped[str] = mapped_column(default="")
    vnic_type: Mapped[str] = mapped_column(String(64), default="normal")
    vif_type: Mapped[str] = mapped_column(String(64), default="unbound")
    profile: Mapped[dict[str, Any]]
    qos_policy_id: Mapped[str | None] = mapped_column(ID, index=True)


class Address(Base):
    """An address that a port holds.

    `position` is the address in hexadecimal, of one width for each IP version: it sorts like the number on
    every database. Its uniqueness within the subnet is what makes an address nobody's but the port's.
    """

    __tablename__ = "port_address"

    subnet_id: Mapped[str] = mapped_column(ID, ForeignKey("subnet.id"), primary_key=True)
    position: Mapped[str] = mapped_column(String(32), primary_key=True)
    port_id: Mapped[str] = mapped_column(ID, ForeignKey("port.id"), index=True)
    ip_address: Mapped[str] = mapped_column(String(64), index=True)


class SecurityGroup(Standard, Base):
    __tablename__ = "security_group"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    stateful: Mapped[bool] = mapped_column(default=True)


class DefaultGroup(Base):
    """Which group is a project's default one; the key keeps two requests from making two."""

    __tablename__ = "security_group_default"

    project_id: Mapped[str] = mapped_column(PROJECT, primary_key=True)
    group_id: Mapped[str] = mapped_column(ID, ForeignKey("security_group.id"), index=True)


class Matches:
    """What the packets are like that a rule of a security group lets pass."""

    direction: Mapped[str] = mapped_column(String(8))
    ethertype: Mapped[str] = mapped_column(String(8))
    protocol: Mapped[str | None] = mapped_column(String(40))
    port_range_min: Mapped[int | None]
    port_range_max: Mapped[int | None]
    remote_ip_prefix: Mapped[str | None] = mapped_column(String(64))


class Rule(Standard, Matches, Base):
    __tablename__ = "security_group_rule"
    __table_args__ = (Index(None, "project_id", "id"),)

    security_group_id: Mapped[str] = mapped_column(ID, ForeignKey("security_group.id"), index=True)
    remote_group_id: Mapped[str | None] = mapped_column(ID, ForeignKey("security_group.id"), index=True)
    remote_address_group_id: Mapped[str | None] = mapped_column(ID, index=True)


class PortGroup(Base):
    """That a port is in a security group."""

    __tablename__ = "port_security_group"

    port_id: Mapped[str] = mapped_column(ID, ForeignKey("port.id"), primary_key=True)
    group_id: Mapped[str] = mapped_column(ID, ForeignKey("security_group.id"), primary_key=True, index=True)


class Tag(Base):
    """A tag of a resource of any kind: ids are unique over all of them."""

    __tablename__ = "network_tag"

    resource_id: Mapped[str] = mapped_column(ID, primary_key=True)
    tag: Mapped[str] = mapped_column(String(255), primary_key=True)


class Host(Base):
    """A host whose backend carries ports; `seen_at` is when it was last heard of."""

    __tablename__ = "network_host"

    host: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(ID, default=new_id)
    backend: Mapped[str] = mapped_column(String(64))
    vif_type: Mapped[str] = mapped_column(String(64))
    port_filter: Mapped[bool]
    capabilities: Mapped[list[str] | None]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Router(Standard, Base):
    """`host` is where the router is carried; empty until a host takes it."""

    __tablename__ = "router"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    admin_state_up: Mapped[bool] = mapped_column(default=True)
    status: Mapped[str] = mapped_column(String(16), default="ACTIVE")
    enable_snat: Mapped[bool] = mapped_column(default=True)
    routes: Mapped[list[dict[str, Any]]]
    host: Mapped[str] = mapped_column(default="", index=True)


class RouterPort(Base):
    """That a port is a leg of a router. A port's `device_id`, which users may set, is no proof of it."""

    __tablename__ = "router_port"

    port_id: Mapped[str] = mapped_column(ID, ForeignKey("port.id"), primary_key=True)
    router_id: Mapped[str] = mapped_column(ID, ForeignKey("router.id"), index=True)
    gateway: Mapped[bool] = mapped_column(default=False)
    network_id: Mapped[str] = mapped_column(ID, ForeignKey("network.id"), index=True)


class FloatingIp(Standard, Base):
    """The address belongs to the port `floating_port_id`, so that nobody else can get it. The last key keeps
    an address of a port from getting two floating IPs of one network.
    """

    __tablename__ = "floating_ip"
    __table_args__ = (
        Index(None, "project_id", "id"),
        UniqueConstraint("floating_port_id"),
        UniqueConstraint(
            "floating_network_id", "fixed_port_id", "fixed_ip_address", name="uq_floating_ip_fixed"
        ),
    )

    floating_network_id: Mapped[str] = mapped_column(ID, ForeignKey("network.id"))
    floating_port_id: Mapped[str] = mapped_column(ID, ForeignKey("port.id"))
    floating_ip_address: Mapped[str] = mapped_column(String(64), index=True)
    fixed_port_id: Mapped[str | None] = mapped_column(ID, ForeignKey("port.id"), index=True)
    fixed_ip_address: Mapped[str | None] = mapped_column(String(64))
    router_id: Mapped[str | None] = mapped_column(ID, ForeignKey("router.id"), index=True)
    status: Mapped[str] = mapped_column(String(16), default="DOWN")
    dns_name: Mapped[str] = mapped_column(default="")
    dns_domain: Mapped[str] = mapped_column(default="")


class Forwarding(Standard, Base):
    """One port forwarding of a floating IP: an external port is sent to a port's address."""

    __tablename__ = "port_forwarding"
    __table_args__ = (
        UniqueConstraint("floatingip_id", "protocol", "external_port"),
        UniqueConstraint(
            "floatingip_id",
            "protocol",
            "internal_port_id",
            "internal_ip_address",
            "internal_port",
            name="uq_port_forwarding_internal",
        ),
    )

    floatingip_id: Mapped[str] = mapped_column(ID, ForeignKey("floating_ip.id"))
    protocol: Mapped[str] = mapped_column(String(8))
    external_port: Mapped[int]
    internal_port_id: Mapped[str] = mapped_column(ID, ForeignKey("port.id"), index=True)
    internal_ip_address: Mapped[str] = mapped_column(String(64))
    internal_port: Mapped[int]


class Trunk(Standard, Base):
    """A port, the parent, that carries others in VLANs. Its status follows from those of the ports."""

    __tablename__ = "trunk"
    __table_args__ = (Index(None, "project_id", "id"), UniqueConstraint("port_id"))

    name: Mapped[str] = mapped_column(default="")
    admin_state_up: Mapped[bool] = mapped_column(default=True)
    port_id: Mapped[str] = mapped_column(ID, ForeignKey("port.id"))


class SubPort(Base):
    """That a port is carried by a trunk, in a VLAN of the trunk's port."""

    __tablename__ = "trunk_subport"
    __table_args__ = (UniqueConstraint("trunk_id", "vlan"),)

    port_id: Mapped[str] = mapped_column(ID, ForeignKey("port.id"), primary_key=True)
    trunk_id: Mapped[str] = mapped_column(ID, ForeignKey("trunk.id"))
    vlan: Mapped[int]


class SubnetPool(Standard, Base):
    __tablename__ = "subnet_pool"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    ip_version: Mapped[int]
    prefixes: Mapped[list[str]]
    min_prefixlen: Mapped[int]
    max_prefixlen: Mapped[int]
    default_prefixlen: Mapped[int]
    default_quota: Mapped[int | None]
    shared: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)
    address_scope_id: Mapped[str | None] = mapped_column(ID, ForeignKey("address_scope.id"), index=True)


class AddressScope(Standard, Base):
    """Subnet pools whose addresses are unique among each other."""

    __tablename__ = "address_scope"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    ip_version: Mapped[int]
    shared: Mapped[bool] = mapped_column(default=False)


class AddressGroup(Standard, Base):
    """CIDRs that security group rules may name together."""

    __tablename__ = "address_group"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    addresses: Mapped[list[str]]


class QosPolicy(Standard, Base):
    __tablename__ = "qos_policy"
    __table_args__ = (Index(None, "project_id", "id"),)

    name: Mapped[str] = mapped_column(default="")
    shared: Mapped[bool] = mapped_column(default=False)


class QosDefault(Base):
    """Which policy is a project's default one, for its new networks."""

    __tablename__ = "qos_policy_default"

    project_id: Mapped[str] = mapped_column(PROJECT, primary_key=True)
    policy_id: Mapped[str] = mapped_column(ID, ForeignKey("qos_policy.id"), index=True)


class BandwidthRule(Base):
    """A bandwidth limit of a policy; one for each direction."""

    __tablename__ = "qos_bandwidth_rule"
    __table_args__ = (UniqueConstraint("policy_id", "direction"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    policy_id: Mapped[str] = mapped_column(ID, ForeignKey("qos_policy.id"))
    direction: Mapped[str] = mapped_column(String(8), default="egress")
    max_kbps: Mapped[int]
    max_burst_kbps: Mapped[int] = mapped_column(default=0)


class DefaultRule(Matches, Base):
    """A rule that new security groups begin with. `PARENT` as remote group is the new group itself."""

    __tablename__ = "security_group_default_rule"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    description: Mapped[str] = mapped_column(String(255), default="")
    remote_group_id: Mapped[str | None] = mapped_column(ID)
    remote_address_group_id: Mapped[str | None] = mapped_column(ID)
    used_in_default_sg: Mapped[bool] = mapped_column(default=False)
    used_in_non_default_sg: Mapped[bool] = mapped_column(default=True)


class Rbac(Base):
    """That a project (`*`: all) may use an object of another's. The `shared` flags of the objects follow from
    the entries for all.
    """

    __tablename__ = "network_rbac"
    __table_args__ = (
        UniqueConstraint("object_id", "action", "target_project"),
        Index(None, "target_project", "object_type"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(PROJECT)
    object_type: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(ID)
    action: Mapped[str] = mapped_column(String(32))
    target_project: Mapped[str] = mapped_column(PROJECT)
