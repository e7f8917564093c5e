"""Logging in, what a token says, and what ends it."""

import pytest

from .helpers import PASSWORD, by_password, role_names, unique

WRONG = "The request you have made requires authentication."


def subject(answer):
    return answer.headers["x-subject-token"]


class TestPassword:
    def test_a_project_scoped_token_tells_who_where_and_what(self, api, bob):
        answer = api.login(bob.name, scope={"project": {"id": bob.project}})
        token = answer.body["token"]
        assert answer.status == 201
        assert token["user"]["id"] == bob.id
        assert token["user"]["domain"] == {"id": "default", "name": "Default"}
        assert token["project"]["id"] == bob.project
        assert token["project"]["domain"] == {"id": "default", "name": "Default"}
        assert token["methods"] == ["password"]
        assert token["is_domain"] is False
        assert role_names(answer) == ["member", "reader"]
        assert len(token["audit_ids"]) == 1
        assert token["issued_at"] < token["expires_at"]
        assert answer.headers["vary"] == "X-Auth-Token"

    def test_a_user_may_be_named_by_id_or_by_name_and_domain(self, api, bob):
        for who in (
            {"id": bob.id},
            {"name": bob.name, "domain": {"id": "default"}},
            {"name": bob.name, "domain": {"name": "Default"}},
        ):
            answer = api.authenticate(
                {"methods": ["password"], "password": {"user": {**who, "password": PASSWORD}}}
            )
            assert answer.status == 201
            assert answer.body["token"]["user"]["id"] == bob.id

    def test_without_a_scope_it_is_unscoped(self, api, bob):
        token = api.login(bob.name).body["token"]
        assert not {"project", "domain", "system", "roles", "catalog"} & set(token)

    def test_the_default_project_is_taken_if_there_is_one(self, api, bob):
        api.patch(f"/v3/users/{bob.id}", {"user": {"default_project_id": bob.project}})
        assert api.login(bob.name).body["token"]["project"]["id"] == bob.project
        assert "project" not in api.login(bob.name, scope="unscoped").body["token"]
        assert "project" not in api.login(bob.name, scope={"unscoped": {}}).body["token"]

    def test_a_default_project_without_a_role_does_not_hinder_the_login(self, api, bob):
        other = api.make("project")
        api.patch(f"/v3/users/{bob.id}", {"user": {"default_project_id": other["id"]}})
        answer = api.login(bob.name)
        assert answer.status == 201
        assert "project" not in answer.body["token"]

    def test_what_was_wrong_is_not_told(self, api, bob):
        nobody = api.make("user")  # has no password
        disabled = api.make("user", password=PASSWORD, enabled=False)
        for answer in (
            api.login(bob.name, "wrong"),
            api.login(bob.name, ""),
            api.login("no-such-user"),
            api.login(nobody["name"]),
            api.login(disabled["name"]),
            api.authenticate(
                {
                    "methods": ["password"],
                    "password": {
                        "user": {"name": bob.name, "domain": {"name": "no-such"}, "password": PASSWORD}
                    },
                }
            ),
            api.login(bob.name, scope={"project": {"id": "no-such-project"}}),
            api.login(bob.name, project="admin"),
            api.login(bob.name, scope={"domain": {"id": "default"}}),
            api.login(bob.name, scope={"domain": {"name": "no-such-domain"}}),
            api.login(bob.name, scope={"system": {"all": True}}),
        ):
            assert answer.status == 401
            assert answer.body == {"error": {"code": 401, "title": "Unauthorized", "message": WRONG}}
            assert answer.headers["www-authenticate"].startswith("Keystone uri=")

    @pytest.mark.parametrize(
        ("auth", "named"),
        [
            ({}, "identity"),
            ({"identity": {}}, "methods"),
            ({"identity": {"methods": []}}, "methods"),
            ({"identity": {"methods": "password"}}, "methods"),
            ({"identity": {"methods": ["password"]}}, "password"),
            ({"identity": {"methods": ["password"], "password": {}}}, "user"),
            ({"identity": {"methods": ["password"], "password": {"user": {"name": "x"}}}}, "password"),
            (
                {"identity": {"methods": ["password"], "password": {"user": {"name": "x", "password": "y"}}}},
                "domain",
            ),
            ({"identity": {"methods": ["password"], "password": {"user": {"password": "y"}}}}, "user"),
            ({"identity": by_password("admin", 7)}, "password"),
            ({"identity": by_password("admin"), "scope": []}, "scope"),
            ({"identity": by_password("admin"), "scope": {"system": {"all": False}}}, "all"),
            ({"identity": by_password("admin"), "colour": "red"}, "colour"),
            ({"identity": {"methods": ["token"]}}, "token"),
        ],
    )
    def test_a_malformed_login_names_the_field(self, api, auth, named):
        answer = api.post("/v3/auth/tokens", {"auth": auth}, token=None)
        assert answer.status == 400
        assert named in answer.message

    @pytest.mark.parametrize("scope", [{}, {"project": {"id": "x"}, "domain": {"id": "y"}}, {"project": {}}])
    def test_an_unclear_scope_is_refused(self, api, bob, scope):
        assert api.login(bob.name, scope=scope).status == 400

    def test_an_unknown_method_is_refused(self, api):
        assert api.authenticate({"methods": ["telepathy"]}).status == 401

    def test_neither_body_nor_header_shows_the_password(self, api, bob):
        answer = api.login(bob.name)
        shown = api.get(f"/v3/users/{bob.id}")
        for text in (str(answer.body), str(answer.headers), str(shown.body)):
            assert PASSWORD not in text
            assert "$2b$" not in text


