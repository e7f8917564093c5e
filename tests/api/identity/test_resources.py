"""Users, groups, projects, domains, roles, regions, services and endpoints: made, seen, changed, deleted."""

import pytest

from .helpers import PASSWORD, unique

# (kind, what makes one, a change)
KINDS = [
    ("user", {"password": PASSWORD, "email": "a@example.org", "description": "d"}, {"description": "new"}),
    ("group", {"description": "d"}, {"description": "new"}),
    ("project", {"description": "d", "tags": ["a", "b"]}, {"description": "new", "tags": ["c"]}),
    ("domain", {"description": "d"}, {"description": "new", "enabled": False}),
    ("role", {"description": "d"}, {"description": "new"}),
    ("service", {"type": "something", "description": "d"}, {"description": "new", "enabled": False}),
]
NAMED = [kind for kind in KINDS if kind[0] != "service"]


@pytest.mark.parametrize(
    ("kind", "values", "change"), KINDS, ids=lambda value: value if value is str else None
)
class TestEveryKind:
    def test_life(self, api, kind, values, change):
        made = api.make(kind, **values)
        path = f"/v3/{kind}s/{made['id']}"
        expected = {name: value for name, value in values.items() if name != "password"}
        assert expected.items() <= made.items()
        assert made["links"]["self"].endswith(f"/identity{path}")
        assert api.get(path).body == {kind: made}
        listed = api.get(f"/v3/{kind}s").body
        assert made in listed[f"{kind}s"]
        assert set(listed["links"]) == {"self", "next", "previous"}
        changed = api.patch(path, {kind: change})
        assert changed.status == 200
        assert changed.body == {kind: {**made, **change}}
        assert api.get(path).body == changed.body
        api.patch(path, {kind: {"enabled": False}} if kind == "domain" else {kind: change})
        assert api.delete(path).status == 204
        for answer in (api.get(path), api.patch(path, {kind: change}), api.delete(path)):
            assert answer.status == 404
            assert answer.body["error"]["title"] == "Not Found"
            assert made["id"] in answer.message

    def test_attributes_of_ones_own_are_kept(self, api, kind, values, change):
        made = api.make(kind, **values, colour="red", extra={"deep": [1, None]})
        assert (made["colour"], made["extra"]) == ("red", {"deep": [1, None]})
        path = f"/v3/{kind}s/{made['id']}"
        assert api.get(path).body == {kind: made}
        changed = api.patch(path, {kind: {"colour": "blue", "size": 7}})
        assert changed.body[kind] == {**made, "colour": "blue", "size": 7}
        assert api.get(path).body == changed.body

    def test_what_was_shown_can_be_sent_back_but_not_changed(self, api, kind, values, change):
        made = api.make(kind, **values)
        path = f"/v3/{kind}s/{made['id']}"
        assert api.patch(path, {kind: made}).body == {kind: made}
        refused = api.patch(path, {kind: {"id": "another"}})
        assert refused.status == 400
        assert "id" in refused.message

    @pytest.mark.parametrize("odd", [{"x" * 256: 1}, {"": 1}, {"big": 10**30}])
    def test_attributes_that_cannot_be_kept_are_refused(self, api, kind, values, change, odd):
        for answer in (
            api.post(f"/v3/{kind}s", {kind: {"name": unique(kind), **values, **odd}}),
            api.patch(f"/v3/{kind}s/{api.make(kind, **values)['id']}", {kind: odd}),
        ):
            assert answer.status == 400

    def test_a_wrong_type_is_named(self, api, kind, values, change):
        for name, value in (("name", 7), ("description", ["x"]), ("name", {})):
            answer = api.post(f"/v3/{kind}s", {kind: {"name": unique(kind), **values, name: value}})
            assert answer.status == 400
            assert name in answer.message

    @pytest.mark.parametrize("body", [{}, {"other": {}}, [], "x", {"user": []}])
    def test_without_its_envelope_a_body_is_refused(self, api, kind, values, change, body):
        assert api.post(f"/v3/{kind}s", body).status == 400


