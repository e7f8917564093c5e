"""keystoneauth, openstacksdk and keystoneclient, unmodified, against the app in this process."""

import time

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.exceptions import MissingAuthMethods
from keystoneauth1.identity import v3
from keystoneclient.v3 import client as keystoneclient
from openstack import connection
from openstack import exceptions as sdk_exceptions

from knarr.core.identity import totp
from knarr.kernel.session import WsgiAdapter

from .helpers import PASSWORD, unique


@pytest.fixture
def connect(cloud):
    """A function that makes an SDK connection from an auth plug-in."""
    http = requests.Session()
    http.mount(cloud.base_url, WsgiAdapter(cloud.wsgi))

    def make(auth):
        return connection.Connection(
            session=session.Session(auth=auth, session=http),
            region_name="RegionOne",
            identity_api_version="3",
        )

    return make


@pytest.fixture
def auth_url(cloud):
    return f"{cloud.base_url}/identity/v3"


def password(auth_url, user, secret, **scope):
    return v3.Password(auth_url, username=user, password=secret, user_domain_id="default", **scope)


@pytest.fixture
def admin(connect, auth_url, api):
    scope = {"project_name": "admin", "project_domain_id": "default"}
    return connect(password(auth_url, "admin", api.admin_password, **scope))


def test_versions_are_discovered_from_both_addresses(cloud, api):
    root = api.get("/", token=None)
    assert root.status == 300
    (version,) = root.body["versions"]["values"]
    assert version["id"].startswith("v3.")
    assert version["links"][0]["href"] == f"{cloud.base_url}/identity/v3/"
    assert api.get("/v3", token=None).body == api.get("/v3/", token=None).body == {"version": version}


def test_an_administrator_sets_up_a_project(admin, connect, auth_url):
    identity = admin.identity
    project = identity.create_project(name=unique("project"), domain_id="default")
    user = identity.create_user(name=unique("user"), password=PASSWORD, default_project_id=project.id)
    role = identity.find_role("member")
    identity.assign_project_role_to_user(project, user, role)
    assert identity.validate_user_has_project_role(project, user, role)
    assert [row.id for row in identity.user_projects(user)] == [project.id]
    member = connect(password(auth_url, user.name, PASSWORD, project_id=project.id))
    assert member.current_project_id == project.id
    assert [row.id for row in member.identity.user_projects(user)] == [project.id]
    with pytest.raises(sdk_exceptions.ForbiddenException):
        list(member.identity.users())
    identity.unassign_project_role_from_user(project, user, role)
    with pytest.raises(sdk_exceptions.SDKException, match="requires authentication"):
        connect(password(auth_url, user.name, PASSWORD, project_id=project.id)).authorize()


def test_things_are_found_by_name_changed_and_deleted(admin):
    identity = admin.identity
    group = identity.create_group(name=unique("group"), domain_id="default")
    user = identity.create_user(name=unique("user"), email="x@example.org")
    identity.add_user_to_group(user, group)
    assert identity.find_group(group.name).id == group.id
    assert [row.id for row in identity.group_users(group)] == [user.id]
    assert identity.update_user(user, is_enabled=False).is_enabled is False
    domain = identity.create_domain(name=unique("domain"))
    identity.update_domain(domain, is_enabled=False)
    region = identity.create_region(id=unique("region"))
    service = identity.create_service(name=unique("service"), type="something")
    endpoint = identity.create_endpoint(
        service_id=service.id, interface="public", url="http://192.0.2.1/", region_id=region.id
    )
    assert endpoint.id in [row.id for row in identity.endpoints()]
    role = identity.create_role(name=unique("role"))
    assert role.id in [row.id for row in identity.roles()]
    assert identity.role_assignments()
    for delete, thing in (
        (identity.delete_endpoint, endpoint),
        (identity.delete_service, service),
        (identity.delete_region, region),
        (identity.delete_role, role),
        (identity.delete_group, group),
        (identity.delete_user, user),
        (identity.delete_domain, domain),
    ):
        delete(thing, ignore_missing=False)


def test_an_application_credential_logs_in(admin, connect, auth_url, api):
    bob = api.person()
    own = connect(password(auth_url, bob.name, PASSWORD, project_id=bob.project))
    made = own.identity.create_application_credential(user=bob.id, name=unique("credential"))
    program = connect(
        v3.ApplicationCredential(
            auth_url, application_credential_id=made.id, application_credential_secret=made.secret
        )
    )
    assert program.current_user_id == bob.id
    assert program.current_project_id == bob.project


def test_a_trust_is_used(connect, auth_url, api):
    bob, carol = api.person(), api.person()
    body = {
        "trustor_user_id": bob.id,
        "trustee_user_id": carol.id,
        "project_id": bob.project,
        "impersonation": True,
        "roles": [{"name": "member"}],
    }
    trust = api.post("/v3/OS-TRUST/trusts", {"trust": body}, token=bob.token).body["trust"]
    acting = connect(password(auth_url, carol.name, PASSWORD, trust_id=trust["id"]))
    assert acting.current_user_id == bob.id
    assert acting.current_project_id == bob.project


