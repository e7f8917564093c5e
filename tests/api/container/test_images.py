"""Images that administrators have on hosts: pulled, watched, listed, deleted; and the search for images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloud import Cloud, wait_for

from knarr.services.container import image_work
from knarr.services.container.drivers.fake import FakeEngine
from knarr.services.container.locator import engine_of

from .helpers import Member, error

HOST = "test-host"
MIB = 1024 * 1024


@pytest.fixture
def engine(cloud: Cloud) -> Iterator[FakeEngine]:
    found = engine_of(cloud.runtime)
    assert isinstance(found, FakeEngine)
    yield found
    found.clear_faults()


def pull(admin: Member, repo: str, **more: Any) -> dict[str, Any]:
    answer = admin.post("images", {"repo": repo, "host": HOST, **more})
    assert answer.status == 202, answer.body
    return dict(answer.json)


def settled(admin: Member, uuid: str, seconds: float = 10.0) -> dict[str, Any]:
    """The image once its pull has ended."""

    def ended() -> Any:
        shown = admin.get(f"images/{uuid}").json
        return shown if shown["status"] != "Pulling" else None

    return dict(wait_for(ended, seconds))


def test_an_image_is_pulled_to_a_host(admin: Member, engine: FakeEngine) -> None:
    answer = admin.post("images", {"repo": "pulled:1.2", "host": HOST})
    assert answer.status == 202
    made = answer.json
    assert answer.headers["location"].endswith(f"/container/v1/images/{made['uuid']}")
    assert (made["repo"], made["tag"], made["host"]) == ("pulled", "1.2", HOST)
    assert made["project_id"] == admin.project_id
    shown = settled(admin, made["uuid"])
    assert shown["status"] == "Available"
    assert shown["image_id"].startswith("sha256:")
    assert shown["size"] > MIB
    present = engine.image_present("pulled:1.2")
    assert present is not None and present.id == shown["image_id"]


@pytest.mark.parametrize(
    ("given", "repo", "tag"),
    [
        ({"repo": "plain"}, "plain", "latest"),
        ({"repo": "apart", "tag": "3"}, "apart", "3"),
        ({"repo": "agreed:4", "tag": "4"}, "agreed", "4"),
        ({"repo": "host.example.org:5000/a/b"}, "host.example.org:5000/a/b", "latest"),
        ({"repo": "digest@sha256:" + "0" * 64}, "digest", "sha256:" + "0" * 64),
        ({"repo": "policy", "image_pull_policy": "ifnotpresent"}, "policy", "latest"),
        ({"repo": "facts", "image_id": "x", "size": "5"}, "facts", "latest"),
    ],
)
def test_what_a_name_means(admin: Member, given: dict[str, str], repo: str, tag: str) -> None:
    made = pull(admin, **given)
    assert (made["repo"], made["tag"]) == (repo, tag)
    assert settled(admin, made["uuid"])["status"] == "Available"


def test_the_host_may_be_named_by_its_id(admin: Member) -> None:
    [host] = admin.get("hosts").json["hosts"]
    assert pull(admin, "by-id", host=host["uuid"])["host"] == HOST
    assert admin.post("images", {"repo": "by-id", "host": "nowhere"}).status == 404


def test_the_pull_can_be_watched(admin: Member, cloud: Cloud) -> None:
    cloud.runtime.conf.set_override("pull_seconds", 1.2, group="fake_engine")
    try:
        uuid = pull(admin, "slow")["uuid"]

        def under_way() -> Any:
            [row] = [row for row in admin.get("images").json["images"] if row["uuid"] == uuid]
            return row if row["status_reason"] else None

        shown = wait_for(under_way)
        assert shown["status"] == "Pulling"
        assert "Downloading" in shown["status_reason"]
        assert " MiB" in shown["status_reason"]
        assert admin.get(f"images/{uuid}").json["status"] == "Pulling"
        assert settled(admin, uuid)["status_reason"] is None
    finally:
        cloud.runtime.conf.clear_override("pull_seconds", group="fake_engine")


def test_a_name_that_cannot_be_had_is_an_error_at_once_that_says_what_was_tried(
    admin: Member, engine: FakeEngine
) -> None:
    uuid = pull(admin, "registry.example.org/no-such:9")["uuid"]
    shown = settled(admin, uuid)
    assert shown["status"] == "Error"
    for word in ("registry.example.org/no-such:9", "without credentials", HOST, "image_pull_policy always"):
        assert word in shown["status_reason"]
    # asked again, the same row is tried again
    assert pull(admin, "registry.example.org/no-such:9")["uuid"] == uuid
    settled(admin, uuid)
    assert admin.delete(f"images/{uuid}").status == 204
    wait_for(lambda: admin.get(f"images/{uuid}").status == 404)


def test_a_registry_that_is_down_for_a_moment_is_asked_again(admin: Member, engine: FakeEngine) -> None:
    engine.set_fault(method="pull", error="registry_unavailable", times=1, match="moment")
    assert settled(admin, pull(admin, "moment")["uuid"])["status"] == "Available"


def test_one_that_stays_down_ends_in_an_error(admin: Member, member: Member, engine: FakeEngine) -> None:
    engine.set_fault(method="pull", error="registry_unavailable", message="no answer", match="down-for-good")
    image = pull(admin, "down-for-good")["uuid"]
    container = member.post("containers", {"image": "down-for-good"}).json["uuid"]
    shown = settled(admin, image, 30)
    assert shown["status"] == "Error"
    assert "tried 4 times" in shown["status_reason"]
    wait_for(lambda: member.show(container)["status"] == "Error", 30)
    assert "no answer" in member.show(container)["status_reason"]
    assert "tried 4 times" in member.show(container)["status_reason"]


def test_never_asks_no_registry(admin: Member) -> None:
    shown = settled(admin, pull(admin, "not-there-yet", image_pull_policy="never")["uuid"])
    assert shown["status"] == "Error"
    assert "never" in shown["status_reason"]


def test_an_image_is_on_a_host_once(admin: Member) -> None:
    uuid = pull(admin, "once")["uuid"]
    settled(admin, uuid)
    answer = admin.post("images", {"repo": "once:latest", "host": HOST})
    assert answer.status == 409
    assert uuid in error(answer)["detail"]
    assert error(answer)["code"] == "container.image-already-exists"


def test_deleting_takes_the_engines_image_as_well(admin: Member, engine: FakeEngine) -> None:
    uuid = pull(admin, "short-lived")["uuid"]
    settled(admin, uuid)
    answer = admin.delete(f"images/{uuid}")
    assert (answer.status, answer.body) == (204, b"")
    wait_for(lambda: admin.get(f"images/{uuid}").status == 404)
    assert engine.image_present("short-lived") is None


def test_one_that_a_container_needs_stays(admin: Member, member: Member) -> None:
    uuid = pull(admin, "docker.io/library/needed:latest")["uuid"]
    settled(admin, uuid)
    container = member.create(image="needed")
    answer = admin.delete(f"images/{uuid}")
    assert answer.status == 409
    assert "needed" in error(answer)["detail"]
    member.delete(f"containers/{container}?stop=true")
    member.gone(container)
    assert admin.delete(f"images/{uuid}").status == 204


def test_what_the_engine_refuses_to_delete_stays_with_the_reason(admin: Member, engine: FakeEngine) -> None:
    uuid = pull(admin, "held")["uuid"]
    settled(admin, uuid)
    engine.set_fault(method="image_delete", error="conflict", message="somebody holds it", match="held")
    assert admin.delete(f"images/{uuid}").status == 204
    wait_for(lambda: admin.get(f"images/{uuid}").json["status"] == "Available")
    assert "somebody holds it" in admin.get(f"images/{uuid}").json["status_reason"]


def test_deleting_ends_a_pull_under_way(admin: Member, cloud: Cloud, engine: FakeEngine) -> None:
    cloud.runtime.conf.set_override("pull_seconds", 60, group="fake_engine")
    try:
        uuid = pull(admin, "endless")["uuid"]
        wait_for(lambda: admin.get(f"images/{uuid}").json["status_reason"])
        assert admin.delete(f"images/{uuid}").status == 204
        wait_for(lambda: admin.get(f"images/{uuid}").status == 404)
        assert engine.image_present("endless") is None
    finally:
        cloud.runtime.conf.clear_override("pull_seconds", group="fake_engine")


def test_one_that_was_taken_behind_our_back_says_so_and_can_be_pulled_again(
    admin: Member, cloud: Cloud, engine: FakeEngine
) -> None:
    uuid, kept = pull(admin, "taken")["uuid"], pull(admin, "kept@sha256:" + "1" * 64)["uuid"]
    for ident in (uuid, kept):
        settled(admin, ident)
    engine.image_delete("taken")
    image_work.compare(cloud.runtime)
    shown = admin.get(f"images/{uuid}").json
    assert (shown["status"], admin.get(f"images/{kept}").json["status"]) == ("Error", "Available")
    assert "pull it again" in shown["status_reason"]
    assert pull(admin, "taken")["uuid"] == uuid
    assert settled(admin, uuid)["status"] == "Available"


def test_lists_are_sorted_and_paged(admin: Member) -> None:
    for name in ("page-a", "page-b", "page-c"):
        settled(admin, pull(admin, name)["uuid"])
    rows = admin.get("images?sort_key=repo&sort_dir=desc").json["images"]
    names = [row["repo"] for row in rows]
    assert names == sorted(names, reverse=True)
    first = admin.get("images?sort_key=repo&limit=2").json
    assert len(first["images"]) == 2
    assert first["next"]
    for bad in ("limit=0", "sort_key=shoe", "marker=nothing", "colour=red"):
        assert admin.get(f"images?{bad}").status == 400, bad


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "repo"),
        ({"repo": "box"}, "host"),
        ({"host": HOST}, "repo"),
        ({"repo": "b", "host": HOST}, "repo"),
        ({"repo": "b" * 256, "host": HOST}, "repo"),
        ({"repo": ["box"], "host": HOST}, "repo"),
        ({"repo": "box:", "host": HOST}, "repo"),
        ({"repo": "box:1", "host": HOST, "tag": "2"}, "tag"),
        ({"repo": "box", "host": HOST, "tag": "t" * 129}, "tag"),
        ({"repo": "box", "host": HOST, "image_pull_policy": "sometimes"}, "image_pull_policy"),
        ({"repo": "box", "host": HOST, "size": -1}, "size"),
        ({"repo": "box", "host": HOST, "colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named(admin: Member, body: dict[str, Any], word: str) -> None:
    answer = admin.post("images", body)
    assert answer.status == 400
    assert word in error(answer)["detail"]


def test_they_are_for_administrators(member: Member) -> None:
    assert member.get("images").status == 403
    assert member.get("images/any").status == 403
    assert member.delete("images/any").status == 403
    assert member.post("images", {"repo": "box", "host": HOST}).status == 403


def test_everybody_searches(member: Member) -> None:
    def names(query: str) -> list[str]:
        return [row["name"] for row in member.get(f"images/{query}").json]

    assert "busybox" in names("box/search")
    assert names("busybox/search?exact_match=true&image_driver=docker") == ["busybox"]
    assert names("box/search?exact_match=True") == []
    assert names("library/nothing-like-it/search") == []
    assert names("r.example.org:5000/team/nothing-like-it/search") == []
    assert member.get("images/box/search?image_driver=podman").status == 400
    assert member.get("images/box/search?colour=red").status == 400


def test_a_search_that_reaches_no_registry_says_so(member: Member, engine: FakeEngine) -> None:
    engine.set_fault(method="image_search", error="registry_unavailable", message="no way to docker.io")
    answer = member.get("images/box/search")
    assert answer.status == 503
    assert "no way to docker.io" in error(answer)["detail"]


@pytest.fixture
def validated(cloud: Cloud) -> Iterator[None]:
    """Images are validated before the answer."""
    cloud.runtime.conf.set_override("enable_image_validation", True, group="container")
    yield
    cloud.runtime.conf.clear_override("enable_image_validation", group="container")


@pytest.mark.usefixtures("validated")
def test_where_images_are_validated_one_that_cannot_be_had_is_refused_with_what_was_tried(
    member: Member,
) -> None:
    answer = member.post("containers", {"image": "no-such-image"})
    assert answer.status == 400
    assert error(answer)["code"] == "container.image-not-found"
    assert "no-such-image" in error(answer)["detail"] and "was asked without" in error(answer)["detail"]
    assert member.get("containers").json["containers"] == []
    assert member.show(member.create(image="an-image-to-be-found"))["status"] == "Running"


@pytest.mark.usefixtures("validated")
def test_a_registry_that_does_not_answer_refuses_nothing(member: Member) -> None:
    answer = member.post("containers", {"image": "unreachable.example.org/box"})
    assert answer.status == 202


def test_without_validation_it_ends_in_error(member: Member) -> None:
    assert member.show(member.create(image="no-such-image"))["status"] == "Error"