@pytest.mark.parametrize(("kind", "values", "change"), NAMED)
class TestNames:
    def test_a_name_is_taken_once(self, api, kind, values, change):
        first, second = api.make(kind, **values), api.make(kind, **values)
        again = api.post(f"/v3/{kind}s", {kind: {**values, "name": first["name"]}})
        assert again.status == 409
        assert first["name"] in again.message
        assert api.patch(f"/v3/{kind}s/{second['id']}", {kind: {"name": first["name"]}}).status == 409
        assert api.patch(f"/v3/{kind}s/{first['id']}", {kind: {"name": first["name"]}}).status == 200

    @pytest.mark.parametrize("name", ["", " ", "x" * 256, None])
    def test_bad_names_are_refused(self, api, kind, values, change, name):
        answer = api.post(f"/v3/{kind}s", {kind: {**values, "name": name}})
        assert answer.status == 400
        assert "name" in answer.message

    def test_found_by_name(self, api, kind, values, change):
        made = api.make(kind, **values)
        assert api.get(f"/v3/{kind}s?name={made['name']}").body[f"{kind}s"] == [made]
        assert api.get(f"/v3/{kind}s?name=no-such-name").body[f"{kind}s"] == []
        assert api.get(f"/v3/{kind}s?name__startswith={made['name']}").body[f"{kind}s"] == [made]
        assert api.get(f"/v3/{kind}s?name__nonsense=x").status == 400


class TestUsers:
    def test_belong_to_a_domain(self, api):
        domain = api.make("domain")
        user = api.make("user", domain_id=domain["id"])
        assert user["domain_id"] == domain["id"]
        assert api.get(f"/v3/users?domain_id={domain['id']}").body["users"] == [user]
        assert api.make("user", name=user["name"])["domain_id"] == "default"
        moved = api.patch(f"/v3/users/{user['id']}", {"user": {"domain_id": "default"}})
        assert moved.status == 400
        assert api.post("/v3/users", {"user": {"name": "x", "domain_id": "nowhere"}}).status == 404

    def test_filters(self, api):
        user = api.make("user", enabled=False, email="q@example.org")
        assert user in api.get("/v3/users?enabled=false").body["users"]
        assert user not in api.get("/v3/users?enabled=true").body["users"]
        assert api.get(f"/v3/users?name={user['name']}&enabled=true").body["users"] == []
        assert api.get("/v3/users?enabled=maybe").status == 400
        assert api.get(f"/v3/users?name__icontains={user['name'].upper()}").body["users"] == [user]
        odd = api.make("user", name=unique("100%"))
        assert api.get("/v3/users?name__contains=00%25").body["users"] == [odd]

    def test_see_themselves_and_nobody_else(self, api):
        bob, carol = api.person(), api.person()
        for path in ("", "/projects", "/groups"):
            assert api.get(f"/v3/users/{bob.id}{path}", token=bob.token).status == 200
            other = api.get(f"/v3/users/{carol.id}{path}", token=bob.token)
            nobody = api.get(f"/v3/users/{'0' * 32}{path}", token=bob.token)
            assert other.status == nobody.status == 403
            assert other.body == nobody.body
        for answer in (
            api.get("/v3/users", token=bob.token),
            api.patch(f"/v3/users/{bob.id}", {"user": {"enabled": True}}, token=bob.token),
            api.patch(f"/v3/users/{carol.id}", {"user": {"password": PASSWORD}}, token=bob.token),
            api.delete(f"/v3/users/{bob.id}", token=bob.token),
            api.post("/v3/users", {"user": {"name": unique("user")}}, token=bob.token),
        ):
            assert answer.status == 403
        assert api.is_valid(carol.token)

    def test_a_short_password_is_refused(self, api):
        user = api.make("user")
        for answer in (
            api.post("/v3/users", {"user": {"name": unique("user"), "password": "short"}}),
            api.patch(f"/v3/users/{user['id']}", {"user": {"password": "short"}}),
        ):
            assert answer.status == 400
            assert "password" in answer.message
            assert "short" not in answer.message

    def test_the_own_password_needs_the_old_one(self, api):
        bob = api.person()
        path = f"/v3/users/{bob.id}/password"
        for old, status in (("wrong", 401), (None, 400)):
            change = {"original_password": old, "password": "battery staple"}
            assert api.post(path, {"user": change}, token=bob.token).status == status
        same = {"original_password": PASSWORD, "password": PASSWORD}
        assert api.post(path, {"user": same}, token=bob.token).status == 400
        short = {"original_password": PASSWORD, "password": "short"}
        assert api.post(path, {"user": short}, token=bob.token).status == 400
        nobody = {"original_password": PASSWORD, "password": "battery staple"}
        assert api.post(f"/v3/users/{'0' * 32}/password", {"user": nobody}, token=None).status == 401
        assert api.login(bob.name).status == 201

    def test_the_service_user_cannot_be_deleted(self, api):
        (user,) = api.get("/v3/users?name=knarr").body["users"]
        assert api.delete(f"/v3/users/{user['id']}").status == 409

    def test_a_deleted_user_leaves_nothing_behind(self, api):
        bob, group = api.person(), api.make("group")
        api.put(f"/v3/groups/{group['id']}/users/{bob.id}")
        api.delete(f"/v3/users/{bob.id}")
        assert api.get(f"/v3/groups/{group['id']}/users").body["users"] == []
        assert api.get(f"/v3/role_assignments?user.id={bob.id}").body["role_assignments"] == []

    def test_the_default_project_is_no_domain(self, api):
        answer = api.post("/v3/users", {"user": {"name": unique("user"), "default_project_id": "default"}})
        assert answer.status == 400
        assert "default_project_id" in answer.message
        user = api.make("user", default_project_id="gone")
        path = f"/v3/users/{user['id']}"
        assert api.patch(path, {"user": {"default_project_id": "default"}}).status == 400
        assert api.get(path).body["user"]["default_project_id"] == "gone"


