"""Secrets that are kept for users: /v3/credentials."""

import hashlib
import json

import pytest
from sqlalchemy import select

from knarr.core.identity.models import Credential


def keep(api, person, token=None, **values):
    body = {"type": "cert", "blob": "a secret of mine", "user_id": person.id, **values}
    return api.post("/v3/credentials", {"credential": body}, token=token or person.token)


@pytest.fixture
def kept(api, bob):
    answer = keep(api, bob)
    assert answer.status == 201
    return answer.body["credential"]


def path(kept):
    return f"/v3/credentials/{kept['id']}"


def test_the_owner_has_them_back_changes_and_deletes_them(api, bob, kept):
    assert kept["blob"] == "a secret of mine"
    assert api.get(path(kept), token=bob.token).body == {"credential": kept}
    change = {"blob": "another", "type": "key", "project_id": bob.project, "colour": "red"}
    changed = api.patch(path(kept), {"credential": change}, token=bob.token)
    assert changed.body["credential"] == {**kept, **change}
    assert api.delete(path(kept), token=bob.token).status == 204
    assert api.get(path(kept)).status == 404


def test_nobody_else_sees_or_touches_them(api, bob, carol, kept):
    assert api.get("/v3/credentials", token=carol.token).body["credentials"] == []
    assert api.get(f"/v3/credentials?user_id={bob.id}", token=carol.token).body["credentials"] == []
    for method, body in (("GET", None), ("PATCH", {"credential": {"blob": "x"}}), ("DELETE", None)):
        assert api.call(method, path(kept), body, token=carol.token).status == 403
    assert keep(api, bob, token=carol.token).status == 403
    assert api.get(path(kept)).body["credential"] == kept


def test_they_cannot_be_foisted_on_another_user(api, bob, carol, kept):
    change = {"credential": {"user_id": carol.id}}
    assert api.patch(path(kept), change, token=bob.token).status == 403
    assert api.patch(path(kept), change).body["credential"]["user_id"] == carol.id
    assert api.get(path(kept), token=bob.token).status == 403


def test_what_is_kept_is_not_in_the_database_in_clear(api, cloud, bob):
    keep(api, bob, blob="find-me-if-you-can")
    with cloud.db.read() as session:
        stored = session.scalars(select(Credential.encrypted_blob)).all()
    assert stored
    assert not any("find-me-if-you-can" in blob for blob in stored)


def test_the_id_of_an_ec2_credential_is_made_from_its_access_key(api, bob):
    blob = json.dumps({"access": f"key-of-{bob.id}", "secret": "s"})
    made = keep(api, bob, type="ec2", blob=blob, project_id=bob.project)
    assert made.body["credential"]["id"] == hashlib.sha256(f"key-of-{bob.id}".encode()).hexdigest()
    assert keep(api, bob, type="ec2", blob=blob, project_id=bob.project).status == 409


@pytest.mark.parametrize(
    ("values", "status", "named"),
    [
        ({"type": "ec2", "blob": "no json"}, 400, "blob"),
        ({"type": "ec2", "blob": "[]"}, 400, "blob"),
        ({"type": "ec2", "blob": '{"access": "a b"}'}, 400, "blob"),
        ({"type": "ec2", "blob": '{"access": "a"}'}, 400, "project_id"),
        ({"project_id": "nothing"}, 404, "nothing"),
        ({"blob": "x" * 12001}, 400, "blob"),
        ({"blob": {"a": 1}}, 400, "blob"),
        ({"type": ""}, 400, "type"),
    ],
)
def test_bad_ones_are_refused_by_name(api, bob, values, status, named):
    answer = keep(api, bob, **values)
    assert answer.status == status
    assert named in answer.message


def test_an_unknown_user_is_not_found(api):
    body = {"credential": {"type": "cert", "blob": "b", "user_id": "nobody"}}
    assert api.post("/v3/credentials", body).status == 404


def test_they_go_with_their_user(api):
    dave = api.person()
    kept = keep(api, dave).body["credential"]
    api.delete(f"/v3/users/{dave.id}")
    assert api.get(path(kept)).status == 404
