"""Routers: gateways, interfaces, extra routes, and what the host is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network

import pytest

from .conftest import error, plug, state

V2 = "/network/v2.0"


def test_a_router_without_anything(member, make):
    router = make("router", name="alone", description="d")
    assert (router["status"], router["external_gateway_info"], router["routes"]) == ("ACTIVE", None, [])
    assert (router["ha"], router["distributed"]) == (False, False)
    changed = member.put(f"{V2}/routers/{router['id']}", {"router": {"name": "x", "admin_state_up": False}})
    assert (changed.json["router"]["name"], changed.json["router"]["admin_state_up"]) == ("x", False)
    assert member.delete(f"{V2}/routers/{router['id']}").status == 204
    assert error(member.get(f"{V2}/routers/{router['id']}")) == (404, "RouterNotFound")


def test_a_gateway_takes_an_address_of_the_external_network(cloud, make, public):
    info = make("router", external_gateway_info={"network_id": public})["external_gateway_info"]
    (fixed,) = info["external_fixed_ips"]
    subnet = cloud.admin.get(f"{V2}/subnets/{fixed['subnet_id']}").json["subnet"]
    assert ip_address(fixed["ip_address"]) in ip_network(subnet["cidr"])
    assert (info["network_id"], info["enable_snat"]) == (public, True)


def test_a_gateway_can_be_taken_away_and_given_again(cloud, member, make, public):
    router = make("router", external_gateway_info={"network_id": public})["id"]
    for none in ({}, None):
        answer = member.put(f"{V2}/routers/{router}", {"router": {"external_gateway_info": none}})
        assert answer.json["router"]["external_gateway_info"] is None
    ports = cloud.admin.get(f"{V2}/ports?device_id={router}").json["ports"]
    assert ports == []
    body = {"router": {"external_gateway_info": {"network_id": public}}}
    assert member.put(f"{V2}/routers/{router}", body).json["router"]["external_gateway_info"]


def test_an_internal_network_is_no_gateway(member, net):
    body = {"router": {"external_gateway_info": {"network_id": net[0]}}}
    assert error(member.post(f"{V2}/routers", body)) == (400, "BadRequest")


def free_address(cloud, network) -> str:
    """One of 172.24.4.0/24 that no port of the network has."""
    ports = cloud.admin.get(f"{V2}/ports?network_id={network}").json["ports"]
    taken = {fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]}
    return next(f"172.24.4.{n}" for n in range(77, 250) if f"172.24.4.{n}" not in taken)


@pytest.mark.parametrize("name", ["enable_snat", "external_fixed_ips"])
def test_only_administrators_say_how_a_gateway_is(cloud, member, public, name):
    address = free_address(cloud, public)
    said = {"enable_snat": False, "external_fixed_ips": [{"ip_address": address}]}
    info = {name: said[name]}
    body = {"router": {"external_gateway_info": {"network_id": public, **info}}}
    assert error(member.post(f"{V2}/routers", body)) == (403, "PolicyNotAuthorized")
    router = cloud.admin.post(f"{V2}/routers", body).json["router"]
    got = router["external_gateway_info"]
    assert got["enable_snat"] is info.get("enable_snat", True)
    if "external_fixed_ips" in info:
        assert [f["ip_address"] for f in got["external_fixed_ips"]] == [address]
    assert cloud.admin.delete(f"{V2}/routers/{router['id']}").status == 204


@pytest.mark.parametrize("name", ["distributed", "ha"])
def test_distributed_and_highly_available_routers_are_refused(cloud, name):
    answer = cloud.admin.post(f"{V2}/routers", {"router": {name: True}})
    assert error(answer) == (400, "InvalidInput")
    assert name in answer.json["NeutronError"]["message"]


def test_an_interface_stands_at_the_gateway_address(member, make, net):
    router = make("router")["id"]
    answer = plug(member, router, subnet_id=net[1])
    assert answer.status == 200
    assert (answer.json["subnet_id"], answer.json["network_id"]) == (net[1], net[0])
    port = member.get(f"{V2}/ports/{answer.json['port_id']}").json["port"]
    subnet = member.get(f"{V2}/subnets/{net[1]}").json["subnet"]
    assert (port["device_id"], port["device_owner"]) == (router, "network:router_interface")
    assert [f["ip_address"] for f in port["fixed_ips"]] == [subnet["gateway_ip"]]
    assert error(plug(member, router, subnet_id=net[1])) == (400, "BadRequest")
    assert error(member.delete(f"{V2}/ports/{port['id']}")) == (409, "ServicePortInUse")
    assert error(member.delete(f"{V2}/routers/{router}")) == (409, "RouterInUse")
    assert error(member.delete(f"{V2}/networks/{net[0]}")) == (409, "NetworkInUse")
    answer = member.put(f"{V2}/subnets/{net[1]}", {"subnet": {"gateway_ip": None}})
    assert error(answer) == (409, "GatewayIpInUse")


def test_an_interface_leaves_by_subnet_or_port(member, make, net):
    router = make("router")["id"]
    for key in ("subnet_id", "port_id"):
        leg = plug(member, router, subnet_id=net[1]).json
        assert plug(member, router, "remove", **{key: leg[key]}).json["port_id"] == leg["port_id"]
        assert error(member.get(f"{V2}/ports/{leg['port_id']}")) == (404, "PortNotFound")
    answer = plug(member, router, "remove", subnet_id=net[1])
    assert error(answer) == (404, "RouterInterfaceNotFoundForSubnet")
    assert error(plug(member, router, "remove", port_id=leg["port_id"])) == (404, "RouterInterfaceNotFound")
    leg = plug(member, router, subnet_id=net[1]).json
    other = make("subnet", network_id=net[0], cidr="10.99.0.0/24", ip_version=4)["id"]
    answer = plug(member, router, "remove", port_id=leg["port_id"], subnet_id=other)
    assert error(answer) == (400, "SubnetMismatchForPort")


def test_a_port_of_ones_own_becomes_an_interface(member, make, net):
    router, port = make("router")["id"], make("port", network_id=net[0])
    answer = plug(member, router, port_id=port["id"])
    assert answer.json["port_id"] == port["id"]
    got = member.get(f"{V2}/ports/{port['id']}").json["port"]
    assert (got["device_owner"], got["fixed_ips"]) == ("network:router_interface", port["fixed_ips"])
    assert error(plug(member, make("router")["id"], port_id=port["id"])) == (409, "PortInUse")
    answer = member.put(f"{V2}/ports/{port['id']}", {"port": {"device_id": ""}})
    assert error(answer) == (409, "ServicePortInUse")


@pytest.mark.parametrize("what", [{}, {"subnet_id": "a", "port_id": "b"}])
def test_an_interface_is_named_by_one_of_the_two(member, make, what):
    assert error(plug(member, make("router")["id"], **what)) == (400, "BadRequest")


def test_subnets_that_overlap_cannot_meet(member, make):
    router, first, second = make("router")["id"], make("network")["id"], make("network")["id"]
    one = make("subnet", network_id=first, cidr="10.60.0.0/16", ip_version=4)["id"]
    two = make("subnet", network_id=second, cidr="10.60.7.0/24", ip_version=4)["id"]
    bare = make("subnet", network_id=second, cidr="10.61.0.0/24", ip_version=4, gateway_ip=None)["id"]
    assert plug(member, router, subnet_id=one).status == 200
    for subnet in (two, bare):
        answer = plug(member, router, subnet_id=subnet)
        assert error(answer) == (400, "BadRequest")
        assert subnet in answer.json["NeutronError"]["message"]


def test_extra_routes_are_set_added_and_removed(member, make, net):
    router = make("router")["id"]
    subnet = member.get(f"{V2}/subnets/{net[1]}").json["subnet"]
    hop = str(ip_network(subnet["cidr"])[9])
    one, two = ({"destination": f"192.168.{n}.0/24", "nexthop": hop} for n in (1, 2))
    body = {"router": {"routes": [one]}}
    assert error(member.put(f"{V2}/routers/{router}", body)) == (400, "InvalidRoutes")
    plug(member, router, subnet_id=net[1])
    assert member.put(f"{V2}/routers/{router}", body).json["router"]["routes"] == [one]
    answer = member.put(f"{V2}/routers/{router}/add_extraroutes", {"router": {"routes": [one, two]}})
    assert answer.json["router"]["routes"] == [one, two]
    answer = plug(member, router, "remove", subnet_id=net[1])
    assert error(answer) == (409, "RouterInterfaceInUseByRoute")
    answer = member.put(f"{V2}/routers/{router}/remove_extraroutes", {"router": {"routes": [one]}})
    assert answer.json["router"]["routes"] == [two]
    assert member.put(f"{V2}/routers/{router}", {"router": {"routes": None}}).json["router"]["routes"] == []
    own = {"destination": "192.168.3.0/24", "nexthop": subnet["gateway_ip"]}
    answer = member.put(f"{V2}/routers/{router}", {"router": {"routes": [own]}})
    assert error(answer) == (400, "InvalidRoutes")


def test_the_host_is_told_of_legs_routes_and_their_end(cloud, member, connected, backend, until):
    router, network, subnet_id = connected
    until(lambda: state(backend, router) is not None and state(backend, router).interfaces)
    subnet = member.get(f"{V2}/subnets/{subnet_id}").json["subnet"]
    told = state(backend, router)
    assert told.interfaces[0].addresses == (f"{subnet['gateway_ip']}/24",)
    assert told.gateway_ips == ("172.24.4.1",)
    assert told.enable_snat
    assert {network, told.gateway.network_id} <= {n.id for n in backend.state.networks}
    assert {n.id: n.external for n in backend.state.networks}[told.gateway.network_id]
    legs = {told.interfaces[0].port_id, told.gateway.port_id}
    assert not legs & {p.id for p in backend.state.ports}

    def ports():
        return cloud.admin.get(f"{V2}/ports?device_id={router}").json["ports"]

    until(lambda: {port["status"] for port in ports()} == {"ACTIVE"})
    assert {port["binding:host_id"] for port in ports()} == {"test-host"}
    plug(member, router, "remove", subnet_id=subnet_id)
    until(lambda: state(backend, router).interfaces == ())
    member.delete(f"{V2}/routers/{router}")
    until(lambda: state(backend, router) is None)


def test_a_host_that_lost_its_routers_gets_them_again(cloud, connected, backend, until):
    from knarr.core.network.hosting import reconcile

    until(lambda: state(backend, connected[0]) is not None and state(backend, connected[0]).interfaces)
    before = state(backend, connected[0])
    backend.remove_router(connected[0])
    reconcile(cloud.runtime)
    assert state(backend, connected[0]) == before


def test_the_router_of_a_dead_host_moves(cloud, member, make, backend):
    from sqlalchemy import update

    from knarr.core.network.hosting import reconcile
    from knarr.core.network.models import Router

    router = make("router")["id"]
    with cloud.runtime.db.write() as session:
        session.execute(update(Router).where(Router.id == router).values(host="gone"))
    reconcile(cloud.runtime)
    assert state(backend, router) is not None


def test_gateways_made_at_once_have_addresses_of_their_own(cloud, public):
    def post(_):
        return cloud.admin.post(
            f"{V2}/routers", {"router": {"external_gateway_info": {"network_id": public}}}
        )

    cloud.admin.put(f"{V2}/quotas/{cloud.admin.project_id}", {"quota": {"router": 100}})
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(post, range(60)))
    assert {answer.status for answer in answers} == {201}
    routers = [answer.json["router"] for answer in answers]
    got = [r["external_gateway_info"]["external_fixed_ips"][0]["ip_address"] for r in routers]
    assert len(set(got)) == 60
    for router in routers:
        assert cloud.admin.delete(f"{V2}/routers/{router['id']}").status == 204


def test_the_quota_of_routers_holds_when_many_ask_at_once(cloud, member):
    cloud.admin.put(f"{V2}/quotas/{member.project_id}", {"quota": {"router": 3}})
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: member.post(f"{V2}/routers", {"router": {}}), range(20)))
    assert sum(answer.status == 201 for answer in answers) == 3
    assert {error(a) for a in answers if a.status != 201} == {(409, "OverQuota")}


def test_a_strangers_router_and_subnet_do_not_exist(cloud, member, make, net):
    stranger, router = cloud.person(), make("router")["id"]
    assert error(stranger.get(f"{V2}/routers/{router}")) == (404, "RouterNotFound")
    assert error(plug(stranger, router, subnet_id=net[1])) == (404, "RouterNotFound")
    theirs = stranger.post(f"{V2}/routers", {"router": {}}).json["router"]["id"]
    assert error(plug(stranger, theirs, subnet_id=net[1])) == (404, "SubnetNotFound")


def test_routers_have_tags_and_are_found_by_them(member, make):
    router = make("router")["id"]
    assert member.put(f"{V2}/routers/{router}/tags/blue").status == 201
    assert [r["id"] for r in member.get(f"{V2}/routers?tags=blue").json["routers"]] == [router]