class TestGroups:
    def test_members(self, api):
        group, user = api.make("group"), api.make("user")
        member = f"/v3/groups/{group['id']}/users/{user['id']}"
        assert api.head(member).status == 404
        assert api.put(member).status == 204
        assert api.put(member).status == 204
        assert api.head(member).status == 204
        members = api.get(f"/v3/groups/{group['id']}/users").body["users"]
        assert [row["id"] for row in members] == [user["id"]]
        assert api.get(f"/v3/users/{user['id']}/groups").body["groups"] == [group]
        assert api.delete(member).status == 204
        assert api.delete(member).status == 404
        assert api.put(f"/v3/groups/{group['id']}/users/nobody").status == 404
        assert api.put(f"/v3/groups/nothing/users/{user['id']}").status == 404


class TestProjects:
    def test_a_member_sees_the_own_one_only(self, api):
        bob, carol = api.person(), api.person()
        assert api.get(f"/v3/projects/{bob.project}", token=bob.token).status == 200
        assert api.get(f"/v3/projects/{carol.project}", token=bob.token).status == 403
        assert api.get("/v3/projects", token=bob.token).status == 403
        own = api.get(f"/v3/users/{bob.id}/projects", token=bob.token).body["projects"]
        assert [project["id"] for project in own] == [bob.project]

    def test_nothing_is_left_of_a_deleted_one(self, api):
        project = api.make("project")["id"]
        user = api.make("user", default_project_id=project)
        body = {"type": "cert", "blob": "b", "user_id": user["id"], "project_id": project}
        kept = api.post("/v3/credentials", {"credential": body}).body["credential"]
        assert api.delete(f"/v3/projects/{project}").status == 204
        assert "default_project_id" not in api.get(f"/v3/users/{user['id']}").body["user"]
        assert api.get(f"/v3/credentials/{kept['id']}").status == 404

    def test_trees(self, api):
        top = api.make("project")
        middle = api.make("project", parent_id=top["id"])
        leaf = api.make("project", parent_id=middle["id"])
        assert top["parent_id"] == "default"
        shown = api.get(f"/v3/projects/{leaf['id']}?parents_as_ids").body["project"]
        assert shown["parents"] == {middle["id"]: {top["id"]: {"default": None}}}
        shown = api.get(f"/v3/projects/{leaf['id']}?parents_as_list").body["project"]
        assert [row["project"]["id"] for row in shown["parents"]] == [middle["id"], top["id"], "default"]
        shown = api.get(f"/v3/projects/{top['id']}?subtree_as_ids").body["project"]
        assert shown["subtree"] == {middle["id"]: {leaf["id"]: None}}
        shown = api.get(f"/v3/projects/{top['id']}?subtree_as_list").body["project"]
        assert {row["project"]["id"] for row in shown["subtree"]} == {middle["id"], leaf["id"]}
        assert api.get(f"/v3/projects?parent_id={top['id']}").body["projects"] == [middle]
        for what in ("parents", "subtree"):
            both = api.get(f"/v3/projects/{leaf['id']}?{what}_as_ids&{what}_as_list")
            assert (both.status, f"{what}_as_ids" in both.message) == (400, True)

    def test_a_tree_is_taken_down_from_the_leaves(self, api):
        top = api.make("project")
        leaf = api.make("project", parent_id=top["id"])
        path = f"/v3/projects/{top['id']}"
        assert api.delete(path).status == 403
        assert api.patch(path, {"project": {"enabled": False}}).status == 403
        assert api.patch(f"/v3/projects/{leaf['id']}", {"project": {"enabled": False}}).status == 200
        assert api.patch(path, {"project": {"enabled": False}}).status == 200
        assert api.patch(f"/v3/projects/{leaf['id']}", {"project": {"enabled": True}}).status == 403
        body = {"name": unique("project"), "parent_id": top["id"]}
        assert api.post("/v3/projects", {"project": body}).status == 403
        assert api.delete(f"/v3/projects/{leaf['id']}").status == 204
        assert api.delete(path).status == 204

    def test_trees_have_a_limit(self, api):
        parent = api.make("project")["id"]
        for _ in range(4):
            parent = api.make("project", parent_id=parent)["id"]
        deeper = api.post("/v3/projects", {"project": {"name": unique("project"), "parent_id": parent}})
        assert deeper.status == 403

    def test_a_parent_must_be_there_and_in_the_domain(self, api):
        domain, top = api.make("domain"), api.make("project")
        body = {"name": unique("project"), "parent_id": "nowhere"}
        assert api.post("/v3/projects", {"project": body}).status == 404
        body = {"name": unique("project"), "parent_id": top["id"], "domain_id": domain["id"]}
        answer = api.post("/v3/projects", {"project": body})
        assert answer.status == 400
        assert "domain_id" in answer.message

    def test_one_that_acts_as_a_domain_is_a_domain(self, api):
        name = unique("acting")
        made = api.post("/v3/projects", {"project": {"name": name, "is_domain": True, "tags": ["x"]}})
        assert made.status == 201
        project = made.body["project"]
        assert (project["is_domain"], project["domain_id"], project["parent_id"]) == (True, None, None)
        assert api.get(f"/v3/domains/{project['id']}").body["domain"]["name"] == name
        listed = api.get("/v3/projects?is_domain=true").body["projects"]
        assert project["id"] in {row["id"] for row in listed}
        assert api.post("/v3/projects", {"project": {"name": name, "is_domain": True}}).status == 409
        for where in ("parent_id", "domain_id"):
            body = {"name": unique("acting"), "is_domain": True, where: "default"}
            refused = api.post("/v3/projects", {"project": body})
            assert (refused.status, where in refused.message) == (400, True)
        path = f"/v3/projects/{project['id']}"
        below = api.make("project", domain_id=project["id"], enabled=False)["id"]
        assert api.delete(path).status == 400
        assert api.patch(path, {"project": {"enabled": False}}).body["project"]["enabled"] is False
        assert api.delete(path).status == 403
        assert api.delete(f"/v3/projects/{below}").status == 204
        user = api.make("user", domain_id=project["id"])["id"]
        assert api.delete(path).status == 204
        assert api.get(f"/v3/users/{user}").status == 404
        assert api.get(f"/v3/domains/{project['id']}").status == 404

    @pytest.mark.parametrize("change", [{"domain_id": "x"}, {"parent_id": "x"}, {"is_domain": True}])
    def test_what_cannot_change(self, api, change):
        answer = api.patch(f"/v3/projects/{api.make('project')['id']}", {"project": change})
        assert answer.status == 400
        assert next(iter(change)) in answer.message

    def test_tags(self, api):
        project = api.make("project", tags=["blue"])
        path = f"/v3/projects/{project['id']}/tags"
        assert api.get(f"{path}/blue").status == 204
        assert api.put(f"{path}/red").status == 201
        assert api.get(path).body["tags"] == ["blue", "red"]
        assert api.put(path, {"tags": ["green", "a b"]}).body["tags"] == ["green", "a b"]
        assert api.head(f"{path}/red").status == 404
        assert api.delete(f"{path}/green").status == 204
        assert api.delete(f"{path}/green").status == 404
        assert api.put(f"{path}/{'x' * 256}").status == 400
        assert api.put(path, {"tags": ["a,b"]}).status == 400
        assert api.delete(path).status == 204
        assert api.get(path).body["tags"] == []

    def test_tag_filters(self, api):
        mark = unique("tag")
        one = api.make("project", tags=[mark, "x"])
        two = api.make("project", tags=[mark, "y"])

        def found(query):
            rows = api.get(f"/v3/projects?{query}").body["projects"]
            return [row["id"] for row in rows if row["id"] in (one["id"], two["id"])]

        assert set(found(f"tags={mark}")) == {one["id"], two["id"]}
        assert found(f"tags={mark},x") == [one["id"]]
        assert set(found("tags-any=x,y")) == {one["id"], two["id"]}
        assert found("not-tags-any=x") == [two["id"]]
        assert found(f"not-tags={mark},y") == [one["id"]]
        assert found(f"tags={mark[:-1]}") == []


