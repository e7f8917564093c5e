"""The network API as one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from knarr.core.network import schemas as s
from knarr.core.network.api import (
    addressgroups,
    addressscopes,
    availability,
    defaultrules,
    discovery,
    floatingips,
    forwardings,
    groups,
    networks,
    ports,
    qos,
    quotas,
    rbac,
    routers,
    rules,
    subnetpools,
    subnets,
    tags,
    trunks,
)
from knarr.core.network.offering import only_with
from knarr.core.network.policies import SIGNED_IN
from knarr.kernel.routing import Route

PUBLIC = None


def functions(module: Any) -> Callable[[str], Callable[..., Any]]:
    """The module's functions by name."""
    return lambda name: cast(Callable[..., Any], getattr(module, name))


def collection(
    plural: str, singular: str, noun: str, handlers: Any, create: Any, update: Any, base: str = ""
) -> tuple[Route, ...]:
    """The five routes that every resource has (four where `update` is None), from the functions of its module
    that are named after the noun. Rules that need the object are checked by the handler once it is known.
    """
    path = base or f"/v2.0/{plural}"
    member, words = f"{path}/{{ident}}", singular.replace("_", " ")
    making: dict[str, Any] = {"envelope": singular, "lax": True}
    fn = functions(handlers)
    routes = (
        Route("GET", path, fn(f"list_{noun}s"), f"get_{singular}", summary=f"List {words}s"),
        Route(
            "POST",
            path,
            fn(f"create_{noun}"),
            SIGNED_IN,
            status=201,
            body=create,
            bulk=plural.replace("-", "_"),
            summary=f"Create a {words}, or several",
            **making,
        ),
        Route("GET", member, fn(f"show_{noun}"), f"get_{singular}", summary=f"Show a {words}"),
        Route("DELETE", member, fn(f"delete_{noun}"), SIGNED_IN, status=204, summary=f"Delete a {words}"),
    )
    if update is None:
        return routes
    change = fn(f"update_{noun}")
    return (
        *routes,
        Route("PUT", member, change, SIGNED_IN, body=update, summary=f"Update a {words}", **making),
    )


def nested(
    path: str,
    noun: str,
    singular: str,
    rule: str,
    handlers: Any,
    bodies: tuple[Any, Any],
    ident: str = "",
) -> tuple[Route, ...]:
    """The five routes of what belongs to another resource."""
    member, words = f"{path}/{{{ident or noun + '_id'}}}", singular.replace("_", " ")
    making: dict[str, Any] = {"envelope": singular, "lax": True}
    fn, (create, update) = functions(handlers), bodies
    return (
        Route("GET", path, fn(f"list_{noun}s"), rule, summary=f"List {words}s"),
        Route(
            "POST",
            path,
            fn(f"create_{noun}"),
            SIGNED_IN,
            status=201,
            body=create,
            summary=f"Create a {words}",
            **making,
        ),
        Route("GET", member, fn(f"show_{noun}"), rule, summary=f"Show a {words}"),
        Route(
            "PUT", member, fn(f"update_{noun}"), SIGNED_IN, body=update, summary=f"Update a {words}", **making
        ),
        Route("DELETE", member, fn(f"delete_{noun}"), SIGNED_IN, status=204, summary=f"Delete a {words}"),
    )


DISCOVERY = (
    Route("GET", "/", discovery.list_versions, PUBLIC, summary="List the API versions"),
    Route("GET", "/v2.0", discovery.show_version, PUBLIC, summary="List the collections of API version 2.0"),
    Route("GET", "/v2.0/extensions", discovery.list_extensions, "get_extension", summary="List extensions"),
    Route(
        "GET",
        "/v2.0/extensions/{alias}",
        discovery.show_extension,
        "get_extension",
        summary="Show an extension",
    ),
    Route(
        "GET",
        "/v2.0/availability_zones",
        discovery.list_zones,
        "get_availability_zone",
        summary="List availability zones",
    ),
    Route(
        "GET", "/v2.0/agents", discovery.list_agents, "get_agent", summary="List the hosts that carry ports"
    ),
    Route("GET", "/v2.0/agents/{ident}", discovery.show_agent, "get_agent", summary="Show such a host"),
    Route(
        "DELETE",
        "/v2.0/agents/{ident}",
        discovery.delete_agent,
        "delete_agent",
        status=204,
        summary="Forget a host that is gone",
    ),
    Route(
        "GET",
        "/v2.0/network-ip-availabilities",
        availability.list_availability,
        "get_network_ip_availability",
        summary="List how full networks are",
    ),
    Route(
        "GET",
        "/v2.0/network-ip-availabilities/{ident}",
        availability.show_availability,
        "get_network_ip_availability",
        summary="Show how full a network is",
    ),
)

QUOTA = "/v2.0/quotas/{project_id}"

