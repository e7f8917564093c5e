"""How the API shows things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Raw
from sqlalchemy import Text, type_coerce

from knarr.kernel.db import Json, utcnow
from knarr.kernel.request import Request
from knarr.services.container import states
from knarr.services.container.drivers.words import exited, up
from knarr.services.container.models import Container

View = dict[str, Any]

# What stands in the row as it is shown; the names are the API's.
PLAIN = (
    "uuid", "name", "project_id", "user_id", "image", "image_driver", "command", "entrypoint", "cpu",
    "cpu_policy",    "disk", "environment", "workdir", "hostname", "labels", "ports", "addresses",
    "security_groups", "status",
    "status_reason", "task_state", "restart_policy", "interactive", "tty", "auto_remove", "auto_heal",
    "healthcheck",    "registry_id",
)  # fmt: skip
HIDDEN = ("host", "image_pull_policy", "privileged", "runtime")
FOR_VIEW = ("memory", "started_at", "finished_at", "exit_code", "created_at", "updated_at")

# A list reads plain columns in this order, JSON as the text that stands in the database: it is not taken
# apart only to be put together again (a third of the time of a long list).
_TABLE = Container.__table__.c
JSON = tuple(name for name in PLAIN if isinstance(_TABLE[name].type, Json))
COLUMNS = tuple(
    type_coerce(_TABLE[name], Text).label(name) if name in JSON else _TABLE[name]
    for name in (*PLAIN, *HIDDEN, *FOR_VIEW)
)

_FIXED_DETAIL = {
    states.CREATED: "Created",
    states.RESTARTING: "Restarting",
    states.DEAD: "Dead",
    states.ERROR: "(error)",
}


def container_viewer(req: Request) -> Callable[[Container], View]:
    """A function from a container to its view for this caller; rights and addresses are looked up once."""
    complete = _completer(req)
    shown = _shown_to(req)

    def view(row: Container) -> View:
        found: View = {name: getattr(row, name) for name in (*PLAIN, *shown)}
        return complete(found, row)

    return view


def container_lister(req: Request) -> Callable[[Any], View]:
    """The same for rows of COLUMNS, quick enough for a thousand of them."""
    complete = _completer(req)
    shown = _shown_to(req)

    def view(row: Any) -> View:
        found: View = dict(zip(PLAIN, row, strict=False))
        for name in JSON:
            text = found[name]
            if text is not None:
                found[name] = Raw(text)
        for name in shown:
            found[name] = getattr(row, name)
        return complete(found, row)

    return view


def _shown_to(req: Request) -> tuple[str, ...]:
    return tuple(name for name in HIDDEN if req.allows(f"container:get_one:{name}"))


def _completer(req: Request) -> Callable[[View, Any], View]:
    base, bookmark = req.url("/v1/containers/"), req.url("/containers/")
    now = utcnow()

    def complete(found: View, row: Any) -> View:
        uuid = found["uuid"]
        found["memory"] = str(row.memory)
        found["status_detail"] = status_detail(row, now)
        found["created_at"] = timestamp(row.created_at)
        found["updated_at"] = timestamp(row.updated_at)
        found["links"] = [
            {"href": base + uuid, "rel": "self"},
            {"href": bookmark + uuid, "rel": "bookmark"},
        ]
        return found

    return complete


def status_detail(row: Any, now: datetime) -> str | None:
    """ "Up 5 mins", "Up 5 mins (paused)", "Exited(0) 2 hours ago" and the like."""
    if row.status == states.RUNNING:
        return up(row.started_at, now)
    if row.status == states.PAUSED:
        return f"{up(row.started_at, now)} (paused)"
    if row.status == states.STOPPED:
        return exited(row.exit_code or 0, row.finished_at, now)
    return _FIXED_DETAIL.get(row.status)


def timestamp(value: datetime | None) -> str | None:
    """As Zun writes times: `2026-01-02 03:04:05+00:00`."""
    return value.isoformat(" ", "seconds") + "+00:00" if value else None


def service_view(row: Any, up_now: bool) -> View:
    return {
        "id": row.id,
        "binary": row.binary,
        "host": row.host,
        "availability_zone": row.availability_zone,
        "state": "up" if up_now else "down",
        "disabled": row.disabled,
        "disabled_reason": row.disabled_reason,
        "forced_down": row.forced_down,
        "report_count": row.report_count,
        "last_seen_up": timestamp(row.last_seen_up),
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


_HOST = (
    "uuid", "hostname", "mem_total", "mem_used", "cpus", "cpu_used", "disk_total", "disk_used",
    "disk_quota_supported", "total_containers", "architecture", "os", "os_type", "kernel_version", "labels",
    "runtimes",
)  # fmt: skip


def host_view(req: Request, row: Any) -> View:
    view: View = {name: getattr(row, name) for name in _HOST}
    if req.at_least("1.29"):
        view["enable_cpu_pinning"] = row.enable_cpu_pinning
    view["links"] = [
        {"href": req.url(f"/v1/hosts/{row.uuid}"), "rel": "self"},
        {"href": req.url(f"/hosts/{row.uuid}"), "rel": "bookmark"},
    ]
    return view


def action_view(req: Request, row: Any) -> View:
    view: View = {
        "action": row.action,
        "container_uuid": row.container_uuid,
        "project_id": row.project_id,
        "user_id": row.user_id,
        "request_id": row.request_id,
        "start_time": timestamp(row.start_time),
        "message": row.message,
    }
    if req.at_least("1.33"):
        view["finish_time"] = timestamp(row.finish_time)
    return view


def event_view(row: Any, with_traceback: bool) -> View:
    view: View = {
        "event": row.event,
        "start_time": timestamp(row.start_time),
        "finish_time": timestamp(row.finish_time),
        "result": row.result,
    }
    if with_traceback:
        view["traceback"] = row.traceback
    return view
