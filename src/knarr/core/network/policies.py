"""Policy rules under Neutron's names.

Targets carry project_id, and `network:project_id`, `network:shared` and `network_device` for ports.
"""

from __future__ import annotations

from typing import Any

ADMIN = "role:admin"
MEMBER = "role:member and project_id:%(project_id)s"
READER = "role:reader and project_id:%(project_id)s"
SERVICE = "role:service or role:advsvc"
NET_OWNER = "role:member and project_id:%(network:project_id)s"
ON_SHARED = "role:member and True:%(network:shared)s"
NOT_NETWORK_DEVICE = "False:%(network_device)s"


def any_of(*checks: str) -> str:
    return " or ".join(f"({check})" for check in checks)


ADMIN_OR_MEMBER = any_of(ADMIN, MEMBER)
ADMIN_OR_READER = any_of(ADMIN, READER)
PORT_OWNER = any_of(ADMIN, MEMBER, SERVICE)
NET_OWNER_OR_SERVICE = any_of(ADMIN, NET_OWNER, SERVICE)
ON_SHARED_TOO = any_of(ADMIN, NET_OWNER, SERVICE, ON_SHARED)

RULES: dict[str, str] = {
    "get_extension": any_of(ADMIN, "role:reader"),
    "get_availability_zone": any_of(ADMIN, "role:reader"),
    "get_agent": ADMIN,
    "get_quota": ADMIN_OR_READER,
    "update_quota": ADMIN,
    "delete_quota": ADMIN,
    "create_network": ADMIN_OR_MEMBER,
    "create_network:shared": ADMIN,
    "create_network:router:external": ADMIN,
    "create_network:is_default": ADMIN,
    "create_network:port_security_enabled": ADMIN_OR_MEMBER,
    "create_network:provider:network_type": ADMIN,
    "create_network:provider:physical_network": ADMIN,
    "create_network:provider:segmentation_id": ADMIN,
    "get_network": ADMIN_OR_READER,
    "get_network:provider:network_type": ADMIN,
    "update_network": ADMIN_OR_MEMBER,
    "update_network:shared": ADMIN,
    "update_network:router:external": ADMIN,
    "update_network:is_default": ADMIN,
    "update_network:port_security_enabled": ADMIN_OR_MEMBER,
    "delete_network": ADMIN_OR_MEMBER,
    "create_subnet": any_of(ADMIN, NET_OWNER),
    "get_subnet": ADMIN_OR_READER,
    "update_subnet": any_of(ADMIN, MEMBER, NET_OWNER),
    "delete_subnet": any_of(ADMIN, MEMBER, NET_OWNER),
    "create_port": PORT_OWNER,
    "create_port:device_owner": any_of(NOT_NETWORK_DEVICE, ADMIN, SERVICE, NET_OWNER),
    "create_port:mac_address": NET_OWNER_OR_SERVICE,
    "create_port:fixed_ips": ON_SHARED_TOO,
    "create_port:fixed_ips:ip_address": NET_OWNER_OR_SERVICE,
    "create_port:fixed_ips:subnet_id": ON_SHARED_TOO,
    "create_port:port_security_enabled": NET_OWNER_OR_SERVICE,
    "create_port:binding:host_id": any_of(ADMIN, SERVICE),
    "create_port:binding:profile": any_of(ADMIN, SERVICE),
    "create_port:binding:vnic_type": PORT_OWNER,
    "create_port:allowed_address_pairs": any_of(ADMIN, NET_OWNER),
    "get_port": any_of(ADMIN, SERVICE, READER),
    "get_port:binding:host_id": any_of(ADMIN, SERVICE),
    "update_port": PORT_OWNER,
    "update_port:device_owner": any_of(NOT_NETWORK_DEVICE, ADMIN, SERVICE, NET_OWNER),
    "update_port:mac_address": any_of(ADMIN, SERVICE),
    "update_port:fixed_ips": ON_SHARED_TOO,
    "update_port:fixed_ips:ip_address": NET_OWNER_OR_SERVICE,
    "update_port:fixed_ips:subnet_id": ON_SHARED_TOO,
    "update_port:port_security_enabled": NET_OWNER_OR_SERVICE,
    "update_port:binding:host_id": any_of(ADMIN, SERVICE),
    "update_port:binding:profile": any_of(ADMIN, SERVICE),
    "update_port:binding:vnic_type": PORT_OWNER,
    "update_port:allowed_address_pairs": any_of(ADMIN, NET_OWNER),
    "delete_port": any_of(ADMIN, MEMBER, SERVICE, NET_OWNER),
    "create_router": ADMIN_OR_MEMBER,
    "create_router:external_gateway_info:enable_snat": ADMIN,
    "create_router:external_gateway_info:external_fixed_ips": ADMIN,
    "create_router:distributed": ADMIN,
    "create_router:ha": ADMIN,
    "get_router": ADMIN_OR_READER,
    "update_router": ADMIN_OR_MEMBER,
    "update_router:external_gateway_info:enable_snat": ADMIN,
    "update_router:external_gateway_info:external_fixed_ips": ADMIN,
    "update_router:distributed": ADMIN,
    "update_router:ha": ADMIN,
    "delete_router": ADMIN_OR_MEMBER,
    "add_router_interface": ADMIN_OR_MEMBER,
    "remove_router_interface": ADMIN_OR_MEMBER,
    "add_extraroutes": ADMIN_OR_MEMBER,
    "remove_extraroutes": ADMIN_OR_MEMBER,
    "get_l3-agents": ADMIN,
    "get_l3-routers": ADMIN,
    "create_floatingip": ADMIN_OR_MEMBER,
    "create_floatingip:floating_ip_address": ADMIN,
    "get_floatingip": ADMIN_OR_READER,
    "update_floatingip": ADMIN_OR_MEMBER,
    "delete_floatingip": ADMIN_OR_MEMBER,
    "create_subnet:service_types": ADMIN,
    "update_subnet:service_types": ADMIN,
    "create_subnetpool": ADMIN_OR_MEMBER,
    "create_subnetpool:shared": ADMIN,
    "create_subnetpool:is_default": ADMIN,
    "get_subnetpool": ADMIN_OR_READER,
    "update_subnetpool": ADMIN_OR_MEMBER,
    "update_subnetpool:shared": ADMIN,
    "update_subnetpool:is_default": ADMIN,
    "delete_subnetpool": ADMIN_OR_MEMBER,
    "onboard_network_subnets": ADMIN_OR_MEMBER,
    "add_prefixes": ADMIN_OR_MEMBER,
    "remove_prefixes": ADMIN_OR_MEMBER,
    "create_address_scope": ADMIN_OR_MEMBER,
    "create_address_scope:shared": ADMIN,
    "get_address_scope": ADMIN_OR_READER,
    "update_address_scope": ADMIN_OR_MEMBER,
    "update_address_scope:shared": ADMIN,
    "delete_address_scope": ADMIN_OR_MEMBER,
    "create_trunk": ADMIN_OR_MEMBER,
    "get_trunk": ADMIN_OR_READER,
    "update_trunk": ADMIN_OR_MEMBER,
    "delete_trunk": ADMIN_OR_MEMBER,
    "get_subports": ADMIN_OR_READER,
    "add_subports": ADMIN_OR_MEMBER,
    "remove_subports": ADMIN_OR_MEMBER,
    "create_address_group": ADMIN_OR_MEMBER,
    "get_address_group": ADMIN_OR_READER,
    "update_address_group": ADMIN_OR_MEMBER,
    "delete_address_group": ADMIN_OR_MEMBER,
    "create_rbac_policy": ADMIN_OR_MEMBER,
    "create_rbac_policy:target_tenant": ADMIN,
    "get_rbac_policy": ADMIN_OR_READER,
    "update_rbac_policy": ADMIN_OR_MEMBER,
    "update_rbac_policy:target_tenant": ADMIN,
    "delete_rbac_policy": ADMIN_OR_MEMBER,
    "create_floatingip_port_forwarding": ADMIN_OR_MEMBER,
    "get_floatingip_port_forwarding": ADMIN_OR_READER,
    "update_floatingip_port_forwarding": ADMIN_OR_MEMBER,
    "delete_floatingip_port_forwarding": ADMIN_OR_MEMBER,
    "create_default_security_group_rule": ADMIN,
    "get_default_security_group_rule": any_of(ADMIN, "role:reader"),
    "delete_default_security_group_rule": ADMIN,
    "get_network_ip_availability": ADMIN,
    "delete_agent": ADMIN,
    "create_policy": ADMIN,
    "get_policy": ADMIN_OR_READER,
    "update_policy": ADMIN,
    "delete_policy": ADMIN,
    "get_rule_type": any_of(ADMIN, "role:reader"),
    "get_policy_bandwidth_limit_rule": ADMIN_OR_READER,
    "create_policy_bandwidth_limit_rule": ADMIN,
    "update_policy_bandwidth_limit_rule": ADMIN,
    "delete_policy_bandwidth_limit_rule": ADMIN,
    "create_security_group": ADMIN_OR_MEMBER,
    "get_security_group": ADMIN_OR_READER,
    "update_security_group": ADMIN_OR_MEMBER,
    "delete_security_group": ADMIN_OR_MEMBER,
    "create_security_group_rule": ADMIN_OR_MEMBER,
    "get_security_group_rule": ADMIN_OR_READER,
    "delete_security_group_rule": ADMIN_OR_MEMBER,
}

SIGNED_IN = "get_extension"


def policies() -> list[Any]:
    from oslo_policy import policy

    return [policy.RuleDefault(name, check) for name, check in RULES.items()]
