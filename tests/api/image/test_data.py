"""The data of images: up, down, locked, and what is left of it when something ends too early."""

from __future__ import annotations

import hashlib
import threading

import pytest
from tests.api.image.conftest import IMAGES, OCTETS, files
from tests.support.cloud import Cloud


def test_uploaded_data_comes_back_with_its_digests(member, make):
    data = bytes(range(256)) * 5000
    image = make(data=data)
    assert image["status"] == "active"
    assert image["size"] == len(data)
    assert image["checksum"] == hashlib.md5(data).hexdigest()
    assert image["os_hash_algo"] == "sha512"
    assert image["os_hash_value"] == hashlib.sha512(data).hexdigest()
    answer = member.get(f"{IMAGES}/{image['id']}/file")
    assert answer.status == 200
    assert answer.body == data
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["content-md5"] == image["checksum"]


QCOW2 = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(12) + (16).to_bytes(4, "big") + (2**30).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("disk_format", "data", "size"),
    [
        ("raw", b"data", 4),
        ("qcow2", QCOW2 + bytes(72), 2**30),
        ("qcow2", QCOW2[:31], None),
        ("qcow2", b"no such disk, but as long as one", None),
        ("qcow2", QCOW2[:24] + b"\xff" * 8, None),
        ("vmdk", b"data", None),
    ],
)
def test_the_size_of_the_disk_in_the_data_is_told(make, disk_format, data, size):
    assert make(data=data, disk_format=disk_format)["virtual_size"] == size


def test_an_image_without_data_has_none_to_give(member, make):
    answer = member.get(f"{IMAGES}/{make()['id']}/file")
    assert (answer.status, answer.body) == (204, b"")


def test_an_empty_upload_is_an_image_of_no_bytes(member, make):
    image = make(data=b"")
    assert (image["status"], image["size"]) == ("active", 0)
    assert member.get(f"{IMAGES}/{image['id']}/file").body == b""


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=2-4", 206, 2, 4),
        ("bytes=5-", 206, 5, 9),
        ("bytes=-3", 206, 7, 9),
        ("bytes=8-99", 206, 8, 9),
        ("bytes=0-9", 200, 0, 9),
    ],
)
def test_parts_of_the_data_can_be_read(member, make, wanted, status, first, last):
    image = make(data=b"0123456789")
    answer = member.get(f"{IMAGES}/{image['id']}/file", headers={"Range": wanted})
    assert answer.status == status
    assert answer.body == b"0123456789"[first : last + 1]
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {first}-{last}/10"


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2"])
def test_parts_that_are_not_there_are_416(member, make, wanted):
    image = make(data=b"0123456789")
    answer = member.get(f"{IMAGES}/{image['id']}/file", headers={"Range": wanted})
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */10")


def test_data_is_uploaded_once(member, make):
    image = make(data=b"first")
    answer = member.put(f"{IMAGES}/{image['id']}/file", b"second", headers=OCTETS)
    assert (answer.status, "active" in answer.json["error"]["message"]) == (409, True)
    assert member.get(f"{IMAGES}/{image['id']}/file").body == b"first"


def test_data_needs_formats_and_its_content_type(member, make):
    bare = make(container_format=None, disk_format=None)
    answer = member.put(f"{IMAGES}/{bare['id']}/file", b"x", headers=OCTETS)
    assert (answer.status, "container_format" in answer.json["error"]["message"]) == (400, True)
    assert member.put(f"{IMAGES}/{make()['id']}/file", b"x").status == 415


def test_others_images_take_no_data(cloud, make, other):
    assert other.put(f"{IMAGES}/{make()['id']}/file", b"x", headers=OCTETS).status == 404
    public = cloud.admin.post(IMAGES, {"visibility": "public"}).json
    assert other.put(f"{IMAGES}/{public['id']}/file", b"x", headers=OCTETS).status == 403