QUOTAS = (
    Route("GET", "/v2.0/quotas", quotas.list_quotas, SIGNED_IN, summary="List projects with own quotas"),
    Route(
        "GET", "/v2.0/quotas/tenant", quotas.show_own_project, SIGNED_IN, summary="Show the token's project"
    ),
    Route(
        "GET", "/v2.0/quotas/project", quotas.show_own_project, SIGNED_IN, summary="Show the token's project"
    ),
    Route("GET", QUOTA, quotas.show_quota, SIGNED_IN, summary="Show a project's quotas"),
    Route("GET", f"{QUOTA}/default", quotas.show_defaults, SIGNED_IN, summary="Show the default quotas"),
    Route(
        "GET",
        f"{QUOTA}/details",
        quotas.show_details,
        SIGNED_IN,
        summary="Show a project's quotas and their use",
    ),
    Route(
        "GET",
        f"{QUOTA}/details.json",
        quotas.show_details,
        SIGNED_IN,
        summary="Show a project's quotas and their use",
    ),
    Route(
        "PUT",
        QUOTA,
        quotas.update_quota,
        "update_quota",
        body=s.QuotaUpdate,
        envelope="quota",
        lax=True,
        summary="Update a project's quotas",
    ),
    Route(
        "DELETE", QUOTA, quotas.delete_quota, "delete_quota", status=204, summary="Reset a project's quotas"
    ),
)


def router_action(verb: str, body: Any, envelope: str | None, summary: str) -> Route:
    path = f"/v2.0/routers/{{ident}}/{verb}"
    handler: Callable[..., Any] = getattr(routers, verb)
    return Route("PUT", path, handler, SIGNED_IN, body=body, envelope=envelope, lax=True, summary=summary)


ROUTING = (
    *collection("routers", "router", "router", routers, s.RouterCreate, s.RouterUpdate),
    router_action("add_router_interface", s.RouterInterface, None, "Connect a subnet or a port"),
    router_action("remove_router_interface", s.RouterInterface, None, "Disconnect a subnet or a port"),
    router_action("add_extraroutes", s.RouterRoutes, "router", "Add extra routes"),
    router_action("remove_extraroutes", s.RouterRoutes, "router", "Remove extra routes"),
    *collection(
        "floatingips", "floatingip", "floatingip", floatingips, s.FloatingIpCreate, s.FloatingIpUpdate
    ),
    Route(
        "GET",
        "/v2.0/routers/{ident}/l3-agents",
        discovery.list_l3_agents,
        "get_l3-agents",
        summary="Show the host that carries a router",
    ),
    Route(
        "GET",
        "/v2.0/agents/{ident}/l3-routers",
        discovery.list_l3_routers,
        "get_l3-routers",
        summary="List the routers that a host carries",
    ),
    *nested(
        "/v2.0/floatingips/{ident}/port_forwardings",
        "forwarding",
        "port_forwarding",
        "get_floatingip_port_forwarding",
        forwardings,
        (s.ForwardingCreate, s.ForwardingUpdate),
    ),
)


def pool_action(verb: str, body: Any, summary: str) -> Route:
    path = f"/v2.0/subnetpools/{{ident}}/{verb}"
    handler: Callable[..., Any] = getattr(subnetpools, verb)
    return Route("PUT", path, handler, SIGNED_IN, body=body, summary=summary)


POOLS = (
    *collection(
        "subnetpools", "subnetpool", "subnetpool", subnetpools, s.SubnetPoolCreate, s.SubnetPoolUpdate
    ),
    pool_action("add_prefixes", s.PoolPrefixes, "Add prefixes to a subnet pool"),
    pool_action("remove_prefixes", s.PoolPrefixes, "Remove prefixes from a subnet pool"),
    pool_action("onboard_network_subnets", s.PoolNetwork, "Take a network's subnets into a subnet pool"),
    *collection(
        "address-scopes", "address_scope", "scope", addressscopes, s.AddressScopeCreate, s.AddressScopeUpdate
    ),
)


SHARING = (
    *collection(
        "address-groups",
        "address_group",
        "group",
        addressgroups,
        s.AddressGroupCreate,
        s.AddressGroupUpdate,
    ),
    *(
        Route(
            "PUT",
            f"/v2.0/address-groups/{{ident}}/{verb}",
            handler,
            SIGNED_IN,
            body=s.AddressGroupAddresses,
            summary=summary,
        )
        for verb, handler, summary in (
            ("add_addresses", addressgroups.add_addresses, "Add addresses to an address group"),
            ("remove_addresses", addressgroups.remove_addresses, "Remove addresses from an address group"),
        )
    ),
    *collection("rbac-policies", "rbac_policy", "entry", rbac, s.RbacCreate, s.RbacUpdate),
    *collection(
        "default-security-group-rules",
        "default_security_group_rule",
        "rule",
        defaultrules,
        s.DefaultRuleCreate,
        None,
    ),
)


LIMITS = "/v2.0/qos/policies/{ident}/bandwidth_limit_rules"
LIMIT_ALIAS = "/v2.0/qos/alias_bandwidth_limit_rules/{ident}"
LIMIT_RULE = "bandwidth_limit_rule"
GET_LIMIT = "get_policy_bandwidth_limit_rule"


