"""The image driver glance: containers of images that the image service keeps, and the search for them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cloud import Cloud

from knarr.services.container import sync
from knarr.services.container.locator import engine_of

from .helpers import Member, error

IMAGES = "/image/v2/images"
OCTETS = {"Content-Type": "application/octet-stream"}
LAYER = b"a layer " * 4096


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    made = Cloud(tmp_path_factory.mktemp("glance"), ["identity", "image", "network", "container"])
    yield made
    made.close()


def saved() -> bytes:
    """A tar as `docker save` writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in (
            ("manifest.json", json.dumps([{"RepoTags": ["box:1"]}]).encode()),
            ("layer.tar", LAYER),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def keep(member: Member, name: str, *tags: str, **more: Any) -> str:
    """An image of the member in the image service; its id."""
    body = {"name": name, "container_format": "docker", "disk_format": "raw", "tags": list(tags), **more}
    made = member.person.post(IMAGES, body)
    assert made.status == 201, made.body
    ident = str(made.json["id"])
    assert member.person.put(f"{IMAGES}/{ident}/file", saved(), headers=OCTETS).status == 204
    return ident


def create(member: Member, image: str) -> dict[str, Any]:
    return member.show(member.create(image=image, image_driver="glance"))


def test_a_container_is_made_of_an_image_by_id_name_or_name_and_tag(cloud: Cloud, member: Member) -> None:
    ident = keep(member, "crate", "2")
    for image in (ident, "crate", "crate:2"):
        shown = create(member, image)
        assert (shown["status"], shown["image"], shown["image_driver"]) == ("Running", image, "glance")
    assert engine_of(cloud.runtime).image_present(f"glance/{ident}:latest") is not None


def test_what_no_container_can_be_made_of_is_refused_at_once(cloud: Cloud, member: Member) -> None:
    keep(member, "disk", container_format="bare")
    keep(member, "twin")
    keep(member, "twin")
    other = Member(cloud, cloud.person())
    keep(other, "not-yours")
    for image, status, word in (
        ("disk", 400, "container_format bare"),
        ("twin", 409, "twin"),
        ("nowhere", 400, "nowhere"),
        ("not-yours", 400, "not-yours"),
    ):
        answer = member.post("containers", {"image": image, "image_driver": "glance"})
        assert (answer.status, image) == (status, image)
        assert word in error(answer)["detail"]


def test_a_deleted_image_leaves_the_engine_once_no_container_is_made_of_it(
    cloud: Cloud, member: Member
) -> None:
    ident, kept, hidden = (keep(member, name) for name in ("leaves", "stays", "hides"))
    uuid = str(create(member, "leaves")["uuid"])
    for name in ("stays", "hides"):
        created = str(create(member, name)["uuid"])
        member.delete(f"containers/{created}?stop=true")
        member.gone(created)
    change = [{"op": "replace", "path": "/os_hidden", "value": True}]
    patch = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    assert member.person.patch(f"{IMAGES}/{hidden}", change, headers=patch).status == 200
    engine = engine_of(cloud.runtime)
    foreign = f"glance/{member.person.project_id}:latest"
    engine.pull(foreign)

    def on_the_engine(ident: str) -> bool:
        return engine.image_present(f"glance/{ident}:latest") is not None

    assert member.person.delete(f"{IMAGES}/{ident}").status == 204
    sync.clear_leftovers(cloud.runtime)
    assert on_the_engine(ident)
    member.delete(f"containers/{uuid}?stop=true")
    member.gone(uuid)
    sync.clear_leftovers(cloud.runtime)
    assert not on_the_engine(ident)
    assert on_the_engine(kept)
    assert on_the_engine(hidden)
    assert engine.image_present(foreign) is not None


def test_an_image_that_does_not_arrive_whole_is_taken_away(cloud: Cloud, member: Member) -> None:
    ident = keep(member, "damaged")
    [file] = [path for path in Path(cloud.runtime.state_dir / "images").rglob("*") if ident in path.name]
    damaged = file.read_bytes().replace(LAYER[:64], b"x" * 64, 1)
    file.chmod(0o600)
    file.write_bytes(damaged)
    shown = create(member, "damaged")
    assert shown["status"] == "Error"
    assert "did not arrive whole" in shown["status_reason"]
    assert engine_of(cloud.runtime).image_present(f"glance/{ident}:latest") is None


def test_a_file_that_is_no_image_says_so(cloud: Cloud, member: Member) -> None:
    made = member.person.post(
        IMAGES, {"name": "text", "container_format": "docker", "disk_format": "raw"}
    ).json
    member.person.put(f"{IMAGES}/{made['id']}/file", b"just some text", headers=OCTETS)
    shown = create(member, "text")
    assert shown["status"] == "Error"
    assert "docker save" in shown["status_reason"]


def test_the_search_finds_the_callers_images_by_name_and_tag(cloud: Cloud, member: Member) -> None:
    ident = keep(member, "web-front", "1", "stable")
    keep(member, "web-back", "1")
    keep(member, "web-disk", container_format="bare")
    other = Member(cloud, cloud.person())
    keep(other, "web-of-others")

    def names(query: str) -> list[str]:
        answer = member.get(f"images/{query}&image_driver=glance")
        assert answer.status == 200, answer.body
        return sorted(row["name"] for row in answer.json)

    assert names("web/search?") == ["web-back", "web-front"]
    assert names("web:stable/search?") == ["web-front"]
    assert names("web/search?exact_match=true") == []
    [row] = member.get("images/web-front/search?image_driver=glance&exact_match=true").json
    assert (row["id"], row["status"], sorted(row["tags"])) == (ident, "active", ["1", "stable"])
    assert row["size"] == len(saved())


def test_without_an_image_service_the_search_says_so(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, ["identity", "network", "container"])
    try:
        answer = Member(cloud, cloud.person()).get("images/web/search?image_driver=glance")
        assert answer.status == 503
        assert error(answer)["detail"]
    finally:
        cloud.close()
