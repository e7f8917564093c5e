"""Subnet pools and address scopes: allocation, bounds, quotas, conflicts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest

from .conftest import error

V2 = "/network/v2.0"


@pytest.fixture
def pool(make):
    return make("subnetpool", name="pool", prefixes=["10.200.0.0/16"], default_prefixlen=24)


@pytest.fixture
def subnet(make):
    """subnet(pool_id, …): a subnet out of the pool, on a network of its own."""

    def post(pool_id, **body):
        return make("subnet", network_id=make("network")["id"], subnetpool_id=pool_id, **body)

    return post


def test_a_pool_puts_its_prefixes_together(make):
    pool = make("subnetpool", prefixes=["10.1.1.0/24", "10.1.0.0/24"])
    assert (pool["prefixes"], pool["ip_version"]) == (["10.1.0.0/23"], 4)
    assert [pool[f"{name}_prefixlen"] for name in ("min", "default", "max")] == ["8", "8", "32"]


def test_subnets_come_out_of_a_pool_one_after_the_other(member, subnet, pool):
    first, second = subnet(pool["id"]), subnet(pool["id"], prefixlen=26)
    assert (first["cidr"], second["cidr"]) == ("10.200.0.0/24", "10.200.1.0/26")
    assert (first["subnetpool_id"], first["gateway_ip"]) == (pool["id"], "10.200.0.1")
    assert subnet(pool["id"])["cidr"] == "10.200.2.0/24"
    assert member.delete(f"{V2}/subnets/{first['id']}").status == 204
    assert subnet(pool["id"])["cidr"] == "10.200.0.0/24"
    found = member.get(f"{V2}/subnets?subnetpool_id={pool['id']}").json["subnets"]
    assert len(found) == 3


def test_a_part_of_a_pool_can_be_asked_for_once(member, make, subnet, pool):
    assert subnet(pool["id"], cidr="10.200.7.0/24")["cidr"] == "10.200.7.0/24"
    for cidr in ("10.200.7.0/25", "10.201.0.0/24"):
        body = {"network_id": make("network")["id"], "subnetpool_id": pool["id"], "cidr": cidr}
        assert error(member.post(f"{V2}/subnets", {"subnet": body})) == (409, "SubnetAllocationError")


def test_a_full_pool_gives_no_more(member, make, subnet):
    pool = make("subnetpool", prefixes=["10.202.0.0/23"], default_prefixlen=24)["id"]
    for _ in range(2):
        subnet(pool)
    body = {"network_id": make("network")["id"], "subnetpool_id": pool}
    assert error(member.post(f"{V2}/subnets", {"subnet": body})) == (409, "SubnetAllocationError")


def test_a_pool_of_ipv6(subnet, make):
    pool = make("subnetpool", prefixes=["fd00:5::/48"], default_prefixlen=64)["id"]
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    assert subnet(pool, ip_version=6, **modes)["cidr"] == "fd00:5::/64"
    assert subnet(pool)["cidr"] == "fd00:5:0:1::/64"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"prefixlen": 33}, "MaxPrefixSubnetAllocationError"),
        ({"prefixlen": 7}, "MinPrefixSubnetAllocationError"),
        ({"prefixlen": 129}, "HTTPBadRequest"),
        ({"ip_version": 6}, "InvalidInput"),
        ({"cidr": "10.200.0.0/24", "prefixlen": 24}, "InvalidInput"),
        ({"use_default_subnetpool": True}, "InvalidInput"),
    ],
)
def test_what_a_pool_cannot_give_is_refused(member, make, pool, change, name):
    body = {"network_id": make("network")["id"], "subnetpool_id": pool["id"], **change}
    assert error(member.post(f"{V2}/subnets", {"subnet": body})) == (400, name)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"prefixes": []}, "EmptySubnetPoolPrefixList"),
        ({"prefixes": ["10.0.0.0/8", "fd00::/48"]}, "PrefixVersionMismatch"),
        ({"prefixes": ["nonsense"]}, "InvalidInput"),
        ({"prefixes": ["fe80::%eth0/64"]}, "InvalidInput"),
        ({"min_prefixlen": 28, "max_prefixlen": 20}, "IllegalSubnetPoolPrefixBounds"),
        ({"default_prefixlen": 33}, "UnsupportedPrefixLength"),
        ({"default_prefixlen": 24, "min_prefixlen": 26}, "IllegalSubnetPoolPrefixBounds"),
    ],
)
def test_pools_that_cannot_be_are_refused(member, change, name):
    body = {"subnetpool": {"prefixes": ["10.0.0.0/16"], **change}}
    assert error(member.post(f"{V2}/subnetpools", body)) == (400, name)


def test_a_pool_may_be_used_to_its_quota(member, make, subnet):
    pool = make("subnetpool", prefixes=["10.203.0.0/16"], default_prefixlen=24, default_quota=600)["id"]
    for _ in range(2):
        subnet(pool)
    body = {"network_id": make("network")["id"], "subnetpool_id": pool}
    assert error(member.post(f"{V2}/subnets", {"subnet": body})) == (409, "SubnetPoolQuotaExceeded")


def test_subnets_of_a_network_come_from_one_pool(member, make, subnet, pool):
    first = subnet(pool["id"])
    body = {"network_id": first["network_id"], "cidr": "10.9.0.0/24", "ip_version": 4}
    answer = member.post(f"{V2}/subnets", {"subnet": body})
    assert error(answer) == (400, "NetworkSubnetPoolAffinityError")
    body["subnetpool_id"] = pool["id"]
    del body["cidr"]
    assert member.post(f"{V2}/subnets", {"subnet": body}).status == 201


def test_the_default_pool_serves_those_who_ask(cloud, member, make):
    network = make("network")["id"]
    body = {"subnet": {"network_id": network, "use_default_subnetpool": True}}
    assert error(member.post(f"{V2}/subnets", body)) == (400, "BadRequest")
    default = {"prefixes": ["10.204.0.0/16"], "is_default": True, "default_prefixlen": 24}
    assert error(member.post(f"{V2}/subnetpools", {"subnetpool": default})) == (403, "PolicyNotAuthorized")
    pool = cloud.admin.post(f"{V2}/subnetpools", {"subnetpool": default}).json["subnetpool"]["id"]
    assert error(cloud.admin.post(f"{V2}/subnetpools", {"subnetpool": default})) == (400, "InvalidInput")
    made = member.post(f"{V2}/subnets", body).json["subnet"]
    assert made["subnetpool_id"] == pool
    member.delete(f"{V2}/networks/{network}")
    assert cloud.admin.delete(f"{V2}/subnetpools/{pool}").status == 204


def test_without_cidr_and_pool_there_is_no_subnet(member, make):
    body = {"subnet": {"network_id": make("network")["id"], "ip_version": 4}}
    assert error(member.post(f"{V2}/subnets", body)) == (400, "BadRequest")


def test_a_pool_with_subnets_stays_and_keeps_their_prefixes(member, subnet, pool):
    subnet(pool["id"])
    path = f"{V2}/subnetpools/{pool['id']}"
    assert error(member.delete(path)) == (400, "SubnetPoolDeleteError")
    wider = {"subnetpool": {"prefixes": ["10.200.0.0/15"], "default_prefixlen": 25}}
    changed = member.put(path, wider).json["subnetpool"]
    assert (changed["prefixes"], changed["default_prefixlen"]) == (["10.200.0.0/15"], "25")
    other = {"subnetpool": {"prefixes": ["10.210.0.0/16"]}}
    assert error(member.put(path, other)) == (400, "IllegalSubnetPoolPrefixUpdate")


def test_prefixes_are_added_and_removed(member, subnet, pool):
    path = f"{V2}/subnetpools/{pool['id']}"
    subnet(pool["id"])
    assert member.put(f"{path}/add_prefixes", {"prefixes": ["10.205.0.0/16"]}).json == {
        "prefixes": ["10.200.0.0/16", "10.205.0.0/16"]
    }
    answer = member.put(f"{path}/remove_prefixes", {"prefixes": ["10.200.0.0/24"]})
    assert error(answer) == (400, "IllegalSubnetPoolPrefixUpdate")
    answer = member.put(f"{path}/remove_prefixes", {"prefixes": ["10.205.0.0/17", "10.200.128.0/17"]})
    assert answer.json == {"prefixes": ["10.200.0.0/17", "10.205.128.0/17"]}


def test_a_networks_subnets_are_taken_into_a_pool(member, make, net, pool):
    subnet = member.get(f"{V2}/subnets/{net[1]}").json["subnet"]
    path = f"{V2}/subnetpools/{pool['id']}/onboard_network_subnets"
    assert member.put(path, {"network_id": net[0]}).status == 200
    assert member.get(f"{V2}/subnets/{net[1]}").json["subnet"]["subnetpool_id"] == pool["id"]
    prefixes = member.get(f"{V2}/subnetpools/{pool['id']}").json["subnetpool"]["prefixes"]
    assert subnet["cidr"] in prefixes


def test_subnets_asked_of_a_pool_at_once_do_not_overlap(member, make, pool):
    networks = [make("network")["id"] for _ in range(40)]

    def post(network):
        body = {"network_id": network, "subnetpool_id": pool["id"]}
        return member.post(f"{V2}/subnets", {"subnet": body})

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(post, networks))
    assert {answer.status for answer in answers} == {201}
    assert len({ip_network(answer.json["subnet"]["cidr"]) for answer in answers}) == 40


def test_a_strangers_pool_is_not_there_unless_it_is_shared(cloud, pool):
    stranger = cloud.person()
    path = f"{V2}/subnetpools/{pool['id']}"
    assert error(stranger.get(path)) == (404, "SubnetPoolNotFound")
    assert cloud.admin.put(path, {"subnetpool": {"shared": True}}).json["subnetpool"]["shared"]
    assert stranger.get(path).json["subnetpool"]["shared"]
    assert error(stranger.put(path, {"subnetpool": {"name": "x"}})) == (403, "PolicyNotAuthorized")


def test_pools_of_a_scope_have_no_address_in_common(member, make, subnet):
    scope = make("address_scope", name="s", ip_version=4)
    one = make("subnetpool", prefixes=["10.220.0.0/16"], address_scope_id=scope["id"])
    body = {"subnetpool": {"prefixes": ["10.220.4.0/24"], "address_scope_id": scope["id"]}}
    assert error(member.post(f"{V2}/subnetpools", body)) == (409, "AddressScopePrefixConflict")
    six = {"subnetpool": {"prefixes": ["fd00::/48"], "address_scope_id": scope["id"]}}
    expected = (400, "IllegalSubnetPoolIpVersionAssociationToAddressScope")
    assert error(member.post(f"{V2}/subnetpools", six)) == expected
    path = f"{V2}/address-scopes/{scope['id']}"
    assert error(member.delete(path)) == (409, "AddressScopeInUse")
    made = subnet(one["id"], prefixlen=24)
    network = member.get(f"{V2}/networks/{made['network_id']}").json["network"]
    assert (network["ipv4_address_scope"], network["ipv6_address_scope"]) == (scope["id"], None)
    changed = member.put(f"{V2}/subnetpools/{one['id']}", {"subnetpool": {"address_scope_id": None}})
    assert changed.json["subnetpool"]["address_scope_id"] is None
    assert member.delete(path).status == 204


def test_service_types_say_whose_ports_a_subnet_serves(cloud, member, make):
    network = make("network")["id"]
    plain = make("subnet", network_id=network, cidr="10.70.0.0/24", ip_version=4)["id"]
    body = {"network_id": network, "cidr": "10.71.0.0/24", "service_types": ["compute:nova"]}
    assert error(member.post(f"{V2}/subnets", {"subnet": body})) == (403, "PolicyNotAuthorized")
    special = cloud.admin.post(f"{V2}/subnets", {"subnet": body}).json["subnet"]
    assert special["service_types"] == ["compute:nova"]

    def subnet_of(**more):
        return make("port", network_id=network, **more)["fixed_ips"][0]["subnet_id"]

    assert subnet_of() == plain
    assert subnet_of(device_owner="compute:nova") == special["id"]
    member.delete(f"{V2}/subnets/{plain}")
    lone = make("network")["id"]
    cloud.admin.post(f"{V2}/subnets", {"subnet": {**body, "network_id": lone}})
    answer = member.post(f"{V2}/ports", {"port": {"network_id": lone}})
    assert error(answer) == (409, "IpAddressGenerationFailureNoMatchingSubnet")
