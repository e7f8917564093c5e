"""Policy rules under Keystone's names. The target of each is flat: `target.user.id`, `target.domain_id`, …

An administrator may do everything; a reader on the system may see everything; a manager or reader of a domain
manages or sees what is in it; users see themselves and the projects that their token is for.
"""

from __future__ import annotations

from oslo_policy.policy import RuleDefault

ADMIN = "rule:admin_required"
SEER = "rule:admin_or_system_reader"
ANYBODY = "@"

# For routes whose own rule needs the object that was asked for, and is checked once that is known.
SIGNED_IN = "identity:authenticated"


def _in_domain(role: str, target: str) -> str:
    return f"(role:{role} and domain_id:%({target})s)"


SEES_DOMAIN = f"{SEER} or {_in_domain('reader', 'target.domain_id')}"
SEES_USER = f"{SEER} or {_in_domain('reader', 'target.user.domain_id')}"
SEES_GROUP = f"{SEER} or {_in_domain('reader', 'target.group.domain_id')}"
SEES_PROJECT = f"{SEER} or {_in_domain('reader', 'target.project.domain_id')}"
MANAGES_USER = f"{ADMIN} or {_in_domain('manager', 'target.user.domain_id')}"
MANAGES_GROUP = f"{ADMIN} or {_in_domain('manager', 'target.group.domain_id')}"
MANAGES_PROJECT = f"{ADMIN} or {_in_domain('manager', 'target.project.domain_id')}"


OWNS_CREDENTIAL = "user_id:%(target.credential.user_id)s"

PARTIES = "user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s"

# Roles that a domain's manager may hand out: not more than what the manager has.
MANAGED_ROLES = " or ".join(f"'{role}':%(target.role.name)s" for role in ("manager", "member", "reader"))


def _grants(action: str) -> str:
    both = "domain_id:%(target.actor.domain_id)s and domain_id:%(target.domain_id)s"
    if action in ("check", "list"):
        return f"{SEER} or (role:reader and {both})"
    return f"{ADMIN} or (role:manager and {both} and ({MANAGED_ROLES}))"


