"""The identity API as one table.

Routes whose rule needs the object that was asked for (a user may see itself) stand here with
`identity:authenticated`; their handlers check the rule of their name once the object is known.
"""

from __future__ import annotations

from knarr.core.identity import routes_beyond
from knarr.core.identity import schemas as s
from knarr.core.identity.api import (
    application_credentials,
    assignments,
    auth,
    catalog,
    domains,
    grants,
    groups,
    projects,
    roles,
    trusts,
    users,
    versions,
)
from knarr.core.identity.policies import SIGNED_IN
from knarr.kernel.routing import Route

# Anybody may call these: a login, and what must be read before one.
PUBLIC = None

VERSIONS = (
    Route("GET", "/", versions.list_versions, PUBLIC, status=300, summary="List the API versions"),
    Route("GET", "/v3", versions.show_version, PUBLIC, summary="Show the API version 3"),
)

AUTH = (
    Route(
        "POST",
        "/v3/auth/tokens",
        auth.create_token,
        PUBLIC,
        status=201,
        body=s.Auth,
        envelope="auth",
        summary="Log in",
    ),
    Route("GET", "/v3/auth/tokens", auth.show_token, SIGNED_IN, summary="Validate and show a token"),
    Route("HEAD", "/v3/auth/tokens", auth.check_token, SIGNED_IN, summary="Check a token"),
    Route("DELETE", "/v3/auth/tokens", auth.revoke_token, SIGNED_IN, status=204, summary="Revoke a token"),
    Route(
        "GET",
        "/v3/auth/catalog",
        auth.show_catalog,
        "identity:get_auth_catalog",
        summary="Show the catalogue",
    ),
    Route(
        "GET",
        "/v3/auth/projects",
        auth.list_projects,
        "identity:get_auth_projects",
        summary="List own projects",
    ),
    Route(
        "GET", "/v3/auth/domains", auth.list_domains, "identity:get_auth_domains", summary="List own domains"
    ),
    Route(
        "GET",
        "/v3/auth/system",
        auth.list_system,
        "identity:get_auth_system",
        summary="List own system scopes",
    ),
)

USER = "/v3/users/{user_id}"

USERS = (
    Route("GET", "/v3/users", users.list_users, SIGNED_IN, summary="List users"),
    Route(
        "POST",
        "/v3/users",
        users.create_user,
        SIGNED_IN,
        status=201,
        body=s.UserCreate,
        envelope="user",
        summary="Create a user",
    ),
    Route("GET", USER, users.show_user, SIGNED_IN, summary="Show a user"),
    Route(
        "PATCH",
        USER,
        users.update_user,
        SIGNED_IN,
        body=s.UserUpdate,
        envelope="user",
        summary="Update a user",
    ),
    Route("DELETE", USER, users.delete_user, SIGNED_IN, status=204, summary="Delete a user"),
    Route(
        "POST",
        f"{USER}/password",
        users.change_password,
        PUBLIC,
        status=204,
        body=s.PasswordChange,
        envelope="user",
        summary="Change one's own password",
    ),
    Route("GET", f"{USER}/projects", users.list_user_projects, SIGNED_IN, summary="List a user's projects"),
    Route("GET", f"{USER}/groups", users.list_user_groups, SIGNED_IN, summary="List a user's groups"),
)

CREDENTIALS_OF = f"{USER}/application_credentials"

CREDENTIALS = (
    Route(
        "GET",
        CREDENTIALS_OF,
        application_credentials.list_credentials,
        SIGNED_IN,
        summary="List application credentials",
    ),
    Route(
        "POST",
        CREDENTIALS_OF,
        application_credentials.create_credential,
        SIGNED_IN,
        status=201,
        body=s.ApplicationCredentialCreate,
        envelope="application_credential",
        summary="Create an application credential",
    ),
    Route(
        "GET",
        f"{CREDENTIALS_OF}/{{credential_id}}",
        application_credentials.show_credential,
        SIGNED_IN,
        summary="Show an application credential",
    ),
    Route(
        "DELETE",
        f"{CREDENTIALS_OF}/{{credential_id}}",
        application_credentials.delete_credential,
        SIGNED_IN,
        status=204,
        summary="Delete an application credential",
    ),
)

TRUST = "/v3/OS-TRUST/trusts/{trust_id}"

TRUSTS = (
    Route("GET", "/v3/OS-TRUST/trusts", trusts.list_trusts, SIGNED_IN, summary="List trusts"),
    Route(
        "POST",
        "/v3/OS-TRUST/trusts",
        trusts.create_trust,
        SIGNED_IN,
        status=201,
        body=s.TrustCreate,
        envelope="trust",
        summary="Create a trust",
    ),
    Route("GET", TRUST, trusts.show_trust, SIGNED_IN, summary="Show a trust"),
    Route("DELETE", TRUST, trusts.delete_trust, SIGNED_IN, status=204, summary="Delete a trust"),
    Route("GET", f"{TRUST}/roles", trusts.list_roles, SIGNED_IN, summary="List a trust's roles"),
    Route("GET", f"{TRUST}/roles/{{role_id}}", trusts.show_role, SIGNED_IN, summary="Show a trust's role"),
    Route(
        "HEAD",
        f"{TRUST}/roles/{{role_id}}",
        trusts.check_role,
        SIGNED_IN,
        summary="Check that a trust has a role",
    ),
)