def test_unscoped_domain_and_system(connect, auth_url, api):
    unscoped = connect(password(auth_url, "admin", api.admin_password, unscoped=True))
    assert unscoped.current_project_id is None
    system = connect(password(auth_url, "admin", api.admin_password, system_scope="all"))
    assert list(system.identity.users())
    wrong = connect(password(auth_url, "admin", "wrong"))
    with pytest.raises(sdk_exceptions.SDKException, match="requires authentication"):
        wrong.authorize()


def test_two_factors_log_in(connect, auth_url, api):
    user = api.make("user", password=PASSWORD, options={"multi_factor_auth_rules": [["password", "totp"]]})
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    api.post("/v3/credentials", {"credential": {"type": "totp", "blob": seed, "user_id": user["id"]}})
    first = v3.PasswordMethod(user_id=user["id"], password=PASSWORD)
    second = v3.TOTPMethod(user_id=user["id"], passcode=totp.passcode(seed, time.time()))
    assert connect(v3.Auth(auth_url, [first, second])).current_user_id == user["id"]
    with pytest.raises(MissingAuthMethods) as missing:
        connect(v3.Auth(auth_url, [first])).session.get_token()
    assert missing.value.required_auth_methods == [["password", "totp"]]
    receipt = v3.ReceiptMethod(receipt=missing.value.receipt)
    assert connect(v3.Auth(auth_url, [second, receipt])).current_user_id == user["id"]


def test_the_sdks_cloud_layer_keeps_projects_users_and_roles(admin):
    domain = admin.create_domain(name=unique("domain"), description="d")
    assert admin.get_domain(name_or_id=domain.name).id == domain.id
    project = admin.create_project(name=unique("project"), domain_id=domain.id, colour="red")
    user = admin.create_user(name=unique("user"), password=PASSWORD, domain_id=domain.id)
    group = admin.create_group(unique("group"), "d", domain=domain.id)
    admin.add_user_to_group(user.id, group.id)
    assert admin.is_user_in_group(user.id, group.id)
    assert admin.grant_role("member", user=user.id, project=project.id)
    assert not admin.grant_role("member", user=user.id, project=project.id)
    assert admin.grant_role("reader", group=group.id, domain=domain.id)
    assert admin.grant_role("reader", user=user.id, system=True)
    rows = admin.list_role_assignments({"user": user.id, "effective": True})
    assert len(rows) >= 4
    assert admin.revoke_role("member", user=user.id, project=project.id)
    assert admin.search_users(filters={"domain_id": domain.id})[0].id == user.id
    assert admin.update_user(user.id, email="a@example.org").email == "a@example.org"
    assert admin.update_project(project.id, description="new").description == "new"
    assert admin.update_group(group.id, description="new").description == "new"
    admin.remove_user_from_group(user.id, group.id)
    assert admin.delete_user(user.id)
    assert admin.delete_group(group.id)
    assert admin.delete_project(project.id)
    admin.update_domain(domain.id, enabled=False)
    assert admin.delete_domain(domain.id)


def test_the_sdks_cloud_layer_keeps_the_catalogue(admin):
    service = admin.create_service(name=unique("service"), type="lighting", description="d")
    region = admin.identity.create_region(id=unique("region"))
    made = admin.create_endpoint(
        service.id, region=region.id, public_url="http://a.example.org", admin_url="http://b.example.org"
    )
    assert {row.interface for row in made} == {"public", "admin"}
    assert {row.id for row in admin.search_endpoints(filters={"service_id": service.id})} == {
        row.id for row in made
    }
    assert admin.update_service(service.id, enabled=False).is_enabled is False
    assert admin.update_endpoint(made[0].id, url="http://c.example.org").url == "http://c.example.org"
    assert all(admin.delete_endpoint(row.id) for row in made)
    assert admin.delete_service(service.id)


def test_limits_by_the_sdk(admin):
    service = admin.create_service(name=unique("service"), type="lighting")
    project = admin.create_project(name=unique("project"), domain_id="default")
    key = {"service_id": service.id, "resource_name": "bulbs"}
    registered = admin.identity.create_registered_limit(**key, default_limit=10)
    assert admin.identity.update_registered_limit(registered, default_limit=11).default_limit == 11
    own = admin.identity.create_limit(**key, project_id=project.id, resource_limit=5)
    assert admin.identity.update_limit(own, resource_limit=6).resource_limit == 6
    assert [row.id for row in admin.identity.limits(project_id=project.id)] == [own.id]
    admin.identity.delete_limit(own, ignore_missing=False)
    admin.identity.delete_registered_limit(registered, ignore_missing=False)


