"""Neutron's errors by name: status and sentence in one table, and the body that they become."""

from __future__ import annotations

from typing import Any

from knarr.kernel.errors import BadRequest, Conflict, KnarrError, NotFound, PreconditionFailed

ERRORS: dict[str, tuple[type[KnarrError], str]] = {
    "InvalidInput": (BadRequest, "Invalid input for operation: {why}."),
    "NetworkNotFound": (NotFound, "Network {id} could not be found."),
    "SubnetNotFound": (NotFound, "Subnet {id} could not be found."),
    "PortNotFound": (NotFound, "Port {id} could not be found."),
    "SecurityGroupNotFound": (NotFound, "Security group {id} does not exist."),
    "SecurityGroupRuleNotFound": (NotFound, "Security group rule {id} does not exist."),
    "ExtensionNotFound": (NotFound, "Extension with alias {id} does not exist."),
    "TagNotFound": (NotFound, "Tag {id} could not be found."),
    "AgentNotFound": (NotFound, "Agent {id} could not be found."),
    "BadRequest": (BadRequest, "Bad {resource} request: {why}."),
    "IpAddressGenerationFailureNoMatchingSubnet": (
        Conflict,
        "Network {network} has no subnet whose service_types allow ports of {owner}.",
    ),
    "AllocationOnAutoAddressSubnet": (
        BadRequest,
        "{ip} cannot be chosen on subnet {subnet}, whose addresses follow from MAC addresses.",
    ),
    "ServicePortInUse": (Conflict, "Port {id} cannot be deleted or given away by the port API: {why}."),
    "PortInUse": (Conflict, "Port {port} on network {network} is in use by device {device}."),
    "ExternalNetworkInUse": (
        Conflict,
        "External network {id} cannot be made an internal one: gateways or floating IPs are on it.",
    ),
    "RouterNotFound": (NotFound, "Router {id} could not be found."),
    "RouterInUse": (Conflict, "Router {id} still has ports."),
    "RouterInterfaceNotFound": (NotFound, "Router {router} has no interface with port {port}."),
    "RouterInterfaceNotFoundForSubnet": (NotFound, "Router {router} has no interface on subnet {subnet}."),
    "RouterInterfaceInUseByFloatingIP": (
        Conflict,
        "The interface of router {router} on subnet {subnet} is needed by floating IPs.",
    ),
    "RouterInterfaceInUseByRoute": (
        Conflict,
        "The interface of router {router} on subnet {subnet} is needed by extra routes.",
    ),
    "RouterExternalGatewayInUseByFloatingIp": (
        Conflict,
        "The gateway of router {id} on network {network} is needed by floating IPs.",
    ),
    "SubnetMismatchForPort": (BadRequest, "Subnet {subnet} is not the one of port {port}."),
    "InvalidRoutes": (BadRequest, "Invalid format for routes: {why}."),
    "RoutesExhausted": (BadRequest, "Unable to set more than {most} routes on router {id}."),
    "FloatingIPNotFound": (NotFound, "Floating IP {id} could not be found."),
    "ExternalGatewayForFloatingIPNotFound": (
        NotFound,
        "External network {network} is not reachable from subnet {subnet}: no floating IP for port {port}.",
    ),
    "FloatingIPPortAlreadyAssociated": (
        Conflict,
        "Address {fixed} of port {port} already has floating IP {address} ({id}) of the network.",
    ),
    "FipInUseByPortForwarding": (
        Conflict,
        "Floating IP {id} has port forwardings: it cannot lead to one port as a whole.",
    ),
    "QosPolicyNotFound": (NotFound, "QoS policy {id} could not be found."),
    "QosRuleNotFound": (NotFound, "QoS rule {id} for policy {policy} could not be found."),
    "QosRuleTypeNotFound": (NotFound, "QoS rule type {kind} is not supported."),
    "QosPolicyInUse": (Conflict, "QoS policy {id} is used by {what} {user}."),
    "QoSPolicyDefaultAlreadyExists": (Conflict, "A default QoS policy exists for project {project}."),
    "QoSRulesConflict": (Conflict, "Rule {kind} conflicts with rule {id} of QoS policy {policy}."),
    "QosRuleNotSupported": (Conflict, "Rules of type {kind} are not supported here, only {only}."),
    "TrunkNotFound": (NotFound, "Trunk {id} could not be found."),
    "SubPortNotFound": (NotFound, "Trunk {id} has no subport with port {port}."),
    "ParentPortInUse": (Conflict, "Port {port} cannot be the parent of a trunk: {why}."),
    "TrunkPortInUse": (Conflict, "Port {port} is in use by trunk {trunk} already."),
    "DuplicateSubPort": (Conflict, "VLAN {vlan} is in use on trunk {id} already."),
    "SubPortMtuGreaterThanTrunkPortMtu": (
        Conflict,
        "The MTU {mtu} of port {port} is greater than {bound}, that of trunk {id}.",
    ),
    "PortInUseAsTrunkParent": (Conflict, "Port {port} is the parent of trunk {trunk}."),
    "PortInUseAsSubPort": (Conflict, "Port {port} is a subport of trunk {trunk}."),
    "TrunkDisabled": (Conflict, "Trunk {id} is disabled: set 'admin_state_up' to true first."),
    "SubnetPoolNotFound": (NotFound, "Subnet pool {id} could not be found."),
    "SubnetAllocationError": (Conflict, "Failed to allocate subnet: {why}."),
    "SubnetPoolQuotaExceeded": (
        Conflict,
        "Per-tenant quota of subnet pool {id} exceeded: {used} of {limit} are in use.",
    ),
    "SubnetPoolDeleteError": (BadRequest, "Unable to delete subnet pool: {why}."),
    "MinPrefixSubnetAllocationError": (
        BadRequest,
        "Unable to allocate a subnet with prefix length {length}, the minimum is {bound}.",
    ),
    "MaxPrefixSubnetAllocationError": (
        BadRequest,
        "Unable to allocate a subnet with prefix length {length}, the maximum is {bound}.",
    ),
    "EmptySubnetPoolPrefixList": (BadRequest, "Empty subnet pool prefix list: 'prefixes' needs one."),
    "PrefixVersionMismatch": (BadRequest, "The 'prefixes' of a subnet pool are of one IP version."),
    "UnsupportedPrefixLength": (BadRequest, "Invalid value for '{name}': {value} is not from 0 to {most}."),
    "IllegalSubnetPoolPrefixBounds": (
        BadRequest,
        "Illegal prefix bounds: {name} is {value} and {other} is {bound}.",
    ),
    "IllegalSubnetPoolPrefixUpdate": (BadRequest, "Illegal update of subnet pool prefixes: {why}."),
    "IllegalSubnetPoolUpdate": (BadRequest, "Illegal subnet pool update: {why}."),
    "IllegalSubnetPoolAssociationToAddressScope": (
        BadRequest,
        "Subnet pool {pool} cannot be in address scope {scope}, which is another project's.",
    ),
    "IllegalSubnetPoolIpVersionAssociationToAddressScope": (
        BadRequest,
        "Subnet pool {pool} cannot be in address scope {scope}, which is of another IP version.",
    ),
    "NetworkSubnetPoolAffinityError": (
        BadRequest,
        "Subnets of one IP version on one network must come from the same subnet pool.",
    ),
    "AddressScopeNotFound": (NotFound, "Address scope {id} could not be found."),
    "AddressScopeInUse": (Conflict, "Address scope {id} is in use: subnet pools are in it."),
    "AddressScopePrefixConflict": (
        Conflict,
        "The prefixes overlap with those of subnet pool {pool} in address scope {scope}.",
    ),
    "AddressScopeUpdateError": (BadRequest, "Unable to update address scope {id}: {why}."),
    "PortForwardingNotFound": (NotFound, "Port Forwarding {id} could not be found."),
    "PortHasPortForwarding": (BadRequest, "Port {port} has port forwardings of a floating IP already."),
    "PortHasBindingFloatingIP": (
        Conflict,
        "The address of port {port} has floating IP {address} ({id}) as a whole already.",
    ),
    "AddressGroupNotFound": (NotFound, "Address group {id} could not be found."),
    "AddressGroupInUse": (Conflict, "Address group {id} is in use by security group rules."),
    "AddressesNotFound": (NotFound, "Addresses {addresses} are not in address group {id}."),
    "RbacPolicyNotFound": (NotFound, "RBAC policy {id} could not be found."),
    "RbacPolicyInUse": (Conflict, "RBAC policy on object {id} cannot be removed: {users} use it."),
    "DuplicateRbacPolicy": (Conflict, "An RBAC policy of {action} on {id} for {target} already exists."),
    "DefaultSecurityGroupRuleNotFound": (NotFound, "Default security group rule {id} does not exist."),
    "DefaultSecurityGroupRuleExists": (
        Conflict,
        "Default security group rule already exists. Rule id is {id}.",
    ),
    "SecurityGroupRuleRemotesConflict": (
        BadRequest,
        "Only one of remote_ip_prefix, remote_group_id and remote_address_group_id may be given.",
    ),
    "AgentInUse": (Conflict, "Agent {id} is alive or carries ports: it cannot be deleted."),
    "NetworkInUse": (Conflict, "Network {id} is in use: one or more ports have it, {ports} among them."),
    "InvalidSharedSetting": (
        Conflict,
        "Network {id} cannot be unshared: ports of other projects are on it.",
    ),
    "SubnetInUse": (Conflict, "Subnet {id} is in use: one or more ports have an address of it."),
    "GatewayIpInUse": (Conflict, "Gateway {ip} is in use by port {port}; it cannot be changed."),
    "IpAddressInUse": (Conflict, "The address {ip} is in use on network {network}."),
    "IpAddressGenerationFailure": (Conflict, "No more IP addresses available on network {network}."),
    "MacAddressInUse": (Conflict, "The MAC address {mac} is in use on network {network}."),
    "InvalidIpForNetwork": (BadRequest, "{ip} is no valid address of any subnet of network {network}."),
    "InvalidIpForSubnet": (BadRequest, "{ip} is no valid address of subnet {subnet} ({cidr})."),
    "InvalidAllocationPool": (BadRequest, "The allocation pool {pool} is not valid: {why}."),
    "OutOfBoundsAllocationPool": (BadRequest, "The allocation pool {pool} lies outside of {cidr}."),
    "OverlappingAllocationPools": (Conflict, "The allocation pools {pool} and {other} overlap in {cidr}."),
    "GatewayConflictWithAllocationPools": (Conflict, "The gateway {ip} lies in the allocation pool {pool}."),
    "OverQuota": (Conflict, "{why}"),
    "SecurityGroupInUse": (Conflict, "Security group {id} is in use: {why}."),
    "SecurityGroupCannotRemoveDefault": (Conflict, "The default security group cannot be deleted."),
    "SecurityGroupCannotUpdateDefault": (Conflict, "The default security group cannot be renamed."),
    "SecurityGroupDefaultAlreadyExists": (Conflict, "A security group 'default' exists in the project."),
    "SecurityGroupRuleExists": (Conflict, "Security group rule already exists. Rule id is {id}."),
    "SecurityGroupInvalidPortRange": (
        BadRequest,
        "For TCP/UDP protocols, port_range_min must be <= port_range_max, both from 1 to 65535.",
    ),
    "SecurityGroupInvalidPortValue": (BadRequest, "Invalid value for port {port}: use 0 to 65535."),
    "SecurityGroupInvalidIcmpValue": (BadRequest, "Invalid value for ICMP {field} {value}: use 0 to 255."),
    "SecurityGroupMissingIcmpType": (
        BadRequest,
        "An ICMP code (port_range_max) needs a type (port_range_min).",
    ),
    "SecurityGroupProtocolRequiredWithPorts": (
        BadRequest,
        "Must also specify protocol if port range is given.",
    ),
    "SecurityGroupRuleInvalidProtocol": (
        BadRequest,
        "Security group rule protocol {protocol} not supported: use one of {known} or a number up to 255.",
    ),
    "SecurityGroupInvalidProtocolForPort": (BadRequest, "Invalid protocol {protocol} for a port range."),
    "SecurityGroupRuleInvalidEtherType": (BadRequest, "Ethertype {value} not supported: use IPv4 or IPv6."),
    "SecurityGroupEthertypeConflictWithProtocol": (
        BadRequest,
        "Ethertype {ethertype} does not go with protocol {protocol}.",
    ),
    "SecurityGroupRuleParameterConflict": (
        BadRequest,
        "Conflicting values: ethertype {ethertype} for CIDR {cidr}.",
    ),
    "SecurityGroupRemoteGroupAndRemoteIpPrefix": (
        BadRequest,
        "Only one of remote_ip_prefix and remote_group_id may be given.",
    ),
    "AllowedAddressPairsMissingIP": (BadRequest, "An allowed address pair needs an ip_address."),
    "AddressPairAndPortSecurityRequired": (Conflict, "Allowed address pairs need port security."),
    "PortSecurityPortHasSecurityGroup": (
        Conflict,
        "The port has security groups: port security cannot be disabled before they are removed.",
    ),
    "PortSecurityAndIPRequiredForSecurityGroups": (
        BadRequest,
        "Security groups need port security and an address on the port.",
    ),
    "RevisionNumberConstraintFailed": (
        PreconditionFailed,
        "Constrained to revision_number {wanted}, but the resource has {actual}.",
    ),
}