GROUP = "/v3/groups/{group_id}"

GROUPS = (
    Route("GET", "/v3/groups", groups.list_groups, SIGNED_IN, summary="List groups"),
    Route(
        "POST",
        "/v3/groups",
        groups.create_group,
        SIGNED_IN,
        status=201,
        body=s.GroupCreate,
        envelope="group",
        summary="Create a group",
    ),
    Route("GET", GROUP, groups.show_group, SIGNED_IN, summary="Show a group"),
    Route(
        "PATCH",
        GROUP,
        groups.update_group,
        SIGNED_IN,
        body=s.GroupUpdate,
        envelope="group",
        summary="Update a group",
    ),
    Route("DELETE", GROUP, groups.delete_group, SIGNED_IN, status=204, summary="Delete a group"),
    Route("GET", f"{GROUP}/users", groups.list_members, SIGNED_IN, summary="List a group's users"),
    Route(
        "PUT",
        f"{GROUP}/users/{{user_id}}",
        groups.add_member,
        SIGNED_IN,
        status=204,
        summary="Put a user in a group",
    ),
    Route(
        "HEAD",
        f"{GROUP}/users/{{user_id}}",
        groups.check_member,
        SIGNED_IN,
        status=204,
        summary="Check that a user is in a group",
    ),
    Route(
        "DELETE",
        f"{GROUP}/users/{{user_id}}",
        groups.remove_member,
        SIGNED_IN,
        status=204,
        summary="Take a user out of a group",
    ),
)

PROJECT = "/v3/projects/{project_id}"

PROJECTS = (
    Route("GET", "/v3/projects", projects.list_projects, SIGNED_IN, summary="List projects"),
    Route(
        "POST",
        "/v3/projects",
        projects.create_project,
        SIGNED_IN,
        status=201,
        body=s.ProjectCreate,
        envelope="project",
        summary="Create a project",
    ),
    Route("GET", PROJECT, projects.show_project, SIGNED_IN, summary="Show a project"),
    Route(
        "PATCH",
        PROJECT,
        projects.update_project,
        SIGNED_IN,
        body=s.ProjectUpdate,
        envelope="project",
        summary="Update a project",
    ),
    Route("DELETE", PROJECT, projects.delete_project, SIGNED_IN, status=204, summary="Delete a project"),
    Route("GET", f"{PROJECT}/tags", projects.list_tags, SIGNED_IN, summary="List a project's tags"),
    Route(
        "PUT",
        f"{PROJECT}/tags",
        projects.replace_tags,
        SIGNED_IN,
        body=s.ProjectTags,
        summary="Replace a project's tags",
    ),
    Route(
        "DELETE",
        f"{PROJECT}/tags",
        projects.delete_tags,
        SIGNED_IN,
        status=204,
        summary="Remove a project's tags",
    ),
    Route(
        "GET",
        f"{PROJECT}/tags/{{tag}}",
        projects.check_tag,
        SIGNED_IN,
        status=204,
        summary="Check a project's tag",
    ),
    Route(
        "HEAD",
        f"{PROJECT}/tags/{{tag}}",
        projects.check_tag,
        SIGNED_IN,
        status=204,
        summary="Check a project's tag",
    ),
    Route("PUT", f"{PROJECT}/tags/{{tag}}", projects.add_tag, SIGNED_IN, status=201, summary="Tag a project"),
    Route(
        "DELETE",
        f"{PROJECT}/tags/{{tag}}",
        projects.delete_tag,
        SIGNED_IN,
        status=204,
        summary="Remove a project's tag",
    ),
)

DOMAIN = "/v3/domains/{domain_id}"

DOMAINS = (
    Route("GET", "/v3/domains", domains.list_domains, SIGNED_IN, summary="List domains"),
    Route(
        "POST",
        "/v3/domains",
        domains.create_domain,
        "identity:create_domain",
        status=201,
        body=s.DomainCreate,
        envelope="domain",
        summary="Create a domain",
    ),
    Route("GET", DOMAIN, domains.show_domain, SIGNED_IN, summary="Show a domain"),
    Route(
        "PATCH",
        DOMAIN,
        domains.update_domain,
        "identity:update_domain",
        body=s.DomainUpdate,
        envelope="domain",
        summary="Update a domain",
    ),
    Route(
        "DELETE",
        DOMAIN,
        domains.delete_domain,
        "identity:delete_domain",
        status=204,
        summary="Delete a domain",
    ),
)

ROLE = "/v3/roles/{role_id}"
IMPLIED = f"{ROLE}/implies/{{implied_id}}"

