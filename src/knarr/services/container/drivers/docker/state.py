"""From the engine's picture of a container to ContainerState, in Zun's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from knarr.services.container.drivers.base import ContainerState
from knarr.services.container.drivers.docker.connection import LABEL_UUID
from knarr.services.container.drivers.words import exited, up

STATUSES = {
    "created": "Created",
    "configured": "Created",  # podman
    "initialized": "Created",  # podman
    "running": "Running",
    "paused": "Paused",
    "restarting": "Restarting",
    "exited": "Stopped",
    "stopped": "Stopped",  # podman
    "stopping": "Running",  # podman
    "removing": "Dead",
    "dead": "Dead",
}


def from_inspect(data: Mapping[str, Any]) -> ContainerState:
    state = data["State"]
    config = data.get("Config") or {}
    labels = config.get("Labels") or {}
    started, finished = parse_time(state.get("StartedAt")), parse_time(state.get("FinishedAt"))
    error = state.get("Error") or ""
    status = STATUSES.get(state.get("Status", ""), "Unknown")
    ended = status in ("Stopped", "Dead")
    health = state.get("Health") or {}
    exit_code = state.get("ExitCode") if ended or (error and status == "Created") else None
    if error and status in ("Created", "Stopped"):
        status = "Error"
    return ContainerState(
        uuid=labels.get(LABEL_UUID, ""),
        name=data.get("Name", "").lstrip("/"),
        id=data["Id"],
        status=status,
        status_detail=_detail(status, exit_code, started, finished),
        exit_code=exit_code,
        pid=state.get("Pid") or 0,
        started_at=started,
        finished_at=finished if ended else None,
        image=config.get("Image", ""),
        image_id=data.get("Image", ""),
        health=_health(health.get("Status")),
        health_log=_last_output(health),
        error=error,
        hostname=config.get("Hostname", ""),
        labels=_users(labels),
    )


def _detail(status: str, code: int | None, started: datetime | None, finished: datetime | None) -> str:
    now = datetime.now(UTC)
    if status == "Running":
        return up(started, now)
    if status == "Paused":
        return f"{up(started, now)} (paused)"
    if status == "Stopped":
        return exited(code or 0, finished, now)
    if status == "Error":
        return f"{exited(code or 0, finished, now)} (error)" if finished else "(error)"
    return status


def from_list(row: Mapping[str, Any]) -> ContainerState:
    """A row of the list call: no process id, and the times only as the engine's own words."""
    labels = row.get("Labels") or {}
    words = row.get("Status") or ""
    status = STATUSES.get(row.get("State", ""), "Unknown")
    code = re.match(r"Exited \((-?\d+)\)", words)
    health = re.search(r"\((?:health: )?(starting|healthy|unhealthy)\)", words)
    return ContainerState(
        uuid=labels.get(LABEL_UUID, ""),
        name=(row.get("Names") or [""])[0].lstrip("/"),
        id=row["Id"],
        status=status,
        status_detail=_zuns_words(words, status),
        exit_code=int(code.group(1)) if code else None,
        image=row.get("Image", ""),
        image_id=row.get("ImageID", ""),
        health=health.group(1) if health else None,
        labels=_users(labels),
    )


# The engine's words for a time -> Zun's
WORDS = (
    (r"^Exited \((-?\d+)\)", r"Exited(\1)"),
    (r" \((?:health: )?(?:starting|healthy|unhealthy)\)", ""),
    (r"(?i)less than a second", "0 seconds"),
    (r"(?i)about a minute", "1 min"),
    (r"(?i)about an hour", "1 hour"),
    (r"\bminutes\b", "mins"),
    (r" \(Paused\)", " (paused)"),
)


def _zuns_words(words: str, status: str) -> str:
    if status not in ("Running", "Paused", "Stopped"):
        return status
    for pattern, replacement in WORDS:
        words = re.sub(pattern, replacement, words)
    return words


def parse_time(text: str | None) -> datetime | None:
    """The engine's RFC 3339 with nanoseconds; its year 1 means never."""
    if not text or text.startswith("0001-"):
        return None
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?", text)
    if not match:
        return None
    base, fraction, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z") else zone
    micros = (fraction or ".")[1:7].ljust(6, "0")
    return datetime.fromisoformat(f"{base}.{micros}{zone}").astimezone(UTC)


def _health(status: str | None) -> str | None:
    return status if status in ("starting", "healthy", "unhealthy") else None


def _last_output(health: Mapping[str, Any]) -> str:
    log = health.get("Log") or []
    return str(log[-1].get("Output", "")).strip() if log else ""


def _users(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if not key.startswith("knarr.")}