def test_an_upload_that_ends_too_early_leaves_the_image_queued_and_no_file(cloud, member, make):
    image = make()
    path = f"{IMAGES}/{image['id']}/file"
    answer = member.put(path, b"x" * 10, headers=OCTETS | {"Content-Length": "20"})
    assert (answer.status, "10 of 20" in answer.json["error"]["message"]) == (400, True)
    assert member.get(f"{IMAGES}/{image['id']}").json["status"] == "queued"
    assert not [name for name in files(cloud) if name.startswith(image["id"])]
    assert member.put(path, b"x" * 20, headers=OCTETS).status == 204


def test_two_uploads_at_once_give_one_image(member, make):
    path = f"{IMAGES}/{make()['id']}/file"
    statuses = []

    def upload(letter):
        statuses.append(member.put(path, letter * 300_000, headers=OCTETS).status)

    threads = [threading.Thread(target=upload, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 409, 409]
    assert len(set(member.get(path).body)) == 1


def test_data_past_the_cap_is_refused(tmp_path):
    small = Cloud(tmp_path, ("identity", "image"), image__image_size_cap=1)
    try:
        body = {"container_format": "bare", "disk_format": "raw"}
        ident = small.admin.post(IMAGES, body).json["id"]
        answer = small.admin.put(f"{IMAGES}/{ident}/file", b"x" * (1024 * 1024 + 1), headers=OCTETS)
        assert (answer.status, "1 MiB" in answer.json["error"]["message"]) == (413, True)
        assert small.admin.get(f"{IMAGES}/{ident}").json["status"] == "queued"
        assert files(small) == []
    finally:
        small.close()


def test_a_deactivated_image_is_for_administrators_only(cloud, member, make):
    image = make(data=b"secret")
    path = f"{IMAGES}/{image['id']}"
    assert member.post(f"{path}/actions/deactivate").status == 204
    assert member.post(f"{path}/actions/deactivate").status == 204
    assert member.get(path).json["status"] == "deactivated"
    assert member.get(f"{path}/file").status == 403
    assert cloud.admin.get(f"{path}/file").body == b"secret"
    assert member.post(f"{path}/actions/reactivate").status == 204
    assert member.get(f"{path}/file").body == b"secret"


def test_only_images_with_data_are_deactivated(member, make):
    assert member.post(f"{IMAGES}/{make()['id']}/actions/deactivate").status == 403


def test_a_start_puts_right_what_a_killed_process_left(tmp_path):
    from sqlalchemy import update

    from knarr.core.image.models import Image

    first = Cloud(tmp_path, ("identity", "image"))
    body = {"container_format": "bare", "disk_format": "raw"}
    half, whole = (first.admin.post(IMAGES, body).json["id"] for _ in range(2))
    first.admin.put(f"{IMAGES}/{whole}/file", b"whole", headers=OCTETS)
    with first.runtime.db.write() as session:
        session.execute(update(Image).where(Image.id == half).values(status="saving"))
    directory = first.runtime.state_dir / "images"
    for name in (half, f"{half}.part", "of-a-deleted-image"):
        (directory / name).write_bytes(b"half")
    first.close()

    second = Cloud(tmp_path, ("identity", "image"))
    try:
        assert second.admin.get(f"{IMAGES}/{half}").json["status"] == "queued"
        assert files(second) == [whole]
        assert second.admin.get(f"{IMAGES}/{whole}/file").body == b"whole"
        assert second.admin.put(f"{IMAGES}/{half}/file", b"again", headers=OCTETS).status == 204
    finally:
        second.close()


def test_the_data_of_an_image_is_its_owners_to_read_on_the_host(cloud, make):
    image = make(data=b"x")
    assert (cloud.runtime.state_dir / "images" / image["id"]).stat().st_mode & 0o777 == 0o600
    assert (cloud.runtime.state_dir / "images").stat().st_mode & 0o777 == 0o700
