"""RBAC policies and address groups: single projects that may use what belongs to others."""

from __future__ import annotations

import pytest

from .conftest import error

V2 = "/network/v2.0"


@pytest.fixture
def friend(cloud):
    return cloud.person()


def grant(person, kind, ident, target, action="access_as_shared"):
    entry = {"object_type": kind, "object_id": ident, "target_tenant": target, "action": action}
    return person.post(f"{V2}/rbac-policies", {"rbac_policy": entry})


def test_a_network_is_shared_with_one_project(cloud, member, net, friend):
    stranger = cloud.person()
    entry = grant(member, "network", net[0], friend.project_id).json["rbac_policy"]
    assert entry["target_tenant"] == friend.project_id
    assert friend.get(f"{V2}/networks/{net[0]}").json["network"]["shared"]
    assert friend.get(f"{V2}/subnets/{net[1]}").status == 200
    assert not member.get(f"{V2}/networks/{net[0]}").json["network"]["shared"]
    assert error(stranger.get(f"{V2}/networks/{net[0]}")) == (404, "NetworkNotFound")
    port = friend.post(f"{V2}/ports", {"port": {"network_id": net[0]}}).json["port"]["id"]
    path = f"{V2}/rbac-policies/{entry['id']}"
    assert error(member.delete(path)) == (409, "RbacPolicyInUse")
    friend.delete(f"{V2}/ports/{port}")
    assert member.delete(path).status == 204
    assert error(friend.get(f"{V2}/networks/{net[0]}")) == (404, "NetworkNotFound")


def test_the_subnets_of_an_external_network_are_for_who_shares_it(cloud, member, public):
    (subnet,) = member.get(f"{V2}/networks/{public}").json["network"]["subnets"]
    assert subnet not in {row["id"] for row in member.get(f"{V2}/subnets").json["subnets"]}
    assert error(member.get(f"{V2}/subnets/{subnet}")) == (404, "SubnetNotFound")
    assert cloud.admin.get(f"{V2}/subnets/{subnet}").status == 200
    # An address is to be had from it all the same
    body = {"floating_network_id": public, "subnet_id": subnet}
    floating = member.post(f"{V2}/floatingips", {"floatingip": body})
    assert floating.status == 201
    member.delete(f"{V2}/floatingips/{floating.json['floatingip']['id']}")
    entry = grant(cloud.admin, "network", public, member.project_id).json["rbac_policy"]["id"]
    assert member.get(f"{V2}/subnets/{subnet}").status == 200
    cloud.admin.delete(f"{V2}/rbac-policies/{entry}")


def test_an_entry_moves_to_another_project(cloud, member, net, friend):
    entry = grant(member, "network", net[0], "nobody").json["rbac_policy"]["id"]
    body = {"rbac_policy": {"target_tenant": friend.project_id}}
    changed = member.put(f"{V2}/rbac-policies/{entry}", body).json["rbac_policy"]
    assert changed["target_tenant"] == friend.project_id
    assert friend.get(f"{V2}/networks/{net[0]}").status == 200
    shown = member.get(f"{V2}/rbac-policies?object_id={net[0]}").json["rbac_policies"]
    assert [one["id"] for one in shown] == [entry]


def test_the_flag_of_a_network_and_the_entry_for_all_are_one(cloud, net, friend):
    assert cloud.admin.put(f"{V2}/networks/{net[0]}", {"network": {"shared": True}}).status == 200
    (entry,) = cloud.admin.get(f"{V2}/rbac-policies?object_id={net[0]}").json["rbac_policies"]
    assert (entry["target_tenant"], entry["action"]) == ("*", "access_as_shared")
    assert cloud.admin.delete(f"{V2}/rbac-policies/{entry['id']}").status == 204
    assert not cloud.admin.get(f"{V2}/networks/{net[0]}").json["network"]["shared"]
    assert grant(cloud.admin, "network", net[0], "*").status == 201
    assert friend.get(f"{V2}/networks/{net[0]}").json["network"]["shared"]


def test_only_administrators_share_with_all_and_lead_outside(member, net, friend):
    assert error(grant(member, "network", net[0], "*")) == (403, "PolicyNotAuthorized")
    answer = grant(member, "network", net[0], friend.project_id, "access_as_external")
    assert error(answer) == (400, "InvalidInput")


def test_the_same_entry_twice_is_a_conflict(member, net, friend):
    assert grant(member, "network", net[0], friend.project_id).status == 201
    assert error(grant(member, "network", net[0], friend.project_id)) == (409, "DuplicateRbacPolicy")


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("address_group", "address-groups", {"addresses": ["10.0.0.0/8"]}),
        ("address_scope", "address-scopes", {"ip_version": 4}),
        ("security_group", "security-groups", {"name": "g"}),
        ("subnetpool", "subnetpools", {"prefixes": ["10.230.0.0/16"]}),
    ],
)
def test_other_things_are_shared_as_well(member, make, friend, kind, path, body):
    ident = make(kind, **body)["id"]
    assert friend.get(f"{V2}/{path}/{ident}").status == 404
    assert grant(member, kind, ident, friend.project_id).status == 201
    assert friend.get(f"{V2}/{path}/{ident}").json[kind]["shared"]
    assert ident in {one["id"] for one in friend.get(f"{V2}/{path}").json[path.replace("-", "_")]}
    assert friend.delete(f"{V2}/{path}/{ident}").status == 403


def test_what_is_not_ones_own_cannot_be_shared(member, net, friend):
    assert error(grant(friend, "network", net[0], friend.project_id)) == (404, "NetworkNotFound")
    private = friend.get(f"{V2}/networks?name=private").json["networks"][0]["id"]
    assert error(grant(friend, "network", private, friend.project_id)) == (404, "NetworkNotFound")


