"""Files that are given with the request: what is refused, where they lie, and when they go."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.support.cloud import Cloud

from knarr.services.container import files, sync
from knarr.services.container.drivers.base import container_name
from knarr.services.container.locator import engine_of

from .helpers import Member, error

TEXT = base64.b64encode(b"hello\n").decode()


def mount(**changes: Any) -> dict[str, Any]:
    return {"type": "bind", "source": TEXT, "destination": "/etc/greeting", **changes}


def folder(cloud: Cloud, uuid: str) -> Path:
    return Path(cloud.runtime.state_dir) / files.FOLDER / uuid


def mounted(cloud: Cloud, uuid: str) -> list[Any]:
    engine: Any = engine_of(cloud.runtime)
    return list(engine.world.container[container_name(uuid)].spec.mounts)


def test_files_are_mounted_and_go_with_the_container(cloud: Cloud, member: Member) -> None:
    second = mount(source=base64.encodebytes(bytes(range(256))).decode(), destination="/opt//data.bin")
    uuid = member.create(mounts=[mount(), second])
    found = mounted(cloud, uuid)
    assert [one.destination for one in found] == ["/etc/greeting", "/opt/data.bin"]
    assert all(one.read_only for one in found)
    assert [Path(one.source).read_bytes() for one in found] == [b"hello\n", bytes(range(256))]
    assert Path(found[0].source).parent == folder(cloud, uuid)
    assert stat.S_IMODE(folder(cloud, uuid).parent.stat().st_mode) == 0o700
    member.delete(f"containers/{uuid}?stop=true")
    member.gone(uuid)
    assert not folder(cloud, uuid).exists()


def test_files_survive_a_rebuild_and_come_back_after_an_error(cloud: Cloud, member: Member) -> None:
    uuid = member.create(mounts=[mount()])
    member.post(f"containers/{uuid}/rebuild", {"image": "alpine"})
    member.settled(uuid)
    assert Path(mounted(cloud, uuid)[0].source).read_bytes() == b"hello\n"
    engine_of(cloud.runtime).delete(container_name(uuid), force=True)
    files.remove(cloud.runtime, uuid)
    member.becomes(uuid, "Error")
    member.post(f"containers/{uuid}/start")
    member.becomes(uuid, "Running")
    assert Path(mounted(cloud, uuid)[0].source).read_bytes() == b"hello\n"


def test_a_container_that_cannot_be_made_leaves_no_files(cloud: Cloud, member: Member) -> None:
    uuid = member.create(mounts=[mount()], command=["/no-such-program"])
    assert member.show(uuid)["status"] == "Error"
    assert not folder(cloud, uuid).exists()


def test_files_of_containers_that_are_gone_are_cleared_but_not_fresh_ones(
    cloud: Cloud, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = member.create(mounts=[mount()])
    stray = folder(cloud, "stray")
    stray.mkdir()
    (stray / "0").write_bytes(b"left over")
    sync.clear_leftovers(cloud.runtime)
    assert stray.exists()
    monkeypatch.setattr(files, "MIN_AGE", -1.0)
    sync.clear_leftovers(cloud.runtime)
    assert not stray.exists()
    assert folder(cloud, uuid).exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"type": "volume"}, "mounts[0].type"),
        ({"type": None}, "mounts[0].type"),
        ({"type": "nfs"}, "mounts[0].type"),
        ({"source": None}, "mounts[0].source"),
        ({"source": "no base64!"}, "mounts[0].source"),
        ({"source": "é"}, "mounts[0].source"),
        ({"source": base64.b64encode(bytes(257 * 1024)).decode()}, "mounts[0].source"),
        ({"size": "1"}, "mounts[0].size"),
        ({"destination": "etc/x"}, "mounts[0].destination"),
        ({"destination": "/"}, "mounts[0].destination"),
        ({"destination": "//"}, "mounts[0].destination"),
        ({"destination": "/a/../../b"}, "mounts[0].destination"),
        ({"destination": "/a/"}, "mounts[0].destination"),
        ({"destination": "/proc/1/mem"}, "mounts[0].destination"),
        ({"destination": "/dev/sda"}, "mounts[0].destination"),
    ],
)
def test_a_wrong_mount_is_named(member: Member, change: dict[str, Any], word: str) -> None:
    answer = member.post("containers", {"image": "busybox", "mounts": [mount(**change)]})
    assert answer.status == 400
    assert word in error(answer)["detail"]


def test_two_files_in_one_place_are_refused(member: Member) -> None:
    answer = member.post("containers", {"image": "busybox", "mounts": [mount(), mount()]})
    assert answer.status == 400
    assert "mounts[1].destination" in error(answer)["detail"]
