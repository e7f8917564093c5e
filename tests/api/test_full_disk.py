"""A disk without space: requests that write are told so, those that read are served, and it passes."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support import databases
from tests.support.cloud import Cloud

pytestmark = pytest.mark.skipif(bool(databases.SERVER), reason="the database is on another disk")

BYTES = {"Content-Type": "application/octet-stream"}
WRITES: tuple[tuple[str, Any], ...] = (
    ("/identity/v3/users", {"user": {"name": "someone"}}),
    ("/network/v2.0/networks", {"network": {}}),
    ("/image/v2/images", {"name": "image"}),
    ("/container/v1/containers", {"image": "busybox"}),
)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 8 MiB."""
    made = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(made)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield made
    subprocess.run(["umount", "--lazy", str(made)], check=True)


@pytest.fixture(scope="module")
def cloud(disk: Path) -> Iterator[Cloud]:
    made = Cloud(disk / "state")
    yield made
    made.close()


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    try:
        with filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass
    try:
        yield
    finally:
        filler.unlink()


def test_what_writes_is_503_until_there_is_space_again(
    cloud: Cloud, disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with full(disk), caplog.at_level(logging.ERROR, "knarr.kernel.web"):
        for path, body in WRITES:
            answer = cloud.admin.post(path, body)
            assert (answer.status, answer.headers["retry-after"]) == (503, "30"), answer.body
            assert b"No space" in answer.body
        assert cloud.admin.get("/network/v2.0/networks").status == 200
        assert cloud.login("admin", cloud.admin_password, "admin").status == 201
    assert all(record.exc_info is None for record in caplog.records)
    for path, body in WRITES:
        assert cloud.admin.post(path, body).status in (201, 202)


def test_the_health_page_says_so_while_it_lasts(cloud: Cloud, disk: Path) -> None:
    def health() -> tuple[int, str | None]:
        answer = cloud.call("GET", "/healthcheck")
        return answer.status, answer.json["checks"]["disk"]["error"]

    assert health() == (200, None)
    with full(disk):
        assert health() == (503, "full: less than 1 MiB is free")
    assert health() == (200, None)


def test_an_image_that_does_not_fit_leaves_nothing_behind(cloud: Cloud, disk: Path) -> None:
    body = {"name": "big", "disk_format": "raw", "container_format": "bare"}
    image = f"/image/v2/images/{cloud.admin.post('/image/v2/images', body).json['id']}"
    assert cloud.admin.put(f"{image}/file", bytes(12 << 20), headers=BYTES).status == 503
    assert cloud.admin.get(image).json["status"] == "queued"
    assert list((disk / "state" / "images").iterdir()) == []
    assert cloud.admin.put(f"{image}/file", b"small", headers=BYTES).status == 204
