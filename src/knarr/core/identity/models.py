"""Tables of the identity service.

As in Keystone, a domain is a project whose `is_domain` is true, so that parents, tags and options are handled
once. Ids are 32 hex digits (the domain `default` is the one exception that everybody knows).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knarr.kernel.db import Base, utcnow

DEFAULT_DOMAIN = "default"

# Stands for "in no domain" (domains themselves, roles for all domains): NULL would let a unique name repeat.
NO_DOMAIN = ""

# The target of an assignment on the deployment as a whole.
SYSTEM = "all"

# `tokens_valid_from` of what never had its tokens revoked.
ALWAYS = datetime(1970, 1, 1)

Id = String(64)


def hex_id() -> str:
    """A random id as Keystone's: 32 hex digits."""
    return uuid.uuid4().hex


class Project(Base):
    """A project, or a domain. Tokens for it that were issued before `tokens_valid_from` are refused."""

    __tablename__ = "identity_project"
    __table_args__ = (
        UniqueConstraint("domain_id", "name"),
        Index("ix_identity_project_parent_id", "parent_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    name: Mapped[str] = mapped_column(String(64))
    domain_id: Mapped[str] = mapped_column(Id, default=NO_DOMAIN)
    parent_id: Mapped[str | None] = mapped_column(Id)
    is_domain: Mapped[bool] = mapped_column(default=False)
    enabled: Mapped[bool] = mapped_column(default=True)
    description: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[str]] = mapped_column(default=list)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    tokens_valid_from: Mapped[datetime] = mapped_column(default=ALWAYS)


class User(Base):
    """A user. `password_hash` is null for users that cannot log in with a password."""

    __tablename__ = "identity_user"
    __table_args__ = (UniqueConstraint("domain_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    name: Mapped[str]
    domain_id: Mapped[str] = mapped_column(Id)
    default_project_id: Mapped[str | None] = mapped_column(Id)
    enabled: Mapped[bool] = mapped_column(default=True)
    description: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    password_expires_at: Mapped[datetime | None]
    tokens_valid_from: Mapped[datetime] = mapped_column(default=ALWAYS)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class PastPassword(Base):
    """A password that a user has or had; `self_service` where the user chose it and no administrator."""

    __tablename__ = "identity_password"
    __table_args__ = (Index("ix_identity_password_user_id", "user_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    user_id: Mapped[str] = mapped_column(Id)
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    self_service: Mapped[bool] = mapped_column(default=False)


class FailedLogins(Base):
    """How often in a row a user's password was wrong, and when last."""

    __tablename__ = "identity_failed_logins"

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(default=utcnow)


class Group(Base):
    __tablename__ = "identity_group"
    __table_args__ = (UniqueConstraint("domain_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    name: Mapped[str] = mapped_column(String(64))
    domain_id: Mapped[str] = mapped_column(Id)
    description: Mapped[str] = mapped_column(Text, default="")
    extra: Mapped[dict[str, Any] | None]


class Membership(Base):
    __tablename__ = "identity_membership"
    __table_args__ = (Index("ix_identity_membership_group_id", "group_id"),)

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    group_id: Mapped[str] = mapped_column(Id, primary_key=True)


class Role(Base):
    """A role; `domain_id` is empty for a role of all domains, the only kind that services see in a token."""

    __tablename__ = "identity_role"
    __table_args__ = (UniqueConstraint("domain_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    name: Mapped[str]
    domain_id: Mapped[str] = mapped_column(Id, default=NO_DOMAIN)
    description: Mapped[str | None] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    extra: Mapped[dict[str, Any] | None]


class ImpliedRole(Base):
    """Whoever has the prior role has the implied one."""

    __tablename__ = "identity_implied_role"

    prior_role_id: Mapped[str] = mapped_column(Id, primary_key=True)
    implied_role_id: Mapped[str] = mapped_column(Id, primary_key=True)


class Assignment(Base):
    """A role of a user or group (`actor_type`) on a project, domain or the system (`target_type`).

    `inherited` ones do not hold on the target, but on all projects below it.
    """

    __tablename__ = "identity_assignment"
    __table_args__ = (
        Index("ix_identity_assignment_target_id", "target_id"),
        Index("ix_identity_assignment_role_id", "role_id"),
    )

    actor_id: Mapped[str] = mapped_column(Id, primary_key=True)
    target_id: Mapped[str] = mapped_column(Id, primary_key=True)
    role_id: Mapped[str] = mapped_column(Id, primary_key=True)
    target_type: Mapped[str] = mapped_column(String(16), primary_key=True)
    inherited: Mapped[bool] = mapped_column(primary_key=True, default=False)
    actor_type: Mapped[str] = mapped_column(String(16))


class ApplicationCredential(Base):
    """A user's credential for a program: roles on one project, without the user's password.

    With `access_rule_ids` its tokens open only the routes of those rules.
    """

    __tablename__ = "identity_application_credential"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    name: Mapped[str]
    user_id: Mapped[str] = mapped_column(Id)
    project_id: Mapped[str] = mapped_column(Id)
    secret_hash: Mapped[str]
    description: Mapped[str | None] = mapped_column(Text)
    role_ids: Mapped[list[str]]
    unrestricted: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime | None]
    access_rule_ids: Mapped[list[str] | None]


class AccessRule(Base):
    """A route that a user's application credentials may be confined to; two that are alike are one."""

    __tablename__ = "identity_access_rule"
    __table_args__ = (Index("ix_identity_access_rule_user_id", "user_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    user_id: Mapped[str] = mapped_column(Id)
    service: Mapped[str]
    method: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(512))


class Trust(Base):
    """Leave to act with some of the trustor's roles on a project, given to the trustee.

    `remaining_uses` counts down with each token (null: without end); `redelegation_count` says how often the
    trustee may pass it on, `redelegated_trust_id` from which trust it was passed on.
    """

    __tablename__ = "identity_trust"
    __table_args__ = (
        Index("ix_identity_trust_trustor_user_id", "trustor_user_id"),
        Index("ix_identity_trust_trustee_user_id", "trustee_user_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    trustor_user_id: Mapped[str] = mapped_column(Id)
    trustee_user_id: Mapped[str] = mapped_column(Id)
    project_id: Mapped[str | None] = mapped_column(Id)
    impersonation: Mapped[bool]
    role_ids: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    remaining_uses: Mapped[int | None]
    redelegated_trust_id: Mapped[str | None] = mapped_column(Id)
    redelegation_count: Mapped[int] = mapped_column(default=0)


class Region(Base):
    __tablename__ = "identity_region"

    id: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str] = mapped_column(Text, default="")
    parent_region_id: Mapped[str | None]
    extra: Mapped[dict[str, Any] | None]


class CatalogService(Base):
    """A service that Knarr does not serve itself; its own ones come from the running program."""

    __tablename__ = "identity_service"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    type: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    description: Mapped[str | None] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)
    extra: Mapped[dict[str, Any] | None]


class CatalogEndpoint(Base):
    __tablename__ = "identity_endpoint"
    __table_args__ = (Index("ix_identity_endpoint_service_id", "service_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    service_id: Mapped[str] = mapped_column(Id)
    interface: Mapped[str] = mapped_column(String(8))
    region_id: Mapped[str | None]
    url: Mapped[str] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)
    extra: Mapped[dict[str, Any] | None]


class Credential(Base):
    """A secret that is kept for a user (a key pair, a certificate, the seed of one-time passwords)."""

    __tablename__ = "identity_credential"
    __table_args__ = (Index("ix_identity_credential_user_id", "user_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    user_id: Mapped[str] = mapped_column(Id)
    project_id: Mapped[str | None] = mapped_column(Id)
    type: Mapped[str]
    encrypted_blob: Mapped[str] = mapped_column(Text)
    extra: Mapped[dict[str, Any] | None]


class RegisteredLimit(Base):
    """How much of a service's resource every project may have, unless a `Limit` says otherwise.

    `region_id` is empty where it holds for all regions: NULL would let a unique resource repeat.
    """

    __tablename__ = "identity_registered_limit"
    __table_args__ = (UniqueConstraint("service_id", "region_id", "resource_name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    service_id: Mapped[str] = mapped_column(Id)
    region_id: Mapped[str] = mapped_column(default="")
    resource_name: Mapped[str]
    default_limit: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[str | None] = mapped_column(Text)


class Limit(Base):
    """How much of a registered limit's resource one project or domain may have; the other id is empty."""

    __tablename__ = "identity_limit"
    __table_args__ = (UniqueConstraint("registered_limit_id", "project_id", "domain_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    registered_limit_id: Mapped[str] = mapped_column(Id)
    project_id: Mapped[str] = mapped_column(Id, default="")
    domain_id: Mapped[str] = mapped_column(Id, default="")
    resource_limit: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[str | None] = mapped_column(Text)


class Policy(Base):
    """A document of policy rules that is kept for other services; Knarr itself follows none of them."""

    __tablename__ = "identity_policy"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    type: Mapped[str]
    blob: Mapped[str] = mapped_column(Text)
    extra: Mapped[dict[str, Any] | None]


class EndpointFilter(Base):
    """An endpoint, or a group of them (`is_group`), that a project's catalogue is narrowed to."""

    __tablename__ = "identity_endpoint_filter"

    project_id: Mapped[str] = mapped_column(Id, primary_key=True)
    target_id: Mapped[str] = mapped_column(Id, primary_key=True)
    is_group: Mapped[bool] = mapped_column(default=False)


class EndpointGroup(Base):
    """All endpoints that have the values of `filters` (service_id, region_id, interface, enabled)."""

    __tablename__ = "identity_endpoint_group"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=hex_id)
    name: Mapped[str]
    description: Mapped[str | None] = mapped_column(Text)
    filters: Mapped[dict[str, Any]]


class RevokedToken(Base):
    """A token that was revoked by itself (DELETE /v3/auth/tokens), kept until it would have run out."""

    __tablename__ = "identity_revoked_token"

    audit_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ChangeCounter(Base):
    """One row, counted up in the transaction of every change that a valid token may depend on."""

    __tablename__ = "identity_change"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger, default=0)
