"""Registries: which one serves an image, and what it asks for.

A name without a domain belongs to the registry that the container names, else to `[docker] default_registry`,
else to the engine's own (Docker Hub). Credentials go to the registry they were given for and to no other.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from knarr.kernel import ownership
from knarr.kernel.context import RequestContext
from knarr.kernel.errors import BadRequest
from knarr.kernel.operations import Fatal
from knarr.kernel.secrets import SecretError
from knarr.services.container.drivers.base import Credentials
from knarr.services.container.drivers.names import has_domain, registry_of
from knarr.services.container.models import Registry

LOG = logging.getLogger(__name__)

HTTPS = ":443"


@dataclass(frozen=True)
class Source:
    """Where an image without a domain comes from: the registry's row, if one was named, and its domain."""

    registry_id: str | None = None
    domain: str | None = None


def find(session: Session, ident: str, ctx: RequestContext, own: bool = False) -> Registry:
    """The registry that id or name mean to the caller; with `own`, for administrators too only of their
    project."""
    return ownership.find(
        session,
        Registry,
        ident,
        ctx,
        what="registry",
        all_projects=False if own else None,
        not_found="RegistryNotFound",
        ambiguous="Conflict",
    )


def source(session: Session, conf: Any, image: str, wanted: str | None, ctx: RequestContext) -> Source:
    """Raises NotFound for a registry that is not the caller's, BadRequest if the image is another's."""
    if not wanted:
        return Source(None, conf.docker.default_registry or None)
    registry = find(session, wanted, ctx, own=True)
    domain = as_domain(registry.domain)
    if has_domain(image) and registry_of(image) not in (domain, registry.domain):
        raise BadRequest(
            f"Image {image} names the registry {registry_of(image)}, but 'registry' is {registry.domain}: "
            "leave one of them out."
        )
    return Source(registry.uuid, domain)


def as_domain(name: str) -> str:
    """The registry's address so that an engine takes it for one: `box` alone would be a user of Docker
    Hub."""
    return name if has_domain(f"{name}/") else name + HTTPS


def full_name(image: str, domain: str | None) -> str:
    """What the image is called once it is on the engine."""
    return image if not domain or has_domain(image) else f"{domain}/{image}"


def credentials(runtime: Any, ref: str, registry_id: str | None = None) -> Credentials | None:
    """What the registry of the image's full name asks for, if we were told. Raises Fatal if it is lost."""
    if registry_id is None:
        return _default_credentials(runtime.conf.docker, ref)
    with runtime.db.read() as session:
        registry = session.get(Registry, registry_id)
    if registry is None or not registry.username or as_domain(registry.domain) != registry_of(ref):
        return None
    return Credentials(registry.username, _password(runtime, registry), registry_of(ref))


def _password(runtime: Any, registry: Registry) -> str:
    try:
        return str(runtime.secrets.decrypt(registry.password)) if registry.password else ""
    except SecretError as error:
        LOG.error("the password of registry %s is lost: %s", registry.uuid, error)  # noqa: TRY400
        which = registry.name or registry.uuid
        raise Fatal(f"The password of registry {which} cannot be read any more: set it again.") from error


def _default_credentials(conf: Any, ref: str) -> Credentials | None:
    if not conf.default_registry_username or registry_of(ref) != conf.default_registry:
        return None
    return Credentials(
        conf.default_registry_username, conf.default_registry_password or "", conf.default_registry
    )
