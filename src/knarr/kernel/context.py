"""Who asks: oslo.context's request context, made from the body of a v3 token."""

from __future__ import annotations

import re
import uuid
from typing import Any

from oslo_context.context import RequestContext as OsloContext

ADMIN_ROLE = "admin"
_REQUEST_ID = re.compile(r"^req-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$")


class RequestContext(OsloContext):
    """The caller of a request, or the service itself in background work.

    `token` is the body of the caller's v3 token (None without one); it is shared and must not be changed.
    """

    def __init__(self, *, token: dict[str, Any] | None = None, trust_id: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.token = token
        self.trust_id = trust_id


def new_request_id() -> str:
    return f"req-{uuid.uuid4()}"


def global_request_id(header: str | None) -> str | None:
    """The caller's own request id, taken over only if it has the usual form (it ends up in logs)."""
    return header if header and _REQUEST_ID.match(header) else None


def anonymous(request_id: str, global_id: str | None = None) -> RequestContext:
    return RequestContext(
        request_id=request_id, global_request_id=global_id, overwrite=False, roles=[], is_admin=False
    )


def from_token(
    auth_token: str, body: dict[str, Any], request_id: str, global_id: str | None = None
) -> RequestContext:
    """The context of a caller whose token has this v3 body (what stands under `token`)."""
    user = body["user"]
    project = body.get("project") or {}
    domain = body.get("domain") or {}
    roles = [role["name"] for role in body.get("roles", ())]
    return RequestContext(
        auth_token=auth_token,
        user_id=user["id"],
        user_name=user.get("name"),
        user_domain_id=(user.get("domain") or {}).get("id"),
        project_id=project.get("id"),
        project_name=project.get("name"),
        project_domain_id=(project.get("domain") or {}).get("id"),
        domain_id=domain.get("id"),
        domain_name=domain.get("name"),
        system_scope="all" if body.get("system") else None,
        roles=roles,
        is_admin=ADMIN_ROLE in roles,
        request_id=request_id,
        global_request_id=global_id,
        overwrite=False,
        token=body,
        trust_id=(body.get("OS-TRUST:trust") or {}).get("id"),
    )