class TestKeystoneclient:
    """The older library, which Heat, Magnum and others still use."""

    @pytest.fixture
    def keystone(self, cloud, auth_url, api):
        http = requests.Session()
        http.mount(cloud.base_url, WsgiAdapter(cloud.wsgi))
        scope = {"project_name": "admin", "project_domain_id": "default"}
        auth = password(auth_url, "admin", api.admin_password, **scope)
        return keystoneclient.Client(session=session.Session(auth=auth, session=http))

    def test_projects_users_groups_and_roles(self, keystone):
        domain = keystone.domains.create(unique("domain"), description="d")
        project = keystone.projects.create(unique("project"), domain, tags=["a"])
        keystone.projects.add_tag(project, "b")
        assert sorted(keystone.projects.list_tags(project)) == ["a", "b"]
        assert keystone.projects.check_tag(project, "a")
        child = keystone.projects.create(unique("project"), domain, parent=project)
        shown = keystone.projects.get(child, parents_as_list=True)
        assert shown.parents[0]["project"]["id"] == project.id
        user = keystone.users.create(unique("user"), domain=domain, password=PASSWORD, email="a@example.org")
        group = keystone.groups.create(unique("group"), domain=domain)
        keystone.users.add_to_group(user, group)
        assert keystone.users.check_in_group(user, group)
        role = keystone.roles.create(unique("role"))
        reader = keystone.roles.find(name="reader")
        keystone.inference_rules.create(role, reader)
        assert keystone.inference_rules.check(role, reader)
        keystone.roles.grant(role, user=user, project=project)
        keystone.roles.grant(role, group=group, domain=domain, os_inherit_extension_inherited=True)
        assert keystone.roles.check(role, user=user, project=project)
        effective = keystone.role_assignments.list(user=user, project=project, effective=True)
        assert reader.id in {row.role["id"] for row in effective}
        assert {row.id for row in keystone.projects.list(user=user)} == {project.id, child.id}
        keystone.roles.revoke(role, user=user, project=project)
        keystone.domains.update(domain, enabled=False)
        keystone.domains.delete(domain)

    def test_what_is_lent_and_kept(self, keystone, api):
        own = keystone.session.get_user_id()
        bob = api.person()
        trust = keystone.trusts.create(
            trustee_user=bob.id,
            trustor_user=own,
            project=keystone.session.get_project_id(),
            role_names=["member"],
            impersonation=True,
            remaining_uses=3,
        )
        assert keystone.trusts.get(trust).remaining_uses == 3
        assert trust.id in {row.id for row in keystone.trusts.list(trustor_user=own)}
        keystone.trusts.delete(trust)
        rule = {"path": "/v2/images", "method": "GET", "service": "image"}
        lent = keystone.application_credentials.create(
            unique("lent"), roles=[{"name": "reader"}], access_rules=[rule]
        )
        assert keystone.application_credentials.find(name=lent.name).id == lent.id
        assert lent.access_rules[0]["id"] in {row.id for row in keystone.access_rules.list()}
        keystone.application_credentials.delete(lent)
        kept = keystone.credentials.create(own, "cert", "secret")
        assert keystone.credentials.get(kept).blob == "secret"
        keystone.credentials.delete(kept)
        policy = keystone.policies.create("{}")
        keystone.policies.delete(policy)

    def test_the_catalogue_and_who_sees_what_of_it(self, keystone):
        region = keystone.regions.create(id=unique("region"))
        service = keystone.services.create(unique("service"), type="lighting")
        endpoint = keystone.endpoints.create(
            service, "http://a.example.org", interface="public", region=region.id
        )
        project = keystone.session.get_project_id()
        group = keystone.endpoint_groups.create(unique("group"), filters={"service_id": service.id})
        filters = keystone.endpoint_filter
        filters.add_endpoint_group_to_project(group, project)
        assert endpoint.id in {row.id for row in filters.list_endpoints_for_project(project)}
        assert [row.id for row in filters.list_endpoint_groups_for_project(project)] == [group.id]
        filters.delete_endpoint_group_from_project(group, project)
        for manager, thing in (
            (keystone.endpoint_groups, group),
            (keystone.endpoints, endpoint),
            (keystone.services, service),
            (keystone.regions, region),
        ):
            manager.delete(thing)

    def test_tokens(self, keystone, api):
        bob = api.person()
        seen = keystone.tokens.validate(bob.token)
        assert (seen.user_id, seen.project_id) == (bob.id, bob.project)
        assert "catalog" not in keystone.tokens.get_token_data(bob.token, include_catalog=False)["token"]
        keystone.tokens.revoke_token(bob.token)
        assert not api.is_valid(bob.token)
        assert keystone.auth.projects()
        assert keystone.auth.domains() is not None
        assert [row.all for row in keystone.auth.systems()] == [True]