class TestDomains:
    def test_an_enabled_one_is_not_deleted(self, api):
        domain = api.make("domain")
        assert api.delete(f"/v3/domains/{domain['id']}").status == 403

    def test_it_takes_along_what_is_in_it(self, api):
        domain = api.make("domain")
        inside = {
            kind: api.make(kind, domain_id=domain["id"])["id"]
            for kind in ("user", "group", "project", "role")
        }
        api.patch(f"/v3/domains/{domain['id']}", {"domain": {"enabled": False}})
        assert api.delete(f"/v3/domains/{domain['id']}").status == 204
        for kind, ident in inside.items():
            assert api.get(f"/v3/{kind}s/{ident}").status == 404

    def test_the_default_one_stays(self, api):
        assert api.patch("/v3/domains/default", {"domain": {"enabled": False}}).status == 403
        assert api.delete("/v3/domains/default").status == 403

    def test_a_member_sees_the_own_one(self, api):
        bob = api.person()
        assert api.get("/v3/domains/default", token=bob.token).body["domain"]["name"] == "Default"
        assert api.get(f"/v3/domains/{api.make('domain')['id']}", token=bob.token).status == 403
        assert api.get("/v3/domains", token=bob.token).status == 403

    def test_a_project_is_no_domain(self, api):
        assert api.get(f"/v3/domains/{api.make('project')['id']}").status == 404


