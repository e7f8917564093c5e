"""Routes of what stands beside users, projects and roles: kept secrets, limits, and narrowed catalogues."""

from __future__ import annotations

from knarr.core.identity import schemas as s
from knarr.core.identity.api import (
    access_rules,
    credentials,
    endpoint_filters,
    limits,
    registered_limits,
    service_policies,
)
from knarr.core.identity.policies import SIGNED_IN
from knarr.kernel.routing import Route

RULES_OF = "/v3/users/{user_id}/access_rules"
RULE = f"{RULES_OF}/{{rule_id}}"

ACCESS_RULES = (
    Route("GET", RULES_OF, access_rules.list_rules, SIGNED_IN, summary="List a user's access rules"),
    Route("GET", RULE, access_rules.show_rule, SIGNED_IN, summary="Show an access rule"),
    Route("DELETE", RULE, access_rules.delete_rule, SIGNED_IN, status=204, summary="Delete an access rule"),
)

CREDENTIAL = "/v3/credentials/{credential_id}"

CREDENTIALS = (
    Route("GET", "/v3/credentials", credentials.list_credentials, SIGNED_IN, summary="List credentials"),
    Route(
        "POST",
        "/v3/credentials",
        credentials.create_credential,
        SIGNED_IN,
        status=201,
        body=s.CredentialCreate,
        envelope="credential",
        summary="Keep a credential for a user",
    ),
    Route("GET", CREDENTIAL, credentials.show_credential, SIGNED_IN, summary="Show a credential"),
    Route(
        "PATCH",
        CREDENTIAL,
        credentials.update_credential,
        SIGNED_IN,
        body=s.CredentialUpdate,
        envelope="credential",
        summary="Update a credential",
    ),
    Route(
        "DELETE",
        CREDENTIAL,
        credentials.delete_credential,
        SIGNED_IN,
        status=204,
        summary="Delete a credential",
    ),
)

REGISTERED = "/v3/registered_limits/{limit_id}"
LIMIT = "/v3/limits/{limit_id}"

LIMITS = (
    Route(
        "GET",
        "/v3/registered_limits",
        registered_limits.list_limits,
        "identity:list_registered_limits",
        summary="List registered limits",
    ),
    Route(
        "POST",
        "/v3/registered_limits",
        registered_limits.create_limits,
        "identity:create_registered_limits",
        status=201,
        body=s.RegisteredLimits,
        summary="Register limits of services' resources",
    ),
    Route(
        "GET",
        REGISTERED,
        registered_limits.show_limit,
        "identity:get_registered_limit",
        summary="Show a registered limit",
    ),
    Route(
        "PATCH",
        REGISTERED,
        registered_limits.update_limit,
        "identity:update_registered_limit",
        body=s.RegisteredLimitUpdate,
        envelope="registered_limit",
        summary="Update a registered limit",
    ),
    Route(
        "DELETE",
        REGISTERED,
        registered_limits.delete_limit,
        "identity:delete_registered_limit",
        status=204,
        summary="Delete a registered limit",
    ),
    Route(
        "GET",
        "/v3/limits/model",
        limits.show_model,
        "identity:get_limit_model",
        summary="Show the model of limits",
    ),
    Route("GET", "/v3/limits", limits.list_limits, "identity:list_limits", summary="List limits"),
    Route(
        "POST",
        "/v3/limits",
        limits.create_limits,
        "identity:create_limits",
        status=201,
        body=s.Limits,
        summary="Limit projects and domains",
    ),
    Route("GET", LIMIT, limits.show_limit, SIGNED_IN, summary="Show a limit"),
    Route(
        "PATCH",
        LIMIT,
        limits.update_limit,
        "identity:update_limit",
        body=s.LimitUpdate,
        envelope="limit",
        summary="Update a limit",
    ),
    Route(
        "DELETE", LIMIT, limits.delete_limit, "identity:delete_limit", status=204, summary="Delete a limit"
    ),
)

POLICY = "/v3/policies/{policy_id}"

POLICIES = (
    Route(
        "GET",
        "/v3/policies",
        service_policies.list_policies,
        "identity:list_policies",
        summary="List policies",
    ),
    Route(
        "POST",
        "/v3/policies",
        service_policies.create_policy,
        "identity:create_policy",
        status=201,
        body=s.PolicyCreate,
        envelope="policy",
        summary="Create a policy",
    ),
    Route("GET", POLICY, service_policies.show_policy, "identity:get_policy", summary="Show a policy"),
    Route(
        "PATCH",
        POLICY,
        service_policies.update_policy,
        "identity:update_policy",
        body=s.PolicyUpdate,
        envelope="policy",
        summary="Update a policy",
    ),
    Route(
        "DELETE",
        POLICY,
        service_policies.delete_policy,
        "identity:delete_policy",
        status=204,
        summary="Delete a policy",
    ),
)

