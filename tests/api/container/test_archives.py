"""Files of a container as tars, in and out."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloud import Answer, Cloud

from .helpers import Member, error

MIB = 1024 * 1024


def tar_of(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def contents(answer: Answer) -> dict[str, bytes]:
    """The files of the archive in the answer, by name."""
    assert answer.status == 200, answer.body
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(answer.json["data"]))) as tar:
        members = [member for member in tar if member.isfile()]
        return {member.name: tar.extractfile(member).read() for member in members}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def member(cloud: Cloud) -> Member:
    return Member(cloud, cloud.person())


@pytest.fixture(scope="module")
def box(member: Member) -> str:
    return member.create()


@pytest.fixture
def bound(cloud: Cloud) -> Iterator[int]:
    """The largest archive, in MiB, for this test."""
    cloud.runtime.conf.set_override("archive_max_mib", 2, group="streams")
    yield 2
    cloud.runtime.conf.clear_override("archive_max_mib", group="streams")


def put(member: Member, uuid: str, data: str, path: str = "/tmp", version: str = "1.40") -> Answer:
    return member.post(f"containers/{uuid}/put_archive?path={path}", {"data": data}, version)


def get(member: Member, uuid: str, path: str, version: str = "1.40") -> Answer:
    return member.get(f"containers/{uuid}/get_archive?path={path}", version)


def test_what_is_put_in_comes_out(member: Member, box: str) -> None:
    assert put(member, box, encoded(tar_of(note=b"\x00\xffbytes", other=b""))).status == 200
    answer = get(member, box, "/tmp/note")
    assert contents(answer) == {"note": b"\x00\xffbytes"}
    assert set(answer.json["stat"]) == {"name", "size", "mode", "mtime", "linkTarget"}
    assert (answer.json["stat"]["name"], answer.json["stat"]["size"]) == ("note", 7)
    actions = member.get(f"containers/{box}/container_actions").json["containerActions"]
    assert "put_archive" in {action["action"] for action in actions}


def test_a_folder_comes_as_one(member: Member) -> None:
    uuid = member.create()
    put(member, uuid, encoded(tar_of(one=b"1", two=b"2")))
    assert contents(get(member, uuid, "/tmp")) == {"tmp/one": b"1", "tmp/two": b"2"}


def test_the_path_may_stand_in_the_body(member: Member, box: str) -> None:
    body = {"data": encoded(tar_of(stood=b"x")), "path": "/tmp"}
    assert member.post(f"containers/{box}/put_archive", body).status == 200
    assert contents(get(member, box, "/tmp/stood")) == {"stood": b"x"}


def test_base64_came_with_1_25(member: Member, box: str) -> None:
    """Before, the tar stands in the JSON as text."""
    text = tar_of(old=b"plain text").decode()
    assert put(member, box, text, version="1.24").status == 200
    answer = get(member, box, "/tmp/old", "1.24")
    assert "plain text" in answer.json["data"]
    assert contents(get(member, box, "/tmp/old", "1.25")) == {"old": b"plain text"}
    put(member, box, encoded(tar_of(binary=b"\xff\xfe")))
    refused = get(member, box, "/tmp/binary", "1.24")
    assert refused.status == 400
    assert "1.25" in error(refused)["detail"]
    assert put(member, box, encoded(tar_of(a=b"")), version="1.24").status == 400


@pytest.mark.parametrize("spread", [False, True])
def test_large_ones_pass_in_pieces(member: Member, box: str, spread: bool) -> None:
    """`spread`: with the white space that some writers put between the words of JSON."""
    content = bytes(range(256)) * 8 * 1024
    text = json.dumps({"data": encoded(tar_of(large=content))})
    body = text.replace(":", " :\n ", 1).encode() if spread else text.encode()
    path = f"/container/v1/containers/{box}/put_archive?path=/tmp"
    headers = {"OpenStack-API-Version": "container 1.40", "Content-Type": "application/json"}
    assert member.person.post(path, body, headers=headers).status == 200
    assert contents(get(member, box, "/tmp/large")) == {"large": content}


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ("no base64!", "base64"),
        ("", "not an (uncompressed) tar"),
        (encoded(b"this is no tar" * 100), "not an (uncompressed) tar"),
        (encoded(gzip.compress(tar_of(a=b"a"))), "not an (uncompressed) tar"),
        (encoded(tar_of(a=b"a" * 2000)[:1000]), "not an (uncompressed) tar"),
    ],
)
def test_what_is_no_tar_is_told_so(member: Member, box: str, data: str, word: str) -> None:
    answer = put(member, box, data)
    assert answer.status == 400, answer.body
    assert word in error(answer)["detail"]
    assert "'data'" in error(answer)["detail"]


@pytest.mark.parametrize("tail", ['"', '"]', '", "more": 1}', ""])
def test_a_large_body_of_another_form_is_refused(member: Member, box: str, tail: str) -> None:
    body = ('{"data": "' + encoded(tar_of(a=bytes(2 * MIB))) + tail).encode()
    path = f"/container/v1/containers/{box}/put_archive?path=/tmp"
    headers = {"OpenStack-API-Version": "container 1.40", "Content-Type": "application/json"}
    assert member.person.post(path, body, headers=headers).status == 400


def test_an_archive_has_a_bound_both_ways(member: Member, bound: int) -> None:
    uuid = member.create()
    refused = put(member, uuid, encoded(tar_of(a=bytes(3 * MIB))))
    assert refused.status == 413
    assert f"{bound} MiB" in error(refused)["detail"]
    for name in ("one", "two"):
        assert put(member, uuid, encoded(tar_of(**{name: bytes(MIB + MIB // 2)}))).status == 200
    refused = get(member, uuid, "/tmp")
    assert refused.status == 400
    assert f"{bound} MiB" in error(refused)["detail"]
    assert get(member, uuid, "/tmp/one").status == 200


@pytest.mark.parametrize(
    ("method", "query", "body", "status"),
    [
        ("GET", "get_archive", None, 400),
        ("GET", "get_archive?path=", None, 400),
        ("GET", "get_archive?path=/no/such/file", None, 404),
        ("POST", "put_archive", {"data": encoded(tar_of(a=b""))}, 400),
        ("POST", "put_archive?path=/no/such/folder", {"data": encoded(tar_of(a=b""))}, 404),
        ("POST", "put_archive?path=/tmp", {}, 400),
        ("POST", "put_archive?path=/tmp", {"data": 1}, 400),
    ],
)
def test_a_wrong_path_or_body_is_named(
    member: Member, box: str, method: str, query: str, body: Any, status: int
) -> None:
    answer = member.call(method, f"containers/{box}/{query}", body)
    assert answer.status == status, answer.body
    detail = error(answer)["detail"]
    assert "/no/such" in detail if status == 404 else "'path'" in detail or "'data'" in detail


def test_files_of_a_container_at_rest_are_reached_and_survive_its_start(member: Member) -> None:
    uuid = member.create(run=False)
    assert put(member, uuid, encoded(tar_of(early=b"here"))).status == 200
    member.post(f"containers/{uuid}/start")
    member.becomes(uuid, "Running")
    assert contents(get(member, uuid, "/tmp/early")) == {"early": b"here"}


def test_other_projects_reach_no_files(member: Member, box: str, cloud: Cloud) -> None:
    stranger = Member(cloud, cloud.person())
    assert get(stranger, box, "/etc").status == 404
    assert put(stranger, box, encoded(tar_of(a=b""))).status == 404
