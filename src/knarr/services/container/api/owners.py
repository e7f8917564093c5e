"""Whose a new thing is."""

from __future__ import annotations

from knarr.kernel.errors import BadRequest
from knarr.kernel.request import Request


def project_of(req: Request, what: str) -> str:
    """The project of the caller's token; an administrator's may have none (system scope)."""
    if not req.ctx.project_id:
        raise BadRequest(f"A {what} belongs to a project: use a token that is scoped to one.")
    return str(req.ctx.project_id)
