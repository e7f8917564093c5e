"""Registries of a project: their life, their secrets, and containers whose images come from them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cloud import Cloud

from knarr.services.container.models import Registry

from .helpers import Member, error

STARS = "********"
SECRET = "a pass word that nobody sees"
DOMAIN = "private.example.org"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: Any) -> Iterator[Cloud]:
    """Where the registry private.example.org lets in nobody but jo."""
    made = Cloud(
        tmp_path_factory.mktemp("registries"),
        ["identity", "network", "container"],
        fake_engine__registries={DOMAIN: f"jo:{SECRET}"},
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(cloud: Cloud) -> Member:
    return Member(cloud, cloud.admin)


def make(member: Member, **given: Any) -> dict[str, Any]:
    answer = member.post("registries", {"registry": {"domain": DOMAIN, **given}})
    assert answer.status == 201, answer.body
    return dict(answer.json["registry"])


def test_a_registry_is_made_shown_changed_and_forgotten(member: Member) -> None:
    made = make(member, name="mine", username="jo", password=SECRET)
    assert {name: made[name] for name in ("name", "domain", "username", "password", "project_id")} == {
        "name": "mine",
        "domain": DOMAIN,
        "username": "jo",
        "password": STARS,
        "project_id": member.project_id,
    }
    for ident in ("mine", made["uuid"]):
        assert member.get(f"registries/{ident}").json["registry"] == made
    changed = member.call("PATCH", "registries/mine", {"registry": {"username": "al", "password": None}})
    assert changed.status == 200
    assert changed.json["registry"]["username"] == "al"
    assert changed.json["registry"]["password"] == STARS
    assert changed.json["registry"]["name"] == "mine"
    answer = member.delete("registries/mine")
    assert (answer.status, answer.body) == (204, b"")
    assert member.get("registries/mine").status == 404


def test_the_answer_says_where_it_is(member: Member) -> None:
    answer = member.post("registries", {"registry": {"domain": DOMAIN}})
    assert answer.headers["location"].endswith(f"/v1/registries/{answer.json['registry']['uuid']}")
    assert answer.json["registry"]["name"] is None


def test_the_password_is_kept_encrypted_and_told_to_nobody(
    cloud: Cloud, member: Member, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = make(member, username="jo", password=SECRET)
    shown = member.get(f"registries/{made['uuid']}")
    refused = member.post("registries", {"registry": {"domain": DOMAIN, "password": SECRET, "port": 1}})
    with cloud.runtime.db.read() as session:
        row = session.get(Registry, made["uuid"])
        assert row is not None and row.password is not None
    assert SECRET not in row.password
    assert cloud.runtime.secrets.decrypt(row.password) == SECRET
    assert SECRET.encode() not in shown.body + refused.body
    assert SECRET not in caplog.text


def test_they_are_listed_filtered_and_paged(member: Member) -> None:
    for name, domain in (("aa", "a.example.org"), ("bb", "b.example.org"), ("cc", "b.example.org")):
        make(member, name=name, domain=domain, username=f"user-{name}")

    def names(query: str) -> list[str]:
        return [row["name"] for row in member.get(f"registries?sort_key=name&{query}").json["registries"]]

    assert names("") == ["aa", "bb", "cc"]
    assert names("sort_dir=desc") == ["cc", "bb", "aa"]
    assert names("name=bb") == ["bb"]
    assert names("domain=b.example.org") == ["bb", "cc"]
    assert names("username=user-aa") == ["aa"]
    assert names(f"project_id={member.project_id}") == ["aa", "bb", "cc"]
    assert names("user_id=nobody") == []
    first = member.get("registries?limit=2&sort_key=name").json
    rest = member.person.get(
        first["next"].split("127.0.0.1:9140")[1], headers={"OpenStack-API-Version": "container 1.40"}
    ).json
    assert [row["name"] for row in first["registries"] + rest["registries"]] == ["aa", "bb", "cc"]
    for bad in ("limit=0", "sort_key=password", "marker=nothing", "colour=red"):
        assert member.get(f"registries?{bad}").status == 400, bad


def test_another_project_sees_none_of_them(cloud: Cloud, member: Member, admin: Member) -> None:
    made = make(member, name="alone", username="jo", password=SECRET)
    other = Member(cloud, cloud.person())
    assert other.get("registries").json["registries"] == []
    for ident in ("alone", made["uuid"]):
        assert other.get(f"registries/{ident}").status == 404
        assert other.call("PATCH", f"registries/{ident}", {"registry": {"username": "x"}}).status == 404
        assert other.delete(f"registries/{ident}").status == 404
        assert other.post("containers", {"image": "box", "registry": ident}).status == 404
    assert other.get("registries?all_projects=true").status == 403
    assert made["uuid"] in {r["uuid"] for r in admin.get("registries?all_projects=true").json["registries"]}
    assert admin.get(f"registries/{made['uuid']}").json["registry"]["password"] == STARS
    # An administrator may look at it, but not have it used for a container of the administrator's project
    assert admin.post("containers", {"image": "box", "registry": made["uuid"]}).status == 404


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "domain"),
        ({"domain": ""}, "domain"),
        ({"domain": "https://a.example.org"}, "domain"),
        ({"domain": "a.example.org/path"}, "domain"),
        ({"domain": 5}, "domain"),
        ({"domain": "d" * 256}, "domain"),
        ({"domain": DOMAIN, "name": "x"}, "name"),
        ({"domain": DOMAIN, "name": "sp ace"}, "name"),
        ({"domain": DOMAIN, "username": "u" * 256}, "username"),
        ({"domain": DOMAIN, "password": ["p"]}, "password"),
        ({"domain": DOMAIN, "colour": "red"}, "colour"),
    ],
)
def test_a_bad_field_is_named(member: Member, body: dict[str, Any], word: str) -> None:
    answer = member.post("registries", {"registry": body})
    assert answer.status == 400
    assert word in error(answer)["detail"]


def test_without_its_envelope_the_body_is_refused(member: Member) -> None:
    assert "'registry'" in error(member.post("registries", {"domain": DOMAIN}))["detail"]


@pytest.mark.parametrize("version", ["1.1", "1.29"])
def test_they_came_with_1_30(member: Member, version: str) -> None:
    assert member.get("registries", version).status == 406
    assert member.post("registries", {"registry": {"domain": DOMAIN}}, version).status == 406


def test_on_containers_they_came_with_1_31(member: Member) -> None:
    make(member, name="later")
    answer = member.post("containers", {"image": "box", "registry": "later"}, "1.30")
    assert answer.status == 400
    assert "1.31" in error(answer)["detail"]


def test_an_image_is_pulled_with_the_credentials_of_its_registry(member: Member) -> None:
    made = make(member, name="mine", username="jo", password=SECRET)
    uuid = member.create(image="team/box:2", registry="mine")
    shown = member.show(uuid)
    assert (shown["status"], shown["registry_id"]) == ("Running", made["uuid"])
    assert shown["image"] == "team/box:2"
    # The full name means the same
    assert member.show(member.create(image=f"{DOMAIN}/team/box:2", registry="mine"))["status"] == "Running"


def outcome(member: Member, image: str, **more: Any) -> tuple[str, str]:
    shown = member.show(member.create(image=image, **more))
    return shown["status"], shown["status_reason"] or ""


def change_password(member: Member, registry: str, password: str) -> None:
    answer = member.call("PATCH", f"registries/{registry}", {"registry": {"password": password}})
    assert answer.status == 200, answer.body


def test_what_came_with_credentials_is_used_by_who_has_them_only(cloud: Cloud, member: Member) -> None:
    make(member, name="right", username="jo", password=SECRET)
    uuid = member.create(image="team/own:1", registry="right")
    other, image = Member(cloud, cloud.person()), f"{DOMAIN}/team/own:1"
    make(other, name="wrong", username="jo", password="guessed")
    for more, whom in (({}, "without credentials"), ({"registry": "wrong"}, "as user 'jo'")):
        status, reason = outcome(other, image, **more)
        assert status == "Error"
        assert whom in reason
        assert "image_pull_policy ifnotpresent" in reason
    make(other, name="right", username="jo", password=SECRET)
    assert outcome(other, image, registry="right")[0] == "Running"
    # Who was let in once is not asked again
    for who in (member, other):
        change_password(who, "right", "changed")
        assert outcome(who, image, registry="right")[0] == "Running"
    assert member.post(f"containers/{uuid}/rebuild").status == 202
    assert member.settled(uuid)["status"] == "Running"


def test_under_the_policy_never_what_came_with_credentials_of_others_is_refused(
    member: Member, admin: Member
) -> None:
    make(member, name="right", username="jo", password=SECRET)
    member.create(image="team/never:1", registry="right")
    status, reason = outcome(admin, f"{DOMAIN}/team/never:1", image_pull_policy="never")
    assert status == "Error"
    assert "credentials of others" in reason


def test_what_needed_no_credentials_is_everybodys(cloud: Cloud, member: Member) -> None:
    make(member, name="open", domain="open.example.org", username="jo", password=SECRET)
    assert outcome(member, "team/open:1", registry="open")[0] == "Running"
    other = Member(cloud, cloud.person())
    for _ in range(2):
        assert outcome(other, "open.example.org/team/open:1")[0] == "Running"


def test_wrong_credentials_or_none_end_in_an_error_that_says_who_was_asked_as_whom(member: Member) -> None:
    make(member, name="wrong", username="jo", password="guessed")
    shown = member.show(member.create(image="team/other:1", registry="wrong"))
    assert shown["status"] == "Error"
    for word in (f"{DOMAIN}/team/other:1", DOMAIN, "as user 'jo'", "image_pull_policy"):
        assert word in shown["status_reason"]
    assert "guessed" not in shown["status_reason"]
    without = member.show(member.create(image=f"{DOMAIN}/team/other:1"))
    assert "without credentials" in without["status_reason"]


def test_a_password_whose_key_is_lost_is_asked_for_anew(cloud: Cloud, member: Member) -> None:
    made = make(member, name="mine", username="jo", password=SECRET)
    with cloud.runtime.db.write() as session:
        row = session.get(Registry, made["uuid"])
        assert row is not None
        row.password = "not of this key"
    shown = member.show(member.create(image="team/lost:1", registry="mine"))
    assert shown["status"] == "Error"
    assert "set it again" in shown["status_reason"]
    assert str(cloud.runtime.state_dir) not in shown["status_reason"]


def test_credentials_do_not_go_to_another_registry(member: Member) -> None:
    make(member, name="mine", username="jo", password=SECRET)
    answer = member.post("containers", {"image": "elsewhere.example.org/box", "registry": "mine"})
    assert answer.status == 400
    assert "elsewhere.example.org" in error(answer)["detail"]


def test_a_name_without_a_dot_is_a_host_and_no_user_of_docker_hub(member: Member) -> None:
    make(member, name="short", domain="box")
    shown = member.show(member.create(image="missing-image", registry="short"))
    assert "box:443/missing-image" in shown["status_reason"]


def test_one_in_use_stays(member: Member) -> None:
    make(member, name="mine", username="jo", password=SECRET)
    uuid = member.create(image="team/box:2", registry="mine")
    answer = member.delete("registries/mine")
    assert answer.status == 409
    assert uuid in error(answer)["detail"]
    moved = member.call("PATCH", "registries/mine", {"registry": {"domain": "new.example.org"}})
    assert moved.status == 409
    assert member.call("PATCH", "registries/mine", {"registry": {"name": "own"}}).status == 200
    assert member.delete(f"containers/{uuid}?stop=true").status == 204
    member.gone(uuid)
    assert member.delete("registries/own").status == 204


def test_two_of_one_name_are_told_apart_by_id(member: Member) -> None:
    twins = [make(member, name="twin") for _ in range(2)]
    assert member.get("registries/twin").status == 409
    assert member.get(f"registries/{twins[0]['uuid']}").status == 200
    assert member.post("containers", {"image": "box", "registry": "twin"}).status == 409


def test_glance_has_no_registries(member: Member) -> None:
    make(member, name="mine")
    answer = member.post("containers", {"image": "box", "image_driver": "glance", "registry": "mine"})
    assert answer.status == 400
    assert "registry" in error(answer)["detail"]


def test_the_default_registry_serves_names_without_a_domain(tmp_path: Any) -> None:
    cloud = Cloud(
        tmp_path,
        ["identity", "network", "container"],
        fake_engine__registries={DOMAIN: f"jo:{SECRET}"},
        docker__default_registry=DOMAIN,
        docker__default_registry_username="jo",
        docker__default_registry_password=SECRET,
    )
    try:
        member = Member(cloud, cloud.person())
        assert member.show(member.create(image="team/box:2"))["status"] == "Running"
        absent = member.show(member.create(image="missing-image"))
        assert f"{DOMAIN}/missing-image" in absent["status_reason"]
        assert "as user 'jo'" in absent["status_reason"]
        elsewhere = member.show(member.create(image="other.example.org/missing-image"))
        assert "other.example.org was asked without credentials" in elsewhere["status_reason"]
    finally:
        cloud.close()
