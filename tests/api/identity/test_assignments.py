"""Roles given and taken, what they imply, and the lists of them."""

import pytest

from .helpers import PASSWORD, unique


@pytest.fixture
def place(api):
    """A project in a domain of its own, a user and a group in the default domain."""
    domain = api.make("domain")
    return {
        "domain": domain,
        "project": api.make("project", domain_id=domain["id"]),
        "user": api.make("user", password=PASSWORD),
        "group": api.make("group"),
    }


BASES = [
    "/v3/projects/{project}/users/{user}/roles{role}",
    "/v3/projects/{project}/groups/{group}/roles{role}",
    "/v3/domains/{domain}/users/{user}/roles{role}",
    "/v3/domains/{domain}/groups/{group}/roles{role}",
    "/v3/system/users/{user}/roles{role}",
    "/v3/system/groups/{group}/roles{role}",
    "/v3/OS-INHERIT/projects/{project}/users/{user}/roles{role}/inherited_to_projects",
    "/v3/OS-INHERIT/projects/{project}/groups/{group}/roles{role}/inherited_to_projects",
    "/v3/OS-INHERIT/domains/{domain}/users/{user}/roles{role}/inherited_to_projects",
    "/v3/OS-INHERIT/domains/{domain}/groups/{group}/roles{role}/inherited_to_projects",
]


@pytest.mark.parametrize("base", BASES)
class TestGrants:
    def path(self, base, place, role=None, **other):
        ids = {name: row["id"] for name, row in place.items()} | other
        return base.format(**ids, role=f"/{role}" if role else "")

    def test_given_seen_and_taken(self, api, base, place):
        role = api.role("member")
        one, everything = self.path(base, place, role), self.path(base, place)
        assert api.head(one).status == 404
        assert api.put(one).status == 204
        assert api.put(one).status == 204
        assert api.head(one).status == api.get(one).status == 204
        assert [row["name"] for row in api.get(everything).body["roles"]] == ["member"]
        assert api.delete(one).status == 204
        assert api.delete(one).status == 404
        assert api.get(everything).body["roles"] == []

    def test_what_is_not_there(self, api, base, place):
        role = api.role("member")
        assert api.put(self.path(base, place, "nothing")).status == 404
        for name in ("project", "domain", "user", "group"):
            if f"{{{name}}}" in base:
                assert api.put(self.path(base, place, role, **{name: "nothing"})).status == 404

    def test_members_may_do_none_of_it(self, api, base, place):
        bob = api.person()
        path = self.path(base, place, api.role("member"))
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            assert api.call(method, path, token=bob.token).status == 403


def test_a_member_cannot_raise_itself(api):
    bob = api.person()
    path = f"/v3/projects/{bob.project}/users/{bob.id}/roles/{api.role('admin')}"
    assert api.put(path, token=bob.token).status == 403
    assert api.put(f"/v3/system/users/{bob.id}/roles/{api.role('reader')}", token=bob.token).status == 403


class TestRolesOfOneDomain:
    def test_fit_that_domain_only(self, api, place):
        role = api.make("role", domain_id=place["domain"]["id"])
        user = place["user"]["id"]
        inside = f"/v3/projects/{place['project']['id']}/users/{user}/roles/{role['id']}"
        outside = f"/v3/projects/{api.make('project')['id']}/users/{user}/roles/{role['id']}"
        assert api.put(inside).status == 204
        assert api.put(outside).status == 403
        assert role not in api.get("/v3/roles").body["roles"]
        assert api.get(f"/v3/roles?domain_id={place['domain']['id']}").body["roles"] == [role]

    def test_give_what_they_imply(self, api, place):
        role = api.make("role", domain_id=place["domain"]["id"])
        api.put(f"/v3/roles/{role['id']}/implies/{api.role('reader')}")
        project, user = place["project"]["id"], place["user"]
        api.put(f"/v3/projects/{project}/users/{user['id']}/roles/{role['id']}")
        login = api.login(user["name"], scope={"project": {"id": project}})
        assert [entry["name"] for entry in login.body["token"]["roles"]] == ["reader"]


class TestImplications:
    def test_made_seen_and_removed(self, api):
        prior, implied = api.make("role"), api.make("role")
        path = f"/v3/roles/{prior['id']}/implies/{implied['id']}"
        assert api.get(path).status == api.head(path).status == 404
        assert api.put(path).status == 201
        assert api.get(path).body["role_inference"]["implies"]["name"] == implied["name"]
        assert api.head(path).status == 204
        listed = api.get(f"/v3/roles/{prior['id']}/implies").body["role_inference"]
        assert [row["id"] for row in listed["implies"]] == [implied["id"]]
        rules = api.get("/v3/role_inferences").body["role_inferences"]
        assert any(rule["prior_role"]["id"] == prior["id"] for rule in rules)
        assert api.delete(path).status == 204
        assert api.delete(path).status == 404

    def test_nothing_implies_admin(self, api):
        role = api.make("role")
        assert api.put(f"/v3/roles/{role['id']}/implies/{api.role('admin')}").status == 403

    def test_the_known_ones_are_there(self, api):
        rules = api.get("/v3/role_inferences").body["role_inferences"]
        pairs = {(rule["prior_role"]["name"], row["name"]) for rule in rules for row in rule["implies"]}
        assert {("admin", "manager"), ("manager", "member"), ("member", "reader")} <= pairs