class TestScopes:
    def test_domain(self, api, bob):
        domain = api.make("domain")
        api.put(f"/v3/domains/{domain['id']}/users/{bob.id}/roles/{api.role('manager')}")
        for ref in ({"id": domain["id"]}, {"name": domain["name"]}):
            answer = api.login(bob.name, scope={"domain": ref})
            assert answer.body["token"]["domain"] == {"id": domain["id"], "name": domain["name"]}
            assert role_names(answer) == ["manager", "member", "reader"]
            assert "project" not in answer.body["token"]

    def test_system(self, api):
        answer = api.login("admin", api.admin_password, scope={"system": {"all": True}})
        assert answer.body["token"]["system"] == {"all": True}
        assert "admin" in role_names(answer)

    def test_a_project_by_name_needs_its_domain(self, api, bob):
        domain = api.make("domain")
        project = api.make("project", domain_id=domain["id"])
        api.grant("reader", bob.id, project["id"])
        right = {"project": {"name": project["name"], "domain": {"name": domain["name"]}}}
        wrong = {"project": {"name": project["name"], "domain": {"id": "default"}}}
        assert api.login(bob.name, scope=right).body["token"]["project"]["id"] == project["id"]
        assert api.login(bob.name, scope=wrong).status == 401
        assert api.login(bob.name, scope={"project": {"name": project["name"]}}).status == 400

    def test_roles_of_groups_and_inherited_roles_count(self, api, bob):
        domain = api.make("domain")
        top = api.make("project", domain_id=domain["id"])
        leaf = api.make("project", parent_id=top["id"])
        group = api.make("group")
        api.put(f"/v3/groups/{group['id']}/users/{bob.id}")
        role = api.role("member")
        base = f"/v3/OS-INHERIT/domains/{domain['id']}/groups/{group['id']}/roles/{role}"
        assert api.put(f"{base}/inherited_to_projects").status == 204
        for project in (top, leaf):
            assert role_names(api.login(bob.name, scope={"project": {"id": project["id"]}})) == [
                "member",
                "reader",
            ]
        assert api.login(bob.name, scope={"domain": {"id": domain["id"]}}).status == 401

    def test_what_a_project_hands_down_does_not_hold_on_itself(self, api, bob):
        top = api.make("project")
        leaf = api.make("project", parent_id=top["id"])
        role = api.role("reader")
        api.put(f"/v3/OS-INHERIT/projects/{top['id']}/users/{bob.id}/roles/{role}/inherited_to_projects")
        assert api.login(bob.name, scope={"project": {"id": top["id"]}}).status == 401
        assert api.login(bob.name, scope={"project": {"id": leaf["id"]}}).status == 201
        entered = api.get("/v3/auth/projects", token=bob.token).body["projects"]
        assert {project["id"] for project in entered} == {bob.project, leaf["id"]}


