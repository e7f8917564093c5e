"""Networks and subnets: their attributes, conflicts, and who sees them."""

from __future__ import annotations

import pytest

from .conftest import error

V2 = "/network/v2.0"


def test_the_root_lists_the_version_without_a_token(cloud):
    answer = cloud.call("GET", "/network")
    assert answer.status == 200
    assert answer.json["versions"][0]["id"] == "v2.0"


def test_the_first_networks_are_there_for_everybody(member):
    networks = {n["name"]: n for n in member.get(f"{V2}/networks").json["networks"]}
    assert networks["private"]["shared"]
    assert networks["public"]["router:external"]
    assert len(networks["private"]["subnets"]) == 1
    assert "provider:network_type" not in networks["private"]


def test_a_network_of_ones_own(member, make):
    network = make("network", name="mine", mtu=1400, description="d")
    assert (network["status"], network["mtu"], network["tags"]) == ("ACTIVE", 1400, [])
    assert network["tenant_id"] == network["project_id"] == member.project_id
    body = {"network": {"name": "other", "admin_state_up": False}}
    changed = member.put(f"{V2}/networks/{network['id']}", body).json["network"]
    assert (changed["name"], changed["status"], changed["revision_number"]) == ("other", "DOWN", 1)
    assert member.delete(f"{V2}/networks/{network['id']}").status == 204
    assert error(member.get(f"{V2}/networks/{network['id']}")) == (404, "NetworkNotFound")


@pytest.mark.parametrize("attribute", ["shared", "router:external", "provider:network_type"])
def test_only_administrators_share(cloud, member, attribute):
    value = "local" if attribute.startswith("provider") else True
    body = {"network": {"name": "n", attribute: value}}
    assert error(member.post(f"{V2}/networks", body)) == (403, "PolicyNotAuthorized")
    answer = cloud.admin.post(f"{V2}/networks", body)
    assert answer.status == 201
    assert cloud.admin.delete(f"{V2}/networks/{answer.json['network']['id']}").status == 204


def test_an_administrator_makes_networks_for_others(cloud, member):
    body = {"network": {"name": "gift", "tenant_id": member.project_id}}
    network = cloud.admin.post(f"{V2}/networks", body).json["network"]
    assert member.get(f"{V2}/networks/{network['id']}").status == 200
    stranger = cloud.person()
    assert error(stranger.get(f"{V2}/networks/{network['id']}")) == (404, "NetworkNotFound")
    assert error(stranger.post(f"{V2}/networks", body)) == (403, "PolicyNotAuthorized")


def test_a_shared_network_is_read_only_for_others(cloud, member):
    shared = member.get(f"{V2}/networks?name=private").json["networks"][0]["id"]
    answer = member.put(f"{V2}/networks/{shared}", {"network": {"name": "x"}})
    assert error(answer) == (403, "PolicyNotAuthorized")
    assert error(member.delete(f"{V2}/networks/{shared}")) == (403, "PolicyNotAuthorized")
    body = {"subnet": {"network_id": shared, "cidr": "10.66.0.0/24", "ip_version": 4}}
    assert error(member.post(f"{V2}/subnets", body)) == (403, "PolicyNotAuthorized")


def test_a_reader_only_reads(cloud):
    reader = cloud.person("reader")
    assert reader.get(f"{V2}/networks").status == 200
    answer = reader.post(f"{V2}/networks", {"network": {"name": "n"}})
    assert error(answer) == (403, "PolicyNotAuthorized")


def test_a_network_in_use_stays(member, make, net):
    port = make("port", network_id=net[0])["id"]
    assert error(member.delete(f"{V2}/networks/{net[0]}")) == (409, "NetworkInUse")
    assert error(member.delete(f"{V2}/subnets/{net[1]}")) == (409, "SubnetInUse")
    member.delete(f"{V2}/ports/{port}")
    assert member.delete(f"{V2}/networks/{net[0]}").status == 204
    assert error(member.get(f"{V2}/subnets/{net[1]}")) == (404, "SubnetNotFound")


