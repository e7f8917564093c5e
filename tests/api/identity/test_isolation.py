"""Every route with the ids of somebody else's things: nothing of them is shown, and nothing changes."""

from __future__ import annotations

import re

import pytest

from knarr.core.identity.routes import ROUTES

from .helpers import PASSWORD, fitting_body, route_name, unique

IN_PATH = re.compile(r"\{(\w+)\}")

# What everybody sees: the catalogue's regions and what is registered to be limited are not anybody's own.
FOR_ALL = ("/v3/regions/{region_id}", "/v3/registered_limits/{limit_id}")
# Ids that are no secret: of the whole deployment, or none at all.
DEPLOYMENTS = ("implied_id", "region_id", "tag")
NAMED = [route for route in ROUTES if IN_PATH.search(route.path)]
CLOSED = [
    route
    for route in NAMED
    if route.policy is not None and not (route.path in FOR_ALL and route.method in ("GET", "HEAD"))
]


@pytest.fixture(scope="module")
def owned(api):
    """The ids of what is in a domain of its own, by the names that paths give them; each is really there."""
    domain = api.make("domain")["id"]
    project = api.make("project", domain_id=domain, tags=["mine"])["id"]
    user = api.make("user", domain_id=domain, password=PASSWORD)["id"]
    group = api.make("group", domain_id=domain)["id"]
    role = api.make("role", domain_id=domain)["id"]
    api.put(f"/v3/groups/{group}/users/{user}")
    api.grant("member", user, project)
    who = {"id": user, "password": PASSWORD}
    login = {"methods": ["password"], "password": {"user": who}}
    token = api.authenticate(login, {"project": {"id": project}}).headers["x-subject-token"]
    rule = {"service": "image", "method": "GET", "path": "/v2/images"}
    lent = api.post(
        f"/v3/users/{user}/application_credentials",
        {"application_credential": {"name": "mine", "access_rules": [rule]}},
        token=token,
    ).body["application_credential"]
    kept = api.post(
        "/v3/credentials", {"credential": {"type": "t", "blob": "b", "user_id": user}}, token=token
    )
    parties = {"trustor_user_id": user, "trustee_user_id": user, "impersonation": True}
    trust = api.post(
        "/v3/OS-TRUST/trusts", {"trust": {**parties, "roles": [{"name": "member"}]}}, token=token
    )
    service = api.make("service", type=unique("type"))["id"]
    key = {"service_id": service, "resource_name": "bulbs"}
    api.post("/v3/registered_limits", {"registered_limits": [{**key, "default_limit": 1}]})
    own_limit = api.post("/v3/limits", {"limits": [{**key, "resource_limit": 1, "project_id": project}]})
    endpoint = api.make("endpoint", service_id=service, interface="public", url="http://a.example.org")["id"]
    policy = api.post("/v3/policies", {"policy": {"type": "t", "blob": "b"}})
    return {
        "domain_id": domain,
        "project_id": project,
        "user_id": user,
        "group_id": group,
        "role_id": role,
        "implied_id": api.role("reader"),
        "credential_id": kept.body["credential"]["id"],
        "app_credential_id": lent["id"],
        "rule_id": lent["access_rules"][0]["id"],
        "trust_id": trust.body["trust"]["id"],
        "limit_id": own_limit.body["limits"][0]["id"],
        "service_id": service,
        "endpoint_id": endpoint,
        "region_id": "RegionOne",
        "policy_id": policy.body["policy"]["id"],
        "tag": "mine",
    }


def path(route, owned):
    def ident(match):
        found = match.group(1)
        if found == "credential_id" and "application_credentials" in route.path:
            found = "app_credential_id"
        return owned[found]

    return IN_PATH.sub(ident, route.path)


@pytest.fixture(scope="module")
def strangers(api):
    """Tokens of those who have much to say, but elsewhere."""
    domain = api.make("domain")["id"]
    user = api.make("user", password=PASSWORD)
    for role in ("manager", "reader"):
        api.put(f"/v3/domains/{domain}/users/{user['id']}/roles/{api.role(role)}")
    manager = api.login(user["name"], scope={"domain": {"id": domain}}).headers["x-subject-token"]
    return {
        "a member of another project": api.person("member").token,
        "a manager of another project": api.person("manager").token,
        "a manager of another domain": manager,
    }


# Roles are names of the deployment: whoever hands some out sees them.
SEES_ROLES = ("a manager of another project", "a manager of another domain")


@pytest.fixture(scope="module")
def before(api, owned):
    return snapshot(api, owned)


def snapshot(api, owned):
    """All that the administrator sees of the things."""
    kinds = {
        "domains": "domain_id", "projects": "project_id", "users": "user_id", "groups": "group_id",
        "roles": "role_id", "credentials": "credential_id", "limits": "limit_id", "services": "service_id",
        "endpoints": "endpoint_id", "OS-TRUST/trusts": "trust_id", "policies": "policy_id",
    }  # fmt: skip
    shown = {kind: api.get(f"/v3/{kind}/{owned[ident]}") for kind, ident in kinds.items()}
    shown["members"] = api.get(f"/v3/groups/{owned['group_id']}/users")
    shown["assignments"] = api.get(f"/v3/role_assignments?user.id={owned['user_id']}")
    shown["lent"] = api.get(f"/v3/users/{owned['user_id']}/application_credentials")
    assert {answer.status for answer in shown.values()} == {200}
    return {kind: answer.body for kind, answer in shown.items()}


@pytest.mark.parametrize("route", CLOSED, ids=route_name)
def test_strangers_get_nothing_and_change_nothing(api, owned, strangers, before, route):
    for who, token in strangers.items():
        if route.path == "/v3/roles/{role_id}" and route.method in ("GET", "HEAD") and who in SEES_ROLES:
            continue
        answer = api.call(route.method, path(route, owned), fitting_body(route), token=token)
        assert answer.status in (403, 404), (who, answer.status, answer.body)
    assert snapshot(api, owned) == before


@pytest.mark.parametrize(
    ("where", "key"),
    [("/v3/limits", "limits"), ("/v3/credentials", "credentials"), ("/v3/auth/projects", "projects"),
     ("/v3/users", "users"), ("/v3/groups", "groups"), ("/v3/projects", "projects"),
     ("/v3/role_assignments", "role_assignments"), ("/v3/domains", "domains")],
)  # fmt: skip
def test_lists_hold_nothing_of_others(api, owned, strangers, where, key):
    for token in strangers.values():
        answer = api.get(where, token=token)
        assert answer.status in (200, 403)
        shown = str(answer.body.get(key))
        own = {what: ident for what, ident in owned.items() if what not in DEPLOYMENTS}
        assert not [what for what, ident in own.items() if ident in shown], shown
