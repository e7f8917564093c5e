"""Ports: addresses, groups, bindings, and who may do what with them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from tests.support.cloud import Answer, Cloud, Person

from .conftest import HOST, error, plug

V2 = "/network/v2.0"


def bound(cloud: Cloud, member: Person, network: str, **body: Any) -> dict[str, Any]:
    """A port as a container service makes it: by the administrator, for the member, on this host."""
    port = {"network_id": network, "project_id": member.project_id, "binding:host_id": HOST, **body}
    answer = cloud.admin.post(f"{V2}/ports", {"port": port})
    assert answer.status == 201, answer.body
    return dict(answer.json["port"])


def test_a_port_gets_an_address_of_the_pool_and_the_default_group(make, net):
    port = make("port", network_id=net[0])
    (fixed,) = port["fixed_ips"]
    assert fixed["subnet_id"] == net[1]
    assert port["mac_address"].startswith("fa:16:3e:")
    assert len(port["security_groups"]) == 1
    assert port["status"] == "DOWN"


def test_a_port_on_a_dual_stack_network_gets_one_address_of_each_version(make, net):
    make("subnet", network_id=net[0], cidr="fd00:1::/64", ip_version=6)
    versions = [ip_address(f["ip_address"]).version for f in make("port", network_id=net[0])["fixed_ips"]]
    assert versions == [4, 6]


def test_a_slaac_address_follows_from_the_mac(make):
    network = make("network")["id"]
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    make("subnet", network_id=network, cidr="fd00:2::/64", ip_version=6, **modes)
    port = make("port", network_id=network, mac_address="fa:16:3e:01:02:03")
    assert [f["ip_address"] for f in port["fixed_ips"]] == ["fd00:2::f816:3eff:fe01:203"]


def test_ports_get_addresses_of_a_slaac_subnet_that_comes_later_and_lose_them_with_it(
    cloud, member, make, net, backend, until
):
    port = bound(cloud, member, net[0], mac_address="fa:16:3e:01:02:04")["id"]

    def addresses():
        return [f["ip_address"] for f in member.get(f"{V2}/ports/{port}").json["port"]["fixed_ips"]]

    def told():
        return next((p.fixed_ips for p in backend.state.ports if p.id == port), ())

    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    subnet = make("subnet", network_id=net[0], cidr="fd00:3::/64", ip_version=6, **modes)["id"]
    assert addresses()[1:] == ["fd00:3::f816:3eff:fe01:204"]
    until(lambda: "fd00:3::f816:3eff:fe01:204" in told())
    body = {"port": {"network_id": net[0], "fixed_ips": [{"ip_address": "fd00:3::77"}]}}
    assert error(member.post(f"{V2}/ports", body)) == (400, "AllocationOnAutoAddressSubnet")
    assert member.delete(f"{V2}/subnets/{subnet}").status == 204
    assert len(addresses()) == 1
    until(lambda: len(told()) == 1)


def test_a_router_has_a_leg_on_a_slaac_subnet(member, make):
    network, router = make("network")["id"], make("router")["id"]
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    subnet = make("subnet", network_id=network, cidr="fd00:4::/64", ip_version=6, **modes)["id"]
    assert plug(member, router, subnet_id=subnet).status == 200
    assert error(member.delete(f"{V2}/subnets/{subnet}")) == (409, "SubnetInUse")


def test_an_address_can_be_asked_for_once(member, make, net):
    base = make("port", network_id=net[0])["fixed_ips"][0]["ip_address"]
    body = {"port": {"network_id": net[0], "fixed_ips": [{"ip_address": base}]}}
    assert error(member.post(f"{V2}/ports", body)) == (409, "IpAddressInUse")


@pytest.mark.parametrize(
    ("fixed", "name"),
    [
        ({"ip_address": "192.0.2.7"}, "InvalidIpForNetwork"),
        ({"ip_address": "nonsense"}, "InvalidInput"),
        ({"subnet_id": "11111111-1111-1111-1111-111111111111"}, "InvalidInput"),
        ({}, "InvalidInput"),
    ],
)
def test_addresses_that_cannot_be_are_refused(member, net, fixed, name):
    answer = member.post(f"{V2}/ports", {"port": {"network_id": net[0], "fixed_ips": [fixed]}})
    assert error(answer) == (400, name)


def test_a_full_subnet_gives_no_more(member, make):
    network = make("network")["id"]
    make("subnet", network_id=network, cidr="10.9.0.0/29", ip_version=4)
    got = {make("port", network_id=network)["fixed_ips"][0]["ip_address"] for _ in range(5)}
    assert got == {f"10.9.0.{n}" for n in range(2, 7)}
    answer = member.post(f"{V2}/ports", {"port": {"network_id": network}})
    assert error(answer) == (409, "IpAddressGenerationFailure")


def test_a_deleted_port_gives_its_address_back(member, make):
    network = make("network")["id"]
    make("subnet", network_id=network, cidr="10.9.1.0/30", ip_version=4)
    for _ in range(3):
        port = make("port", network_id=network)
        assert port["fixed_ips"][0]["ip_address"] == "10.9.1.2"
        assert member.delete(f"{V2}/ports/{port['id']}").status == 204


def test_200_ports_made_at_once_have_200_addresses(member, net):
    def post(_: int) -> Answer:
        return member.post(f"{V2}/ports", {"port": {"network_id": net[0]}})

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(post, range(200)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["port"]["fixed_ips"][0]["ip_address"] for answer in answers}) == 200


def test_the_same_address_asked_for_at_once_is_given_once(member, net):
    subnet = member.get(f"{V2}/subnets/{net[1]}").json["subnet"]
    wanted = str(ip_network(subnet["cidr"])[77])
    body = {"port": {"network_id": net[0], "fixed_ips": [{"ip_address": wanted}]}}
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: member.post(f"{V2}/ports", body).status, range(8)))
    assert sorted(statuses) == [201] + [409] * 7


def test_the_quota_of_ports_holds_when_many_ask_at_once(cloud, member, net):
    cloud.admin.put(f"{V2}/quotas/{member.project_id}", {"quota": {"port": 5}})
    body = {"port": {"network_id": net[0]}}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: member.post(f"{V2}/ports", body), range(20)))
    assert sum(answer.status == 201 for answer in answers) == 5
    assert {error(a) for a in answers if a.status != 201} == {(409, "OverQuota")}
    details = member.get(f"{V2}/quotas/{member.project_id}/details").json["quota"]
    assert details["port"] == {"limit": 5, "used": 5, "reserved": 0}


def test_ports_made_in_bulk_are_made_all_or_none(member, net):
    two = {"ports": [{"network_id": net[0], "name": name} for name in ("a", "b")]}
    answer = member.post(f"{V2}/ports", two)
    assert [port["name"] for port in answer.json["ports"]] == ["a", "b"]
    two["ports"][1]["fixed_ips"] = [{"ip_address": "192.0.2.1"}]
    assert member.post(f"{V2}/ports", two).status == 400
    assert len(member.get(f"{V2}/ports").json["ports"]) == 2


def test_a_port_bound_to_this_host_becomes_active_and_tells_how_to_plug_it(cloud, member, net, until):
    port = bound(cloud, member, net[0], device_id="c", device_owner="compute:nova")
    assert port["binding:vif_type"] == "bridge"
    expected = {"bridge_name": "brq" + net[0][:11], "port_filter": True, "mtu": 1500}
    assert port["binding:vif_details"] == expected
    until(lambda: member.get(f"{V2}/ports/{port['id']}").json["port"]["status"] == "ACTIVE")
    assert "binding:host_id" not in member.get(f"{V2}/ports/{port['id']}").json["port"]


def test_unbinding_and_deleting_take_the_port_from_the_host(cloud, member, net, backend, until):
    port = bound(cloud, member, net[0])["id"]
    until(lambda: port in {p.id for p in backend.state.ports})
    answer = cloud.admin.put(f"{V2}/ports/{port}", {"port": {"binding:host_id": ""}})
    assert (answer.json["port"]["status"], answer.json["port"]["binding:vif_type"]) == ("DOWN", "unbound")
    until(lambda: port not in {p.id for p in backend.state.ports})
    cloud.admin.put(f"{V2}/ports/{port}", {"port": {"binding:host_id": HOST}})
    until(lambda: port in {p.id for p in backend.state.ports})
    assert member.delete(f"{V2}/ports/{port}").status == 204
    until(lambda: port not in {p.id for p in backend.state.ports})


def test_a_host_that_nobody_knows_cannot_bind(cloud, member, net):
    port = bound(cloud, member, net[0], **{"binding:host_id": "elsewhere"})
    assert port["binding:vif_type"] == "binding_failed"


def test_only_administrators_bind(member, net):
    answer = member.post(f"{V2}/ports", {"port": {"network_id": net[0], "binding:host_id": HOST}})
    assert error(answer) == (403, "PolicyNotAuthorized")


def test_addresses_can_be_changed(cloud, member, make, net):
    port = make("port", network_id=net[0])
    old = port["fixed_ips"][0]
    new = str(ip_address(old["ip_address"]) + (1 if not old["ip_address"].endswith(".254") else -1))
    wanted = [old, {"ip_address": new}]
    answer = member.put(f"{V2}/ports/{port['id']}", {"port": {"fixed_ips": wanted}})
    assert {f["ip_address"] for f in answer.json["port"]["fixed_ips"]} == {old["ip_address"], new}
    answer = member.put(f"{V2}/ports/{port['id']}", {"port": {"fixed_ips": [{"ip_address": new}]}})
    assert [f["ip_address"] for f in answer.json["port"]["fixed_ips"]] == [new]
    assert answer.json["port"]["revision_number"] == 2


def test_filters_take_several_values_and_addresses(member, make, net):
    a, b, c = (make("port", network_id=net[0], name=name) for name in "abc")
    found = member.get(f"{V2}/ports?name=a&name=b&fields=name").json["ports"]
    assert sorted(port["name"] for port in found) == ["a", "b"]
    ip = c["fixed_ips"][0]["ip_address"]
    found = member.get(f"{V2}/ports?fixed_ips=ip_address%3D{ip}").json["ports"]
    assert [port["id"] for port in found] == [c["id"]]
    assert a["id"] != b["id"]


def test_lists_page_forwards_and_back(member, make, net):
    made = sorted(make("port", network_id=net[0])["id"] for _ in range(5))
    seen, url = [], f"{V2}/ports?limit=2&fields=id"
    while url:
        answer = member.get(url).json
        seen += [port["id"] for port in answer["ports"]]
        links = {link["rel"]: link["href"] for link in answer.get("ports_links", ())}
        url = links.get("next", "").replace("http://127.0.0.1:9140", "")
    assert seen == made
    every = member.get(f"{V2}/ports?limit=0&fields=id").json
    assert len(every["ports"]) == len(member.get(f"{V2}/ports").json["ports"])
    assert "ports_links" not in every
    back = member.get(f"{V2}/ports?limit=2&page_reverse=True&marker={made[4]}&fields=id").json["ports"]
    assert [port["id"] for port in back] == made[2:4]


def test_another_project_sees_no_port(cloud, make, net):
    port, stranger = make("port", network_id=net[0])["id"], cloud.person()
    for method in ("GET", "PUT", "DELETE"):
        answer = stranger.call(method, f"{V2}/ports/{port}", {"port": {}} if method == "PUT" else None)
        assert error(answer) == (404, "PortNotFound")
    assert stranger.get(f"{V2}/ports").json["ports"] == []
    answer = stranger.post(f"{V2}/ports", {"port": {"network_id": net[0]}})
    assert error(answer) == (404, "NetworkNotFound")


def test_a_stranger_uses_a_shared_network_but_not_another_ones_address(cloud):
    person = cloud.person()
    shared = person.get(f"{V2}/networks?shared=true&name=private").json["networks"][0]
    assert person.post(f"{V2}/ports", {"port": {"network_id": shared["id"]}}).status == 201
    body = {"port": {"network_id": shared["id"], "fixed_ips": [{"ip_address": "10.10.0.9"}]}}
    assert error(person.post(f"{V2}/ports", body)) == (403, "PolicyNotAuthorized")


def test_a_stale_revision_is_refused(member, make, net):
    port = make("port", network_id=net[0])["id"]
    body = {"port": {"name": "new"}}
    headers = {"If-Match": "revision_number=7"}
    answer = member.put(f"{V2}/ports/{port}", body, headers=headers)
    assert error(answer) == (412, "RevisionNumberConstraintFailed")
    assert member.put(f"{V2}/ports/{port}", body, headers={"If-Match": "revision_number=0"}).status == 200


def test_only_owners_that_configure_themselves_are_served_by_dhcp(cloud, member, make, net, backend, until):
    route = {"destination": "192.168.0.0/16", "nexthop": "10.0.0.9"}
    change = {"dns_nameservers": ["9.9.9.9"], "host_routes": [route]}
    assert member.put(f"{V2}/subnets/{net[1]}", {"subnet": change}).status == 200
    owners = {"compute:nova": "vm", "compute:zun": "box", "": "plain"}
    ids = {
        owner: bound(cloud, member, net[0], device_owner=owner, dns_name=name)["id"]
        for owner, name in owners.items()
    }

    def told(owner):
        return next((p for p in backend.state.ports if p.id == ids[owner]), None)

    until(lambda: all(told(owner) for owner in owners))
    assert told("compute:zun").dhcp is None
    assert told("").dhcp is None
    served = told("compute:nova").dhcp
    assert (served.subnet_ids, served.hostname) == ((net[1],), "vm")
    assert served.dns_nameservers == ("9.9.9.9",)
    assert served.routes == (("192.168.0.0/16", "10.0.0.9"),)


def test_ports_are_made_with_their_tags(member, net):
    wishes = [{"network_id": net[0], "tags": ["b", "a", "b"]}, {"network_id": net[0]}]
    made = member.post(f"{V2}/ports", {"ports": wishes}).json["ports"]
    assert [port["tags"] for port in made] == [["a", "b"], []]
    listed = member.get(f"{V2}/ports?tags=a").json["ports"]
    assert [port["id"] for port in listed] == [made[0]["id"]]


def test_mac_addresses_are_kept_in_one_form(member, make, net):
    pair = {"ip_address": "10.9.9.9", "mac_address": "AA-BB-CC-DD-EE-00"}
    port = make("port", network_id=net[0], mac_address="FE-16-3E-00-00-0A", allowed_address_pairs=[pair])
    assert port["mac_address"] == "fe:16:3e:00:00:0a"
    assert port["allowed_address_pairs"] == [{"ip_address": "10.9.9.9", "mac_address": "aa:bb:cc:dd:ee:00"}]
    assert member.get(f"{V2}/ports?mac_address=FE:16:3E:00:00:0A").json["ports"][0]["id"] == port["id"]