class TestRescoping:
    def test_a_token_is_exchanged_and_lives_no_longer(self, api, bob):
        first = api.login(bob.name)
        second = api.rescope(subject(first), {"project": {"id": bob.project}})
        old, new = first.body["token"], second.body["token"]
        assert new["project"]["id"] == bob.project
        assert new["expires_at"] == old["expires_at"]
        assert sorted(new["methods"]) == ["password", "token"]
        assert new["audit_ids"][1] == old["audit_ids"][0]
        third = api.rescope(subject(second), "unscoped").body["token"]
        assert third["audit_ids"][1] == old["audit_ids"][0]

    def test_only_with_a_valid_token(self, api, bob):
        api.delete("/v3/auth/tokens", token=bob.token, x_subject_token=bob.token)
        for text in (bob.token, "nonsense", "gAAAAABnonsense"):
            assert api.rescope(text).status == 401

    def test_password_and_token_must_be_of_one_user(self, api, bob):
        carol = api.person()
        identity = {**by_password(carol.name), "methods": ["password", "token"], "token": {"id": bob.token}}
        assert api.authenticate(identity).status == 401
        identity["token"] = {"id": carol.token}
        assert api.authenticate(identity).status == 201


class TestValidation:
    def test_the_body_is_the_one_of_the_login(self, api, bob):
        login = api.login(bob.name, scope={"project": {"id": bob.project}})
        for token in (None, subject(login)):
            more = {} if token is None else {"token": token}
            shown = api.get("/v3/auth/tokens", x_subject_token=subject(login), **more)
            assert shown.status == 200
            assert shown.body == login.body
            assert shown.headers["x-subject-token"] == subject(login)

    def test_head_has_no_body(self, api, bob):
        answer = api.head("/v3/auth/tokens", x_subject_token=bob.token)
        assert answer.status == 200
        assert not answer.body

    def test_nocatalog_leaves_the_catalogue_out(self, api, bob):
        shown = api.get("/v3/auth/tokens?nocatalog", x_subject_token=bob.token).body["token"]
        assert "catalog" not in shown
        assert shown["roles"]
        login = api.authenticate(by_password(bob.name), {"project": {"id": bob.project}}, "?nocatalog")
        assert "catalog" not in login.body["token"]

    def test_only_its_user_and_services_may_see_it(self, api, bob):
        carol = api.person()
        assert api.get("/v3/auth/tokens", token=carol.token, x_subject_token=bob.token).status == 403
        assert api.delete("/v3/auth/tokens", token=carol.token, x_subject_token=bob.token).status == 403
        assert api.is_valid(bob.token)
        service = api.person("service")
        assert api.get("/v3/auth/tokens", token=service.token, x_subject_token=bob.token).status == 200

    @pytest.mark.parametrize("text", ["nonsense", "gAAAAABnonsense", "ü", "x" * 5000])
    def test_what_is_no_token_is_not_found(self, api, text):
        assert (
            api.get("/v3/auth/tokens", x_subject_token=text.encode("latin-1").decode("latin-1")).status == 404
        )
        assert api.get("/v3/users", token=text).status == 401

    def test_without_the_header_there_is_nothing_to_find(self, api):
        answer = api.get("/v3/auth/tokens")
        assert answer.status == 404
        assert "X-Subject-Token" in answer.message


class TestOwnToken:
    def test_catalogue(self, api, bob):
        catalog = api.get("/v3/auth/catalog", token=bob.token).body["catalog"]
        (identity,) = [entry for entry in catalog if entry["type"] == "identity"]
        assert {endpoint["interface"] for endpoint in identity["endpoints"]} == {
            "public",
            "internal",
            "admin",
        }
        assert all(endpoint["url"].endswith("/identity") for endpoint in identity["endpoints"])
        assert {(e["region"], e["region_id"]) for e in identity["endpoints"]} == {("RegionOne", "RegionOne")}

    def test_an_unscoped_token_has_no_catalogue(self, api, bob):
        token = subject(api.login(bob.name))
        assert api.get("/v3/auth/catalog", token=token).status == 403
        projects = api.get("/v3/auth/projects", token=token).body["projects"]
        assert [project["id"] for project in projects] == [bob.project]

    def test_disabled_projects_are_not_listed(self, api, bob):
        other = api.make("project")
        api.grant("member", bob.id, other["id"])
        api.patch(f"/v3/projects/{other['id']}", {"project": {"enabled": False}})
        listed = api.get("/v3/auth/projects", token=bob.token).body["projects"]
        assert [project["id"] for project in listed] == [bob.project]

    def test_domains_and_system(self, api, bob):
        assert api.get("/v3/auth/domains", token=bob.token).body["domains"] == []
        assert api.get("/v3/auth/system", token=bob.token).body["system"] == []
        assert api.get("/v3/auth/system").body["system"] == [{"all": True}]
        domain = api.make("domain")
        api.put(f"/v3/domains/{domain['id']}/users/{bob.id}/roles/{api.role('reader')}")
        listed = api.get("/v3/auth/domains", token=bob.token).body["domains"]
        assert [entry["id"] for entry in listed] == [domain["id"]]