def test_a_ports_group_may_be_a_shared_one(member, make, net, friend):
    group = make("security_group")["id"]
    grant(member, "security_group", group, friend.project_id)
    network = friend.post(f"{V2}/networks", {"network": {}}).json["network"]["id"]
    body = {"port": {"network_id": network, "security_groups": [group]}}
    assert friend.post(f"{V2}/ports", body).json["port"]["security_groups"] == [group]


def test_the_quota_of_entries_holds(cloud, member, net):
    cloud.admin.put(f"{V2}/quotas/{member.project_id}", {"quota": {"rbac_policy": 1}})
    assert grant(member, "network", net[0], "a").status == 201
    assert error(grant(member, "network", net[0], "b")) == (409, "OverQuota")


def test_an_address_group_is_changed_and_found_in_rules(cloud, member, make, net, backend, until):
    group = make("address_group", name="offices", addresses=["192.0.2.7", "fd00:9::/48"])
    assert group["addresses"] == ["192.0.2.7/32", "fd00:9::/48"]
    wall = make("security_group")["id"]
    rule = make(
        "security_group_rule",
        security_group_id=wall,
        direction="ingress",
        remote_address_group_id=group["id"],
    )
    assert rule["remote_address_group_id"] == group["id"]
    port = {"network_id": net[0], "project_id": member.project_id, "binding:host_id": "test-host"}
    cloud.admin.post(f"{V2}/ports", {"port": {**port, "security_groups": [wall]}})

    def let_in():
        told = next((g for g in backend.state.groups if g.id == wall), None)
        return told and sorted(r.remote_ip_prefix for r in told.rules if r.direction == "ingress")

    until(lambda: let_in() == ["192.0.2.7/32"])
    path = f"{V2}/address-groups/{group['id']}"
    more = {"addresses": ["198.51.100.0/24"]}
    answer = member.put(f"{path}/add_addresses", more)
    assert "198.51.100.0/24" in answer.json["address_group"]["addresses"]
    until(lambda: let_in() == ["192.0.2.7/32", "198.51.100.0/24"])
    assert member.put(f"{path}/remove_addresses", more).status == 200
    until(lambda: let_in() == ["192.0.2.7/32"])
    assert error(member.put(f"{path}/remove_addresses", more)) == (404, "AddressesNotFound")
    assert error(member.delete(path)) == (409, "AddressGroupInUse")
    member.delete(f"{V2}/security-group-rules/{rule['id']}")
    assert member.delete(path).status == 204


def test_new_groups_begin_with_the_rules_of_the_template(cloud, member, make):
    path = f"{V2}/default-security-group-rules"
    first = member.get(path).json["default_security_group_rules"]
    assert sorted((r["direction"], r["ethertype"], r["used_in_non_default_sg"]) for r in first) == [
        ("egress", "IPv4", True),
        ("egress", "IPv6", True),
        ("ingress", "IPv4", False),
        ("ingress", "IPv6", False),
    ]
    rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    body = {"default_security_group_rule": rule}
    assert error(member.post(path, body)) == (403, "PolicyNotAuthorized")
    made = cloud.admin.post(path, body).json["default_security_group_rule"]
    try:
        assert error(cloud.admin.post(path, body)) == (409, "DefaultSecurityGroupRuleExists")
        rules = make("security_group")["security_group_rules"]
        assert 22 in {r["port_range_min"] for r in rules}
    finally:
        assert cloud.admin.delete(f"{path}/{made['id']}").status == 204
    expected = (404, "DefaultSecurityGroupRuleNotFound")
    assert error(cloud.admin.get(f"{path}/{made['id']}")) == expected


def test_administrators_see_how_full_networks_are(cloud, member, make, net):
    make("port", network_id=net[0])
    path = f"{V2}/network-ip-availabilities"
    assert error(member.get(path)) == (403, "PolicyNotAuthorized")
    shown = cloud.admin.get(f"{path}/{net[0]}").json["network_ip_availability"]
    assert (shown["total_ips"], shown["used_ips"]) == (253, 1)
    assert shown["subnet_ip_availability"][0]["subnet_id"] == net[1]
    listed = cloud.admin.get(f"{path}?network_id={net[0]}&ip_version=6").json
    assert listed["network_ip_availabilities"][0]["total_ips"] == 0


def test_a_host_that_is_well_cannot_be_forgotten_and_tells_its_routers(cloud, make):
    (agent,) = cloud.admin.get(f"{V2}/agents").json["agents"]
    assert error(cloud.admin.delete(f"{V2}/agents/{agent['id']}")) == (409, "AgentInUse")
    router = make("router")["id"]
    (carrier,) = cloud.admin.get(f"{V2}/routers/{router}/l3-agents").json["agents"]
    assert carrier["id"] == agent["id"]
    carried = cloud.admin.get(f"{V2}/agents/{agent['id']}/l3-routers").json["routers"]
    assert router in {one["id"] for one in carried}


def test_the_names_of_ports_are_told(cloud, make, net):
    named = make("port", network_id=net[0], dns_name="web")
    (entry,) = named["dns_assignment"]
    assert (entry["hostname"], entry["fqdn"]) == ("web", "web.openstacklocal.")
    ip = named["fixed_ips"][0]["ip_address"]
    assert entry["ip_address"] == ip
    nameless = make("port", network_id=net[0])["dns_assignment"][0]
    assert nameless["hostname"].startswith("host-10-")
