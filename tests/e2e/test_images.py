"""Images that an administrator has pulled to a host and taken from it, on the real engine."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import ImageNotFound
from tests.e2e.support import registry
from tests.e2e.support.engine import IDLE, IMAGE
from tests.e2e.support.server import Answer, Knarr, wait_until

pytestmark = pytest.mark.engine

IMAGES = "/container/v1/images"


@pytest.fixture(scope="module")
def pushed(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an image that a registry has and the engine has not."""
    with registry.running(tmp_path_factory.mktemp("registry")) as address:
        repository = f"{address}/knarr-e2e/{uuid.uuid4().hex[:8]}"
        docker_engine.images.get(IMAGE).tag(repository, "1")
        told = list(docker_engine.api.push(repository, "1", stream=True, decode=True))
        assert not [line for line in told if "error" in line], told
        docker_engine.images.remove(f"{repository}:1", noprune=True)
        yield f"{repository}:1"
        with contextlib.suppress(ImageNotFound):
            docker_engine.images.remove(f"{repository}:1", force=True, noprune=True)


@pytest.fixture(scope="module")
def token(knarr: Knarr) -> str:
    return knarr.token()


def _pull(knarr: Knarr, token: str, repo: str, **more: str) -> Answer:
    [host] = knarr.call("GET", "/container/v1/hosts", token=token).json["hosts"]
    return knarr.call("POST", IMAGES, {"repo": repo, "host": host["hostname"], **more}, token=token)


def _settled(knarr: Knarr, token: str, ident: str) -> dict[str, Any]:
    def row() -> Any:
        found = knarr.call("GET", f"{IMAGES}/{ident}", token=token).json
        return found if found["status"] != "Pulling" else None

    return dict(wait_until(row, 60))


def _gone(knarr: Knarr, token: str, ident: str) -> None:
    wait_until(lambda: knarr.call("GET", f"{IMAGES}/{ident}", token=token).status == 404, 30)


def test_an_image_comes_to_the_host_and_goes(
    knarr: Knarr, token: str, pushed: str, docker_engine: Any
) -> None:
    answer = _pull(knarr, token, pushed)
    assert answer.status == 202, answer
    row = _settled(knarr, token, answer.json["uuid"])
    assert row["status"] == "Available", row["status_reason"]
    there = docker_engine.images.get(pushed)
    assert (row["image_id"], row["size"]) == (there.id, there.attrs["Size"])
    assert (row["repo"], row["tag"]) == tuple(pushed.rsplit(":", 1))

    body = {"image": pushed, "command": list(IDLE)}
    made = knarr.call("POST", "/container/v1/containers?run=true", body, token=token).json["uuid"]
    assert knarr.call("DELETE", f"{IMAGES}/{row['uuid']}", token=token).status == 409
    path = f"/container/v1/containers/{made}"
    wait_until(lambda: knarr.call("GET", path, token=token).json["status"] == "Running", 60)
    assert knarr.call("DELETE", f"{path}?stop=true", token=token).status == 204
    wait_until(lambda: knarr.call("GET", path, token=token).status == 404, 30)

    assert knarr.call("DELETE", f"{IMAGES}/{row['uuid']}", token=token).status == 204
    _gone(knarr, token, row["uuid"])
    with pytest.raises(ImageNotFound):
        docker_engine.images.get(pushed)


def test_what_cannot_be_had_is_an_error_that_says_what_was_tried(
    knarr: Knarr, token: str, pushed: str
) -> None:
    absent = pushed.rsplit(":", 1)[0] + ":absent"
    row = _settled(knarr, token, _pull(knarr, token, absent).json["uuid"])
    assert row["status"] == "Error"
    for word in (absent, "was asked without credentials", "image_pull_policy always"):
        assert word in row["status_reason"]
    assert knarr.call("DELETE", f"{IMAGES}/{row['uuid']}", token=token).status == 204
    _gone(knarr, token, row["uuid"])


def test_an_image_of_somebody_elses_container_stays_on_the_engine(
    knarr: Knarr, token: str, docker_engine: Any
) -> None:
    repo = f"knarr-e2e-{uuid.uuid4().hex[:8]}"
    base = docker_engine.containers.create(IMAGE, ["true"])
    base.commit(repo, "1")
    base.remove()
    answer = _pull(knarr, token, f"{repo}:1", image_pull_policy="ifnotpresent")
    row = _settled(knarr, token, answer.json["uuid"])
    assert row["status"] == "Available", row["status_reason"]
    others = docker_engine.containers.create(f"{repo}:1", ["true"])
    try:
        assert knarr.call("DELETE", f"{IMAGES}/{row['uuid']}", token=token).status == 204
        assert "could not be deleted" in _refused(knarr, token, row["uuid"])
    finally:
        others.remove(force=True)
    assert knarr.call("DELETE", f"{IMAGES}/{row['uuid']}", token=token).status == 204
    _gone(knarr, token, row["uuid"])
    with pytest.raises(ImageNotFound):
        docker_engine.images.get(f"{repo}:1")


def _refused(knarr: Knarr, token: str, ident: str) -> str:
    def reason() -> Any:
        found = knarr.call("GET", f"{IMAGES}/{ident}", token=token).json
        return found["status_reason"] if found["status"] == "Available" else None

    return str(wait_until(reason, 30))


def test_a_search_says_when_docker_hub_does_not_answer(knarr: Knarr, token: str) -> None:
    answer = knarr.call("GET", f"{IMAGES}/busybox/search", token=token)
    if answer.status == 200:  # where there is a way to Docker Hub
        assert "busybox" in {row["name"] for row in answer.json}
        return
    assert answer.status == 503
    assert "docker.io could not be searched" in answer.json["errors"][0]["detail"]
