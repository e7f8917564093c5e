"""The identity API as one table.

Routes whose rule needs the object that was asked for (a user may see itself) stand here with
`identity:authenticated`; their handlers check the rule of their name once the object is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.core.identity import schemas as s
from knarr.core.identity.api import (
    access_rules,
    acting,
    application_credentials,
    assignments,
    auth,
    catalog,
    credentials,
    domains,
    endpoint_filters,
    grants,
    groups,
    limits,
    projects,
    registered_limits,
    roles,
    service_policies,
    trusts,
    users,
    versions,
)
from knarr.core.identity.policies import SIGNED_IN
from knarr.kernel.routing import Route
from knarr.kernel.schema import Body

# Anybody may call these: a login, and what must be read before one.
PUBLIC = None

USER = "/v3/users/{user_id}"
APP_CREDENTIALS = f"{USER}/application_credentials"
ACCESS_RULES = f"{USER}/access_rules"
TRUST = "/v3/OS-TRUST/trusts/{trust_id}"
GROUP = "/v3/groups/{group_id}"
PROJECT = "/v3/projects/{project_id}"
ROLE = "/v3/roles/{role_id}"
EP = "/v3/OS-EP-FILTER"
EP_PROJECT = f"{EP}/projects/{{project_id}}"
EP_GROUP = f"{EP}/endpoint_groups/{{group_id}}"

# method, path, handler, rule after `identity:`, status of success, (envelope, type) of the body, summary
Row = tuple[str, str, Callable[..., Any], str | None, int, tuple[str | None, type[Body]] | None, str]
ROWS: tuple[Row, ...] = (
    # Versions
    ("GET", "/", versions.list_versions, PUBLIC, 300, None, "List the API versions"),
    ("GET", "/v3", versions.show_version, PUBLIC, 200, None, "Show the API version 3"),
    # Tokens
    ("POST", "/v3/auth/tokens", auth.create_token, PUBLIC, 201, ("auth", s.Auth), "Log in"),
    ("GET", "/v3/auth/tokens", auth.show_token, SIGNED_IN, 200, None, "Validate and show a token"),
    ("HEAD", "/v3/auth/tokens", auth.check_token, SIGNED_IN, 200, None, "Check a token"),
    ("DELETE", "/v3/auth/tokens", auth.revoke_token, SIGNED_IN, 204, None, "Revoke a token"),
    ("GET", "/v3/auth/catalog", auth.show_catalog, "get_auth_catalog", 200, None, "Show the catalogue"),
    ("GET", "/v3/auth/projects", auth.list_projects, "get_auth_projects", 200, None, "List own projects"),
    ("GET", "/v3/auth/domains", auth.list_domains, "get_auth_domains", 200, None, "List own domains"),
    ("GET", "/v3/auth/system", auth.list_system, "get_auth_system", 200, None, "List own system scopes"),
    # Users
    ("GET", "/v3/users", users.list_users, SIGNED_IN, 200, None, "List users"),
    ("POST", "/v3/users", users.create_user, SIGNED_IN, 201, ("user", s.UserCreate), "Create a user"),
    ("GET", USER, users.show_user, SIGNED_IN, 200, None, "Show a user"),
    ("PATCH", USER, users.update_user, SIGNED_IN, 200, ("user", s.UserUpdate), "Update a user"),
    ("DELETE", USER, users.delete_user, SIGNED_IN, 204, None, "Delete a user"),
    ("POST", f"{USER}/password", users.change_password,
     PUBLIC, 204, ("user", s.PasswordChange), "Change one's own password"),
    ("GET", f"{USER}/projects", users.list_user_projects, SIGNED_IN, 200, None, "List a user's projects"),
    ("GET", f"{USER}/groups", users.list_user_groups, SIGNED_IN, 200, None, "List a user's groups"),
    # Application credentials
    ("GET", APP_CREDENTIALS, application_credentials.list_credentials,
     SIGNED_IN, 200, None, "List application credentials"),
    ("POST", APP_CREDENTIALS, application_credentials.create_credential,
     SIGNED_IN, 201, ("application_credential", s.ApplicationCredentialCreate),
     "Create an application credential"),
    ("GET", f"{APP_CREDENTIALS}/{{credential_id}}", application_credentials.show_credential,
     SIGNED_IN, 200, None, "Show an application credential"),
    ("DELETE", f"{APP_CREDENTIALS}/{{credential_id}}", application_credentials.delete_credential,
     SIGNED_IN, 204, None, "Delete an application credential"),
    # Access rules
    ("GET", ACCESS_RULES, access_rules.list_rules, SIGNED_IN, 200, None, "List a user's access rules"),
    ("GET", f"{ACCESS_RULES}/{{rule_id}}", access_rules.show_rule,
     SIGNED_IN, 200, None, "Show an access rule"),
    ("DELETE", f"{ACCESS_RULES}/{{rule_id}}", access_rules.delete_rule,
     SIGNED_IN, 204, None, "Delete an access rule"),
    # Trusts
    ("GET", "/v3/OS-TRUST/trusts", trusts.list_trusts, SIGNED_IN, 200, None, "List trusts"),
    ("POST", "/v3/OS-TRUST/trusts", trusts.create_trust,
     SIGNED_IN, 201, ("trust", s.TrustCreate), "Create a trust"),
    ("GET", TRUST, trusts.show_trust, SIGNED_IN, 200, None, "Show a trust"),
    ("DELETE", TRUST, trusts.delete_trust, SIGNED_IN, 204, None, "Delete a trust"),
    ("GET", f"{TRUST}/roles", trusts.list_roles, SIGNED_IN, 200, None, "List a trust's roles"),
    ("GET", f"{TRUST}/roles/{{role_id}}", trusts.show_role, SIGNED_IN, 200, None, "Show a trust's role"),
    # Groups
    ("GET", "/v3/groups", groups.list_groups, SIGNED_IN, 200, None, "List groups"),
    ("POST", "/v3/groups", groups.create_group, SIGNED_IN, 201, ("group", s.GroupCreate), "Create a group"),
    ("GET", GROUP, groups.show_group, SIGNED_IN, 200, None, "Show a group"),
    ("PATCH", GROUP, groups.update_group, SIGNED_IN, 200, ("group", s.GroupUpdate), "Update a group"),
    ("DELETE", GROUP, groups.delete_group, SIGNED_IN, 204, None, "Delete a group"),
    ("GET", f"{GROUP}/users", groups.list_members, SIGNED_IN, 200, None, "List a group's users"),
    ("PUT", f"{GROUP}/users/{{user_id}}", groups.add_member, SIGNED_IN, 204, None, "Put a user in a group"),
    ("GET", f"{GROUP}/users/{{user_id}}", groups.check_member,
     SIGNED_IN, 204, None, "Check that a user is in a group"),
    ("DELETE", f"{GROUP}/users/{{user_id}}", groups.remove_member,
     SIGNED_IN, 204, None, "Take a user out of a group"),
    # Projects
    ("GET", "/v3/projects", projects.list_projects, SIGNED_IN, 200, None, "List projects"),
    ("POST", "/v3/projects", acting.create_project,
     SIGNED_IN, 201, ("project", s.ProjectCreate), "Create a project"),
    ("GET", PROJECT, projects.show_project, SIGNED_IN, 200, None, "Show a project"),
    ("PATCH", PROJECT, projects.update_project,
     SIGNED_IN, 200, ("project", s.ProjectUpdate), "Update a project"),
    ("DELETE", PROJECT, acting.delete_project, SIGNED_IN, 204, None, "Delete a project"),
    ("GET", f"{PROJECT}/tags", projects.list_tags, SIGNED_IN, 200, None, "List a project's tags"),
    ("PUT", f"{PROJECT}/tags", projects.replace_tags,
     SIGNED_IN, 200, (None, s.ProjectTags), "Replace a project's tags"),
    ("DELETE", f"{PROJECT}/tags", projects.delete_tags, SIGNED_IN, 204, None, "Remove a project's tags"),
    ("GET", f"{PROJECT}/tags/{{tag}}", projects.check_tag, SIGNED_IN, 204, None, "Check a project's tag"),
    ("PUT", f"{PROJECT}/tags/{{tag}}", projects.add_tag, SIGNED_IN, 201, None, "Tag a project"),
    ("DELETE", f"{PROJECT}/tags/{{tag}}", projects.delete_tag,
     SIGNED_IN, 204, None, "Remove a project's tag"),
    # Domains
    ("GET", "/v3/domains", domains.list_domains, SIGNED_IN, 200, None, "List domains"),
    ("POST", "/v3/domains", domains.create_domain,
     "create_domain", 201, ("domain", s.DomainCreate), "Create a domain"),
    ("GET", "/v3/domains/{domain_id}", domains.show_domain, SIGNED_IN, 200, None, "Show a domain"),
    ("PATCH", "/v3/domains/{domain_id}", domains.update_domain,
     "update_domain", 200, ("domain", s.DomainUpdate), "Update a domain"),
    ("DELETE", "/v3/domains/{domain_id}", domains.delete_domain,
     "delete_domain", 204, None, "Delete a domain"),
    # Roles
    ("GET", "/v3/roles", roles.list_roles, "list_roles", 200, None, "List roles"),
    ("POST", "/v3/roles", roles.create_role, "create_role", 201, ("role", s.RoleCreate), "Create a role"),
    ("GET", ROLE, roles.show_role, "get_role", 200, None, "Show a role"),
    ("PATCH", ROLE, roles.update_role, "update_role", 200, ("role", s.RoleUpdate), "Update a role"),
    ("DELETE", ROLE, roles.delete_role, "delete_role", 204, None, "Delete a role"),
    ("GET", f"{ROLE}/implies", roles.list_implied,
     "list_implied_roles", 200, None, "List the roles that a role implies"),
    ("GET", f"{ROLE}/implies/{{implied_id}}", roles.show_implied,
     "get_implied_role", 200, None, "Show an implication"),
    ("HEAD", f"{ROLE}/implies/{{implied_id}}", roles.check_implied,
     "check_implied_role", 204, None, "Check that a role implies another"),
    ("PUT", f"{ROLE}/implies/{{implied_id}}", roles.create_implied,
     "create_implied_role", 201, None, "Let a role imply another"),
    ("DELETE", f"{ROLE}/implies/{{implied_id}}", roles.delete_implied,
     "delete_implied_role", 204, None, "Let a role imply another no more"),
    ("GET", "/v3/role_inferences", roles.list_inferences,
     "list_role_inference_rules", 200, None, "List what roles imply"),
    ("GET", "/v3/role_assignments", assignments.list_assignments,
     SIGNED_IN, 200, None, "List role assignments"),
    # The catalogue
    ("GET", "/v3/regions", catalog.list_regions, "list_regions", 200, None, "List regions"),
    ("POST", "/v3/regions", catalog.create_region,
     "create_region", 201, ("region", s.RegionCreate), "Create a region"),
    ("GET", "/v3/regions/{region_id}", catalog.show_region, "get_region", 200, None, "Show a region"),
    ("PUT", "/v3/regions/{region_id}", catalog.put_region,
     "create_region", 201, ("region", s.RegionCreate), "Create a region of that id"),
    ("PATCH", "/v3/regions/{region_id}", catalog.update_region,
     "update_region", 200, ("region", s.RegionUpdate), "Update a region"),
    ("DELETE", "/v3/regions/{region_id}", catalog.delete_region,
     "delete_region", 204, None, "Delete a region"),
    ("GET", "/v3/services", catalog.list_services, "list_services", 200, None, "List services"),
    ("POST", "/v3/services", catalog.create_service,
     "create_service", 201, ("service", s.ServiceCreate), "Create a service"),
    ("GET", "/v3/services/{service_id}", catalog.show_service, "get_service", 200, None, "Show a service"),
    ("PATCH", "/v3/services/{service_id}", catalog.update_service,
     "update_service", 200, ("service", s.ServiceUpdate), "Update a service"),
    ("DELETE", "/v3/services/{service_id}", catalog.delete_service,
     "delete_service", 204, None, "Delete a service"),
    ("GET", "/v3/endpoints", catalog.list_endpoints, "list_endpoints", 200, None, "List endpoints"),
    ("POST", "/v3/endpoints", catalog.create_endpoint,
     "create_endpoint", 201, ("endpoint", s.EndpointCreate), "Create an endpoint"),
    ("GET", "/v3/endpoints/{endpoint_id}", catalog.show_endpoint,
     "get_endpoint", 200, None, "Show an endpoint"),
    ("PATCH", "/v3/endpoints/{endpoint_id}", catalog.update_endpoint,
     "update_endpoint", 200, ("endpoint", s.EndpointUpdate), "Update an endpoint"),
    ("DELETE", "/v3/endpoints/{endpoint_id}", catalog.delete_endpoint,
     "delete_endpoint", 204, None, "Delete an endpoint"),
    # What projects see of it
    ("POST", f"{EP}/endpoint_groups", endpoint_filters.create_group,
     "create_endpoint_group", 201, ("endpoint_group", s.EndpointGroupCreate), "Create an endpoint group"),
    ("PATCH", EP_GROUP, endpoint_filters.update_group,
     "update_endpoint_group", 200, ("endpoint_group", s.EndpointGroupUpdate), "Update an endpoint group"),
    ("GET", f"{EP_PROJECT}/endpoints", endpoint_filters.list_endpoints_of_project,
     "list_endpoints_for_project", 200, None, "List the endpoints of a project"),
    ("GET", f"{EP}/endpoints/{{endpoint_id}}/projects", endpoint_filters.list_projects_of_endpoint,
     "list_projects_for_endpoint", 200, None, "List the projects of an endpoint"),
    ("PUT", f"{EP_PROJECT}/endpoints/{{endpoint_id}}", endpoint_filters.add_endpoint,
     "add_endpoint_to_project", 204, None, "Show a project an endpoint"),
    ("GET", f"{EP_PROJECT}/endpoints/{{endpoint_id}}", endpoint_filters.check_endpoint,
     "check_endpoint_in_project", 204, None, "Check that a project has an endpoint"),
    ("DELETE", f"{EP_PROJECT}/endpoints/{{endpoint_id}}", endpoint_filters.remove_endpoint,
     "remove_endpoint_from_project", 204, None, "Show a project an endpoint no more"),
    ("GET", f"{EP}/endpoint_groups", endpoint_filters.list_groups,
     "list_endpoint_groups", 200, None, "List endpoint groups"),
    ("GET", EP_GROUP, endpoint_filters.show_group, "get_endpoint_group", 200, None, "Show an endpoint group"),
    ("DELETE", EP_GROUP, endpoint_filters.delete_group,
     "delete_endpoint_group", 204, None, "Delete an endpoint group"),
    ("GET", f"{EP_GROUP}/endpoints", endpoint_filters.list_endpoints_of_group,
     "list_endpoints_associated_with_endpoint_group", 200, None, "List the endpoints of a group"),
    ("GET", f"{EP_GROUP}/projects", endpoint_filters.list_projects_of_group,
     "list_projects_associated_with_endpoint_group", 200, None, "List the projects of an endpoint group"),
    ("GET", f"{EP_PROJECT}/endpoint_groups", endpoint_filters.list_groups_of_project,
     "list_endpoint_groups_for_project", 200, None, "List the endpoint groups of a project"),
    ("GET", f"{EP_GROUP}/projects/{{project_id}}", endpoint_filters.show_group_in_project,
     "get_endpoint_group_in_project", 200, None, "Show that a project has an endpoint group"),
    ("PUT", f"{EP_GROUP}/projects/{{project_id}}", endpoint_filters.add_group,
     "add_endpoint_group_to_project", 204, None, "Show a project a group of endpoints"),
    ("DELETE", f"{EP_GROUP}/projects/{{project_id}}", endpoint_filters.remove_group,
     "remove_endpoint_group_from_project", 204, None, "Show a project a group of endpoints no more"),
    # Credentials
    ("GET", "/v3/credentials", credentials.list_credentials, SIGNED_IN, 200, None, "List credentials"),
    ("POST", "/v3/credentials", credentials.create_credential,
     SIGNED_IN, 201, ("credential", s.CredentialCreate), "Keep a credential for a user"),
    ("GET", "/v3/credentials/{credential_id}", credentials.show_credential,
     SIGNED_IN, 200, None, "Show a credential"),
    ("PATCH", "/v3/credentials/{credential_id}", credentials.update_credential,
     SIGNED_IN, 200, ("credential", s.CredentialUpdate), "Update a credential"),
    ("DELETE", "/v3/credentials/{credential_id}", credentials.delete_credential,
     SIGNED_IN, 204, None, "Delete a credential"),
    # Limits
    ("GET", "/v3/registered_limits", registered_limits.list_limits,
     "list_registered_limits", 200, None, "List registered limits"),
    ("POST", "/v3/registered_limits", registered_limits.create_limits,
     "create_registered_limits", 201, (None, s.RegisteredLimits), "Register limits of services' resources"),
    ("GET", "/v3/registered_limits/{limit_id}", registered_limits.show_limit,
     "get_registered_limit", 200, None, "Show a registered limit"),
    ("PATCH", "/v3/registered_limits/{limit_id}", registered_limits.update_limit,
     "update_registered_limit", 200, ("registered_limit", s.RegisteredLimitUpdate),
     "Update a registered limit"),
    ("DELETE", "/v3/registered_limits/{limit_id}", registered_limits.delete_limit,
     "delete_registered_limit", 204, None, "Delete a registered limit"),
    ("GET", "/v3/limits/model", limits.show_model, "get_limit_model", 200, None, "Show the model of limits"),
    ("GET", "/v3/limits", limits.list_limits, "list_limits", 200, None, "List limits"),
    ("POST", "/v3/limits", limits.create_limits,
     "create_limits", 201, (None, s.Limits), "Limit projects and domains"),
    ("GET", "/v3/limits/{limit_id}", limits.show_limit, SIGNED_IN, 200, None, "Show a limit"),
    ("PATCH", "/v3/limits/{limit_id}", limits.update_limit,
     "update_limit", 200, ("limit", s.LimitUpdate), "Update a limit"),
    ("DELETE", "/v3/limits/{limit_id}", limits.delete_limit, "delete_limit", 204, None, "Delete a limit"),
    # Documents of rules
    ("GET", "/v3/policies", service_policies.list_policies, "list_policies", 200, None, "List policies"),
    ("POST", "/v3/policies", service_policies.create_policy,
     "create_policy", 201, ("policy", s.PolicyCreate), "Create a policy"),
    ("GET", "/v3/policies/{policy_id}", service_policies.show_policy,
     "get_policy", 200, None, "Show a policy"),
    ("PATCH", "/v3/policies/{policy_id}", service_policies.update_policy,
     "update_policy", 200, ("policy", s.PolicyUpdate), "Update a policy"),
    ("DELETE", "/v3/policies/{policy_id}", service_policies.delete_policy,
     "delete_policy", 204, None, "Delete a policy"),
)  # fmt: skip


def _route(row: Row) -> Route:
    method, path, handler, rule, status, body, summary = row
    envelope, kind = body or (None, None)
    rule = f"identity:{rule}" if rule and rule != SIGNED_IN else rule
    return Route(method, path, handler, rule, status=status, body=kind, envelope=envelope, summary=summary)


ROUTES: tuple[Route, ...] = (*map(_route, ROWS), *grants.routes())
