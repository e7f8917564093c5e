"""The Docker engine as its own client sees it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound

from .server import Knarr

IMAGE = "busybox:latest"
MAKE_IMAGES = Path(__file__).parents[3] / "scripts" / "images.sh"
# The first process of a container gets no signal that it does not ask for: without the trap each stop takes
# the whole time that a container is given.
END_AT_TERM = "trap 'exit 0' TERM; {} & wait"
IDLE = ("sh", "-c", END_AT_TERM.format("sleep 600"))
SANDBOX, READY = "zun-sandbox-", "zun-sandbox-ready-"


def connect() -> docker.DockerClient:
    """Raises DockerException without an engine. The image that the tests use is made if it is not there."""
    client = docker.from_env()
    client.ping()
    try:
        client.images.get(IMAGE)
    except ImageNotFound:
        subprocess.run([str(MAKE_IMAGES)], check=True, timeout=120)
    return client


def of(client: Any, knarr: Knarr) -> dict[str, Any]:
    """All that this Knarr has on the engine, running or not, by name."""
    if knarr.scope is None:
        return {}
    listed = client.api.containers(all=True, filters={"label": f"knarr.scope={knarr.scope}"})
    return {row["Names"][0].lstrip("/"): row for row in listed}


def containers_of(client: Any, knarr: Knarr) -> set[str]:
    return {name for name in of(client, knarr) if not name.startswith(SANDBOX)}


def claimed_sandboxes_of(client: Any, knarr: Knarr) -> set[str]:
    """Sandboxes that belong to a container; those that are kept ready do not count."""
    found = of(client, knarr)
    return {name for name in found if name.startswith(SANDBOX) and not name.startswith(READY)}


def remove_all_of(client: Any, knarr: Knarr) -> None:
    for row in of(client, knarr).values():
        try:
            client.api.remove_container(row["Id"], force=True, v=True)
        except DockerException:
            continue