TYPES = {
    400: "HTTPBadRequest",
    401: "HTTPUnauthorized",
    403: "PolicyNotAuthorized",
    404: "HTTPNotFound",
    405: "HTTPMethodNotAllowed",
    406: "HTTPNotAcceptable",
    409: "HTTPConflict",
    412: "RevisionNumberConstraintFailed",
    413: "HTTPRequestEntityTooLarge",
    415: "HTTPUnsupportedMediaType",
    503: "HTTPServiceUnavailable",
}


def fault(code: str, **values: Any) -> KnarrError:
    """The error that Neutron calls `code`, to be raised."""
    kind, sentence = ERRORS[code]
    return kind(sentence.format_map({k: str(v)[:255] for k, v in values.items()}), code=code)


def invalid(why: str) -> KnarrError:
    """400 InvalidInput; `why` names the field and what would be right."""
    return fault("InvalidInput", why=why)


def error_body(error: KnarrError, request_id: str) -> dict[str, Any]:
    """{"NeutronError": {type, message, detail}}; a 401 has the form of keystonemiddleware, as upstream's."""
    if error.status == 401:
        return {"error": {"code": 401, "title": "Unauthorized", "message": error.detail}}
    kind = error.code or TYPES.get(error.status, "HTTPInternalServerError")
    return {"NeutronError": {"type": kind, "message": error.detail, "detail": ""}}
