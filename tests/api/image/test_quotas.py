"""What a project may have in images, where the operator has set it."""

from __future__ import annotations

import pytest
from tests.api.image.conftest import IMAGES, OCTETS, files
from tests.support.cloud import Cloud, wait_for

MEBIBYTE = 1024 * 1024
BODY = {"container_format": "bare", "disk_format": "raw"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    made = Cloud(
        tmp_path_factory.mktemp("cloud"),
        ("identity", "image"),
        image__image_size_total=1,
        image__image_count_total=2,
    )
    yield made
    made.close()


def usage(person):
    return {
        name: (row["limit"], row["usage"])
        for name, row in person.get("/image/v2/info/usage").json["usage"].items()
    }


def test_a_project_has_so_many_images_at_the_most(member, make):
    make(), make()
    answer = member.post(IMAGES, BODY)
    assert (answer.status, "image_count_total" in answer.json["error"]["message"]) == (413, True)
    assert usage(member)["image_count_total"] == (2, 2)


def test_a_project_has_so_much_data_at_the_most(cloud, member, other, make):
    make(data=b"x" * (MEBIBYTE - 10))
    ident = make()["id"]
    answer = member.put(f"{IMAGES}/{ident}/file", b"x" * 11, headers=OCTETS)
    assert (answer.status, "image_size_total" in answer.json["error"]["message"]) == (413, True)
    assert member.get(f"{IMAGES}/{ident}").json["status"] == "queued"
    assert ident not in files(cloud)
    make(other, data=b"x" * MEBIBYTE)
    assert member.put(f"{IMAGES}/{ident}/file", b"x" * 10, headers=OCTETS).status == 204
    assert usage(member)["image_size_total"] == (1, 1)


def test_data_of_unknown_length_is_stopped_where_it_is_too_much(member, make):
    ident = make()["id"]
    headers = OCTETS | {"Content-Length": ""}
    answer = member.put(f"{IMAGES}/{ident}/file", b"x" * (MEBIBYTE + 1), headers=headers)
    assert (answer.status, "image_size_total" in answer.json["error"]["message"]) == (413, True)
    assert member.get(f"{IMAGES}/{ident}").json["status"] == "queued"


def test_what_was_staged_must_find_room_when_it_is_imported(member, make):
    ident = make()["id"]
    assert member.put(f"{IMAGES}/{ident}/stage", b"x" * 1000, headers=OCTETS).status == 204
    make(data=b"x" * (MEBIBYTE - 10))
    assert usage(member)["image_count_uploading"] == (-1, 1)
    assert member.post(f"{IMAGES}/{ident}/import", {"method": {"name": "glance-direct"}}).status == 202

    def ended():
        (task,) = member.get(f"{IMAGES}/{ident}/tasks").json["tasks"]
        return task if task["status"] == "failure" else None

    assert "image_size_total" in wait_for(ended)["message"]
    assert member.get(f"{IMAGES}/{ident}").json["status"] == "queued"
