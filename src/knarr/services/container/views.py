"""How the API shows things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from knarr.kernel.db import as_stored, as_text
from knarr.kernel.request import Request
from knarr.services.container import states
from knarr.services.container.drivers.words import exited, up
from knarr.services.container.models import Container

View = dict[str, Any]

MIB = 1024 * 1024
STARS = "*" * 8


class ContainerView(msgspec.Struct, gc=False):
    """A container as the API shows it. A field that the caller may not see is unset, and is not there.

    A struct and not a dict: a list of a thousand is made and written in half the time.
    """

    uuid: str
    name: str | None
    project_id: str
    user_id: str
    image: str | None
    image_driver: str | None
    command: Any
    entrypoint: Any
    cpu: float | None
    cpu_policy: str | None
    disk: int | None
    environment: Any
    workdir: str | None
    hostname: str | None
    labels: Any
    ports: Any
    addresses: Any
    security_groups: Any
    status: str
    status_reason: str | None
    task_state: str | None
    restart_policy: Any
    interactive: bool
    tty: bool
    auto_remove: bool
    auto_heal: bool
    healthcheck: Any
    registry_id: str | None
    host: str | msgspec.UnsetType | None
    image_pull_policy: str | msgspec.UnsetType | None
    privileged: bool | msgspec.UnsetType
    runtime: str | msgspec.UnsetType | None
    memory: str
    status_detail: str | None
    created_at: str | None
    updated_at: str | None
    links: list[dict[str, str]]


# Fields that only a policy of their own shows
HIDDEN = ("host", "image_pull_policy", "privileged", "runtime")
# Columns of which fields are made; the fields before `memory` stand in the row as they are shown.
FOR_VIEW = ("memory", "started_at", "finished_at", "exit_code", "health", "created_at", "updated_at")
_FIELDS = ContainerView.__struct_fields__
NAMES = (*_FIELDS[: _FIELDS.index("memory")], *FOR_VIEW)

SHOWN_TIMES = ("created_at", "updated_at")

# What a list selects: JSON and times go through as they are stored, and no row becomes an entity.
COLUMNS = tuple(
    (as_text if name in SHOWN_TIMES else as_stored)(Container.__table__.c[name]) for name in NAMES
)

_STATUS = NAMES.index("status")
_FIXED_DETAIL = {
    states.CREATED: "Created",
    states.RESTARTING: "Restarting",
    states.DEAD: "Dead",
    states.ERROR: "(error)",
}


def container_viewer(req: Request) -> Callable[[Container], ContainerView]:
    """A function from a container to its view for this caller."""
    view = row_viewer(req)
    return lambda container: view([getattr(container, name) for name in NAMES])


def row_viewer(req: Request) -> Callable[[Sequence[Any]], ContainerView]:
    """A function from the values of NAMES to the view for this caller; rights are looked up once."""
    base = req.url("/v1/containers/")
    bookmark = req.url("/containers/")
    secret = tuple(name for name in HIDDEN if not req.allows(f"container:get_one:{name}"))
    now = datetime.now(UTC).replace(tzinfo=None)

    def view(values: Sequence[Any]) -> ContainerView:
        *shown, memory, started, finished, code, health, created, updated = values
        uuid = shown[0]
        detail = status_detail(shown[_STATUS], started, finished, code, health, now)
        found_at = [{"href": base + uuid, "rel": "self"}, {"href": bookmark + uuid, "rel": "bookmark"}]
        shown += (str(memory), detail, timestamp(created), timestamp(updated), found_at)
        found = ContainerView(*shown)
        for name in secret:
            setattr(found, name, msgspec.UNSET)
        return found

    return view


def status_detail(
    status: str,
    started: datetime | None,
    finished: datetime | None,
    code: int | None,
    health: str | None,
    now: datetime,
) -> str | None:
    """ "Up 5 mins", "Up 5 mins (paused)", "Exited(0) 2 hours ago" and the like; "Up 5 mins (healthy)" with a
    health check, which upstream does not tell."""
    if status == states.RUNNING:
        return f"{up(started, now)} ({health})" if health else up(started, now)
    if status == states.PAUSED:
        return f"{up(started, now)} (paused)"
    if status == states.STOPPED:
        return exited(code or 0, finished, now)
    return _FIXED_DETAIL.get(status)


def timestamp(value: datetime | str | None) -> str | None:
    """As Zun writes times: `2026-01-02 03:04:05+00:00`."""
    return f"{str(value)[:19]}+00:00" if value else None


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
    view["links"] = links(req, "hosts", row.uuid)
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


def registry_view(req: Request, row: Any) -> View:
    """The password is stars, whether there is one or not."""
    return {
        "uuid": row.uuid,
        "name": row.name,
        "domain": row.domain,
        "username": row.username,
        "password": STARS,
        "project_id": row.project_id,
        "user_id": row.user_id,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "links": links(req, "registries", row.uuid),
    }


def image_view(req: Request, row: Any, pulling: Any = None) -> View:
    """Upstream's fields, and how far the pull is, which upstream does not tell. `pulling` is the
    operation's progress."""
    return {
        "uuid": row.uuid,
        "image_id": row.image_id,
        "repo": row.repo,
        "tag": row.tag,
        "size": row.size,
        "project_id": row.project_id,
        "image_pull_policy": row.image_pull_policy,
        "host": row.host,
        "status": row.status,
        "status_reason": row.status_reason or _progress(pulling),
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
        "links": links(req, "images", row.uuid),
    }


def _progress(pulling: Any) -> str | None:
    """ "Downloading, 12 of 64 MiB"."""
    if pulling is None or pulling.progress_done is None:
        return None
    done, total = pulling.progress_done, pulling.progress_total
    amount = f"{done / MIB:.0f} of {total / MIB:.0f} MiB" if total else f"{done / MIB:.0f} MiB"
    return f"{pulling.progress_text or 'Pulling'}, {amount}"


def network_view(req: Request, row: Any) -> View:
    return {
        "uuid": row.uuid,
        "name": row.name,
        "neutron_net_id": row.neutron_net_id,
        "network_id": row.neutron_net_id,
        "project_id": row.project_id,
        "user_id": row.user_id,
        "links": links(req, "networks", row.uuid),
    }


def links(req: Request, kind: str, ident: str) -> list[dict[str, str]]:
    return [
        {"href": req.url(f"/v1/{kind}/{ident}"), "rel": "self"},
        {"href": req.url(f"/{kind}/{ident}"), "rel": "bookmark"},
    ]
