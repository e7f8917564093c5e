"""Application credentials and trusts: acting for a user without its password."""

import pytest

from .helpers import PASSWORD, by_password, role_names, unique


def subject(answer):
    return answer.headers["x-subject-token"]


def credential(api, bob, token=None, **values):
    body = {"name": unique("credential"), **values}
    path = f"/v3/users/{bob.id}/application_credentials"
    return api.post(path, {"application_credential": body}, token=token or bob.token)


def enter(api, ident, secret, scope=None):
    method = {"id": ident, "secret": secret}
    return api.authenticate({"methods": ["application_credential"], "application_credential": method}, scope)


class TestApplicationCredentials:
    @pytest.fixture
    def made(self, api, bob):
        answer = credential(api, bob)
        assert answer.status == 201
        return answer.body["application_credential"]

    def test_gives_a_token_on_its_project_with_its_roles(self, api, bob, made):
        answer = enter(api, made["id"], made["secret"])
        token = answer.body["token"]
        assert answer.status == 201
        assert token["project"]["id"] == bob.project
        assert token["user"]["id"] == bob.id
        assert token["methods"] == ["application_credential"]
        assert token["application_credential"] == {
            "id": made["id"],
            "name": made["name"],
            "restricted": True,
        }
        assert role_names(answer) == ["member", "reader"]

    def test_by_name_and_user(self, api, bob, made):
        for user in ({"id": bob.id}, {"name": bob.name, "domain": {"id": "default"}}):
            method = {"name": made["name"], "user": user, "secret": made["secret"]}
            answer = api.authenticate(
                {"methods": ["application_credential"], "application_credential": method}
            )
            assert answer.status == 201

    def test_the_secret_is_told_once(self, api, bob, made):
        path = f"/v3/users/{bob.id}/application_credentials"
        shown = api.get(f"{path}/{made['id']}", token=bob.token).body["application_credential"]
        assert "secret" not in shown
        assert shown == {name: value for name, value in made.items() if name != "secret"}
        assert api.get(path, token=bob.token).body["application_credentials"] == [shown]
        assert api.get(f"{path}?name=other", token=bob.token).body["application_credentials"] == []

    def test_an_own_secret_and_fewer_roles(self, api, bob):
        made = credential(api, bob, secret="my own secret", roles=[{"name": "reader"}])
        made = made.body["application_credential"]
        assert made["secret"] == "my own secret"
        assert role_names(enter(api, made["id"], "my own secret")) == ["reader"]

    def test_what_is_refused(self, api, bob, made):
        for answer in (
            enter(api, made["id"], "wrong"),
            enter(api, "nothing", made["secret"]),
            enter(api, made["id"], made["secret"], {"project": {"id": bob.project}}),
        ):
            assert answer.status == 401
        assert credential(api, bob, roles=[{"name": "admin"}]).status == 400
        assert credential(api, bob, roles=[{"id": "no-such-role"}]).status == 400
        assert credential(api, bob, roles=[{"name": "no-such-role"}]).status == 404
        assert credential(api, bob, name=made["name"]).status == 409
        assert credential(api, bob, expires_at="2020-01-01T00:00:00Z").status == 400
        assert credential(api, bob, expires_at="soon").status == 400
        assert credential(api, bob, access_rules=[{"path": "/v1", "method": "GET"}]).status == 400
        assert credential(api, bob, access_rules=[]).status == 201
        assert credential(api, bob, token=subject(api.login(bob.name))).status == 403

    def test_nobody_else_makes_or_sees_them(self, api, bob, carol, made):
        path = f"/v3/users/{bob.id}/application_credentials"
        assert credential(api, bob, token=carol.token).status == 403
        assert credential(api, bob, token=api.admin).status == 403
        assert api.get(path, token=carol.token).status == 403
        assert api.get(f"{path}/{made['id']}", token=carol.token).status == 403
        assert api.delete(f"{path}/{made['id']}", token=carol.token).status == 403
        own = f"/v3/users/{carol.id}/application_credentials/{made['id']}"
        assert api.get(own, token=carol.token).status == 404

    def test_tokens_end_with_the_credential(self, api, bob, made):
        token = subject(enter(api, made["id"], made["secret"]))
        assert api.is_valid(token)
        path = f"/v3/users/{bob.id}/application_credentials/{made['id']}"
        assert api.delete(path, token=bob.token).status == 204
        assert not api.is_valid(token)
        assert enter(api, made["id"], made["secret"]).status == 401

    def test_a_role_that_the_user_lost_is_lost_here_too(self, api, bob, made):
        token = subject(enter(api, made["id"], made["secret"]))
        api.delete(f"/v3/projects/{bob.project}/users/{bob.id}/roles/{api.role('member')}")
        assert not api.is_valid(token)
        assert enter(api, made["id"], made["secret"]).status == 401
        api.grant("admin", bob.id, bob.project)
        assert role_names(enter(api, made["id"], made["secret"])) == ["member", "reader"]

    def test_a_restricted_one_makes_no_further_ones(self, api, bob, made):
        token = subject(enter(api, made["id"], made["secret"]))
        assert credential(api, bob, token=token).status == 403
        path = f"/v3/users/{bob.id}/application_credentials/{made['id']}"
        assert api.delete(path, token=token).status == 403
        free = credential(api, bob, unrestricted=True).body["application_credential"]
        assert credential(api, bob, token=subject(enter(api, free["id"], free["secret"]))).status == 201

    def test_its_token_is_not_exchanged(self, api, bob, made):
        token = subject(enter(api, made["id"], made["secret"]))
        assert api.rescope(token, {"project": {"id": bob.project}}).status == 403

    def test_its_token_ends_with_it(self, api, bob):
        made = credential(api, bob, expires_at="2999-01-01T00:00:00").body["application_credential"]
        # Without a zone, as Keystone shows it: gophercloud reads it in this form and in no other.
        assert made["expires_at"] == "2999-01-01T00:00:00.000000"
        token = enter(api, made["id"], made["secret"]).body["token"]
        assert token["expires_at"] < "2999"