class TestLists:
    def rows(self, api, query):
        answer = api.get(f"/v3/role_assignments?{query}")
        assert answer.status == 200, answer.body
        return answer.body["role_assignments"]

    def test_filters(self, api, place):
        user, project, role = place["user"]["id"], place["project"]["id"], api.role("member")
        api.put(f"/v3/projects/{project}/users/{user}/roles/{role}")
        api.put(f"/v3/system/users/{user}/roles/{role}")
        (row,) = self.rows(api, f"user.id={user}&scope.project.id={project}")
        assert row["role"] == {"id": role}
        assert row["user"] == {"id": user}
        assert row["scope"] == {"project": {"id": project}}
        assert row["links"]["assignment"].endswith(f"/v3/projects/{project}/users/{user}/roles/{role}")
        (row,) = self.rows(api, f"user.id={user}&scope.system=all")
        assert row["scope"] == {"system": {"all": True}}
        assert len(self.rows(api, f"user.id={user}&role.id={role}")) == 2
        assert self.rows(api, f"user.id={user}&role.id={api.role('admin')}") == []
        assert self.rows(api, "scope.project.id=nothing") == []

    def test_names(self, api, place):
        user, project = place["user"], place["project"]
        api.put(f"/v3/projects/{project['id']}/users/{user['id']}/roles/{api.role('member')}")
        (row,) = self.rows(api, f"user.id={user['id']}&include_names")
        assert row["user"]["name"] == user["name"]
        assert row["user"]["domain"] == {"id": "default", "name": "Default"}
        assert row["role"]["name"] == "member"
        assert row["scope"]["project"]["name"] == project["name"]
        assert row["scope"]["project"]["domain"]["name"] == place["domain"]["name"]

    def test_effective_ones_of_a_group_inherited_to_a_project(self, api, place):
        group, user, project = place["group"]["id"], place["user"]["id"], place["project"]["id"]
        domain, role = place["domain"]["id"], api.role("member")
        api.put(f"/v3/groups/{group}/users/{user}")
        api.put(f"/v3/OS-INHERIT/domains/{domain}/groups/{group}/roles/{role}/inherited_to_projects")
        assert self.rows(api, f"user.id={user}") == []
        (row,) = self.rows(api, f"group.id={group}")
        assert row["scope"]["OS-INHERIT:inherited_to"] == "projects"
        rows = self.rows(api, f"user.id={user}&effective&include_names")
        assert {row["role"]["name"] for row in rows} == {"member", "reader"}
        assert {row["scope"]["project"]["id"] for row in rows} == {project}
        assert all(row["links"]["membership"].endswith(f"/groups/{group}/users/{user}") for row in rows)
        made = f"/v3/OS-INHERIT/domains/{domain}/groups/{group}/roles/{role}/inherited_to_projects"
        assert all(row["links"]["assignment"].endswith(made) for row in rows)
        for address in rows[0]["links"].values():
            assert api.head(f"/v3{address.partition('/v3')[2]}").status == 204
        assert rows and self.rows(api, f"scope.project.id={project}&effective&include_names") == rows
        assert self.rows(api, f"scope.domain.id={domain}&effective") == []

    def test_subtree(self, api, place):
        top, user, role = place["project"]["id"], place["user"]["id"], api.role("reader")
        leaf = api.make("project", parent_id=top)["id"]
        api.put(f"/v3/projects/{leaf}/users/{user}/roles/{role}")
        assert self.rows(api, f"scope.project.id={top}") == []
        (row,) = self.rows(api, f"scope.project.id={top}&include_subtree")
        assert row["scope"]["project"]["id"] == leaf

    def test_effective_ones_of_a_subtree_are_not_those_beside_it(self, api, place):
        top, user = place["project"]["id"], place["user"]["id"]
        domain, role = place["project"]["domain_id"], api.role("reader")
        leaf, beside = api.make("project", parent_id=top)["id"], api.make("project")["id"]
        path = f"/v3/OS-INHERIT/domains/{domain}/users/{user}/roles/{role}/inherited_to_projects"
        api.put(path)
        rows = self.rows(api, f"scope.project.id={top}&include_subtree&effective&user.id={user}")
        assert {row["scope"]["project"]["id"] for row in rows} == {top, leaf}
        assert beside not in str(rows)
        api.delete(path)

    def test_the_name_of_a_domains_own_role_tells_the_domain(self, api, place):
        domain = api.make("domain")
        project = api.make("project", domain_id=domain["id"])["id"]
        role, user = api.make("role", domain_id=domain["id"]), place["user"]["id"]
        api.put(f"/v3/projects/{project}/users/{user}/roles/{role['id']}")
        (row,) = self.rows(api, f"scope.project.id={project}&include_names")
        own = {"id": domain["id"], "name": domain["name"]}
        assert row["role"] == {"id": role["id"], "name": role["name"], "domain": own}

    @pytest.mark.parametrize(
        "query",
        [
            "scope.project.id=a&scope.domain.id=b",
            "scope.project.id=a&scope.system=all",
            "user.id=a&group.id=b",
            "group.id=a&effective",
            "include_subtree",
        ],
    )
    def test_contradictions_are_refused(self, api, query):
        assert api.get(f"/v3/role_assignments?{query}").status == 400

    def test_a_system_reader_sees_all_and_changes_nothing(self, api):
        name = unique("auditor")
        user = api.make("user", name=name, password=PASSWORD)
        api.put(f"/v3/system/users/{user['id']}/roles/{api.role('reader')}")
        token = api.login(name, scope={"system": {"all": True}}).headers["x-subject-token"]
        for path in ("users", "projects", "domains", "roles", "role_assignments", "services", "endpoints"):
            assert api.get(f"/v3/{path}", token=token).status == 200
        assert api.post("/v3/users", {"user": {"name": unique("user")}}, token=token).status == 403
        assert api.delete(f"/v3/users/{user['id']}", token=token).status == 403

    def test_members_may_not_list(self, api):
        assert api.get("/v3/role_assignments", token=api.person().token).status == 403