class TestDomainManagers:
    @pytest.fixture
    def boss(self, api):
        domain = api.make("domain")
        user = api.make("user", password=PASSWORD)
        api.put(f"/v3/domains/{domain['id']}/users/{user['id']}/roles/{api.role('manager')}")
        login = api.login(user["name"], scope={"domain": {"id": domain["id"]}})
        return domain["id"], login.headers["x-subject-token"]

    def test_manage_their_domain(self, api, boss):
        domain, token = boss
        made = {
            kind: api.post(f"/v3/{kind}s", {kind: {"name": unique(kind)}}, token=token)
            for kind in ("user", "group", "project")
        }
        assert [answer.status for answer in made.values()] == [201, 201, 201]
        ids = {}
        for kind, answer in made.items():
            assert answer.body[kind]["domain_id"] == domain
            ids[kind] = answer.body[kind]["id"]
            listed = api.get(f"/v3/{kind}s", token=token).body[f"{kind}s"]
            assert {row["domain_id"] for row in listed} == {domain}
        grant = f"/v3/projects/{ids['project']}/users/{ids['user']}/roles"
        assert api.put(f"{grant}/{api.role('member')}", token=token).status == 204
        listed = api.get("/v3/role_assignments", token=token).body["role_assignments"]
        assert any(row.get("user") == {"id": ids["user"]} for row in listed)
        assert api.put(f"{grant}/{api.role('admin')}", token=token).status == 403

    def test_and_not_the_domain_itself(self, api, boss):
        domain, token = boss
        path = f"/v3/projects/{domain}"
        for answer in (
            api.patch(path, {"project": {"name": unique("domain")}}, token=token),
            api.patch(path, {"project": {"enabled": False}}, token=token),
            api.put(f"{path}/tags/red", token=token),
            api.delete(path, token=token),
            api.patch(f"/v3/domains/{domain}", {"domain": {"name": unique("domain")}}, token=token),
            api.post("/v3/projects", {"project": {"name": unique("a"), "is_domain": True}}, token=token),
        ):
            assert answer.status == 403

    def test_and_no_other(self, api, boss):
        _domain, token = boss
        user, project = api.make("user"), api.make("project")
        role = api.role("member")
        for answer in (
            api.get(f"/v3/users/{user['id']}", token=token),
            api.patch(f"/v3/users/{user['id']}", {"user": {"password": PASSWORD}}, token=token),
            api.delete(f"/v3/projects/{project['id']}", token=token),
            api.post("/v3/users", {"user": {"name": unique("user"), "domain_id": "default"}}, token=token),
            api.post("/v3/projects", {"project": {"name": "x", "parent_id": project["id"]}}, token=token),
            api.put(f"/v3/projects/{project['id']}/users/{user['id']}/roles/{role}", token=token),
            api.post("/v3/domains", {"domain": {"name": unique("domain")}}, token=token),
            api.post("/v3/roles", {"role": {"name": unique("role")}}, token=token),
        ):
            assert answer.status == 403, answer.body


