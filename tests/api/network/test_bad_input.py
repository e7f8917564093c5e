"""Walks over all routes and fields: what is wrong is refused by name, and nothing ends in a 500."""

from __future__ import annotations

import itertools
import re
from typing import Any

import msgspec
import pytest

from knarr.core.network.routes import ROUTES

from .conftest import error

V2 = "/network/v2.0"
NO_ID = "00000000-0000-4000-8000-000000000000"

# Resources of which a member may make one: collection, envelope, body ("NET", "SUBNET", … are ids).
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "networks": ("network", {}),
    "subnets": ("subnet", {"network_id": "NET", "cidr": "10.240.0.0/24"}),
    "ports": ("port", {"network_id": "NET"}),
    "routers": ("router", {}),
    "floatingips": ("floatingip", {"floating_network_id": "PUBLIC"}),
    "security-groups": ("security_group", {"name": "g"}),
    "trunks": ("trunk", {"port_id": "PORT"}),
    "subnetpools": ("subnetpool", {"prefixes": ["10.241.0.0/16"]}),
    "address-scopes": ("address_scope", {"ip_version": 4}),
    "address-groups": ("address_group", {"addresses": ["10.0.0.0/8"]}),
    "rbac-policies": (
        "rbac_policy",
        {"object_type": "network", "object_id": "NET", "action": "access_as_shared", "target_tenant": "x"},
    ),
}
ODD = (
    *(
        "",
        " ",
        "x" * 300,
        "ü\u202e\U0001f600",
        "%00",
        "../..",
        "'; --",
        "fe80::1%eth0",
        "::",
        "0/0",
        "10.0.0.0/33",
    ),
    *("1.2.3.4/0", "fd00::/129", "255.255.255.255", "0.0.0.0", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"),
    *(0, -1, 2**31, 2**63, 2**64, 10**40, 1.5, 1e308, True, False, None),
    *([], [[]], [None], ["x"], [{}], {}, {"x": 1}, {"subnet_id": 1}, [{"start": "::", "end": "10.0.0.1"}]),
    *([{"destination": "0.0.0.0/0", "nexthop": "::"}], [{"ip_address": "fe80::1%1"}], ["::/0", "10.0.0.0/8"]),
)


@pytest.fixture
def names(member, public, net, make):
    port = make("port", network_id=net[0])["id"]
    return {"NET": net[0], "SUBNET": net[1], "PUBLIC": public, "PORT": port}


@pytest.fixture
def filled(names):
    """filled(kind): a body with which one can be made."""

    def fill(kind: str) -> dict[str, Any]:
        body = KINDS[kind][1]
        return {
            key: names.get(value, value) if isinstance(value, str) else value for key, value in body.items()
        }

    return fill


@pytest.mark.parametrize("kind", KINDS)
def test_a_strangers_things_do_not_exist(cloud, member, filled, kind):
    envelope, stranger = KINDS[kind][0], cloud.person()
    made = member.post(f"{V2}/{kind}", {envelope: filled(kind)})
    assert made.status == 201, made.body
    path = f"{V2}/{kind}/{made.json[envelope]['id']}"
    assert stranger.get(path).status == 404
    body = {"target_tenant": "y"} if kind == "rbac-policies" else {"name": "x"}
    if kind == "floatingips":
        body = {"description": "x"}
    assert stranger.put(path, {envelope: body}).status == 404
    assert stranger.delete(path).status == 404
    assert stranger.get(f"{V2}/{kind}?id={made.json[envelope]['id']}").json[kind.replace("-", "_")] == []
    assert member.delete(path).status == 204
    assert member.delete(path).status == 404


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_of_the_project_only_reads(cloud, member, filled, kind):
    envelope = KINDS[kind][0]
    project = cloud.admin.get(f"/identity/v3/projects/{member.project_id}").json["project"]["name"]
    reader = cloud.person("reader", project)
    made = member.post(f"{V2}/{kind}", {envelope: filled(kind)})
    path = f"{V2}/{kind}/{made.json[envelope]['id']}"
    assert reader.get(path).status == 200
    body = {"target_tenant": "y"} if kind == "rbac-policies" else {"description": "x"}
    if kind == "address-scopes":
        body = {"name": "x"}
    assert error(reader.post(f"{V2}/{kind}", {envelope: filled(kind)})) == (403, "PolicyNotAuthorized")
    assert error(reader.put(path, {envelope: body})) == (403, "PolicyNotAuthorized")
    assert error(reader.delete(path)) == (403, "PolicyNotAuthorized")


@pytest.mark.parametrize("kind", KINDS)
def test_what_belongs_to_others_is_made_by_administrators_only(cloud, member, filled, kind):
    envelope = KINDS[kind][0]
    body = {envelope: {**filled(kind), "project_id": cloud.person().project_id}}
    assert member.post(f"{V2}/{kind}", body).status in (403, 404)


BODIES = sorted(
    {(route.path, route.method): route for route in ROUTES if route.body is not None}.items(),
    key=lambda pair: pair[0],
)


def fields() -> list[tuple[Any, str, Any]]:
    """(route, name, type) of every field of every body."""
    return [
        (route, field.encode_name, field.type)
        for _, route in BODIES
        for field in msgspec.inspect.type_info(route.body).fields
    ]


def wrong(kind: Any) -> list[Any]:
    """Values that are of no type of the field, and those one past its bounds."""
    found: list[Any] = []
    for one in getattr(kind, "types", (kind,)):
        if isinstance(one, msgspec.inspect.StrType):
            found += ["x" * (one.max_length + 1)] if one.max_length else []
            found += ["~~~"] if one.pattern else []
        elif isinstance(one, msgspec.inspect.IntType):
            found += [one.le + 1] if one.le is not None else []
            found += [one.ge - 1] if one.ge is not None else []
        elif isinstance(one, msgspec.inspect.LiteralType):
            found.append("nonsense")
        elif isinstance(one, msgspec.inspect.ListType):
            found += [["x"] * (one.max_length + 1)] if one.max_length else []
    if not any(isinstance(one, msgspec.inspect.AnyType) for one in getattr(kind, "types", (kind,))):
        found.append([{"odd": 1}])
    return found


def test_every_field_that_is_wrong_is_named(cloud):
    unnamed = []
    for route, name, kind in fields():
        for value in wrong(kind):
            body = {name: value}
            answer = cloud.admin.call(
                route.method,
                "/network" + route.path.replace("{", "").replace("}", ""),
                {route.envelope: body} if route.envelope else body,
            )
            if answer.status != 400 or name not in answer.json["NeutronError"]["message"]:
                unnamed.append((route.method, route.path, name, value, answer.body))
    assert not unnamed, unnamed[:5]


def test_every_unknown_field_is_named(cloud):
    for _, route in BODIES:
        answer = cloud.admin.call(
            route.method,
            "/network" + route.path.replace("{", "").replace("}", ""),
            {route.envelope: {"nonsense": 1}} if route.envelope else {"nonsense": 1},
        )
        assert answer.status == 400
        assert "nonsense" in answer.json["NeutronError"]["message"]


def test_every_required_field_that_is_missing_is_named(cloud):
    for _, route in BODIES:
        required = [f.encode_name for f in msgspec.inspect.type_info(route.body).fields if f.required]
        if not required:
            continue
        answer = cloud.admin.call(
            route.method,
            "/network" + route.path.replace("{", "").replace("}", ""),
            {route.envelope: {}} if route.envelope else {},
        )
        assert answer.status == 400
        assert any(name in answer.json["NeutronError"]["message"] for name in required), answer.body


@pytest.mark.parametrize("kind", KINDS)
def test_odd_values_are_never_a_fault_of_the_server(cloud, member, filled, kind):
    """Each field of a create and of an update with each odd value, by somebody who may set all of them."""
    envelope = KINDS[kind][0]
    quota = dict.fromkeys(("network", "subnet", "port", "router", "floatingip", "security_group"), -1)
    cloud.admin.put(f"{V2}/quotas/{cloud.admin.project_id}", {"quota": quota})
    made = cloud.admin.post(f"{V2}/{kind}", {envelope: filled(kind)}).json[envelope]
    path = f"{V2}/{kind}/{made['id']}"
    routes = {(r.method, r.path): r for r in ROUTES if r.body is not None}
    create, update = routes["POST", f"/v2.0/{kind}"], routes["PUT", f"/v2.0/{kind}/{{ident}}"]
    left = []
    for field, value in itertools.product(msgspec.inspect.type_info(create.body).fields, ODD):
        answer = cloud.admin.post(f"{V2}/{kind}", {envelope: {**filled(kind), field.encode_name: value}})
        assert answer.status < 500, (field.encode_name, value, answer.body)
        if answer.status == 201:
            left.append(answer.json[envelope]["id"])
    for field, value in itertools.product(msgspec.inspect.type_info(update.body).fields, ODD):
        answer = cloud.admin.put(path, {envelope: {field.encode_name: value}})
        assert answer.status < 500, (field.encode_name, value, answer.body)
    for ident in (*left, made["id"]):
        assert cloud.admin.delete(f"{V2}/{kind}/{ident}").status in (204, 409)


def test_odd_routes_forwardings_and_interfaces(cloud, connected):
    routes = {(r.method, r.path): r for r in ROUTES if r.body is not None}
    for verb in ("add_extraroutes", "remove_extraroutes", "add_router_interface", "remove_router_interface"):
        route = routes["PUT", f"/v2.0/routers/{{ident}}/{verb}"]
        for field, value in itertools.product(msgspec.inspect.type_info(route.body).fields, ODD):
            body = {field.encode_name: value}
            answer = cloud.admin.put(
                f"{V2}/routers/{connected[0]}/{verb}", {route.envelope: body} if route.envelope else body
            )
            assert answer.status < 500, (verb, value, answer.body)


def test_odd_values_of_what_belongs_to_others(cloud, connected, make, member, public):
    """Rules, limits, forwardings, quotas, tags, prefixes and addresses: each field with each odd value."""
    group = make("security_group")["id"]
    policy = cloud.admin.post(f"{V2}/qos/policies", {"policy": {}}).json["policy"]["id"]
    floating = make("floatingip", floating_network_id=public)["id"]
    port = make("port", network_id=connected[1])["id"]
    pool = make("subnetpool", prefixes=["10.242.0.0/16"])["id"]
    hosts = make("address_group", addresses=[])["id"]
    quotas = f"{V2}/quotas/{member.project_id}"
    places: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("/v2.0/security-group-rules", "", {"security_group_id": group, "direction": "ingress"}),
        ("/v2.0/default-security-group-rules", "", {"direction": "ingress", "used_in_non_default_sg": False}),
        ("/v2.0/qos/policies/{ident}/bandwidth_limit_rules", policy, {"max_kbps": 1}),
        (
            "/v2.0/floatingips/{ident}/port_forwardings",
            floating,
            {"protocol": "tcp", "external_port": 1, "internal_port": 2, "internal_port_id": port},
        ),
        ("/v2.0/quotas/{project_id}", quotas, {}),
        ("/v2.0/ports/{ident}/tags", port, {}),
        ("/v2.0/subnetpools/{ident}/add_prefixes", pool, {}),
        ("/v2.0/subnetpools/{ident}/remove_prefixes", pool, {}),
        ("/v2.0/subnetpools/{ident}/onboard_network_subnets", pool, {}),
        ("/v2.0/address-groups/{ident}/add_addresses", hosts, {}),
    )
    for path, ident, base in places:
        route = next(r for r in ROUTES if r.path == path and r.body is not None)
        address = "/network" + re.sub(r"{[^}]+}", ident.rpartition("/")[2], path)
        for field, value in itertools.product(msgspec.inspect.type_info(route.body).fields, ODD):
            body = {**base, field.encode_name: value}
            answer = cloud.admin.call(
                route.method, address, {route.envelope: body} if route.envelope else body
            )
            assert answer.status < 500, (path, field.encode_name, value, answer.body)
            made = answer.json.get(route.envelope, {}) if answer.status == 201 else {}
            if "id" in made:
                cloud.admin.delete(f"{address}/{made['id']}")


