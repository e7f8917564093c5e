"""What all lists have in common: filters with comparators, pages, an order, and HEAD."""

from datetime import timedelta

import pytest

from knarr.core.identity.tokens import stamp
from knarr.kernel.db import utcnow

from .conftest import start
from .helpers import PASSWORD, Api, unique


def make_limits(api):
    service = api.make("service", type=unique("type"))["id"]
    asked = {"service_id": service, "resource_name": unique("resource"), "default_limit": 1}
    api.post("/v3/registered_limits", {"registered_limits": [asked]})
    owner = {"project_id": api.make("project")["id"], "resource_limit": 2}
    del asked["default_limit"]
    assert api.post("/v3/limits", {"limits": [{**asked, **owner}]}).status == 201


def make_trust(api):
    bob, carol = api.person(), api.person()
    parties = {"trustor_user_id": bob.id, "trustee_user_id": carol.id, "impersonation": False}
    api.post("/v3/OS-TRUST/trusts", {"trust": {**parties, "roles": [{"name": "member"}]}}, token=bob.token)


def make_endpoint(api):
    service = api.make("service", type=unique("type"))["id"]
    api.make("endpoint", service_id=service, interface="public", url="http://a.example.org")


def make_endpoint_group(api):
    group = {"name": unique("group"), "filters": {"interface": "public"}}
    api.post("/v3/OS-EP-FILTER/endpoint_groups", {"endpoint_group": group})


def make_credential(api):
    body = {"type": unique("type"), "blob": "b", "user_id": api.make("user")["id"]}
    assert api.post("/v3/credentials", {"credential": body}).status == 201


def make_policy(api):
    body = {"type": unique("type"), "blob": "b"}
    assert api.post("/v3/policies", {"policy": body}).status == 201


# (path of the list, its key, what makes one more, a parameter that filters it, and one that sorts it)
LISTS = [
    ("/v3/users", "users", lambda api: api.make("user"), "name", "name"),
    ("/v3/groups", "groups", lambda api: api.make("group"), "name", "name"),
    ("/v3/projects", "projects", lambda api: api.make("project"), "name", "name"),
    ("/v3/domains", "domains", lambda api: api.make("domain"), "name", "name"),
    ("/v3/roles", "roles", lambda api: api.make("role"), "name", "name"),
    ("/v3/regions", "regions", lambda api: api.make("region", description="d"), "id", "id"),
    ("/v3/services", "services", lambda api: api.make("service", type="t"), "name", "name"),
    ("/v3/endpoints", "endpoints", make_endpoint, "url", "interface"),
    ("/v3/credentials", "credentials", make_credential, "type", "type"),
    ("/v3/policies", "policies", make_policy, "type", "type"),
    ("/v3/registered_limits", "registered_limits", make_limits, "resource_name", "resource_name"),
    ("/v3/limits", "limits", make_limits, "resource_name", "id"),
    ("/v3/OS-TRUST/trusts", "trusts", make_trust, "trustor_user_id", "id"),
    ("/v3/OS-EP-FILTER/endpoint_groups", "endpoint_groups", make_endpoint_group, "name", "name"),
]  # fmt: skip


def ids(api, path, key):
    answer = api.get(path)
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.body[key]]


