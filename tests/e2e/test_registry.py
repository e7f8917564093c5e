"""Images that are not on the engine: pulled from a registry, or the reason why they cannot be had."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import ImageNotFound
from tests.e2e.conftest import MakeKnarr
from tests.e2e.support import registry
from tests.e2e.support.engine import IDLE, IMAGE
from tests.e2e.support.host import free_port
from tests.e2e.support.server import Knarr, wait_until

pytestmark = pytest.mark.engine

CONTAINERS = "/container/v1/containers"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry.running(tmp_path_factory.mktemp("registry")) as found:
        yield found


USER, PASSWORD = "jo", "the word of jo"


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that lets in nobody but jo."""
    with registry.running(tmp_path_factory.mktemp("private"), {USER: PASSWORD}) as found:
        yield found


@contextlib.contextmanager
def _only_in(docker_engine: Any, address: str, login: dict[str, str] | None = None) -> Iterator[str]:
    """The name of an image that the registry has and the engine has not."""
    repository = f"{address}/knarr-e2e/{uuid.uuid4().hex[:8]}"
    name = f"{repository}:1"
    docker_engine.images.get(IMAGE).tag(repository, "1")
    told = list(docker_engine.api.push(repository, "1", stream=True, decode=True, auth_config=login))
    assert not [line for line in told if "error" in line], told
    docker_engine.images.remove(name, noprune=True)
    try:
        yield name
    finally:
        with contextlib.suppress(ImageNotFound):
            docker_engine.images.remove(name, force=True, noprune=True)


@pytest.fixture
def pushed(docker_engine: Any, address: str) -> Iterator[str]:
    with _only_in(docker_engine, address) as name:
        yield name


@pytest.fixture
def guarded(docker_engine: Any, private: str) -> Iterator[str]:
    """One of the private registry."""
    with _only_in(docker_engine, private, {"username": USER, "password": PASSWORD}) as name:
        yield name


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


def test_a_private_registry_gives_its_images_to_who_has_the_password(
    knarr: Knarr, private: str, guarded: str, docker_engine: Any
) -> None:
    token = knarr.token()
    short = guarded.removeprefix(f"{private}/")
    _registry(knarr, token, "wrong", private, "guessed")
    _registry(knarr, token, "right", private, PASSWORD)

    refused = _settled(knarr, token, _create(knarr, token, guarded))
    wrong = _settled(knarr, token, _create(knarr, token, short, registry="wrong"))
    for row, who in ((refused, "without credentials"), (wrong, f"as user '{USER}'")):
        assert row["status"] == "Error"
        assert guarded in row["status_reason"]
        assert who in row["status_reason"]
    with pytest.raises(ImageNotFound):
        docker_engine.images.get(guarded)

    row = _settled(knarr, token, _create(knarr, token, short, registry="right"))

    assert row["status"] == "Running", row["status_reason"]
    assert docker_engine.containers.get(f"zun-{row['uuid']}").image.tags
    # It lies on the host now, and is still not for everybody
    late = [_settled(knarr, token, _create(knarr, token, guarded))]
    late.append(_settled(knarr, token, _create(knarr, token, short, registry="wrong")))
    for one, who in zip(late, ("without credentials", f"as user '{USER}'"), strict=True):
        assert one["status"] == "Error"
        assert who in one["status_reason"]
    busy = knarr.call("DELETE", "/container/v1/registries/right", token=token)
    assert busy.status == 409
    for ident in (one["uuid"] for one in (refused, wrong, row, *late)):
        assert knarr.call("DELETE", f"{CONTAINERS}/{ident}?stop=True", token=token).status == 204
        _gone(knarr, token, ident)
    for name in ("right", "wrong"):
        assert knarr.call("DELETE", f"/container/v1/registries/{name}", token=token).status == 204
    for path in knarr.folder.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path


def test_the_default_registry_serves_names_without_a_domain(
    make_knarr: MakeKnarr, private: str, guarded: str
) -> None:
    docker = {"default_registry": private, "default_registry_username": USER}
    knarr = make_knarr(docker=docker | {"default_registry_password": PASSWORD})
    token = knarr.token()

    row = _settled(knarr, token, _create(knarr, token, guarded.removeprefix(f"{private}/")))

    assert row["status"] == "Running", row["status_reason"]
    assert knarr.call("DELETE", f"{CONTAINERS}/{row['uuid']}?stop=True", token=token).status == 204
    _gone(knarr, token, row["uuid"])


def test_where_images_are_validated_a_registry_is_asked_before_the_answer(
    make_knarr: MakeKnarr, private: str, guarded: str, docker_engine: Any
) -> None:
    knarr = make_knarr(container={"enable_image_validation": "true"})
    token = knarr.token()
    _registry(knarr, token, "right", private, PASSWORD)
    short = guarded.removeprefix(f"{private}/")
    for refused in (
        {"image": guarded},
        {"image": "knarr-e2e/absent:1", "registry": "right"},
    ):
        answer = knarr.call("POST", CONTAINERS, refused, token=token)
        assert answer.status == 400, answer
        assert refused["image"] in answer.json["errors"][0]["detail"]
    answer = knarr.call("POST", CONTAINERS, {"image": short, "registry": "right"}, token=token)
    assert answer.status == 202, answer
    path = f"{CONTAINERS}/{answer.json['uuid']}"
    wait_until(lambda: knarr.call("GET", path, token=token).json["status"] == "Created", 60)
    assert knarr.call("DELETE", path, token=token).status == 204
    _gone(knarr, token, answer.json["uuid"])


def test_a_registry_that_is_down_is_asked_again_before_it_is_an_error(knarr: Knarr) -> None:
    token = knarr.token()
    image = f"127.0.0.1:{free_port()}/knarr-e2e/box:1"

    row = _settled(knarr, token, _create(knarr, token, image))

    assert row["status"] == "Error"
    for word in (image, "does not answer", "refused", "tried 4 times"):
        assert word in row["status_reason"]
    assert knarr.call("DELETE", f"{CONTAINERS}/{row['uuid']}", token=token).status == 204


def _registry(knarr: Knarr, token: str, name: str, domain: str, password: str) -> None:
    body = {"registry": {"name": name, "domain": domain, "username": USER, "password": password}}
    answer = knarr.call("POST", "/container/v1/registries", body, token=token)
    assert answer.status == 201, answer


def _create(knarr: Knarr, token: str, image: str, **more: str) -> str:
    body = {"image": image, "command": list(IDLE), **more}
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