def test_a_subnet_has_a_gateway_and_a_pool_of_the_rest(make):
    network = make("network")["id"]
    subnet = make("subnet", network_id=network, cidr="10.7.0.0/24", ip_version=4)
    assert subnet["gateway_ip"] == "10.7.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.7.0.2", "end": "10.7.0.254"}]
    bare = make("subnet", network_id=network, cidr="10.7.1.0/24", ip_version=4, gateway_ip=None)
    assert bare["gateway_ip"] is None
    assert bare["allocation_pools"] == [{"start": "10.7.1.1", "end": "10.7.1.254"}]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cidr": "10.8.0.0/16"}, (400, "InvalidInput")),
        ({"cidr": "nonsense"}, (400, "InvalidInput")),
        ({"cidr": "10.9.0.0"}, (400, "InvalidInput")),
        ({"ip_version": 6}, (400, "InvalidInput")),
        ({"ip_version": 5}, (400, "HTTPBadRequest")),
        ({"gateway_ip": "10.20.0.1"}, (400, "InvalidInput")),
        ({"gateway_ip": "10.9.0.255"}, (400, "InvalidInput")),
        ({"dns_nameservers": ["x"]}, (400, "InvalidInput")),
        ({"host_routes": [{"destination": "x", "nexthop": "10.9.0.1"}]}, (400, "InvalidInput")),
        ({"ipv6_ra_mode": "slaac"}, (400, "InvalidInput")),
        ({"allocation_pools": [{"start": "10.9.0.9", "end": "10.9.0.3"}]}, (400, "InvalidAllocationPool")),
        (
            {"allocation_pools": [{"start": "10.1.0.2", "end": "10.1.0.3"}]},
            (400, "OutOfBoundsAllocationPool"),
        ),
        (
            {"allocation_pools": [{"start": "10.9.0.1", "end": "10.9.0.3"}]},
            (409, "GatewayConflictWithAllocationPools"),
        ),
        (
            {"allocation_pools": [{"start": f"10.9.0.{a}", "end": "10.9.0.9"} for a in (3, 5)]},
            (409, "OverlappingAllocationPools"),
        ),
    ],
)
def test_subnets_that_cannot_be_are_refused(member, make, change, expected):
    network = make("network")["id"]
    make("subnet", network_id=network, cidr="10.8.0.0/24", ip_version=4)
    body = {"network_id": network, "cidr": "10.9.0.0/24", "ip_version": 4, **change}
    assert error(member.post(f"{V2}/subnets", {"subnet": body})) == expected


def test_a_subnet_can_be_changed(member, net):
    body = {
        "gateway_ip": None,
        "dns_nameservers": ["9.9.9.9"],
        "host_routes": [{"destination": "10.0.0.0/8", "nexthop": "10.1.1.1"}],
    }
    subnet = member.put(f"{V2}/subnets/{net[1]}", {"subnet": body}).json["subnet"]
    assert {name: subnet[name] for name in body} == body


def test_unknown_attributes_and_filters_are_named(member):
    answer = member.post(f"{V2}/networks", {"network": {"nmae": "n"}})
    assert answer.status == 400
    assert "nmae" in answer.json["NeutronError"]["message"]
    answer = member.get(f"{V2}/networks?nmae=n")
    assert answer.status == 400
    assert "nmae" in answer.json["NeutronError"]["message"]


def test_without_a_token_nothing_is_answered(cloud):
    answer = cloud.call("GET", f"{V2}/networks")
    assert (answer.status, answer.json["error"]["code"]) == (401, 401)


def test_tags_filter(member, make):
    one, two = make("network", name="one")["id"], make("network", name="two")["id"]
    assert member.put(f"{V2}/networks/{one}/tags", {"tags": ["red", "blue"]}).json == {
        "tags": ["blue", "red"]
    }
    assert member.put(f"{V2}/networks/{two}/tags/red").status == 201
    assert member.get(f"{V2}/networks/{two}/tags/red").status == 204
    assert error(member.get(f"{V2}/networks/{two}/tags/blue")) == (404, "TagNotFound")

    def ids(query: str) -> set[str]:
        return {n["id"] for n in member.get(f"{V2}/networks?{query}").json["networks"]}

    assert ids("tags=red,blue") == {one}
    assert ids("tags-any=red,blue") == {one, two}
    assert two in ids("not-tags=red,blue")
    assert not {one, two} & ids("not-tags-any=red,blue")
    assert member.delete(f"{V2}/networks/{one}/tags").status == 204
    assert member.get(f"{V2}/networks/{one}").json["network"]["tags"] == []