@pytest.mark.parametrize("kind", [*KINDS, "security-group-rules", "qos/policies", "agents", "extensions"])
def test_odd_queries_are_never_a_fault_of_the_server(cloud, kind):
    queries = [
        *("limit=-1", "limit=x", "limit=99999999999999999999", "marker=x", "sort_key=x", "sort_dir=up"),
        *("fields=x", "fields=", "id=%ff", "tags=%20", "x=1", "page_reverse=x", "sort=id:up", "id=" * 50),
        *("mtu=x", "ip_version=99999999999", "shared=x", "fixed_ips=x", "revision_number=-x", "sort_key=id"),
        *("limit=1&sort_key=tenant_id&sort_dir=desc&marker=" + NO_ID, "name=" + "x" * 4000),
    ]
    for query in queries:
        answer = cloud.admin.get(f"{V2}/{kind}?{query}")
        assert answer.status in (200, 400), (query, answer.status, answer.body)


@pytest.mark.parametrize("ident", ["x" * 400, "%ff", "..", "ü", "%00", NO_ID])
@pytest.mark.parametrize("kind", [*KINDS, "qos/policies", "agents", "network-ip-availabilities"])
def test_odd_ids_are_not_there(cloud, kind, ident):
    for method in ("GET", "DELETE"):
        answer = cloud.admin.call(method, f"{V2}/{kind}/{ident}")
        assert answer.status in (400, 404, 405), (method, ident, answer.body)