EP = "/v3/OS-EP-FILTER"
EP_PROJECT = f"{EP}/projects/{{project_id}}"
EP_GROUP = f"{EP}/endpoint_groups/{{group_id}}"
IN_PROJECT = f"{EP_PROJECT}/endpoints/{{endpoint_id}}"
GROUP_IN_PROJECT = f"{EP_GROUP}/projects/{{project_id}}"

# (method, path, handler, rule after identity:, success status, summary) of those without a body
PLAIN = (
    ("GET", f"{EP_PROJECT}/endpoints", "list_endpoints_of_project", "list_endpoints_for_project", 200,
     "List the endpoints of a project"),
    ("GET", f"{EP}/endpoints/{{endpoint_id}}/projects", "list_projects_of_endpoint",
     "list_projects_for_endpoint", 200, "List the projects of an endpoint"),
    ("PUT", IN_PROJECT, "add_endpoint", "add_endpoint_to_project", 204, "Show a project an endpoint"),
    ("GET", IN_PROJECT, "check_endpoint", "check_endpoint_in_project", 204,
     "Check that a project has an endpoint"),
    ("HEAD", IN_PROJECT, "check_endpoint", "check_endpoint_in_project", 204,
     "Check that a project has an endpoint"),
    ("DELETE", IN_PROJECT, "remove_endpoint", "remove_endpoint_from_project", 204,
     "Show a project an endpoint no more"),
    ("GET", f"{EP}/endpoint_groups", "list_groups", "list_endpoint_groups", 200, "List endpoint groups"),
    ("GET", EP_GROUP, "show_group", "get_endpoint_group", 200, "Show an endpoint group"),
    ("HEAD", EP_GROUP, "check_group", "get_endpoint_group", 200, "Check an endpoint group"),
    ("DELETE", EP_GROUP, "delete_group", "delete_endpoint_group", 204, "Delete an endpoint group"),
    ("GET", f"{EP_GROUP}/endpoints", "list_endpoints_of_group",
     "list_endpoints_associated_with_endpoint_group", 200, "List the endpoints of a group"),
    ("GET", f"{EP_GROUP}/projects", "list_projects_of_group",
     "list_projects_associated_with_endpoint_group", 200, "List the projects of an endpoint group"),
    ("GET", f"{EP_PROJECT}/endpoint_groups", "list_groups_of_project", "list_endpoint_groups_for_project",
     200, "List the endpoint groups of a project"),
    ("GET", GROUP_IN_PROJECT, "show_group_in_project", "get_endpoint_group_in_project", 200,
     "Show that a project has an endpoint group"),
    ("HEAD", GROUP_IN_PROJECT, "check_group_in_project", "get_endpoint_group_in_project", 200,
     "Check that a project has an endpoint group"),
    ("PUT", GROUP_IN_PROJECT, "add_group", "add_endpoint_group_to_project", 204,
     "Show a project a group of endpoints"),
    ("DELETE", GROUP_IN_PROJECT, "remove_group", "remove_endpoint_group_from_project", 204,
     "Show a project a group of endpoints no more"),
)  # fmt: skip

ENDPOINT_FILTERS = (
    Route(
        "POST",
        f"{EP}/endpoint_groups",
        endpoint_filters.create_group,
        "identity:create_endpoint_group",
        status=201,
        body=s.EndpointGroupCreate,
        envelope="endpoint_group",
        summary="Create an endpoint group",
    ),
    Route(
        "PATCH",
        EP_GROUP,
        endpoint_filters.update_group,
        "identity:update_endpoint_group",
        body=s.EndpointGroupUpdate,
        envelope="endpoint_group",
        summary="Update an endpoint group",
    ),
    *(
        Route(
            method,
            path,
            getattr(endpoint_filters, handler),
            f"identity:{rule}",
            status=status,
            summary=summary,
        )
        for method, path, handler, rule, status, summary in PLAIN
    ),
)

ROUTES = (*ACCESS_RULES, *CREDENTIALS, *LIMITS, *POLICIES, *ENDPOINT_FILTERS)
