"""Tokens, and what one's own token opens: /v3/auth."""

from __future__ import annotations

from sqlalchemy import select

from knarr.core.identity import authentication, grants, receipts, scoping
from knarr.core.identity.api import domains as domain_views
from knarr.core.identity.api import projects as project_views
from knarr.core.identity.api.common import (
    View,
    caller,
    collection,
    flag,
    identity,
    link,
)
from knarr.core.identity.backend import Entry
from knarr.core.identity.models import Project
from knarr.kernel.errors import Forbidden, NotFound
from knarr.kernel.web import Request, Response

SUBJECT = "X-Subject-Token"
# A service that does not say so would not hold a token to its access rules: it is not shown the token.
RULES_HEADER = "OpenStack-Identity-Access-Rules"
RULES_VERSION = "1.0"

VARY = {"Vary": "X-Auth-Token"}


def create_token(req: Request) -> Response:
    """Log in. 201 {token} with the token itself in X-Subject-Token; 401 that does not tell what was wrong.

    With too few of its user's factors, 401 {receipt, required_auth_methods} and the receipt in its header.
    """
    backend = identity(req)
    proof = authentication.authenticate(backend, req.body.identity, req.header(receipts.HEADER))
    text, entry = scoping.issue(backend, proof, req.body.scope)
    return Response(
        body=entry.json(with_catalogue=not flag(req, "nocatalog")),
        status=201,
        headers={SUBJECT: text, **VARY},
        content_type="application/json",
    )


def show_token(req: Request) -> Response:
    """{token} of the token in X-Subject-Token; 404 if it is not valid (any more)."""
    text, entry = _subject(req, "identity:validate_token")
    return Response(
        body=entry.json(with_catalogue=not flag(req, "nocatalog")),
        status=200,
        headers={SUBJECT: text, **VARY},
        content_type="application/json",
    )


def check_token(req: Request) -> Response:
    """As show_token, without a body."""
    text, _entry = _subject(req, "identity:check_token")
    return Response(body=b"", status=200, headers={SUBJECT: text, **VARY}, content_type="application/json")


def revoke_token(req: Request) -> None:
    """Revoke the token in X-Subject-Token: it is refused from now on, everywhere."""
    _text, entry = _subject(req, "identity:revoke_token")
    identity(req).revoke(entry.token)


def show_catalog(req: Request) -> View:
    """The catalogue of the caller's token. Upstream answers 403 to unscoped tokens."""
    catalog = (req.ctx.token or {}).get("catalog")
    if catalog is None:
        raise Forbidden("A project-scoped token is required to produce a service catalog.")
    return {"catalog": catalog, "links": {"self": link(req, "auth/catalog")}}


def list_projects(req: Request) -> View:
    """The enabled projects that the caller may have a token for."""
    with req.db.read() as session:
        rows = project_views.may_enter(session, caller(req))
    return collection(req, "projects", [project_views.view(req, row) for row in rows], "auth/projects")


def list_domains(req: Request) -> View:
    """The enabled domains that the caller may have a token for."""
    stmt = select(Project).where(
        Project.is_domain.is_(True),
        Project.enabled.is_(True),
        Project.id.in_(grants.domains_of(caller(req))),
    )
    with req.db.read() as session:
        rows = session.scalars(stmt.order_by(Project.name)).all()
    return collection(req, "domains", [domain_views.view(req, row) for row in rows], "auth/domains")


def list_system(req: Request) -> View:
    """[{"all": true}] if the caller may have a token for the system."""
    with req.db.read() as session:
        roles = grants.on_system(session, caller(req))
    return {"system": [{"all": True}] if roles else [], "links": {"self": link(req, "auth/system")}}


def _subject(req: Request, rule: str) -> tuple[str, Entry]:
    text = req.header(SUBJECT)
    if not text:
        raise NotFound(f"Could not find token: the header {SUBJECT} is missing.")
    backend = identity(req)
    # Finished work may be shown with a token that ran out, but only to services.
    allow_expired = "allow_expired" in req.params and flag(req, "allow_expired")
    entry = backend.entry(text, allow_expired=allow_expired and "service" in req.ctx.roles)
    owner = entry.token.user if entry else ""
    req.authorize(rule, {"target.token.user_id": owner})
    if entry is None or (_needs_rules_support(entry) and req.header(RULES_HEADER) != RULES_VERSION):
        raise NotFound("Could not find token.")
    return text, entry


def _needs_rules_support(entry: Entry) -> bool:
    return "access_rules" in (entry.body or {}).get("application_credential", {})