RULES: dict[str, str] = {
    "admin_required": "role:admin",
    "admin_or_system_reader": "role:admin or (role:reader and system_scope:all)",
    "owner": "user_id:%(target.user.id)s",
    "token_subject": "user_id:%(target.token.user_id)s",
    SIGNED_IN: ANYBODY,
    # Tokens
    "identity:validate_token": f"{SEER} or role:service or rule:token_subject",
    "identity:check_token": f"{SEER} or role:service or rule:token_subject",
    "identity:revoke_token": f"{ADMIN} or rule:token_subject",
    "identity:get_auth_catalog": ANYBODY,
    "identity:get_auth_projects": ANYBODY,
    "identity:get_auth_domains": ANYBODY,
    "identity:get_auth_system": ANYBODY,
    # Users
    "identity:list_users": SEES_DOMAIN,
    "identity:get_user": f"{SEES_USER} or rule:owner",
    "identity:create_user": MANAGES_USER,
    "identity:update_user": MANAGES_USER,
    "identity:delete_user": MANAGES_USER,
    "identity:list_user_projects": f"{SEES_USER} or rule:owner",
    "identity:list_groups_for_user": f"{SEES_USER} or rule:owner",
    # Application credentials
    "identity:list_application_credentials": f"{SEER} or rule:owner",
    "identity:get_application_credential": f"{SEER} or rule:owner",
    "identity:create_application_credential": "rule:owner",
    "identity:delete_application_credential": f"{ADMIN} or rule:owner",
    "identity:list_access_rules": f"{SEER} or rule:owner",
    "identity:get_access_rule": f"{SEER} or rule:owner",
    "identity:delete_access_rule": f"{ADMIN} or rule:owner",
    # Credentials
    "identity:list_credentials": f"{SEER} or {OWNS_CREDENTIAL}",
    "identity:get_credential": f"{SEER} or {OWNS_CREDENTIAL}",
    "identity:create_credential": f"{ADMIN} or {OWNS_CREDENTIAL}",
    "identity:update_credential": f"{ADMIN} or {OWNS_CREDENTIAL}",
    "identity:delete_credential": f"{ADMIN} or {OWNS_CREDENTIAL}",
    # Trusts
    "identity:create_trust": "user_id:%(target.trust.trustor_user_id)s",
    "identity:list_trusts": SEER,
    "identity:list_trusts_for_trustor": f"{SEER} or user_id:%(target.trust.trustor_user_id)s",
    "identity:list_trusts_for_trustee": f"{SEER} or user_id:%(target.trust.trustee_user_id)s",
    "identity:get_trust": f"{SEER} or {PARTIES}",
    "identity:list_roles_for_trust": f"{SEER} or {PARTIES}",
    "identity:get_role_for_trust": f"{SEER} or {PARTIES}",
    "identity:delete_trust": f"{ADMIN} or user_id:%(target.trust.trustor_user_id)s",
    # Groups
    "identity:list_groups": SEES_DOMAIN,
    "identity:get_group": SEES_GROUP,
    "identity:create_group": MANAGES_GROUP,
    "identity:update_group": MANAGES_GROUP,
    "identity:delete_group": MANAGES_GROUP,
    "identity:list_users_in_group": SEES_GROUP,
    "identity:check_user_in_group": f"{SEES_GROUP} or rule:owner",
    "identity:add_user_to_group": f"{ADMIN} or (role:manager and domain_id:%(target.group.domain_id)s "
    "and domain_id:%(target.user.domain_id)s)",
    "identity:remove_user_from_group": f"{ADMIN} or (role:manager and domain_id:%(target.group.domain_id)s "
    "and domain_id:%(target.user.domain_id)s)",
    # Projects and domains
    "identity:list_projects": SEES_DOMAIN,
    "identity:get_project": f"{SEES_PROJECT} or project_id:%(target.project.id)s",
    "identity:create_project": MANAGES_PROJECT,
    "identity:update_project": MANAGES_PROJECT,
    "identity:delete_project": MANAGES_PROJECT,
    "identity:list_project_tags": f"{SEES_PROJECT} or project_id:%(target.project.id)s",
    "identity:get_project_tag": f"{SEES_PROJECT} or project_id:%(target.project.id)s",
    "identity:update_project_tags": MANAGES_PROJECT,
    "identity:create_project_tag": MANAGES_PROJECT,
    "identity:delete_project_tags": MANAGES_PROJECT,
    "identity:delete_project_tag": MANAGES_PROJECT,
    "identity:list_domains": f"{SEER} or {_in_domain('reader', 'target.domain.id')}",
    "identity:get_domain": f"{SEER} or {_in_domain('reader', 'target.domain.id')} "
    "or project_domain_id:%(target.domain.id)s",
    "identity:create_domain": ADMIN,
    "identity:update_domain": ADMIN,
    "identity:delete_domain": ADMIN,
    # Roles and assignments
    "identity:list_roles": f"{SEER} or role:manager",
    "identity:get_role": f"{SEER} or role:manager",
    "identity:create_role": ADMIN,
    "identity:update_role": ADMIN,
    "identity:delete_role": ADMIN,
    "identity:list_implied_roles": SEER,
    "identity:get_implied_role": SEER,
    "identity:check_implied_role": SEER,
    "identity:list_role_inference_rules": SEER,
    "identity:create_implied_role": ADMIN,
    "identity:delete_implied_role": ADMIN,
    "identity:check_grant": _grants("check"),
    "identity:list_grants": _grants("list"),
    "identity:create_grant": _grants("create"),
    "identity:revoke_grant": _grants("revoke"),
    "identity:check_system_grant_for_user": SEER,
    "identity:list_system_grants_for_user": SEER,
    "identity:create_system_grant_for_user": ADMIN,
    "identity:revoke_system_grant_for_user": ADMIN,
    "identity:check_system_grant_for_group": SEER,
    "identity:list_system_grants_for_group": SEER,
    "identity:create_system_grant_for_group": ADMIN,
    "identity:revoke_system_grant_for_group": ADMIN,
    "identity:list_role_assignments": SEES_DOMAIN,
    # Limits
    "identity:get_limit_model": ANYBODY,
    "identity:list_registered_limits": ANYBODY,
    "identity:get_registered_limit": ANYBODY,
    "identity:create_registered_limits": ADMIN,
    "identity:update_registered_limit": ADMIN,
    "identity:delete_registered_limit": ADMIN,
    "identity:list_limits": ANYBODY,
    "identity:get_limit": f"{SEER} or project_id:%(target.limit.project_id)s "
    "or domain_id:%(target.limit.domain_id)s",
    "identity:create_limits": ADMIN,
    "identity:update_limit": ADMIN,
    "identity:delete_limit": ADMIN,
    # The catalogue
    "identity:list_regions": ANYBODY,
    "identity:get_region": ANYBODY,
    "identity:create_region": ADMIN,
    "identity:update_region": ADMIN,
    "identity:delete_region": ADMIN,
    "identity:list_services": SEER,
    "identity:get_service": SEER,
    "identity:create_service": ADMIN,
    "identity:update_service": ADMIN,
    "identity:delete_service": ADMIN,
    "identity:list_endpoints": SEER,
    "identity:get_endpoint": SEER,
    "identity:create_endpoint": ADMIN,
    "identity:update_endpoint": ADMIN,
    "identity:delete_endpoint": ADMIN,
    # What projects see of the catalogue
    "identity:list_endpoint_groups": SEER,
    "identity:get_endpoint_group": SEER,
    "identity:create_endpoint_group": ADMIN,
    "identity:update_endpoint_group": ADMIN,
    "identity:delete_endpoint_group": ADMIN,
    "identity:list_projects_for_endpoint": SEER,
    "identity:list_endpoints_for_project": SEER,
    "identity:check_endpoint_in_project": SEER,
    "identity:add_endpoint_to_project": ADMIN,
    "identity:remove_endpoint_from_project": ADMIN,
    "identity:list_endpoint_groups_for_project": SEER,
    "identity:list_projects_associated_with_endpoint_group": SEER,
    "identity:list_endpoints_associated_with_endpoint_group": SEER,
    "identity:get_endpoint_group_in_project": SEER,
    "identity:add_endpoint_group_to_project": ADMIN,
    "identity:remove_endpoint_group_from_project": ADMIN,
    # Documents of rules
    "identity:list_policies": SEER,
    "identity:get_policy": SEER,
    "identity:create_policy": ADMIN,
    "identity:update_policy": ADMIN,
    "identity:delete_policy": ADMIN,
}


def policies() -> tuple[RuleDefault, ...]:
    return tuple(RuleDefault(name, rule) for name, rule in RULES.items())
