"""Request bodies of the network API, with their limits. A create may name another project (`tenant_id` is the
older word): the policies leave that to administrators."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from knarr.kernel.schema import UNSET, Body, Name, UnsetType

Text = Annotated[str, Meta(max_length=255)]
Project = Annotated[str, Meta(max_length=64)]
Address = Annotated[str, Meta(max_length=64)]
Mac = Annotated[str, Meta(pattern=r"^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$")]
Mtu = Annotated[int, Meta(ge=68, le=65535)]
Ipv6Mode = Literal["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]
Tag = Annotated[str, Meta(min_length=1, max_length=255)]
Tags = Annotated[list[Tag], Meta(max_length=50)]
DnsName = Annotated[str, Meta(pattern=r"^[0-9A-Za-z.-]{0,253}$")]
Kbps = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Direction = Literal["ingress", "egress"]
PrefixLength = Annotated[int, Meta(ge=0, le=128)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Prefixes = Annotated[list[Address], Meta(max_length=128)]
ServiceType = Annotated[str, Meta(pattern=r"^(compute|network|trunk|baremetal|container):.{1,240}$")]
PortNumber = Annotated[int, Meta(ge=1, le=65535)]
Vlan = Annotated[int, Meta(ge=1, le=4094)]
Limit = Annotated[int, Meta(ge=-1, le=2**31 - 1)]


class NetworkFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    external: bool | UnsetType = field(name="router:external", default=UNSET)
    is_default: bool | UnsetType = UNSET
    mtu: Mtu | UnsetType = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    qos_policy_id: Text | UnsetType | None = UNSET
    dns_domain: DnsName | UnsetType | None = UNSET


class NetworkCreate(NetworkFields):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    availability_zone_hints: list[Text] | UnsetType = UNSET
    network_type: str | UnsetType | None = field(name="provider:network_type", default=UNSET)
    physical_network: str | UnsetType | None = field(name="provider:physical_network", default=UNSET)
    segmentation_id: int | UnsetType | None = field(name="provider:segmentation_id", default=UNSET)


class NetworkUpdate(NetworkFields):
    pass


class Pool(Body):
    start: Address
    end: Address


class HostRoute(Body):
    destination: Address
    nexthop: Address


class SubnetFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    gateway_ip: Address | UnsetType | None = UNSET
    enable_dhcp: bool | UnsetType = UNSET
    allocation_pools: Annotated[list[Pool], Meta(max_length=64)] | UnsetType | None = UNSET
    dns_nameservers: Annotated[list[Address], Meta(max_length=16)] | UnsetType | None = UNSET
    host_routes: Annotated[list[HostRoute], Meta(max_length=20)] | UnsetType | None = UNSET
    service_types: Annotated[list[ServiceType], Meta(max_length=16)] | UnsetType | None = UNSET


class SubnetCreate(SubnetFields, kw_only=True):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    network_id: Text
    cidr: Address | UnsetType | None = UNSET
    subnetpool_id: Text | UnsetType | None = UNSET
    use_default_subnetpool: bool | UnsetType = UNSET
    prefixlen: PrefixLength | UnsetType | None = UNSET
    ip_version: Literal[4, 6] | UnsetType = UNSET
    ipv6_ra_mode: Ipv6Mode | UnsetType | None = UNSET
    ipv6_address_mode: Ipv6Mode | UnsetType | None = UNSET


class SubnetUpdate(SubnetFields):
    pass


class FixedIp(Body):
    subnet_id: Text | None = None
    ip_address: Address | None = None


class Pair(Body):
    ip_address: Address | None = None
    mac_address: Mac | None = None


class PortFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    device_id: Text | UnsetType = UNSET
    device_owner: Text | UnsetType = UNSET
    mac_address: Mac | UnsetType | None = UNSET
    fixed_ips: Annotated[list[FixedIp], Meta(max_length=16)] | UnsetType | None = UNSET
    security_groups: Annotated[list[Text], Meta(max_length=64)] | UnsetType | None = UNSET
    allowed_address_pairs: Annotated[list[Pair], Meta(max_length=64)] | UnsetType | None = UNSET
    port_security_enabled: bool | UnsetType = UNSET
    dns_name: DnsName | UnsetType = UNSET
    host_id: Text | UnsetType | None = field(name="binding:host_id", default=UNSET)
    vnic_type: Literal["normal"] | UnsetType = field(name="binding:vnic_type", default=UNSET)
    profile: dict[str, Any] | UnsetType | None = field(name="binding:profile", default=UNSET)
    qos_policy_id: Text | UnsetType | None = UNSET


class PortCreate(PortFields, kw_only=True):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    network_id: Text
    tags: Tags = []


class PortUpdate(PortFields):
    pass


class GroupFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    stateful: bool | UnsetType = UNSET


class GroupCreate(GroupFields):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET


class GroupUpdate(GroupFields):
    pass


class RuleCreate(Body, kw_only=True):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    security_group_id: Text
    direction: Literal["ingress", "egress"]
    ethertype: str | None = None
    protocol: str | int | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: Address | None = None
    remote_group_id: Text | None = None
    remote_address_group_id: Text | None = None
    description: Text = ""


class DefaultRuleCreate(Body, kw_only=True):
    direction: Direction
    ethertype: str | None = None
    protocol: str | int | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: Address | None = None
    remote_group_id: Text | None = None
    remote_address_group_id: Text | None = None
    description: Text = ""
    used_in_default_sg: bool = False
    used_in_non_default_sg: bool = True


class AddressGroupFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET


class AddressGroupCreate(AddressGroupFields):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    addresses: Prefixes = []


class AddressGroupUpdate(AddressGroupFields):
    pass


class AddressGroupAddresses(Body):
    addresses: Prefixes


class ForwardingCreate(Body, kw_only=True):
    protocol: Literal["tcp", "udp"]
    external_port: PortNumber
    internal_port: PortNumber
    internal_port_id: Text
    internal_ip_address: Address | None = None
    description: Text = ""


class ForwardingUpdate(Body):
    protocol: Literal["tcp", "udp"] | UnsetType = UNSET
    external_port: PortNumber | UnsetType = UNSET
    internal_port: PortNumber | UnsetType = UNSET
    internal_port_id: Text | UnsetType = UNSET
    internal_ip_address: Address | UnsetType | None = UNSET
    description: Text | UnsetType = UNSET


class RbacCreate(Body, kw_only=True):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    object_type: Literal[
        "address_group", "address_scope", "network", "qos_policy", "security_group", "subnetpool"
    ]
    object_id: Text
    action: Literal["access_as_shared", "access_as_external"]
    target_tenant: Project | None = None
    target_project_id: Project | None = None


class RbacUpdate(Body):
    target_tenant: Project | None = None
    target_project_id: Project | None = None


class Route(Body):
    destination: Address
    nexthop: Address


Routes = Annotated[list[Route], Meta(max_length=64)]


class GatewayInfo(Body):
    network_id: Text | None = None
    enable_snat: bool | UnsetType | None = UNSET
    external_fixed_ips: Annotated[list[FixedIp], Meta(max_length=16)] | UnsetType | None = UNSET


class RouterFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET
    external_gateway_info: GatewayInfo | UnsetType | None = UNSET
    distributed: bool | UnsetType | None = UNSET
    ha: bool | UnsetType | None = UNSET


class RouterCreate(RouterFields):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    availability_zone_hints: list[Text] | UnsetType = UNSET


class RouterUpdate(RouterFields):
    routes: Routes | UnsetType | None = UNSET


class RouterRoutes(Body):
    routes: Routes


class RouterInterface(Body):
    subnet_id: Text | None = None
    port_id: Text | None = None


class FloatingIpFields(Body):
    description: Text | UnsetType = UNSET
    port_id: Text | UnsetType | None = UNSET
    fixed_ip_address: Address | UnsetType | None = UNSET


class FloatingIpCreate(FloatingIpFields, kw_only=True):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    floating_network_id: Text
    floating_ip_address: Address | UnsetType | None = UNSET
    subnet_id: Text | UnsetType | None = UNSET
    dns_name: DnsName | UnsetType = UNSET
    dns_domain: DnsName | UnsetType = UNSET


class FloatingIpUpdate(FloatingIpFields):
    pass


class QosPolicyFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET


class QosPolicyCreate(QosPolicyFields):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET


class QosPolicyUpdate(QosPolicyFields):
    pass


class BandwidthCreate(Body):
    max_kbps: Kbps
    max_burst_kbps: Kbps = 0
    direction: Direction = "egress"


class BandwidthUpdate(Body):
    max_kbps: Kbps | UnsetType = UNSET
    max_burst_kbps: Kbps | UnsetType = UNSET
    direction: Direction | UnsetType = UNSET


class SubnetPoolFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    is_default: bool | UnsetType = UNSET
    min_prefixlen: PrefixLength | UnsetType | None = UNSET
    max_prefixlen: PrefixLength | UnsetType | None = UNSET
    default_prefixlen: PrefixLength | UnsetType | None = UNSET
    default_quota: Count | UnsetType | None = UNSET
    address_scope_id: Text | UnsetType | None = UNSET


class SubnetPoolCreate(SubnetPoolFields, kw_only=True):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    prefixes: Prefixes


class SubnetPoolUpdate(SubnetPoolFields):
    prefixes: Prefixes | UnsetType = UNSET


class PoolPrefixes(Body):
    prefixes: Prefixes


class PoolNetwork(Body):
    network_id: Text


class AddressScopeCreate(Body):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    name: Name | UnsetType = UNSET
    ip_version: Literal[4, 6] = 4
    shared: bool | UnsetType = UNSET


class AddressScopeUpdate(Body):
    name: Name | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


class TrunkFields(Body):
    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    admin_state_up: bool | UnsetType = UNSET


class SubPort(Body):
    port_id: Text
    segmentation_type: Literal["vlan", "inherit"] | None = None
    segmentation_id: Vlan | None = None


SubPorts = Annotated[list[SubPort], Meta(max_length=4094)]


class TrunkCreate(TrunkFields, kw_only=True):
    project_id: Project | UnsetType | None = UNSET
    tenant_id: Project | UnsetType | None = UNSET
    port_id: Text
    sub_ports: SubPorts = []


class TrunkUpdate(TrunkFields):
    pass


class TrunkSubPorts(Body):
    sub_ports: SubPorts


class TagsReplace(Body):
    tags: Tags


class QuotaUpdate(Body):
    network: Limit | UnsetType = UNSET
    subnet: Limit | UnsetType = UNSET
    port: Limit | UnsetType = UNSET
    security_group: Limit | UnsetType = UNSET
    security_group_rule: Limit | UnsetType = UNSET
    router: Limit | UnsetType = UNSET
    floatingip: Limit | UnsetType = UNSET
    subnetpool: Limit | UnsetType = UNSET
    rbac_policy: Limit | UnsetType = UNSET
    trunk: Limit | UnsetType = UNSET
    check_limit: bool = False
    force: bool = False