class TestCatalogue:
    def test_own_services_are_listed_and_cannot_be_changed(self, api):
        services = api.get("/v3/services?type=identity").body["services"]
        assert [entry["name"] for entry in services] == ["keystone"]
        ident = services[0]["id"]
        assert api.get(f"/v3/services/{ident}").body["service"] == services[0]
        endpoints = api.get(f"/v3/endpoints?service_id={ident}").body["endpoints"]
        assert {entry["interface"] for entry in endpoints} == {"public", "internal", "admin"}
        one = endpoints[0]["id"]
        assert api.get(f"/v3/endpoints/{one}").body["endpoint"] == endpoints[0]
        for answer in (
            api.patch(f"/v3/services/{ident}", {"service": {"name": "x"}}),
            api.delete(f"/v3/services/{ident}"),
            api.patch(f"/v3/endpoints/{one}", {"endpoint": {"url": "http://192.0.2.1/"}}),
            api.delete(f"/v3/endpoints/{one}"),
        ):
            assert answer.status == 403

    def test_an_endpoint_appears_in_the_catalogue_of_tokens_already_issued(self, api):
        bob = api.person()
        kind = unique("kind")
        service = api.make("service", type=kind)
        endpoint = api.make(
            "endpoint",
            service_id=service["id"],
            interface="public",
            region_id="RegionOne",
            url="http://192.0.2.1/v1/$(project_id)s",
        )

        def shown():
            catalog = api.get("/v3/auth/catalog", token=bob.token).body["catalog"]
            return [e["url"] for entry in catalog if entry["type"] == kind for e in entry["endpoints"]]

        assert shown() == [f"http://192.0.2.1/v1/{bob.project}"]
        api.patch(f"/v3/endpoints/{endpoint['id']}", {"endpoint": {"url": "http://192.0.2.2/"}})
        assert shown() == ["http://192.0.2.2/"]
        api.patch(f"/v3/endpoints/{endpoint['id']}", {"endpoint": {"enabled": False}})
        assert shown() == []
        assert api.delete(f"/v3/services/{service['id']}").status == 204
        assert api.get(f"/v3/endpoints/{endpoint['id']}").status == 404

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"service_id": "nothing"}, "service_id"),
            ({"region_id": "nowhere"}, "region_id"),
            ({"interface": "secret"}, "interface"),
            ({"url": "no address"}, "url"),
            ({"url": 7}, "url"),
            ({"url": "http://192.0.2.1/$(project_id)s/%(host)s"}, "%(host)s"),
            ({"url": "http://192.0.2.1/$(project_id)"}, "$(project_id)"),
            ({"enabled": "yes"}, "enabled"),
        ],
    )
    def test_bad_endpoints_are_refused(self, api, change, named):
        service = api.make("service", type=unique("kind"))
        good = {"service_id": service["id"], "interface": "public", "url": "http://192.0.2.1/"}
        answer = api.post("/v3/endpoints", {"endpoint": {**good, **change}})
        assert answer.status == 400
        assert named in answer.message
        endpoint = api.make("endpoint", **good)
        assert api.patch(f"/v3/endpoints/{endpoint['id']}", {"endpoint": change}).status == 400

    def test_regions(self, api):
        top, sub = unique("region"), unique("region")
        assert api.make("region", id=top)["parent_region_id"] is None
        assert api.put(f"/v3/regions/{sub}", {"region": {"parent_region_id": top}}).status == 201
        assert api.post("/v3/regions", {"region": {"id": top}}).status == 409
        assert api.post("/v3/regions", {"region": {"parent_region_id": "nowhere"}}).status == 404
        assert api.put("/v3/regions/" + "x" * 256, {"region": {}}).status == 400
        listed = api.get(f"/v3/regions?parent_region_id={top}").body["regions"]
        assert [region["id"] for region in listed] == [sub]
        assert api.patch(f"/v3/regions/{top}", {"region": {"parent_region_id": sub}}).status == 400
        assert api.delete(f"/v3/regions/{top}").status == 403
        changed = api.patch(f"/v3/regions/{sub}", {"region": {"description": "x"}}).body["region"]
        assert (changed["description"], changed["parent_region_id"]) == ("x", top)
        assert api.delete(f"/v3/regions/{sub}").status == 204
        assert api.delete(f"/v3/regions/{top}").status == 204
        assert api.delete("/v3/regions/RegionOne").status == 403
