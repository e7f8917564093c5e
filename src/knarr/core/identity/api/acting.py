"""Projects that act as domains: a domain is made and deleted under /v3/projects as well, as upstream.

Whose rules hold is the same on both ways: those of projects and, for what is a domain, those of domains.
"""

from __future__ import annotations

from knarr.core.identity.api import domains, projects
from knarr.core.identity.api.common import View, writing
from knarr.kernel.errors import BadRequest
from knarr.kernel.web import Request


def create_project(req: Request) -> View:
    """201 {project}. With `is_domain` it stands at the top and beside all others."""
    body = req.body
    if not body.is_domain:
        return projects.create_project(req)
    for rule in ("identity:create_project", "identity:create_domain"):
        req.authorize(rule, {})
    for name in ("parent_id", "domain_id"):
        if isinstance(getattr(body, name), str):
            raise BadRequest(f"{name} must not be given with is_domain: a domain stands at the top.")
    with writing(req, "domain") as session:
        domain = domains.added(req, session, body, projects.view)
    return {"project": projects.view(req, domain)}


def delete_project(req: Request, project_id: str) -> None:
    """204. A domain has to be disabled, and to have no projects any more."""
    with req.db.read() as session:
        project = projects.found(req, session, project_id, "identity:delete_project")
    if not project.is_domain:
        projects.delete_project(req, project)
        return
    if project.enabled:
        raise BadRequest(f"Cannot delete the domain {project_id} that is enabled, please disable it first.")
    with req.db.read() as session:
        projects.check_leaf(session, project_id)
    domains.delete_domain(req, project_id)
