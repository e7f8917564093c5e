"""keystoneauth and openstacksdk, unmodified, against the app in this process."""

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3
from openstack import connection
from openstack import exceptions as sdk_exceptions

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
