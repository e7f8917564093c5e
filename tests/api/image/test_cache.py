"""The cache: copies of data that a host keeps, as administrators ask for them."""

from __future__ import annotations

import time

import pytest
from tests.api.image.conftest import IMAGES
from tests.support.cloud import Cloud, wait_for

CACHE = "/image/v2/cache"
NOBODY = "0b5f7c3e-58f1-4d0c-9a4e-6a5b8b1f0099"


@pytest.fixture
def cached(cloud, make):
    """cached(data) -> an image whose data this host has copied."""

    def copied(data: bytes = b"data"):
        image = make(data=data)
        assert cloud.admin.put(f"{CACHE}/{image['id']}").status == 202
        wait_for(lambda: image["id"] in rows(cloud))
        return image

    yield copied
    cloud.admin.delete(CACHE)


def rows(cloud):
    return {row["image_id"]: row for row in cloud.admin.get(CACHE).json["cached_images"]}


def directory(cloud):
    return cloud.runtime.state_dir / "image-cache"


def test_a_queued_image_is_copied_and_read_from_the_copy(cloud, member, cached):
    image = cached(b"data" * 1000)
    row = rows(cloud)[image["id"]]
    assert (row["size"], row["hits"]) == (4000, 0)
    assert time.time() - 60 < row["last_modified"] <= time.time() + 1
    (cloud.runtime.state_dir / "images" / image["id"]).unlink()
    assert member.get(f"{IMAGES}/{image['id']}/file").body == b"data" * 1000
    assert rows(cloud)[image["id"]]["hits"] == 1
    assert cloud.admin.put(f"{CACHE}/{image['id']}").status == 202
    assert rows(cloud)[image["id"]]["hits"] == 1


def test_without_its_copy_an_image_is_read_from_its_store(cloud, member, cached):
    image = cached()
    assert cloud.admin.delete(f"{CACHE}/{image['id']}").status == 204
    assert rows(cloud) == {}
    assert list(directory(cloud).iterdir()) == []
    assert member.get(f"{IMAGES}/{image['id']}/file").body == b"data"
    lost = cached()
    (directory(cloud) / lost["id"]).unlink()
    assert member.get(f"{IMAGES}/{lost['id']}/file").body == b"data"


def test_a_deleted_image_takes_its_copy_along(cloud, member, cached):
    image = cached()
    assert member.delete(f"{IMAGES}/{image['id']}").status == 204
    assert rows(cloud) == {}
    assert list(directory(cloud).iterdir()) == []


def test_data_that_was_spoilt_is_not_copied(cloud, make):
    image = make(data=b"data")
    (cloud.runtime.state_dir / "images" / image["id"]).write_bytes(b"dada")
    cloud.admin.put(f"{CACHE}/{image['id']}")
    wait_for(lambda: cloud.admin.get(CACHE).json == {"cached_images": [], "queued_images": []}, 30)
    assert list(directory(cloud).iterdir()) == []


def test_the_cache_can_be_cleared(cloud, cached):
    cached(), cached()
    assert cloud.admin.delete(CACHE, headers={"X-Image-Cache-Clear-Target": "queue"}).status == 204
    assert len(rows(cloud)) == 2
    wrong = cloud.admin.delete(CACHE, headers={"X-Image-Cache-Clear-Target": "all"})
    assert (wrong.status, "X-Image-Cache-Clear-Target" in wrong.json["error"]["message"]) == (400, True)
    assert cloud.admin.delete(CACHE, headers={"X-Image-Cache-Clear-Target": "cache"}).status == 204
    assert rows(cloud) == {}


def test_only_active_images_that_are_there_are_queued(cloud, make):
    assert cloud.admin.put(f"{CACHE}/{make()['id']}").status == 400
    assert cloud.admin.put(f"{CACHE}/{NOBODY}").status == 404
    assert cloud.admin.delete(f"{CACHE}/{NOBODY}").status == 404
    assert cloud.admin.get(CACHE).json["queued_images"] == []


def test_the_cache_is_the_administrators(member, make):
    ident = make(data=b"x")["id"]
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", f"/{ident}"), ("DELETE", f"/{ident}")):
        assert member.call(method, CACHE + path).status == 403


def test_the_copies_that_were_not_read_for_longest_make_room(tmp_path):
    cloud = Cloud(tmp_path, ("identity", "image"), image__image_cache_max_size=1)
    try:
        half = b"x" * (512 * 1024)
        idents = [_active(cloud, half) for _ in range(3)]
        for ident in idents[:2]:
            cloud.admin.put(f"{CACHE}/{ident}")
            wait_for(lambda ident=ident: ident in rows(cloud))
        cloud.admin.get(f"{IMAGES}/{idents[0]}/file")
        cloud.admin.put(f"{CACHE}/{idents[2]}")
        wait_for(lambda: idents[2] in rows(cloud))
        assert set(rows(cloud)) == {idents[0], idents[2]}
        assert {path.name for path in directory(cloud).iterdir()} == {idents[0], idents[2]}
        large = _active(cloud, half * 2 + b"x")
        assert cloud.admin.put(f"{CACHE}/{large}").status == 413
    finally:
        cloud.close()


def _active(cloud: Cloud, data: bytes) -> str:
    body = {"container_format": "bare", "disk_format": "raw"}
    ident = str(cloud.admin.post(IMAGES, body).json["id"])
    octets = {"Content-Type": "application/octet-stream"}
    assert cloud.admin.put(f"{IMAGES}/{ident}/file", data, headers=octets).status == 204
    return ident


def test_copies_and_files_agree_after_a_start(tmp_path):
    first = Cloud(tmp_path, ("identity", "image"))
    kept, lost = _active(first, b"kept"), _active(first, b"lost")
    for ident in (kept, lost):
        first.admin.put(f"{CACHE}/{ident}")
        wait_for(lambda ident=ident: ident in rows(first))
    first.close()
    (tmp_path / "image-cache" / lost).unlink()
    (tmp_path / "image-cache" / NOBODY).write_bytes(b"leftover")
    second = Cloud(tmp_path, ("identity", "image"))
    try:
        assert set(rows(second)) == {kept}
        assert [path.name for path in directory(second).iterdir()] == [kept]
    finally:
        second.close()
