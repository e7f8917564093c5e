"""The events of containers as they happen."""

from __future__ import annotations

from knarr.kernel.request import Request, Response
from knarr.services.container import follow
from knarr.services.container.api.containers import find
from knarr.services.container.streams import places_of

FORMS = {
    "sse": (follow.as_server_sent, "text/event-stream"),
    "lines": (follow.as_lines, "application/x-ndjson"),
}


def stream(req: Request) -> Response:
    """Those of the caller's project, without an end. `format`, or else `Accept`, chooses the form."""
    query = req.query
    if query.all_projects:
        req.authorize("container:get_all_all_projects")
    container = None
    if query.container is not None:
        with req.db.read() as session:
            container = find(session, req, query.container).uuid
    lines = "ndjson" in (req.header("Accept") or "")
    form, content_type = FORMS[query.format or ("lines" if lines else "sse")]
    project = None if query.all_projects else req.ctx.project_id
    if container is not None and req.ctx.is_admin:
        project = None
    feed = follow.Feed(
        req.runtime, project, container, form, places_of(req.runtime).take(),
        shows_host=req.allows("container:get_one:host"),
    )  # fmt: skip
    return Response(body=feed, content_type=content_type, headers={"Cache-Control": "no-cache"})
