"""Who may do what: upstream's rules by upstream's names, and a policy file that changes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cloud import Cloud, Person

from knarr.kernel.context import RequestContext
from knarr.services.container.policies import POLICIES
from knarr.services.container.routes import ROUTES

from .helpers import Member, error

LATEST = {"OpenStack-API-Version": "container 1.40"}

OWNER = {
    "container:create", "container:get_one", "container:get_all", "container:delete", "container:update",
    "container:start", "container:stop", "container:reboot", "container:pause", "container:unpause",
    "container:logs", "container:execute", "container:execute_resize", "container:kill", "container:rename",
    "container:attach", "container:resize", "container:resize_container", "container:top", "container:stats",
    "container:get_archive", "container:put_archive", "container:commit", "container:rebuild",
    "container:add_security_group", "container:remove_security_group", "container:network_attach",
    "container:network_detach", "container:network_list", "container:actions",
    "quota:get", "quota:get_default", "availability_zones:get_all", "image:search",
    "registry:create", "registry:get_all", "registry:get_one", "registry:update", "registry:delete",
}  # fmt: skip
ADMIN = {
    "container:create:runtime", "container:create:image_pull_policy",
    "container:create:requested_destination", "container:delete_force", "container:delete_all_projects",
    "container:get_all_all_projects", "container:get_one_all_projects", "container:get_one:host",
    "container:get_one:image_pull_policy", "container:get_one:privileged", "container:get_one:runtime",
    "container:action:events", "host:get_all", "host:get", "image:pull", "image:get_all", "image:get_one",
    "image:delete", "zun-service:get_all", "zun-service:delete", "zun-service:enable", "zun-service:disable",
    "zun-service:force_down", "quota:update", "quota:delete", "quota_class:get", "quota_class:update",
    "network:create", "network:delete", "network:attach_external_network",
}  # fmt: skip
NOBODY = {"container:create:privileged"}

ROLES = ("admin", "member", "reader", "stranger")
ALLOWED = {
    **dict.fromkeys(OWNER, frozenset({"admin", "member", "reader"})),
    **dict.fromkeys(ADMIN, frozenset({"admin"})),
    **dict.fromkeys(NOBODY, frozenset[str]()),
}


def caller(role: str) -> RequestContext:
    mine = "other-project" if role == "stranger" else "project"
    roles = ["member", "reader"] if role == "stranger" else [role]
    return RequestContext(project_id=mine, roles=roles, is_admin=role == "admin", overwrite=False)


@pytest.mark.parametrize("rule", sorted(ALLOWED))
def test_the_defaults_are_upstreams(cloud: Cloud, rule: str) -> None:
    service = cloud.runtime.services["container"]
    target = {"project_id": "project"}
    may = {role for role in ROLES if cloud.runtime.policy.allows(service, rule, target, caller(role))}
    assert may == ALLOWED[rule]


def test_every_route_has_a_rule_that_there_is() -> None:
    assert {route.policy for route in ROUTES} - {None} <= {rule.name for rule in POLICIES}


@pytest.mark.parametrize("path", ["containers", "registries", "availability_zones"])
def test_a_token_without_a_project_owns_nothing(cloud: Cloud, member: Member, path: str) -> None:
    person = member.person
    token = cloud.login(person.name, person.password).headers["x-subject-token"]
    answer = cloud.call("GET", f"/container/v1/{path}", token=token, headers=LATEST)
    assert answer.status == 403, answer.body


def test_an_administrator_of_the_system_has_no_project_for_new_things(cloud: Cloud) -> None:
    user = {"name": "admin", "domain": {"id": "default"}, "password": cloud.admin_password}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"system": {"all": True}}}}
    token = cloud.call("POST", "/identity/v3/auth/tokens", body).headers["x-subject-token"]
    for path, made in (
        ("containers", {"image": "busybox"}),
        ("registries", {"registry": {"domain": "r.example.org"}}),
    ):
        answer = cloud.call("POST", f"/container/v1/{path}", made, token=token, headers=LATEST)
        assert answer.status == 400
        assert "project" in error(answer)["detail"]


def test_every_role_of_a_project_writes_as_upstream_has_it(cloud: Cloud) -> None:
    reader = Member(cloud, cloud.person())
    name = cloud.admin.get(f"/identity/v3/projects/{reader.project_id}").json["project"]["name"]
    guest = cloud.person("reader", name)
    uuid = reader.create(run=False)
    assert guest.post(f"/container/v1/containers/{uuid}/start", headers=LATEST).status == 202
    registry = {"registry": {"domain": "r.example.org"}}
    assert guest.post("/container/v1/registries", registry, headers=LATEST).status == 201


@pytest.fixture
def strict(tmp_path: Path) -> Cloud:
    """A cloud whose administrator lets readers read only, and members see where their containers are."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "container.yaml").write_text(
        '"admin_or_owner": "role:admin or (role:member and project_id:%(project_id)s)"\n'
        '"container:get_one:host": "rule:admin_or_reader"\n'
        '"container:create:image_pull_policy": "rule:admin_or_owner"\n'
    )
    return Cloud(
        tmp_path / "state", ["identity", "network", "container"], policy_dir=str(tmp_path / "policy")
    )


def test_a_policy_file_changes_them(strict: Cloud) -> None:
    try:
        member = Member(strict, strict.person())
        uuid = member.create(run=False, image_pull_policy="ifnotpresent")
        assert member.show(uuid)["host"] == "test-host"
        assert [c["uuid"] for c in member.get("containers?host=test-host").json["containers"]] == [uuid]
        reader = _reader_beside(strict, member.person)
        assert reader.get(f"/container/v1/containers/{uuid}", headers=LATEST).status == 200
        for method, path in (
            ("POST", f"containers/{uuid}/start"),
            ("DELETE", f"containers/{uuid}"),
            ("POST", "registries"),
            ("POST", "containers"),
        ):
            assert reader.call(method, f"/container/v1/{path}", {}, headers=LATEST).status == 403, path
    finally:
        strict.close()


def _reader_beside(cloud: Cloud, person: Person) -> Person:
    name = cloud.admin.get(f"/identity/v3/projects/{person.project_id}").json["project"]["name"]
    return cloud.person("reader", name)


def test_a_filter_on_a_hidden_attribute_needs_its_right(member: Member, admin: Member) -> None:
    answer = member.get("containers?host=test-host")
    assert answer.status == 403
    assert "container:get_one:host" in error(answer)["detail"]
    assert admin.get("containers?host=test-host").status == 200


def test_an_administrator_sees_by_ident_what_is_anybodys(member: Member, admin: Member) -> None:
    uuid = member.create(run=False, name="anybodys")
    for ident in (uuid, "anybodys"):
        assert admin.get(f"containers/{ident}").json["uuid"] == uuid
        assert admin.get(f"containers/{ident}?all_projects=true").json["uuid"] == uuid
    assert member.get(f"containers/{uuid}?all_projects=true").status == 403
    assert uuid not in {c["uuid"] for c in admin.get("containers").json["containers"]}