def unreal_rules(kind: str) -> tuple[Route, ...]:
    """The routes of QoS rules that no backend keeps: there are none, and none can be made."""
    path, words = f"/v2.0/qos/policies/{{ident}}/{kind}_rules", kind.replace("_", " ")
    none: Callable[..., Any] = lambda req, ident: qos.list_none(req, ident, kind)  # noqa: E731
    refuse: Callable[..., Any] = lambda req, ident: qos.refuse(req, ident, kind)  # noqa: E731
    return (
        Route("GET", path, none, "get_policy", summary=f"List {words} rules: none"),
        Route("POST", path, refuse, "create_policy", summary=f"Refuses {words} rules"),
    )


QOS = (
    *collection(
        "policies", "policy", "policy", qos, s.QosPolicyCreate, s.QosPolicyUpdate, base="/v2.0/qos/policies"
    ),
    *nested(
        LIMITS, "limit", LIMIT_RULE, GET_LIMIT, qos, (s.BandwidthCreate, s.BandwidthUpdate), ident="rule_id"
    ),
    Route("GET", LIMIT_ALIAS, qos.show_limit_alias, GET_LIMIT, summary="Show a bandwidth limit by its id"),
    Route(
        "PUT",
        LIMIT_ALIAS,
        qos.update_limit_alias,
        SIGNED_IN,
        body=s.BandwidthUpdate,
        envelope="alias_bandwidth_limit_rule",
        lax=True,
        summary="Change a bandwidth limit by its id",
    ),
    Route(
        "DELETE",
        LIMIT_ALIAS,
        qos.delete_limit_alias,
        SIGNED_IN,
        status=204,
        summary="Remove a bandwidth limit by its id",
    ),
    *(route for kind in qos.NOT_REAL for route in unreal_rules(kind)),
    Route("GET", "/v2.0/qos/rule-types", qos.list_kinds, "get_rule_type", summary="List kinds of rules"),
    Route(
        "GET", "/v2.0/qos/rule-types/{kind}", qos.show_kind, "get_rule_type", summary="Show a kind of rules"
    ),
)


def trunk_action(method: str, verb: str, rule: str, summary: str) -> Route:
    path, body = f"/v2.0/trunks/{{ident}}/{verb}", s.TrunkSubPorts if method == "PUT" else None
    handler: Callable[..., Any] = getattr(trunks, verb)
    return Route(method, path, handler, rule, body=body, lax=True, summary=summary)


TRUNKS = (
    *collection("trunks", "trunk", "trunk", trunks, s.TrunkCreate, s.TrunkUpdate),
    trunk_action("GET", "get_subports", "get_subports", "List the subports of a trunk"),
    trunk_action("PUT", "add_subports", SIGNED_IN, "Add subports to a trunk"),
    trunk_action("PUT", "remove_subports", SIGNED_IN, "Remove subports from a trunk"),
)


def tag_routes(plural: str, base: str = "") -> tuple[Route, ...]:
    """The routes of tags below one collection."""
    path = f"{base or '/v2.0/' + plural}/{{ident}}/tags"

    def on(fn: Callable[..., Any]) -> Callable[..., Any]:
        return lambda req, **params: fn(req, plural, **params)

    return (
        Route("GET", path, on(tags.list_tags), SIGNED_IN, summary="List tags"),
        Route("PUT", path, on(tags.replace_tags), SIGNED_IN, body=s.TagsReplace, summary="Replace all tags"),
        Route("DELETE", path, on(tags.remove_tags), SIGNED_IN, status=204, summary="Remove all tags"),
        Route("GET", f"{path}/{{tag}}", on(tags.check_tag), SIGNED_IN, status=204, summary="Check for a tag"),
        Route("PUT", f"{path}/{{tag}}", on(tags.add_tag), SIGNED_IN, status=201, summary="Add a tag"),
        Route(
            "DELETE", f"{path}/{{tag}}", on(tags.remove_tag), SIGNED_IN, status=204, summary="Remove a tag"
        ),
    )


ROUTES: tuple[Route, ...] = (
    *DISCOVERY,
    *collection("networks", "network", "network", networks, s.NetworkCreate, s.NetworkUpdate),
    *collection("subnets", "subnet", "subnet", subnets, s.SubnetCreate, s.SubnetUpdate),
    *collection("ports", "port", "port", ports, s.PortCreate, s.PortUpdate),
    *collection("security-groups", "security_group", "group", groups, s.GroupCreate, s.GroupUpdate),
    *collection("security-group-rules", "security_group_rule", "rule", rules, s.RuleCreate, None),
    *only_with("routers", ROUTING),
    *only_with("qos", QOS),
    *only_with("trunks", TRUNKS),
    *POOLS,
    *SHARING,
    *tag_routes("policies", "/v2.0/qos/policies"),
    *(route for plural in tags.TAGGED for route in tag_routes(plural)),
    *QUOTAS,
)
