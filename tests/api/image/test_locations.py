"""Locations: where the data of an image lies, and addresses that it comes from."""

from __future__ import annotations

import hashlib

import pytest
from tests.api.image.conftest import IMAGES, files
from tests.api.image.test_imports import ended, serving
from tests.support.cloud import Cloud

DATA = b"data" * 1000
DIGEST = hashlib.sha512(DATA).hexdigest()


@pytest.fixture(scope="module")
def web():
    with serving({"/disk": (200, {}, DATA)}) as server:
        yield server


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, web):
    port = int(web.url.rpartition(":")[2])
    allowed = {"image__web_download_hosts": ["127.0.0.1"], "image__web_download_ports": [port]}
    made = Cloud(tmp_path_factory.mktemp("cloud"), ("identity", "image"), **allowed)
    yield made
    made.close()


def add(person, image, **body):
    return person.post(f"{IMAGES}/{image['id']}/locations", body)


def test_services_are_told_where_data_lies(cloud, member, make):
    image, empty = make(data=b"data")["id"], make()["id"]
    (place,) = cloud.admin.get(f"{IMAGES}/{image}/locations").json
    assert place["metadata"] == {"store": "file"}
    path = cloud.runtime.state_dir / "images" / image
    assert place["url"] == path.as_uri()
    assert cloud.admin.get(f"{IMAGES}/{empty}/locations").json == []
    assert member.get(f"{IMAGES}/{image}/locations").status == 403


@pytest.mark.parametrize("validation", [{}, {"os_hash_algo": "sha512", "os_hash_value": DIGEST}])
def test_data_comes_from_the_address_that_is_added(member, make, web, validation):
    image = make()
    answer = add(member, image, url=f"{web.url}/disk", validation_data=validation)
    assert (answer.status, answer.json["url"]) == (202, f"{web.url}/disk")
    task = ended(member, image)
    assert (task["status"], task["type"]) == ("success", "location_import")
    assert member.get(f"{IMAGES}/{image['id']}/file").body == DATA
    assert add(member, image, url=f"{web.url}/disk").status == 409


def test_data_that_is_not_what_was_told_is_not_kept(cloud, member, make, web):
    image = make()
    wanted = {"os_hash_algo": "sha512", "os_hash_value": "0" * 128}
    assert add(member, image, url=f"{web.url}/disk", validation_data=wanted).status == 202
    task = ended(member, image)
    assert (task["status"], DIGEST in task["message"]) == ("failure", True)
    assert member.get(f"{IMAGES}/{image['id']}").json["status"] == "queued"
    assert not [name for name in files(cloud) if name.startswith(image["id"])]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "http://192.0.2.1/disk"}, "url"),
        ({"url": "http://127.0.0.1/", "validation_data": 5}, "validation_data"),
        ({"url": "http://127.0.0.1/", "validation_data": {"os_hash_value": "abc"}}, "os_hash_value"),
        ({"url": "http://127.0.0.1/", "validation_data": {"os_hash_algo": "md5"}}, "os_hash_algo"),
        ({"url": "http://127.0.0.1/", "metadata": {}}, "metadata"),
    ],
)
def test_a_wrong_location_is_named(member, make, body, named):
    answer = add(member, make(), **body)
    message = answer.json["error"]["message"]
    assert (answer.status, f"'{named}'" in message or f".{named}" in message) == (400, True), message


def test_locations_are_the_owner_s_to_add(member, other, make, web):
    assert add(other, make(), url=f"{web.url}/disk").status == 404
    assert add(other, make(visibility="community"), url=f"{web.url}/disk").status == 403