ROLES = (
    Route("GET", "/v3/roles", roles.list_roles, "identity:list_roles", summary="List roles"),
    Route(
        "POST",
        "/v3/roles",
        roles.create_role,
        "identity:create_role",
        status=201,
        body=s.RoleCreate,
        envelope="role",
        summary="Create a role",
    ),
    Route("GET", ROLE, roles.show_role, "identity:get_role", summary="Show a role"),
    Route(
        "PATCH",
        ROLE,
        roles.update_role,
        "identity:update_role",
        body=s.RoleUpdate,
        envelope="role",
        summary="Update a role",
    ),
    Route("DELETE", ROLE, roles.delete_role, "identity:delete_role", status=204, summary="Delete a role"),
    Route(
        "GET",
        f"{ROLE}/implies",
        roles.list_implied,
        "identity:list_implied_roles",
        summary="List the roles that a role implies",
    ),
    Route("GET", IMPLIED, roles.show_implied, "identity:get_implied_role", summary="Show an implication"),
    Route(
        "HEAD",
        IMPLIED,
        roles.check_implied,
        "identity:check_implied_role",
        status=204,
        summary="Check that a role implies another",
    ),
    Route(
        "PUT",
        IMPLIED,
        roles.create_implied,
        "identity:create_implied_role",
        status=201,
        summary="Let a role imply another",
    ),
    Route(
        "DELETE",
        IMPLIED,
        roles.delete_implied,
        "identity:delete_implied_role",
        status=204,
        summary="Let a role imply another no more",
    ),
    Route(
        "GET",
        "/v3/role_inferences",
        roles.list_inferences,
        "identity:list_role_inference_rules",
        summary="List what roles imply",
    ),
    Route(
        "GET",
        "/v3/role_assignments",
        assignments.list_assignments,
        SIGNED_IN,
        summary="List role assignments",
    ),
)

REGION = "/v3/regions/{region_id}"
SERVICE = "/v3/services/{service_id}"
ENDPOINT = "/v3/endpoints/{endpoint_id}"

CATALOGUE = (
    Route("GET", "/v3/regions", catalog.list_regions, "identity:list_regions", summary="List regions"),
    Route(
        "POST",
        "/v3/regions",
        catalog.create_region,
        "identity:create_region",
        status=201,
        body=s.RegionCreate,
        envelope="region",
        summary="Create a region",
    ),
    Route("GET", REGION, catalog.show_region, "identity:get_region", summary="Show a region"),
    Route(
        "PUT",
        REGION,
        catalog.put_region,
        "identity:create_region",
        status=201,
        body=s.RegionCreate,
        envelope="region",
        summary="Create a region of that id",
    ),
    Route(
        "PATCH",
        REGION,
        catalog.update_region,
        "identity:update_region",
        body=s.RegionUpdate,
        envelope="region",
        summary="Update a region",
    ),
    Route(
        "DELETE",
        REGION,
        catalog.delete_region,
        "identity:delete_region",
        status=204,
        summary="Delete a region",
    ),
    Route("GET", "/v3/services", catalog.list_services, "identity:list_services", summary="List services"),
    Route(
        "POST",
        "/v3/services",
        catalog.create_service,
        "identity:create_service",
        status=201,
        body=s.ServiceCreate,
        envelope="service",
        summary="Create a service",
    ),
    Route("GET", SERVICE, catalog.show_service, "identity:get_service", summary="Show a service"),
    Route(
        "PATCH",
        SERVICE,
        catalog.update_service,
        "identity:update_service",
        body=s.ServiceUpdate,
        envelope="service",
        summary="Update a service",
    ),
    Route(
        "DELETE",
        SERVICE,
        catalog.delete_service,
        "identity:delete_service",
        status=204,
        summary="Delete a service",
    ),
    Route(
        "GET", "/v3/endpoints", catalog.list_endpoints, "identity:list_endpoints", summary="List endpoints"
    ),
    Route(
        "POST",
        "/v3/endpoints",
        catalog.create_endpoint,
        "identity:create_endpoint",
        status=201,
        body=s.EndpointCreate,
        envelope="endpoint",
        summary="Create an endpoint",
    ),
    Route("GET", ENDPOINT, catalog.show_endpoint, "identity:get_endpoint", summary="Show an endpoint"),
    Route(
        "PATCH",
        ENDPOINT,
        catalog.update_endpoint,
        "identity:update_endpoint",
        body=s.EndpointUpdate,
        envelope="endpoint",
        summary="Update an endpoint",
    ),
    Route(
        "DELETE",
        ENDPOINT,
        catalog.delete_endpoint,
        "identity:delete_endpoint",
        status=204,
        summary="Delete an endpoint",
    ),
)

ROUTES: tuple[Route, ...] = (
    *VERSIONS,
    *AUTH,
    *USERS,
    *CREDENTIALS,
    *TRUSTS,
    *GROUPS,
    *PROJECTS,
    *DOMAINS,
    *ROLES,
    *grants.routes(),
    *CATALOGUE,
    *routes_beyond.ROUTES,
)
