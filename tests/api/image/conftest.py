"""A cloud of identity and images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.cloud import Answer, Cloud, Person

IMAGES = "/image/v2/images"
OCTETS = {"Content-Type": "application/octet-stream"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    made = Cloud(tmp_path_factory.mktemp("cloud"), ("identity", "image"))
    yield made
    made.close()


@pytest.fixture
def member(cloud: Cloud) -> Person:
    return cloud.person()


@pytest.fixture
def other(cloud: Cloud) -> Person:
    return cloud.person()


@pytest.fixture
def make(member: Person) -> Callable[..., dict[str, Any]]:
    """make(name="n", data=b"…") -> a new image of the member, with data if some is given."""

    def post(by: Person | None = None, data: bytes | None = None, **body: Any) -> dict[str, Any]:
        person = by or member
        fields = {"container_format": "bare", "disk_format": "raw"} | body
        answer = person.post(IMAGES, fields)
        assert answer.status == 201, answer.body
        if data is not None:
            sent = person.put(f"{IMAGES}/{answer.json['id']}/file", data, headers=OCTETS)
            assert sent.status == 204, sent.body
            answer = person.get(f"{IMAGES}/{answer.json['id']}")
        found: dict[str, Any] = answer.json
        return found

    return post


def patch(person: Person, ident: str, *changes: dict[str, Any]) -> Answer:
    return person.patch(f"{IMAGES}/{ident}", list(changes), headers=PATCH)


def files(cloud: Cloud) -> list[str]:
    return sorted(path.name for path in (cloud.runtime.state_dir / "images").iterdir())