def test_extensions_are_listed_and_shown(member):
    aliases = {e["alias"] for e in member.get(f"{V2}/extensions").json["extensions"]}
    assert {"binding", "security-group", "standard-attr-tag", "quotas"} <= aliases
    assert {"router", "qos", "ext-gw-mode"} <= aliases
    assert not {"dvr", "l3-ha", "vlan-transparent", "segment"} & aliases
    assert member.get(f"{V2}/extensions/binding").json["extension"]["alias"] == "binding"
    assert error(member.get(f"{V2}/extensions/dvr")) == (404, "ExtensionNotFound")


def test_quotas_are_set_by_administrators_and_reset(cloud, member):
    path = f"{V2}/quotas/{member.project_id}"
    assert error(member.put(path, {"quota": {"network": 1}})) == (403, "PolicyNotAuthorized")
    assert cloud.admin.put(path, {"quota": {"network": 1}}).json["quota"]["network"] == 1
    assert member.post(f"{V2}/networks", {"network": {}}).status == 201
    assert error(member.post(f"{V2}/networks", {"network": {}})) == (409, "OverQuota")
    assert cloud.admin.delete(path).status == 204
    assert member.get(path).json["quota"]["network"] == 100


def test_agents_are_shown_to_administrators(cloud, member):
    assert error(member.get(f"{V2}/agents")) == (403, "PolicyNotAuthorized")
    (agent,) = cloud.admin.get(f"{V2}/agents").json["agents"]
    assert (agent["host"], agent["alive"]) == ("test-host", True)


def test_quotas_of_all_projects_are_listed_for_administrators(cloud, member):
    cloud.admin.put(f"{V2}/quotas/{member.project_id}", {"quota": {"network": 7}})
    listed = {one["project_id"]: one for one in cloud.admin.get(f"{V2}/quotas").json["quotas"]}
    assert (listed[member.project_id]["network"], listed[member.project_id]["port"]) == (7, 500)
    assert error(member.get(f"{V2}/quotas")) == (403, "PolicyNotAuthorized")


def test_what_changed_since_a_moment_is_found(member, make):
    network = make("network")
    path = f"{V2}/networks?id={network['id']}"
    made = network["created_at"]
    assert member.get(f"{path}&created_at={made}&updated_at={made}").json["networks"]
    assert member.get(f"{path}&changed_since=2020-01-01T00:00:00").json["networks"]
    assert not member.get(f"{path}&changed_since=2100-01-01T00:00:00%2B02:00").json["networks"]
    for wrong in ("yesterday", "", "9999-12-31T23:59:59", "0001-01-01T00:00:00%2B14:00"):
        answer = member.get(f"{path}&changed_since={wrong}")
        assert answer.status == 400 and "changed_since" in answer.json["NeutronError"]["message"]


@pytest.mark.parametrize(
    ("plural", "keys"),
    [
        ("networks", "id name admin_state_up tenant_id mtu shared"),
        (
            "subnets",
            "name network_id ip_version cidr subnetpool_id gateway_ip enable_dhcp ipv6_ra_mode "
            "ipv6_address_mode",
        ),
        ("ports", "name network_id mac_address admin_state_up device_id device_owner status"),
        ("routers", "name admin_state_up status"),
        (
            "floatingips",
            "floating_ip_address floating_network_id router_id port_id fixed_ip_address status",
        ),
        ("security-groups", "name description"),
        (
            "security-group-rules",
            "security_group_id direction ethertype protocol port_range_min port_range_max remote_ip_prefix "
            "remote_group_id",
        ),
        (
            "subnetpools",
            "name default_quota default_prefixlen min_prefixlen max_prefixlen ip_version is_default",
        ),
        ("rbac-policies", "object_type object_id action target_tenant"),
    ],
)
def test_lists_are_sorted_by_what_upstream_sorts_by(member, plural, keys):
    for key in keys.split():
        for way in ("asc", "desc"):
            answer = member.get(f"{V2}/{plural}?sort_key={key}&sort_dir={way}")
            assert answer.status == 200, (key, answer.body)


def test_an_order_is_that_of_the_values(member, make, net):
    for cidr, gateway in (("10.2.0.0/24", None), ("10.3.0.0/24", "10.3.0.9"), ("10.4.0.0/24", "10.4.0.3")):
        make("subnet", network_id=net[0], cidr=cidr, ip_version=4, gateway_ip=gateway)
    found = member.get(f"{V2}/subnets?network_id={net[0]}&sort_key=gateway_ip&sort_dir=desc").json["subnets"]
    gateways = [row["gateway_ip"] for row in found if row["gateway_ip"]]
    assert gateways == sorted(gateways, reverse=True)
    assert len(found) == len(gateways) + 1
