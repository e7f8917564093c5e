"""Sharing an image with another project."""

from __future__ import annotations

import pytest
from tests.api.image.conftest import IMAGES


@pytest.fixture
def shared(make):
    return f"{IMAGES}/{make(name='shared-one', data=b'x')['id']}"


def listed(person, query=""):
    return "shared-one" in {image["name"] for image in person.get(f"{IMAGES}?{query}").json["images"]}


def test_a_member_sees_the_image_and_lists_it_once_it_has_accepted(member, other, shared):
    answer = member.post(f"{shared}/members", {"member": other.project_id})
    assert answer.status == 200, answer.body
    assert (answer.json["member_id"], answer.json["status"]) == (other.project_id, "pending")
    assert other.get(shared).status == 200
    assert other.get(f"{shared}/file").body == b"x"
    assert not listed(other)
    assert listed(other, "visibility=shared&member_status=pending")
    path = f"{shared}/members/{other.project_id}"
    assert other.put(path, {"status": "accepted"}).json["status"] == "accepted"
    assert listed(other)
    assert other.put(path, {"status": "rejected"}).json["status"] == "rejected"
    assert not listed(other)
    assert listed(other, "member_status=all")


def test_a_project_that_is_no_member_any_more_does_not_see_it(member, other, shared):
    member.post(f"{shared}/members", {"member": other.project_id})
    assert member.delete(f"{shared}/members/{other.project_id}").status == 204
    assert other.get(shared).status == 404
    assert member.delete(f"{shared}/members/{other.project_id}").status == 404


def test_a_member_sees_itself_alone(cloud, member, other, shared):
    third = cloud.person()
    for person in (other, third):
        member.post(f"{shared}/members", {"member": person.project_id})
    assert len(member.get(f"{shared}/members").json["members"]) == 2
    found = other.get(f"{shared}/members").json["members"]
    assert [row["member_id"] for row in found] == [other.project_id]
    assert other.get(f"{shared}/members/{third.project_id}").status == 404
    assert other.get(f"{shared}/members/{other.project_id}").status == 200


def test_only_the_member_accepts_and_only_the_owner_shares(member, other, shared):
    member.post(f"{shared}/members", {"member": other.project_id})
    path = f"{shared}/members/{other.project_id}"
    assert member.put(path, {"status": "accepted"}).status == 403
    assert other.post(f"{shared}/members", {"member": "third"}).status == 403
    assert other.delete(path).status == 403


def test_a_project_is_a_member_once(member, other, shared):
    member.post(f"{shared}/members", {"member": other.project_id})
    assert member.post(f"{shared}/members", {"member": other.project_id}).status == 409


def test_only_shared_images_have_members(member, make):
    path = f"{IMAGES}/{make(visibility='private')['id']}/members"
    assert member.get(path).status == 403
    assert member.post(path, {"member": "x"}).status == 403


@pytest.mark.parametrize(
    "body", [{}, {"member": 5}, {"member": ""}, {"member": "m" * 65}, {"member": "x", "more": 1}]
)
def test_a_wrong_member_is_named(member, shared, body):
    answer = member.post(f"{shared}/members", body)
    assert (answer.status, "member" in answer.json["error"]["message"]) == (400, True)


@pytest.mark.parametrize("body", [{}, {"status": "perhaps"}, {"status": "accepted", "more": 1}])
def test_a_wrong_status_is_named(member, other, shared, body):
    member.post(f"{shared}/members", {"member": other.project_id})
    answer = other.put(f"{shared}/members/{other.project_id}", body)
    assert (answer.status, "status" in answer.json["error"]["message"]) == (400, True)


def test_an_image_has_a_limited_number_of_members(member, shared):
    for number in range(128):
        assert member.post(f"{shared}/members", {"member": f"project-{number}"}).status == 200
    assert member.post(f"{shared}/members", {"member": "one-more"}).status == 413


def test_a_body_that_names_another_member_is_refused(member, other, shared):
    member.post(f"{shared}/members", {"member": other.project_id})
    path = f"{shared}/members/{other.project_id}"
    assert other.put(path, {"status": "accepted", "member": other.project_id}).status == 200
    assert other.put(path, {"status": "accepted", "member": "another"}).status == 400