class TestTrusts:
    def make(self, api, bob, carol, token=None, **values):
        body = {
            "trustor_user_id": bob.id,
            "trustee_user_id": carol.id,
            "project_id": bob.project,
            "impersonation": True,
            "roles": [{"name": "member"}],
            **values,
        }
        return api.post("/v3/OS-TRUST/trusts", {"trust": body}, token=token or bob.token)

    def use(self, api, who, trust):
        return api.authenticate(by_password(who.name), {"OS-TRUST:trust": {"id": trust["id"]}})

    @pytest.fixture
    def trust(self, api, bob, carol):
        answer = self.make(api, bob, carol)
        assert answer.status == 201, answer.body
        return answer.body["trust"]

    def test_the_trustee_acts_as_the_trustor(self, api, bob, carol, trust):
        answer = self.use(api, carol, trust)
        token = answer.body["token"]
        assert token["user"]["id"] == bob.id
        assert token["project"]["id"] == bob.project
        assert token["OS-TRUST:trust"] == {
            "id": trust["id"],
            "impersonation": True,
            "trustor_user": {"id": bob.id},
            "trustee_user": {"id": carol.id},
        }
        assert role_names(answer) == ["member", "reader"]
        assert api.is_valid(subject(answer))

    def test_or_as_itself(self, api, bob, carol):
        trust = self.make(api, bob, carol, impersonation=False, roles=[{"name": "reader"}]).body["trust"]
        answer = self.use(api, carol, trust)
        assert answer.body["token"]["user"]["id"] == carol.id
        assert role_names(answer) == ["reader"]

    def test_only_the_trustee_uses_it(self, api, bob, carol, trust):
        assert self.use(api, bob, trust).status == 401
        assert self.use(api, api.person(), trust).status == 401
        assert self.use(api, carol, {"id": "nothing"}).status == 401

    def test_uses_are_counted(self, api, bob, carol):
        trust = self.make(api, bob, carol, remaining_uses=2).body["trust"]
        assert [self.use(api, carol, trust).status for _ in range(3)] == [201, 201, 401]
        shown = api.get(f"/v3/OS-TRUST/trusts/{trust['id']}", token=bob.token).body["trust"]
        assert shown["remaining_uses"] == 0

    def test_tokens_end_with_the_trust(self, api, bob, carol, trust):
        token = subject(self.use(api, carol, trust))
        assert api.delete(f"/v3/OS-TRUST/trusts/{trust['id']}", token=carol.token).status == 403
        assert api.delete(f"/v3/OS-TRUST/trusts/{trust['id']}", token=bob.token).status == 204
        assert not api.is_valid(token)
        assert self.use(api, carol, trust).status == 401

    @pytest.mark.parametrize("party", ["bob", "carol"])
    def test_tokens_end_when_one_of_both_is_disabled(self, api, bob, carol, trust, party):
        token = subject(self.use(api, carol, trust))
        user = {"bob": bob, "carol": carol}[party]
        api.patch(f"/v3/users/{user.id}", {"user": {"enabled": False}})
        assert not api.is_valid(token)

    def test_what_the_trustor_lost_cannot_be_used(self, api, bob, carol, trust):
        token = subject(self.use(api, carol, trust))
        api.delete(f"/v3/projects/{bob.project}/users/{bob.id}/roles/{api.role('member')}")
        assert not api.is_valid(token)

    def test_what_is_refused(self, api, bob, carol):
        assert self.make(api, bob, carol, roles=[{"name": "admin"}]).status == 404
        assert self.make(api, bob, carol, roles=[{"id": "no-such-role"}]).status == 404
        assert self.make(api, bob, carol, roles=[{"name": "no-such-role"}]).status == 404
        assert self.make(api, bob, carol, roles=[]).status == 403
        assert self.make(api, bob, carol, project_id=carol.project).status == 403
        assert self.make(api, bob, carol, trustor_user_id=carol.id).status == 403
        assert self.make(api, bob, carol, token=carol.token).status == 403
        assert self.make(api, bob, carol, trustee_user_id="nobody").status == 404
        assert self.make(api, bob, carol, expires_at="2020-01-01T00:00:00Z").status == 400
        assert self.make(api, bob, carol, remaining_uses=0).status == 400
        assert self.make(api, bob, carol, redelegation_count=1).status == 400

    def test_lists_are_for_the_parties(self, api, bob, carol, trust):
        assert api.get("/v3/OS-TRUST/trusts", token=bob.token).status == 403
        for party, who in (("trustor", bob), ("trustee", carol)):
            path = f"/v3/OS-TRUST/trusts?{party}_user_id={who.id}"
            assert [row["id"] for row in api.get(path, token=who.token).body["trusts"]] == [trust["id"]]
            assert api.get(path, token=api.person().token).status == 403
        path = f"/v3/OS-TRUST/trusts/{trust['id']}"
        assert api.get(path, token=carol.token).body["trust"] == trust
        assert api.get(path, token=api.person().token).status == 403
        roles = api.get(f"{path}/roles", token=carol.token).body["roles"]
        assert [role["name"] for role in roles] == ["member"]
        assert api.head(f"{path}/roles/{roles[0]['id']}", token=carol.token).status == 200
        assert api.head(f"{path}/roles/nothing", token=carol.token).status == 404

    def test_passing_on(self, api, bob, carol):
        dave = api.person()
        first = self.make(api, bob, carol, allow_redelegation=True, redelegation_count=1).body["trust"]
        token = subject(self.use(api, carol, first))
        second = self.make(api, bob, dave, token=token, roles=[{"name": "reader"}])
        assert second.status == 201
        second = second.body["trust"]
        assert second["redelegated_trust_id"] == first["id"]
        assert second["redelegation_count"] == 0
        assert self.make(api, bob, dave, token=token, roles=[{"name": "admin"}]).status == 403
        answer = self.use(api, dave, second)
        assert role_names(answer) == ["reader"]
        assert self.make(api, bob, carol, token=subject(answer)).status == 403
        api.delete(f"/v3/OS-TRUST/trusts/{first['id']}", token=bob.token)
        assert not api.is_valid(subject(answer))

    def test_what_can_be_passed_on_has_no_count_of_uses(self, api, bob, carol):
        refused = self.make(api, bob, carol, allow_redelegation=True, remaining_uses=2)
        assert refused.status == 400
        assert "remaining_uses" in refused.message

    def test_a_trusts_token_makes_nothing_that_outlives_it(self, api, bob, carol, trust):
        token = subject(self.use(api, carol, trust))
        assert self.make(api, bob, carol, token=token).status == 403
        assert credential(api, bob, token=token).status == 403
        assert api.rescope(token, "unscoped").status == 403

    def test_nothing_is_left_of_a_deleted_user(self, api, bob, carol, trust):
        api.delete(f"/v3/users/{carol.id}")
        assert api.get(f"/v3/OS-TRUST/trusts/{trust['id']}").status == 404

    def test_the_password_of_the_trustor_revokes(self, api, bob, carol, trust):
        token = subject(self.use(api, carol, trust))
        change = {"user": {"original_password": PASSWORD, "password": "battery staple"}}
        api.post(f"/v3/users/{bob.id}/password", change, token=None)
        assert not api.is_valid(token)
        assert self.use(api, carol, trust).status == 201
