"""Names of images: what an engine would take for another project's image is refused."""

from __future__ import annotations

import pytest

from .helpers import Member

CONTAINERS = "/container/v1/containers"
VERSION = {"OpenStack-API-Version": "container 1.40"}
IMAGE = "0b0c3c4e-3a3e-4f10-9d3a-0d7d9a1b2c3d"


def status(member: Member, method: str, path: str, body: object = None) -> tuple[int, str]:
    answer = member.person.call(method, path, body, headers=VERSION)
    return answer.status, answer.body.decode()


@pytest.mark.parametrize(
    "image",
    [f"glance/{IMAGE}", f"glance/{IMAGE}:latest", f"docker.io/glance/{IMAGE}",
     f"index.docker.io/glance/{IMAGE}",
     "sha256:" + "a" * 64, "a" * 64, "0123456789ab", "../..", "a b", "Upper/Case", "x:y:z", "-x", "x/", "é/x",
     "box\n", "box:" + "t" * 129],
)  # fmt: skip
def test_what_is_no_name_in_a_registry_is_refused(member: Member, image: str) -> None:
    found = status(member, "POST", CONTAINERS, {"image": image, "nets": [{"network": member.network_id}]})
    assert found[0] == 400, found
    assert "'image'" in found[1]
    uuid = member.create()
    assert status(member, "POST", f"{CONTAINERS}/{uuid}/rebuild", {"image": image})[0] in (400, 415)


@pytest.mark.parametrize(
    "image",
    ["busybox", "busybox:1.36", "library/busybox", "docker.io/library/busybox:1",
     "localhost:5000/a/b_c/d--e:T.1", "registry.example/glance/box", "box@sha256:" + "0" * 64,
     "box:1@sha256:" + "0" * 64, "cafe",     "127.0.0.1:5000/x"],
)  # fmt: skip
def test_names_in_registries_are_taken(member: Member, image: str) -> None:
    body = {"image": image, "nets": [{"network": member.network_id}]}
    assert status(member, "POST", CONTAINERS, body)[0] == 202


@pytest.mark.parametrize("name", ["", "A=B"])
def test_a_variable_without_a_name_is_refused(member: Member, name: str) -> None:
    found = status(member, "POST", CONTAINERS, {"image": "busybox", "environment": {name: "x"}})
    assert found[0] == 400, found
    assert "environment" in found[1]
