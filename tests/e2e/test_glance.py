"""Containers of images that the image service keeps, with the official client and the real engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import MakeKnarr
from tests.e2e.support.clients import Person, administrator, member
from tests.e2e.support.engine import IDLE, IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.clients]

FORMATS = ("--container-format", "docker", "--disk-format", "raw")


@pytest.fixture(scope="module")
def knarr(make_knarr: MakeKnarr) -> Knarr:
    return make_knarr(container={"sync_interval": "2"})


@pytest.fixture(scope="module")
def alice(knarr: Knarr) -> Person:
    return member(administrator(knarr), "pictures", "alice")


@pytest.fixture(scope="module")
def archive(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `docker save` writes of the test image."""
    path = tmp_path_factory.mktemp("archive") / "image.tar"
    with path.open("wb") as file:
        file.writelines(docker_engine.images.get(IMAGE).save(named=True))
    return path


def test_a_container_runs_of_an_image_that_glance_keeps(
    knarr: Knarr, alice: Person, archive: Path, docker_engine: Any
) -> None:
    image = alice.data("image create", *FORMATS, "--file", str(archive), "--tag", "v2", "kept-by-glance")
    wanted = ("--image-driver", "glance", "kept-by-glance:v2", *IDLE)
    alice.openstack("appcontainer", "run", "--name", "pictured", *wanted)
    row = alice.until("pictured", "Running")
    assert row["image_driver"] == "glance"
    uuid = row["uuid"]
    tags = docker_engine.containers.get(f"zun-{uuid}").image.tags
    assert f"glance/{image['id']}:latest" in tags
    alice.openstack("appcontainer", "delete", "--stop", "pictured")
    wait_until(lambda: alice.openstack("appcontainer", "show", uuid, check=False).status != 0, 30)
    assert f"glance/{image['id']}:latest" in docker_engine.images.get(IMAGE).tags
    alice.openstack("image", "delete", "kept-by-glance")
    # The host clears up, and leaves the name that the image had before.
    wait_until(lambda: docker_engine.images.get(IMAGE).tags.count(f"glance/{image['id']}:latest") == 0, 30)


def test_an_image_that_is_not_docker_s_is_refused_at_once(alice: Person, tmp_path: Path) -> None:
    plain = tmp_path / "disk"
    plain.write_bytes(b"disk")
    alice.openstack("image", "create", "--file", str(plain), "--disk-format", "raw", "a-disk")
    refused = alice.openstack(
        *("appcontainer", "run", "--image-driver", "glance", "a-disk", *IDLE), check=False
    )
    assert "container_format bare" in refused.out + refused.err
    unknown = alice.openstack(
        *("appcontainer", "run", "--image-driver", "glance", "no-such-image", *IDLE), check=False
    )
    assert "no-such-image" in unknown.out + unknown.err
    alice.openstack("image", "delete", "a-disk")
