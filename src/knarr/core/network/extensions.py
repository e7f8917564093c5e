"""The extensions of the API that are really there; each promises attributes or routes that are answered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extension:
    alias: str
    name: str
    description: str
    updated: str

    def view(self) -> dict[str, object]:
        return {
            "alias": self.alias,
            "name": self.name,
            "description": self.description,
            "updated": self.updated,
            "links": [],
        }


EXTENSIONS = (
    Extension("agent", "agent", "The hosts that carry ports.", "2013-02-03T10:00:00-00:00"),
    Extension(
        "allowed-address-pairs",
        "Allowed Address Pairs",
        "Addresses beside its own that a port may send from.",
        "2013-07-23T10:00:00-00:00",
    ),
    Extension(
        "availability_zone",
        "Availability Zone",
        "The availability zones of the network service.",
        "2015-01-01T10:00:00-00:00",
    ),
    Extension(
        "network_availability_zone",
        "Network Availability Zone",
        "The availability zones of networks.",
        "2015-01-01T10:00:00-00:00",
    ),
    Extension(
        "binding",
        "Port Binding",
        "Binding of ports to the hosts that plug them.",
        "2014-02-03T10:00:00-00:00",
    ),
    Extension(
        "external-net", "Neutron external network", "Networks that lead outside.", "2013-01-14T10:00:00-00:00"
    ),
    Extension(
        "filter-validation",
        "Filter parameters validation",
        "Unknown filters are refused.",
        "2018-03-21T10:00:00-00:00",
    ),
    Extension(
        "ip-substring-filtering",
        "IP address substring filtering",
        "Ports by a part of their address.",
        "2017-11-28T09:00:00-00:00",
    ),
    Extension("net-mtu", "Network MTU", "The MTU of a network.", "2015-03-25T10:00:00-00:00"),
    Extension(
        "net-mtu-writable",
        "Network MTU (writable)",
        "The MTU of a network can be set.",
        "2017-07-12T00:00:00-00:00",
    ),
    Extension(
        "port-security",
        "Port Security",
        "Filters of a port, which can be turned off.",
        "2012-07-23T10:00:00-00:00",
    ),
    Extension(
        "project-id", "project_id field enabled", "project_id beside tenant_id.", "2016-09-09T09:09:09-09:09"
    ),
    Extension(
        "provider",
        "Provider Network",
        "How networks are made, for administrators.",
        "2012-09-07T10:00:00-00:00",
    ),
    Extension("quotas", "Quota management support", "Quotas of projects.", "2012-07-29T10:00:00-00:00"),
    Extension("quota_details", "Quota details", "Limits with their use.", "2017-02-10T10:00:00-00:00"),
    Extension(
        "revision-if-match",
        "If-Match constraints based on revision_number",
        "Changes only if nobody was quicker.",
        "2016-12-11T00:00:00-00:00",
    ),
    Extension(
        "security-group", "security-group", "Security groups and their rules.", "2012-10-05T10:00:00-00:00"
    ),
    Extension(
        "stateful-security-group",
        "Stateful security group",
        "Whether a group keeps the state of connections.",
        "2019-11-26T09:00:00-00:00",
    ),
    Extension(
        "sorting", "Sorting support", "Lists in an order that is asked for.", "2018-04-24T00:00:00-00:00"
    ),
    Extension("pagination", "Pagination support", "Lists in pages.", "2018-04-24T00:00:00-00:00"),
    Extension(
        "standard-attr-description",
        "standard-attr-description",
        "Descriptions of all resources.",
        "2016-02-10T10:00:00-00:00",
    ),
    Extension(
        "standard-attr-revisions",
        "Resource revision numbers",
        "A number that every change raises.",
        "2016-04-11T10:00:00-00:00",
    ),
    Extension(
        "standard-attr-tag",
        "Tag support",
        "Tags of all resources, and filters by them.",
        "2017-01-01T00:00:00-00:00",
    ),
    Extension(
        "standard-attr-timestamp",
        "Resource timestamps",
        "When things were made and changed.",
        "2016-09-12T10:00:00-00:00",
    ),
)
BY_ALIAS = {extension.alias: extension for extension in EXTENSIONS}