class TestRevocation:
    def test_a_revoked_token_opens_nothing_while_others_stay(self, api, bob):
        other = subject(api.login(bob.name))
        assert api.delete("/v3/auth/tokens", token=bob.token, x_subject_token=bob.token).status == 204
        assert not api.is_valid(bob.token)
        assert api.is_valid(other)

    def test_by_a_new_password(self, api, bob):
        change = {"user": {"original_password": PASSWORD, "password": "battery staple"}}
        assert api.post(f"/v3/users/{bob.id}/password", change, token=None).status == 204
        assert not api.is_valid(bob.token)
        assert api.login(bob.name).status == 401
        fresh = api.login(bob.name, "battery staple")
        assert fresh.status == 201
        assert api.is_valid(subject(fresh))

    def test_by_an_administrators_new_password(self, api, bob):
        api.patch(f"/v3/users/{bob.id}", {"user": {"password": "battery staple"}})
        assert not api.is_valid(bob.token)

    def test_a_disabled_users_tokens_stay_dead_when_it_is_enabled_again(self, api, bob):
        for enabled in (False, True):
            api.patch(f"/v3/users/{bob.id}", {"user": {"enabled": enabled}})
            assert not api.is_valid(bob.token)
        assert api.login(bob.name).status == 201

    def test_by_deletion_of_the_user(self, api, bob):
        assert api.delete(f"/v3/users/{bob.id}").status == 204
        assert not api.is_valid(bob.token)

    def test_a_disabled_projects_tokens_stay_dead_and_others_live(self, api, bob):
        unscoped = subject(api.login(bob.name))
        for enabled in (False, True):
            api.patch(f"/v3/projects/{bob.project}", {"project": {"enabled": enabled}})
            assert not api.is_valid(bob.token)
        assert api.is_valid(unscoped)
        assert api.login(bob.name, scope={"project": {"id": bob.project}}).status == 201

    def test_by_deletion_of_the_project(self, api, bob):
        assert api.delete(f"/v3/projects/{bob.project}").status == 204
        assert not api.is_valid(bob.token)

    def test_by_the_domain_of_user_or_project(self, api):
        domain = api.make("domain")
        project = api.make("project", domain_id=domain["id"])
        user = api.make("user", domain_id=domain["id"], password=PASSWORD)
        api.grant("member", user["id"], project["id"])
        who = {"id": user["id"], "password": PASSWORD}
        login = {"methods": ["password"], "password": {"user": who}}
        tokens = [
            subject(api.authenticate(login, {"project": {"id": project["id"]}})),
            subject(api.authenticate(login)),
        ]
        assert all(map(api.is_valid, tokens))
        for enabled in (False, True):
            api.patch(f"/v3/domains/{domain['id']}", {"domain": {"enabled": enabled}})
            assert not any(map(api.is_valid, tokens))

    def test_a_lost_role_is_gone_from_tokens_and_the_last_one_ends_them(self, api, bob):
        api.grant("creator", bob.id, bob.project)
        roles = f"/v3/projects/{bob.project}/users/{bob.id}/roles"

        def shown():
            return role_names(api.get("/v3/auth/tokens", x_subject_token=bob.token))

        assert shown() == ["creator", "member", "reader"]
        api.delete(f"{roles}/{api.role('member')}")
        assert shown() == ["creator"]
        api.delete(f"{roles}/{api.role('creator')}")
        assert not api.is_valid(bob.token)

    def test_a_user_taken_out_of_a_group_loses_its_roles(self, api):
        group, project = api.make("group"), api.make("project")
        user = api.make("user", password=PASSWORD)
        api.put(f"/v3/groups/{group['id']}/users/{user['id']}")
        api.put(f"/v3/projects/{project['id']}/groups/{group['id']}/roles/{api.role('member')}")
        token = subject(api.login(user["name"], scope={"project": {"id": project["id"]}}))
        assert api.is_valid(token)
        api.delete(f"/v3/groups/{group['id']}/users/{user['id']}")
        assert not api.is_valid(token)

    def test_a_deleted_role_is_nobodys(self, api, bob):
        role = api.make("role", name=unique("role"))
        api.put(f"/v3/projects/{bob.project}/users/{bob.id}/roles/{role['id']}")
        assert role["name"] in role_names(api.get("/v3/auth/tokens", x_subject_token=bob.token))
        api.delete(f"/v3/roles/{role['id']}")
        assert role["name"] not in role_names(api.get("/v3/auth/tokens", x_subject_token=bob.token))
