"""Images that are not on the engine: pulled from a registry, or the reason why they cannot be had."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import ImageNotFound
from tests.e2e.support import registry
from tests.e2e.support.engine import IDLE, IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = pytest.mark.engine

CONTAINERS = "/container/v1/containers"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry.running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def pushed(docker_engine: Any, address: str) -> Iterator[str]:
    """The name of an image that the registry has and the engine has not."""
    repository = f"{address}/knarr-e2e/{uuid.uuid4().hex[:8]}"
    name = f"{repository}:1"
    docker_engine.images.get(IMAGE).tag(repository, "1")
    told = list(docker_engine.api.push(repository, "1", stream=True, decode=True))
    assert not [line for line in told if "error" in line], told
    docker_engine.images.remove(name, noprune=True)
    yield name
    with contextlib.suppress(ImageNotFound):
        docker_engine.images.remove(name, force=True, noprune=True)


def test_an_image_that_is_not_on_the_engine_is_pulled(knarr: Knarr, pushed: str, docker_engine: Any) -> None:
    token = knarr.token()

    row = _settled(knarr, token, _create(knarr, token, pushed))

    assert row["status"] == "Running", row["status_reason"]
    assert docker_engine.images.get(pushed).tags
    assert knarr.call("DELETE", f"{CONTAINERS}/{row['uuid']}?stop=True", token=token).status == 204
    _gone(knarr, token, row["uuid"])


def test_an_image_that_cannot_be_had_ends_in_error_and_leaves_nothing(
    knarr: Knarr, address: str, tmp_path: Path
) -> None:
    token = knarr.token()
    image = f"{address}/knarr-e2e/absent:1"

    row = _settled(knarr, token, _create(knarr, token, image))

    assert row["status"] == "Error"
    assert image in row["status_reason"]
    assert knarr.host.devices("tap") == set()
    assert knarr.call("DELETE", f"{CONTAINERS}/{row['uuid']}", token=token).status == 204
    _gone(knarr, token, row["uuid"])
    ports = knarr.call("GET", f"/network/v2.0/ports?device_id={row['uuid']}", token=token).json["ports"]
    assert ports == []


def _create(knarr: Knarr, token: str, image: str) -> str:
    body = {"image": image, "command": list(IDLE)}
    answer = knarr.call("POST", f"{CONTAINERS}?run=true", body, token=token)
    assert answer.status == 202, answer
    return str(answer.json["uuid"])


def _settled(knarr: Knarr, token: str, uuid: str) -> dict[str, Any]:
    def row() -> dict[str, Any] | None:
        found = knarr.call("GET", f"{CONTAINERS}/{uuid}", token=token).json
        return found if found["status"] in ("Running", "Error") and not found["task_state"] else None

    return dict(wait_until(row, 60, lambda: knarr.call("GET", f"{CONTAINERS}/{uuid}", token=token).json))


def _gone(knarr: Knarr, token: str, uuid: str) -> None:
    wait_until(lambda: knarr.call("GET", f"{CONTAINERS}/{uuid}", token=token).status == 404, 30)
