"""The option `immutable` of projects, domains and roles."""

import pytest

from .helpers import PASSWORD

KINDS = ("project", "domain", "role")
SET, FREE = {"options": {"immutable": True}}, {"options": {"immutable": False}}


@pytest.mark.parametrize("kind", KINDS)
class TestImmutable:
    @pytest.fixture
    def made(self, api, kind):
        return api.make(kind, **SET, **({"enabled": False} if kind == "domain" else {}))

    def path(self, kind, made):
        return f"/v3/{kind}s/{made['id']}"

    def test_nothing_changes_it(self, api, kind, made):
        path = self.path(kind, made)
        for change in ({"description": "x"}, {"colour": "red"}, {"name": "x", **FREE}, SET | {"name": "x"}):
            refused = api.patch(path, {kind: change})
            assert refused.status == 403
            assert "immutable" in refused.message
        assert api.delete(path).status == 403
        assert api.get(path).body == {kind: made}

    @pytest.mark.parametrize("free", [FREE, {"options": {"immutable": None}}])
    def test_once_it_is_taken_back_all_goes_again(self, api, kind, made, free):
        path = self.path(kind, made)
        assert api.patch(path, {kind: free}).status == 200
        assert api.patch(path, {kind: {"description": "x"}}).status == 200
        assert api.delete(path).status == 204

    def test_it_can_be_set_later(self, api, kind):
        made = api.make(kind)
        assert api.patch(self.path(kind, made), {kind: SET}).body[kind]["options"] == {"immutable": True}
        assert api.patch(self.path(kind, made), {kind: {"description": "x"}}).status == 403

    @pytest.mark.parametrize("options", [{"immutable": "yes"}, {"no_such_option": True}, [], 7])
    def test_bad_options_are_refused(self, api, kind, options):
        answer = api.post(f"/v3/{kind}s", {kind: {"name": "x", "options": options}})
        assert answer.status == 400
        assert "options" in answer.message


def test_the_tags_of_an_immutable_project_stay(api):
    path = f"/v3/projects/{api.make('project', tags=['a'], **SET)['id']}/tags"
    for answer in (
        api.put(path, {"tags": []}),
        api.delete(path),
        api.put(f"{path}/b"),
        api.delete(f"{path}/a"),
    ):
        assert answer.status == 403
    assert api.get(path).body["tags"] == ["a"]


def test_roles_may_still_be_given_on_it(api):
    project, user = api.make("project", **SET)["id"], api.make("user", password=PASSWORD)
    api.grant("member", user["id"], project)
    assert api.login(user["name"], scope={"project": {"id": project}}).status == 201


def test_the_roles_of_the_first_start_are_immutable(api):
    for name in ("admin", "manager", "member", "reader"):
        assert api.delete(f"/v3/roles/{api.role(name)}").status == 403
