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


class Port(Standard, Base):
    __tablename__ = "port"
    __table_args__ = (
        UniqueConstraint("network_id", "mac_address"),
        Index(None, "project_id", "id"),
        Index(None, "device_id"),
        Index(None, "host"),
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


class Rule(Standard, Base):
    __tablename__ = "security_group_rule"
    __table_args__ = (Index(None, "project_id", "id"),)

    security_group_id: Mapped[str] = mapped_column(ID, ForeignKey("security_group.id"), index=True)
    direction: Mapped[str] = mapped_column(String(8))
    ethertype: Mapped[str] = mapped_column(String(8))
    protocol: Mapped[str | None] = mapped_column(String(40))
    port_range_min: Mapped[int | None]
    port_range_max: Mapped[int | None]
    remote_ip_prefix: Mapped[str | None] = mapped_column(String(64))
    remote_group_id: Mapped[str | None] = mapped_column(ID, ForeignKey("security_group.id"), index=True)


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
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
