"""Request bodies of the identity API. What a client leaves out stays UNSET; what it sends as null is null."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from knarr.kernel.schema import Body, OpenBody

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
ShortName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\S")]
# A column of text holds 64 KiB on MariaDB, and a character takes up to four bytes.
Text = Annotated[str, Meta(max_length=16000)]
Password = Annotated[str, Meta(min_length=1, max_length=4096)]
Url = Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^[a-zA-Z][a-zA-Z0-9+.-]*://\S+$")]
Tag = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^,/]*$")]
Tags = Annotated[list[Tag], Meta(max_length=80)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Switch = bool | UnsetType | None
# A time with or without its zone (UTC is meant then): 2026-01-31T12:00:00.000000Z
Moment = datetime
Interface = Literal["public", "internal", "admin"]


# Options of users, and of projects, domains and roles: null takes one back.


class UserOptions(Body):
    ignore_change_password_upon_first_use: Switch = UNSET
    ignore_password_expiry: Switch = UNSET
    ignore_lockout_failure_attempts: Switch = UNSET
    lock_password: Switch = UNSET
    multi_factor_auth_enabled: Switch = UNSET
    multi_factor_auth_rules: (
        Annotated[
            list[Annotated[list[Literal["password", "totp", "token"]], Meta(min_length=1, max_length=8)]],
            Meta(max_length=20),
        ]
        | UnsetType
        | None
    ) = UNSET


class ResourceOptions(Body):
    immutable: Switch = UNSET


# POST /v3/auth/tokens


class DomainRef(Body):
    id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET


class ProjectRef(Body):
    id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    domain: DomainRef | UnsetType = UNSET


class UserRef(Body):
    id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    domain: DomainRef | UnsetType = UNSET


class PasswordUser(Body):
    password: Annotated[str, Meta(max_length=4096)]
    id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    domain: DomainRef | UnsetType = UNSET


class PasswordMethod(Body):
    user: PasswordUser


class TotpUser(Body):
    passcode: Annotated[str, Meta(max_length=64)]
    id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    domain: DomainRef | UnsetType = UNSET


class TotpMethod(Body):
    user: TotpUser


class TokenMethod(Body):
    id: Annotated[str, Meta(min_length=1, max_length=4096)]


class CredentialMethod(Body):
    """An application credential, by id, or by name and user."""

    secret: Annotated[str, Meta(max_length=4096)]
    id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    user: UserRef | UnsetType = UNSET


class Identity(Body):
    methods: Annotated[list[str], Meta(min_length=1, max_length=8)]
    password: PasswordMethod | UnsetType = UNSET
    token: TokenMethod | UnsetType = UNSET
    application_credential: CredentialMethod | UnsetType = UNSET
    totp: TotpMethod | UnsetType = UNSET


class SystemRef(Body):
    all: Literal[True]


class TrustRef(Body):
    id: Id


class Scope(Body):
    project: ProjectRef | UnsetType = UNSET
    domain: DomainRef | UnsetType = UNSET
    system: SystemRef | UnsetType = UNSET
    trust: TrustRef | UnsetType = field(name="OS-TRUST:trust", default=UNSET)
    unscoped: dict[str, Any] | UnsetType = UNSET


class Auth(Body):
    identity: Identity
    scope: Scope | Literal["unscoped"] | UnsetType = UNSET


# Application credentials, trusts


class RoleRef(Body):
    id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    domain_id: Id | UnsetType | None = UNSET


class AccessRuleRef(Body):
    """A rule by its id, or a route: service type, method, path (`*` and `{name}` one segment, `**` many)."""

    id: Id | UnsetType = UNSET
    service: Name | UnsetType = UNSET
    method: Method | UnsetType = UNSET
    path: Annotated[str, Meta(min_length=2, max_length=512, pattern="^/")] | UnsetType = UNSET


class ApplicationCredentialCreate(Body):
    name: Name
    secret: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    description: Text | None = None
    expires_at: Moment | None = None
    roles: Annotated[list[RoleRef], Meta(max_length=100)] | None = None
    unrestricted: bool | None = None
    project_id: Id | None = None
    access_rules: Annotated[list[AccessRuleRef], Meta(max_length=100)] | None = None


class TrustCreate(Body):
    trustor_user_id: Id
    trustee_user_id: Id
    impersonation: bool
    project_id: Id | None = None
    roles: Annotated[list[RoleRef], Meta(max_length=100)] = []
    expires_at: Moment | None = None
    remaining_uses: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    allow_redelegation: bool = False
    redelegation_count: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None


# Users, groups


class UserCreate(OpenBody):
    name: Name
    domain_id: Id | UnsetType | None = UNSET
    default_project_id: Id | None = None
    enabled: bool = True
    password: Password | None = None
    description: Text | None = None
    email: Annotated[str, Meta(max_length=255)] | None = None
    options: UserOptions | UnsetType = UNSET


class UserUpdate(OpenBody):
    name: Name | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    default_project_id: Id | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    password: Password | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    email: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    options: UserOptions | UnsetType = UNSET


class PasswordChange(Body):
    password: Password
    original_password: Annotated[str, Meta(max_length=4096)]


class GroupCreate(OpenBody):
    name: ShortName
    domain_id: Id | UnsetType | None = UNSET
    description: Text | None = None


class GroupUpdate(OpenBody):
    name: ShortName | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


# Projects, domains


class ProjectCreate(OpenBody):
    name: ShortName
    domain_id: Id | UnsetType | None = UNSET
    parent_id: Id | UnsetType | None = UNSET
    is_domain: bool = False
    enabled: bool = True
    description: Text | None = None
    tags: Tags = []
    options: ResourceOptions | UnsetType = UNSET


class ProjectUpdate(OpenBody):
    name: ShortName | UnsetType = UNSET
    domain_id: Id | UnsetType | None = UNSET
    parent_id: Id | UnsetType | None = UNSET
    is_domain: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    options: ResourceOptions | UnsetType = UNSET


class DomainCreate(OpenBody):
    name: ShortName
    explicit_domain_id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")] | UnsetType = UNSET
    enabled: bool = True
    description: Text | None = None
    tags: Tags = []
    options: ResourceOptions | UnsetType = UNSET


class DomainUpdate(OpenBody):
    name: ShortName | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    options: ResourceOptions | UnsetType = UNSET


class ProjectTags(Body):
    tags: Tags


# Roles


class RoleCreate(OpenBody):
    name: Name
    domain_id: Id | None = None
    description: Text | None = None
    options: ResourceOptions | UnsetType = UNSET


class RoleUpdate(OpenBody):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    options: ResourceOptions | UnsetType = UNSET


# Regions, services, endpoints


class RegionCreate(OpenBody):
    id: Annotated[str, Meta(max_length=255)] | None = None
    description: Text | None = None
    parent_region_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class RegionUpdate(OpenBody):
    description: Text | UnsetType | None = UNSET
    parent_region_id: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType | None = UNSET


class ServiceCreate(OpenBody):
    type: Name
    name: Annotated[str, Meta(max_length=255)] | None = None
    description: Text | None = None
    enabled: bool = True


class ServiceUpdate(OpenBody):
    type: Name | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class EndpointCreate(OpenBody):
    interface: Interface
    service_id: Id
    url: Url
    region_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    region: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    enabled: bool = True


class EndpointUpdate(OpenBody):
    interface: Interface | UnsetType = UNSET
    service_id: Id | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    region_id: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType | None = UNSET
    region: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


Filters = dict[Literal["service_id", "region_id", "interface", "enabled"], str | bool | None]


class EndpointGroupCreate(Body):
    name: Name
    filters: Filters
    description: Text | None = None


class EndpointGroupUpdate(Body):
    """The client sends null for what it was not told: null leaves all as it is."""

    name: Name | None = None
    filters: Filters | None = None
    description: Text | None = None


# Credentials, policies. Sealed, a secret is a third longer.

Secret = Annotated[str, Meta(max_length=12000)]


class CredentialCreate(OpenBody):
    blob: Secret
    type: Name
    user_id: Id
    project_id: Id | None = None


class CredentialUpdate(OpenBody):
    blob: Secret | UnsetType = UNSET
    type: Name | UnsetType = UNSET
    user_id: Id | UnsetType = UNSET
    project_id: Id | UnsetType | None = UNSET


class PolicyCreate(OpenBody):
    blob: Text
    type: Name


class PolicyUpdate(OpenBody):
    blob: Text | UnsetType = UNSET
    type: Name | UnsetType = UNSET


# Limits. -1 is without end.

Amount = Annotated[int, Meta(ge=-1, le=2**31 - 1)]
Region = Annotated[str, Meta(min_length=1, max_length=255)]


class RegisteredLimit(Body):
    service_id: Id
    resource_name: Name
    default_limit: Amount
    region_id: Region | None = None
    description: Text | None = None


class RegisteredLimits(Body):
    registered_limits: Annotated[list[RegisteredLimit], Meta(min_length=1, max_length=1000)]


class RegisteredLimitUpdate(Body):
    service_id: Id | UnsetType = UNSET
    resource_name: Name | UnsetType = UNSET
    default_limit: Amount | UnsetType = UNSET
    region_id: Region | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET


class Limit(Body):
    service_id: Id
    resource_name: Name
    resource_limit: Amount
    project_id: Id | None = None
    domain_id: Id | None = None
    region_id: Region | None = None
    description: Text | None = None


class Limits(Body):
    limits: Annotated[list[Limit], Meta(min_length=1, max_length=1000)]


class LimitUpdate(Body):
    resource_limit: Amount | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
