"""Registered limits of resources, and limits of projects and domains."""

import pytest

from .helpers import PASSWORD, unique


@pytest.fixture
def service(api):
    return api.make("service", type=unique("type"))["id"]


def register(api, service, *names, **values):
    rows = [{"service_id": service, "resource_name": name, "default_limit": 10, **values} for name in names]
    return api.post("/v3/registered_limits", {"registered_limits": rows})


def limit(api, service, name, **values):
    row = {"service_id": service, "resource_name": name, "resource_limit": 5, **values}
    return api.post("/v3/limits", {"limits": [row]})


@pytest.fixture
def registered(api, service):
    return register(api, service, "bulbs").body["registered_limits"][0]


def path(row, kind="registered_limits"):
    return f"/v3/{kind}/{row['id']}"


class TestRegistered:
    def test_many_are_made_at_once_seen_changed_and_deleted(self, api, service):
        region = api.make("region")["id"]
        rows = register(api, service, "bulbs", "wires", region_id=region).body["registered_limits"]
        assert [row["resource_name"] for row in rows] == ["bulbs", "wires"]
        assert api.get(path(rows[0])).body == {"registered_limit": rows[0]}
        assert api.get(f"/v3/registered_limits?service_id={service}&resource_name=wires").body[
            "registered_limits"
        ] == [rows[1]]
        change = {"default_limit": -1, "description": "as many as you like", "resource_name": "lamps"}
        changed = api.patch(path(rows[0]), {"registered_limit": change}).body["registered_limit"]
        assert changed == {**rows[0], **change}
        assert api.delete(path(rows[0])).status == 204
        assert api.get(path(rows[0])).status == 404

    def test_of_a_key_there_is_one(self, api, service, registered):
        again = register(api, service, "other", "bulbs")
        assert again.status == 409
        # None of them was made.
        names = api.get(f"/v3/registered_limits?service_id={service}").body["registered_limits"]
        assert [row["resource_name"] for row in names] == ["bulbs"]
        second = register(api, service, "wires").body["registered_limits"][0]
        assert api.patch(path(second), {"registered_limit": {"resource_name": "bulbs"}}).status == 409

    def test_while_projects_have_limits_of_it_it_stays_what_it_is(self, api, service, registered):
        project = api.make("project")["id"]
        own = limit(api, service, "bulbs", project_id=project).body["limits"][0]
        assert api.delete(path(registered)).status == 403
        renamed = {"registered_limit": {"resource_name": "lamps"}}
        assert api.patch(path(registered), renamed).status == 403
        assert api.patch(path(registered), {"registered_limit": {"default_limit": 3}}).status == 200
        api.delete(path(own, "limits"))
        assert api.delete(path(registered)).status == 204

    @pytest.mark.parametrize(
        ("change", "named"),
        [({"service_id": "nothing"}, "service_id"), ({"region_id": "nowhere"}, "region_id"),
         ({"default_limit": -2}, "default_limit"), ({"default_limit": "7"}, "default_limit")],
    )  # fmt: skip
    def test_bad_ones_are_refused_by_name(self, api, service, registered, change, named):
        for answer in (
            register(api, service, "x", **change),
            api.patch(path(registered), {"registered_limit": change}),
        ):
            assert answer.status == 400
            assert named in answer.message

    def test_everybody_sees_them_and_administrators_change_them(self, api, service, registered):
        bob = api.person()
        assert api.get(path(registered), token=bob.token).status == 200
        assert registered in api.get("/v3/registered_limits", token=bob.token).body["registered_limits"]
        change = {"registered_limit": {"default_limit": 99}}
        assert api.patch(path(registered), change, token=bob.token).status == 403
        assert api.delete(path(registered), token=bob.token).status == 403


class TestOfProjects:
    def test_made_seen_changed_and_deleted(self, api, service, registered):
        project = api.make("project")["id"]
        made = limit(api, service, "bulbs", project_id=project).body["limits"][0]
        assert (made["project_id"], made["domain_id"], made["resource_limit"]) == (project, None, 5)
        assert api.get(path(made, "limits")).body == {"limit": made}
        for query in (f"project_id={project}", f"service_id={service}"):
            assert api.get(f"/v3/limits?{query}").body["limits"] == [made]
        assert api.get(f"/v3/limits?project_id={project}&resource_name=wires").body["limits"] == []
        change = {"resource_limit": 6, "description": "d"}
        assert api.patch(path(made, "limits"), {"limit": change}).body["limit"] == {**made, **change}
        assert limit(api, service, "bulbs", project_id=project).status == 409
        assert api.delete(path(made, "limits")).status == 204
        assert api.get(path(made, "limits")).status == 404

    def test_a_domain_may_have_one_too(self, api, service, registered):
        domain = api.make("domain")["id"]
        made = limit(api, service, "bulbs", domain_id=domain).body["limits"][0]
        assert api.get(f"/v3/limits?domain_id={domain}").body["limits"] == [made]

    def test_what_is_not_registered_is_not_limited(self, api, service):
        refused = limit(api, service, "wires", project_id=api.make("project")["id"])
        assert refused.status == 403
        assert "wires" in refused.message

    def test_a_project_or_a_domain_but_not_both(self, api, service, registered):
        project, domain = api.make("project")["id"], api.make("domain")["id"]
        for owner, status in (
            ({}, 400),
            ({"project_id": project, "domain_id": domain}, 400),
            ({"project_id": domain}, 400),
            ({"project_id": "nothing"}, 404),
            ({"domain_id": project}, 404),
        ):
            assert limit(api, service, "bulbs", **owner).status == status, owner

    def test_members_see_those_of_their_project_only(self, api, service, registered):
        bob, carol = api.person(), api.person()
        made = limit(api, service, "bulbs", project_id=bob.project).body["limits"][0]
        assert api.get("/v3/limits", token=bob.token).body["limits"] == [made]
        assert api.get(path(made, "limits"), token=bob.token).status == 200
        assert api.get("/v3/limits", token=carol.token).body["limits"] == []
        assert api.get(path(made, "limits"), token=carol.token).status == 403
        for person in (bob, carol):
            change = {"limit": {"resource_limit": 99}}
            assert api.patch(path(made, "limits"), change, token=person.token).status == 403
            assert api.delete(path(made, "limits"), token=person.token).status == 403

    def test_a_domains_token_sees_those_of_its_projects(self, api, service, registered):
        domain = api.make("domain")["id"]
        project = api.make("project", domain_id=domain)["id"]
        user = api.make("user", password=PASSWORD)
        api.put(f"/v3/domains/{domain}/users/{user['id']}/roles/{api.role('reader')}")
        token = api.login(user["name"], scope={"domain": {"id": domain}}).headers["x-subject-token"]
        made = limit(api, service, "bulbs", project_id=project).body["limits"][0]
        assert api.get(path(made, "limits"), token=token).status == 200

    def test_they_go_with_their_project(self, api, service, registered):
        project = api.make("project")["id"]
        made = limit(api, service, "bulbs", project_id=project).body["limits"][0]
        api.delete(f"/v3/projects/{project}")
        assert api.get(path(made, "limits")).status == 404

    def test_the_model_is_flat(self, api):
        model = api.get("/v3/limits/model", token=api.person().token).body["model"]
        assert model["name"] == "flat"