@pytest.mark.parametrize(("path", "key", "more", "name", "order"), LISTS, ids=lambda v: str(v)[:40])
class TestEveryList:
    def test_pages_are_the_whole_list(self, api, path, key, more, name, order):
        for _ in range(3):
            more(api)
        seen, at = [], f"{path}?limit=2"
        while at:
            answer = api.get(at).body
            assert 0 < len(answer[key]) <= 2
            seen += [row["id"] for row in answer[key]]
            following = answer["links"]["next"]
            at = following and following[following.index("/v3/") :]
        assert seen == ids(api, path, key)

    @pytest.mark.parametrize("bad", ["limit=0", "limit=-1", "limit=many", "marker=nobody"])
    def test_a_bad_page_is_refused_by_name(self, api, path, key, more, name, order, bad):
        more(api)
        answer = api.get(f"{path}?{bad}")
        assert answer.status == 400
        assert bad.partition("=")[0] in answer.message

    def test_an_order(self, api, path, key, more, name, order):
        for _ in range(2):
            more(api)
        rows = api.get(f"{path}?sort_key={order}&sort_dir=desc").body[key]
        values = [row[order] for row in rows]
        assert values == sorted(values, reverse=True)
        assert api.get(f"{path}?sort_key=nothing").status == 400

    def test_filters(self, api, path, key, more, name, order):
        more(api)
        row = api.get(path).body[key][-1]
        text = row[name]
        assert row["id"] in ids(api, f"{path}?{name}={text}", key)
        assert ids(api, f"{path}?{name}=nobody-is-called-so", key) == []

    def test_comparators(self, api, path, key, more, name, order):
        more(api)
        row = api.get(path).body[key][-1]
        text = row[name]
        fits = {
            "contains": text[1:-1],
            "startswith": text[:-1],
            "endswith": text[1:],
            "icontains": text[1:-1].upper(),
            "istartswith": text[:-1].upper(),
            "iendswith": text[1:].upper(),
            "iexact": text.upper(),
        }
        for comparator, value in fits.items():
            assert row["id"] in ids(api, f"{path}?{name}__{comparator}={value}", key), comparator
            assert ids(api, f"{path}?{name}__{comparator}=nobody-is-called-so", key) == []
        answer = api.get(f"{path}?{name}__like=x")
        assert answer.status == 400
        assert "contains" in answer.message

    def test_head_is_get_without_a_body(self, api, path, key, more, name, order):
        assert api.head(path).status == 200
        assert api.head(path).body is None
        assert api.head(path, token=None).status == 401


class TestSwitches:
    @pytest.mark.parametrize("kind", ["user", "project", "domain", "service"])
    def test_enabled(self, api, kind):
        off, on = (api.make(kind, enabled=enabled, **({"type": "t"} if kind == "service" else {}))["id"]
                   for enabled in (False, True))  # fmt: skip
        path, key = f"/v3/{kind}s", f"{kind}s"
        assert off in ids(api, f"{path}?enabled=false", key)
        assert off not in ids(api, f"{path}?enabled=true", key)
        assert on not in ids(api, f"{path}?enabled=0", key)
        answer = api.get(f"{path}?enabled=maybe")
        assert answer.status == 400
        assert "enabled" in answer.message

    def test_endpoints_by_all_that_they_have(self, api):
        region = api.make("region")["id"]
        service = api.make("service", type="t")["id"]
        made = api.make(
            "endpoint",
            service_id=service,
            interface="admin",
            url="http://a/",
            region_id=region,
            enabled=False,
        )
        for query in (f"service_id={service}", f"region={region}", f"region_id={region}&interface=admin"):
            assert ids(api, f"/v3/endpoints?{query}", "endpoints") == [made["id"]]
        assert ids(api, f"/v3/endpoints?region_id={region}&interface=public", "endpoints") == []
        assert ids(api, f"/v3/endpoints?service_id={service}&enabled=true", "endpoints") == []


class TestExpiringPasswords:
    @pytest.fixture(scope="class")
    def strict(self, tmp_path_factory):
        running = start(
            tmp_path_factory.mktemp("expiring"), password_expires_days=10, admin_password=PASSWORD
        )
        yield Api(running.wsgi, PASSWORD)
        running.stop()

    def test_users_by_when_their_password_runs_out(self, strict):
        user = strict.make("user", password=PASSWORD)
        group = strict.make("group")["id"]
        strict.put(f"/v3/groups/{group}/users/{user['id']}")
        before, after = (stamp(utcnow() + timedelta(days=days)) for days in (9, 11))
        for path in ("/v3/users", f"/v3/groups/{group}/users"):
            for query, found in (
                (f"lt:{after}", True), (f"lte:{after}", True),
                (f"gt:{before}", True), (f"gte:{before}", True),
                (f"lt:{before}", False), (f"gt:{after}", False),
                (f"eq:{user['password_expires_at']}", True), (f"neq:{user['password_expires_at']}", False),
                (user["password_expires_at"], True),
            ):  # fmt: skip
                listed = ids(strict, f"{path}?password_expires_at={query}", "users")
                assert (user["id"] in listed) is found, query

    @pytest.mark.parametrize("text", ["soon", "lt:soon", "like:2026-01-01T00:00:00Z", "lt:"])
    def test_what_is_no_time_is_refused(self, strict, text):
        answer = strict.get(f"/v3/users?password_expires_at={text}")
        assert answer.status == 400
        assert "password_expires_at" in answer.message
