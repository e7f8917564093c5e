"""The extensions of the API that are really there; each promises attributes or routes that are answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Extension:
    """`needs` is the capability without which it is not offered."""

    alias: str
    name: str
    description: str
    updated: str
    needs: str = ""

    def view(self) -> dict[str, object]:
        return {
            "alias": self.alias,
            "name": self.name,
            "description": self.description,
            "updated": f"{self.updated}T10:00:00-00:00",
            "links": [],
        }


# (alias, name, what it is, the day that upstream gives it)
ALWAYS = (
    ("address-group", "Address group", "CIDRs that rules name together.", "2020-07-15"),
    ("address-scope", "Address scope", "Subnet pools without common addresses.", "2015-07-26"),
    ("agent", "agent", "The hosts that carry ports.", "2013-02-03"),
    ("allowed-address-pairs", "Allowed Address Pairs", "More addresses of a port.", "2013-07-23"),
    ("availability_zone", "Availability Zone", "The service's availability zones.", "2015-01-01"),
    ("binding", "Port Binding", "Binding of ports to the hosts that plug them.", "2014-02-03"),
    ("default-subnetpools", "Default Subnetpools", "Pools that subnets come from.", "2016-02-18"),
    ("dns-integration", "DNS Integration", "DNS names of ports and floating IPs.", "2015-08-15"),
    ("empty-string-filtering", "Empty String Filtering Extension", "Filters by nothing.", "2018-04-09"),
    ("external-net", "Neutron external network", "Networks that lead outside.", "2013-01-14"),
    ("filter-validation", "Filter parameters validation", "Unknown filters are refused.", "2018-03-21"),
    ("ip-substring-filtering", "IP address substring filtering", "Part of an address.", "2017-11-28"),
    ("net-mtu", "Network MTU", "The MTU of a network.", "2015-03-25"),
    ("net-mtu-writable", "Network MTU (writable)", "The MTU of a network can be set.", "2017-07-12"),
    ("network-ip-availability", "Network IP Availability", "How full networks are.", "2015-09-24"),
    ("network_availability_zone", "Network Availability Zone", "Zones of networks.", "2015-01-01"),
    ("pagination", "Pagination support", "Lists in pages.", "2018-04-24"),
    ("port-security", "Port Security", "Filters of a port, which can be turned off.", "2012-07-23"),
    ("project-id", "project_id field enabled", "project_id beside tenant_id.", "2016-09-09"),
    ("provider", "Provider Network", "How networks are made, for administrators.", "2012-09-07"),
    ("quota-check-limit", "Quota engine limit check", "No limit below its use.", "2021-09-27"),
    ("quota_details", "Quota details", "Limits with their use.", "2017-02-10"),
    ("quotas", "Quota management support", "Quotas of projects.", "2012-07-29"),
    ("rbac-policies", "RBAC Policies", "Sharing with single projects.", "2015-06-17"),
    ("rbac-address-group", "RBAC for address groups", "Sharing of address groups.", "2021-01-31"),
    ("rbac-address-scope", "RBAC for address scopes", "Sharing of address scopes.", "2020-04-03"),
    ("rbac-security-groups", "RBAC for security groups", "Sharing of groups.", "2018-08-14"),
    ("rbac-subnetpool", "RBAC for subnet pools", "Sharing of subnet pools.", "2020-04-03"),
    ("revision-if-match", "If-Match constraints", "Changes if nobody was quicker.", "2016-12-11"),
    ("security-group", "security-group", "Security groups and their rules.", "2012-10-05"),
    ("security-groups-default-rules", "Default rules", "What new groups begin with.", "2022-12-22"),
    ("security-groups-normalized-cidr", "Normalized CIDR", "CIDRs as they are used.", "2020-01-01"),
    ("security-groups-remote-address-group", "Remote address group", "In rules.", "2020-08-25"),
    ("sorting", "Sorting support", "Lists in an order that is asked for.", "2018-04-24"),
    ("standard-attr-description", "standard-attr-description", "Descriptions.", "2016-02-10"),
    ("standard-attr-revisions", "Resource revision numbers", "Changes are counted.", "2016-04-11"),
    ("standard-attr-tag", "Tag support", "Tags, and filters by them.", "2017-01-01"),
    ("standard-attr-timestamp", "Resource timestamps", "When it was made and changed.", "2016-09-12"),
    ("stateful-security-group", "Stateful security group", "Or without state.", "2019-11-26"),
    ("tag-ports-during-bulk-creation", "Tag Ports During Bulk Creation", "At once.", "2019-12-29"),
    ("subnet-service-types", "Subnet service types", "Subnets for certain owners.", "2016-03-15"),
    ("subnet_allocation", "Subnet Allocation", "Subnets out of pools.", "2015-03-30"),
    ("subnet_onboard", "Subnet Onboard", "Taking subnets into pools.", "2019-04-10"),
    ("subnetpool-prefix-ops", "Subnet Pool Prefix Operations", "Single prefixes.", "2019-02-08"),
)
WITH_ROUTERS = (
    ("ext-gw-mode", "Neutron L3 Configurable external gateway mode", "With or without SNAT.", "2013-03-28"),
    ("extraroute", "Neutron Extra Route", "Routes beside those of the subnets.", "2013-02-01"),
    ("extraroute-atomic", "Atomically add/remove extra routes", "One by one.", "2019-07-10"),
    ("router", "Neutron L3 Router", "Routers and floating IPs.", "2012-07-20"),
    ("router_availability_zone", "Router Availability Zone", "Zones of routers.", "2015-01-01"),
)
WITH_FLOATING_IPS = (
    ("expose-port-forwarding-in-fip", "Expose Port Forwardings in FIP", "Shown there.", "2018-11-21"),
    ("fip-port-details", "Floating IP Port Details Extension", "Whose port it is.", "2018-04-09"),
    ("floating-ip-port-forwarding", "Floating IP Port Forwarding", "Single ports.", "2018-05-07"),
    ("floating-ip-port-forwarding-description", "Description of them", "Described.", "2020-08-12"),
)
WITH_QOS = (
    ("qos", "Quality of Service", "Policies that limit bandwidth.", "2015-06-08"),
    ("qos-bw-limit-direction", "Direction for QoS bandwidth limit rule", "Both ways.", "2017-04-10"),
    ("qos-default", "QoS default policy", "For new networks of a project.", "2017-04-11"),
    ("qos-port-network-policy", "QoS port network policy", "The network's policy.", "2020-10-30"),
    ("qos-rule-type-details", "Details of QoS rule types", "What can be set.", "2017-06-22"),
    ("qos-rules-alias", "Ability to modify QoS rules with a single ID", "Rules by id.", "2018-10-07"),
)
WITH_TRUNKS = (
    ("trunk", "Trunk Extension", "Ports that carry others in VLANs.", "2016-01-01"),
    ("trunk-details", "Trunk port details", "A trunk's subports, shown at its port.", "2016-01-01"),
)
EXTENSIONS = tuple(
    Extension(*row, needs)
    for needs, rows in (
        ("", ALWAYS),
        ("routers", WITH_ROUTERS),
        ("floating_ips", WITH_FLOATING_IPS),
        ("qos", WITH_QOS),
        ("trunks", WITH_TRUNKS),
    )
    for row in rows
)


def present(capabilities: Collection[str]) -> list[Extension]:
    """The extensions that these capabilities of the hosts allow, by alias."""
    found = [one for one in EXTENSIONS if not one.needs or one.needs in capabilities]
    return sorted(found, key=lambda one: one.alias)
