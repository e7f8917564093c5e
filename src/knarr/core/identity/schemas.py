"""Request bodies of the identity API. What a client leaves out stays UNSET; what it sends as null is null."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from knarr.kernel.schema import Body

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
ShortName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\S")]
Text = Annotated[str, Meta(max_length=65535)]
Password = Annotated[str, Meta(min_length=1, max_length=4096)]
Url = Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^[a-zA-Z][a-zA-Z0-9+.-]*://\S+$")]
Tag = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^,/]*$")]
Tags = Annotated[list[Tag], Meta(max_length=80)]
Options = dict[str, Any]
# A time with or without its zone (UTC is meant then): 2026-01-31T12:00:00.000000Z
Moment = datetime
Interface = Literal["public", "internal", "admin"]


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


class CredentialCreate(Body):
    name: Name
    secret: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    description: Text | None = None
    expires_at: Moment | None = None
    roles: Annotated[list[RoleRef], Meta(max_length=100)] | None = None
    unrestricted: bool | None = None
    project_id: Id | None = None
    access_rules: Annotated[list[dict[str, Any]], Meta(max_length=100)] | None = None


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


class UserCreate(Body):
    name: Name
    domain_id: Id | UnsetType | None = UNSET
    default_project_id: Id | None = None
    enabled: bool = True
    password: Password | None = None
    description: Text | None = None
    email: Annotated[str, Meta(max_length=255)] | None = None
    options: Options = {}


class UserUpdate(Body):
    name: Name | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    default_project_id: Id | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    password: Password | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    email: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    options: Options | UnsetType = UNSET


class PasswordChange(Body):
    password: Password
    original_password: Annotated[str, Meta(max_length=4096)]


class GroupCreate(Body):
    name: ShortName
    domain_id: Id | UnsetType | None = UNSET
    description: Text | None = None


class GroupUpdate(Body):
    name: ShortName | UnsetType = UNSET
    domain_id: Id | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


# Projects, domains


class ProjectCreate(Body):
    name: ShortName
    domain_id: Id | UnsetType | None = UNSET
    parent_id: Id | UnsetType | None = UNSET
    is_domain: bool = False
    enabled: bool = True
    description: Text | None = None
    tags: Tags = []
    options: Options = {}


class ProjectUpdate(Body):
    name: ShortName | UnsetType = UNSET
    domain_id: Id | UnsetType | None = UNSET
    parent_id: Id | UnsetType | None = UNSET
    is_domain: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    options: Options | UnsetType = UNSET


class DomainCreate(Body):
    name: ShortName
    explicit_domain_id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")] | UnsetType = UNSET
    enabled: bool = True
    description: Text | None = None
    tags: Tags = []
    options: Options = {}


class DomainUpdate(Body):
    name: ShortName | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    options: Options | UnsetType = UNSET


class ProjectTags(Body):
    tags: Tags


# Roles


class RoleCreate(Body):
    name: Name
    domain_id: Id | None = None
    description: Text | None = None
    options: Options = {}


class RoleUpdate(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    options: Options | UnsetType = UNSET


# Regions, services, endpoints


class RegionCreate(Body):
    id: Annotated[str, Meta(max_length=255)] | None = None
    description: Text | None = None
    parent_region_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class RegionUpdate(Body):
    description: Text | UnsetType | None = UNSET
    parent_region_id: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType | None = UNSET


class ServiceCreate(Body):
    type: Name
    name: Annotated[str, Meta(max_length=255)] | None = None
    description: Text | None = None
    enabled: bool = True


class ServiceUpdate(Body):
    type: Name | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class EndpointCreate(Body):
    interface: Interface
    service_id: Id
    url: Url
    region_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    region: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    name: Annotated[str, Meta(max_length=255)] | None = None
    description: Text | None = None
    enabled: bool = True


class EndpointUpdate(Body):
    interface: Interface | UnsetType = UNSET
    service_id: Id | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    region_id: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType | None = UNSET
    region: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType | None = UNSET
    name: Annotated[str, Meta(max_length=255)] | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
