"""Images with the official client, and a container of one of them, against the real program and engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.support.clients import Person, administrator, member
from tests.e2e.support.engine import IDLE, IMAGE
from tests.e2e.support.server import Knarr, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.clients]

FORMATS = ("--container-format", "docker", "--disk-format", "raw")


@pytest.fixture(scope="module")
def admin(knarr: Knarr) -> Person:
    return administrator(knarr)


@pytest.fixture(scope="module")
def alice(admin: Person) -> Person:
    return member(admin, "pictures", "alice")


@pytest.fixture(scope="module")
def bob(admin: Person) -> Person:
    return member(admin, "elsewhere", "bob")


@pytest.fixture(scope="module")
def archive(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `docker save` writes of the test image."""
    path = tmp_path_factory.mktemp("archive") / "image.tar"
    with path.open("wb") as file:
        file.writelines(docker_engine.images.get(IMAGE).save(named=True))
    return path


def test_an_image_goes_up_is_changed_and_comes_back(
    admin: Person, alice: Person, bob: Person, archive: Path, tmp_path: Path
) -> None:
    made = alice.data(
        "image create", *FORMATS, "--file", str(archive), "--tag", "red", "--property", "os=x", "box"
    )
    assert made["size"] == archive.stat().st_size
    alice.openstack("image", "set", "--name", "crate", "--property", "k=v", "--min-disk", "1", "box")
    alice.openstack("image", "unset", "--property", "os", "--tag", "red", "crate")
    shown = alice.data("image show", "crate")
    assert (shown["status"], shown["min_disk"], shown["tags"]) == ("active", 1, [])
    assert shown["properties"]["k"] == "v"
    assert "os" not in shown["properties"]
    assert [row["Name"] for row in alice.data("image list", "--property", "k=v")] == ["crate"]

    assert bob.data("image list") == []
    assert bob.openstack("image", "show", made["id"], check=False).status == 1
    alice.openstack("image", "add", "project", made["id"], bob.data("token issue")["project_id"])
    bob.openstack("image", "set", "--accept", made["id"])
    assert [row["Name"] for row in bob.data("image list")] == ["crate"]

    copy = tmp_path / "copy.tar"
    bob.openstack("image", "save", "--file", str(copy), made["id"])
    assert copy.read_bytes() == archive.read_bytes()
    alice.openstack("image", "set", "--deactivate", "crate")
    assert bob.openstack("image", "save", "--file", str(copy), made["id"], check=False).status == 1
    alice.openstack("image", "set", "--activate", "--protected", "crate")
    refused = alice.openstack("image", "delete", "crate", check=False)
    assert "protected" in refused.err
    alice.openstack("image", "set", "--unprotected", "crate")
    alice.openstack("image", "delete", "crate")
    assert admin.data("image list") == []


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
    alice.openstack("image", "delete", "kept-by-glance")
    docker_engine.images.remove(f"glance/{image['id']}:latest")


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


def test_an_image_is_staged_and_imported(alice: Person, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"disk" * 100_000)
    assert alice.data("image import info")["import-methods"] == ["glance-direct"]
    alice.openstack("image", "create", "--container-format", "bare", "--disk-format", "raw", "later")
    alice.openstack("image", "stage", "--file", str(disk), "later")
    assert alice.data("image show", "later")["status"] == "uploading"
    alice.openstack("image", "import", "later")
    wait_until(lambda: alice.data("image show", "later")["status"] == "active", 30)
    copy = tmp_path / "copy"
    alice.openstack("image", "save", "--file", str(copy), "later")
    assert copy.read_bytes() == disk.read_bytes()
    refused = alice.openstack(
        "image", "import", "--method", "web-download", "--uri", "http://h/x", "later", check=False
    )
    assert "web-download" in refused.err
    alice.openstack("image", "delete", "later")


def test_administrators_see_the_imports_as_tasks(admin: Person, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"disk")
    admin.openstack("image", "create", "--container-format", "bare", "--disk-format", "raw", "followed")
    admin.openstack("image", "stage", "--file", str(disk), "followed")
    admin.openstack("image", "import", "followed")
    image = admin.data("image show", "followed")["id"]

    def done() -> Any:
        found = [admin.data("image task show", row["ID"]) for row in admin.data("image task list")]
        return [row for row in found if row["input"]["image_id"] == image and row["status"] == "success"]

    (task,) = wait_until(done, 30)
    assert task["result"] == {"image_id": image}
    admin.openstack("image", "delete", "followed")


def test_definitions_are_kept_and_found(admin: Person, alice: Person) -> None:
    made = admin.data(
        "image metadef namespace create", "--public", "--display-name", "Shown", "OS::Test::Shown"
    )
    assert made["namespace"] == "OS::Test::Shown"
    space = "OS::Test::Shown"
    assert alice.openstack("image", "metadef", "namespace", "create", "OS::Mine", check=False).status == 1
    admin.openstack("image", "metadef", "namespace", "set", "--description", "told", space)
    shown = alice.data("image metadef namespace show", space)
    assert (shown["description"], shown["display_name"]) == ("told", "Shown")
    assert space in [row["namespace"] for row in alice.data("image metadef namespace list")]

    schema = '{"title": "Cores", "type": "integer", "minimum": 1}'
    admin.openstack(
        *("image", "metadef", "property", "create", "--name", "cores", "--title", "Cores"),
        *("--type", "integer", "--schema", schema, space),
    )
    assert alice.data("image metadef property show", space, "cores")["minimum"] == 1
    assert [row["name"] for row in alice.data("image metadef property list", space)] == ["cores"]
    admin.openstack("image", "metadef", "object", "create", "--namespace", space, "box")
    assert [row["name"] for row in alice.data("image metadef object list", space)] == ["box"]
    admin.openstack("image", "metadef", "object", "delete", space, "box")
    admin.openstack(
        "image", "metadef", "resource", "type", "association", "create", space, "OS::Glance::Image"
    )
    types = [row["Name"] for row in alice.data("image metadef resource type list")]
    assert "OS::Glance::Image" in types
    admin.openstack("image", "metadef", "namespace", "delete", space)
    assert alice.openstack("image", "metadef", "namespace", "show", space, check=False).status == 1
