"""Floating IPs: their addresses, where they lead, and what ends that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from knarr.core.network.models import FloatingIp

from .conftest import error, plug, state

V2 = "/network/v2.0"


@pytest.fixture
def port(make, connected):
    return make("port", network_id=connected[1])


@pytest.fixture
def floating(make, public):
    def post(**body):
        return make("floatingip", floating_network_id=public, **body)

    return post


def test_one_that_leads_nowhere_has_an_address_and_is_down(cloud, member, floating):
    made = floating(description="d")
    assert made["floating_ip_address"].startswith("172.24.4.")
    assert (made["status"], made["port_id"], made["router_id"]) == ("DOWN", None, None)
    owned = f"{V2}/ports?device_owner=network:floatingip&device_id={made['id']}"
    (port,) = cloud.admin.get(owned).json["ports"]
    assert member.get(owned).json["ports"] == []
    assert error(cloud.admin.delete(f"{V2}/ports/{port['id']}")) == (409, "ServicePortInUse")
    assert member.delete(f"{V2}/floatingips/{made['id']}").status == 204
    assert cloud.admin.get(owned).json["ports"] == []
    assert error(member.get(f"{V2}/floatingips/{made['id']}")) == (404, "FloatingIPNotFound")


def test_those_that_lead_nowhere_go_with_their_network(cloud, member):
    made = cloud.admin.post(f"{V2}/networks", {"network": {"name": "out", "router:external": True}})
    outside = made.json["network"]["id"]
    subnet = {"network_id": outside, "cidr": "198.51.100.0/24", "ip_version": 4, "enable_dhcp": False}
    cloud.admin.post(f"{V2}/subnets", {"subnet": subnet})
    body = {"floatingip": {"floating_network_id": outside}}
    used = member.get(f"{V2}/quotas/{member.project_id}/details").json["quota"]["floatingip"]["used"]
    floating = member.post(f"{V2}/floatingips", body).json["floatingip"]
    assert cloud.admin.delete(f"{V2}/networks/{outside}").status == 204
    assert error(member.get(f"{V2}/floatingips/{floating['id']}")) == (404, "FloatingIPNotFound")
    details = member.get(f"{V2}/quotas/{member.project_id}/details").json["quota"]
    assert details["floatingip"]["used"] == used


def test_those_that_are_used_hold_their_network(cloud, member, floating, port, public):
    idle, led = floating(), floating(port_id=port["id"])
    assert error(cloud.admin.delete(f"{V2}/networks/{public}")) == (409, "NetworkInUse")
    for one in (idle, led):
        assert member.get(f"{V2}/floatingips/{one['id']}").status == 200


def test_it_leads_to_a_port_behind_a_router(member, floating, port, connected, backend, until):
    made = floating(port_id=port["id"])
    ip = port["fixed_ips"][0]["ip_address"]
    assert (made["fixed_ip_address"], made["port_id"], made["router_id"]) == (ip, port["id"], connected[0])
    assert made["port_details"]["mac_address"] == port["mac_address"]
    path = f"{V2}/floatingips/{made['id']}"
    until(lambda: member.get(path).json["floatingip"]["status"] == "ACTIVE")
    (told,) = state(backend, connected[0]).floating_ips
    assert (told.floating_ip, told.fixed_ip) == (made["floating_ip_address"], ip)
    free = member.put(path, {"floatingip": {"port_id": None}}).json["floatingip"]
    assert (free["status"], free["fixed_ip_address"], free["router_id"]) == ("DOWN", None, None)
    until(lambda: state(backend, connected[0]).floating_ips == ())
    back = member.put(path, {"floatingip": {"port_id": port["id"]}}).json["floatingip"]
    assert back["fixed_ip_address"] == ip


def test_a_change_of_its_description_leaves_it_where_it_leads(member, floating, port):
    made = floating(port_id=port["id"])
    path = f"{V2}/floatingips/{made['id']}"
    changed = member.put(path, {"floatingip": {"description": "x"}}).json["floatingip"]
    assert (changed["description"], changed["port_id"]) == ("x", port["id"])


def test_a_port_that_no_router_leads_to_cannot_have_one(member, public, make, net):
    port = make("port", network_id=net[0])["id"]
    body = {"floatingip": {"floating_network_id": public, "port_id": port}}
    assert error(member.post(f"{V2}/floatingips", body)) == (404, "ExternalGatewayForFloatingIPNotFound")
    details = member.get(f"{V2}/quotas/{member.project_id}/details").json["quota"]
    assert details["floatingip"]["used"] == 0


def test_an_address_of_a_port_has_one_floating_ip(member, floating, port, public):
    floating(port_id=port["id"])
    body = {"floatingip": {"floating_network_id": public, "port_id": port["id"]}}
    assert error(member.post(f"{V2}/floatingips", body)) == (409, "FloatingIPPortAlreadyAssociated")


def test_asked_at_once_a_port_gets_one(member, port, public):
    body = {"floatingip": {"floating_network_id": public, "port_id": port["id"]}}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: member.post(f"{V2}/floatingips", body), range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


def test_made_at_once_all_have_addresses_of_their_own_within_the_quota(cloud, member, public):
    cloud.admin.put(f"{V2}/quotas/{member.project_id}", {"quota": {"floatingip": 40}})
    body = {"floatingip": {"floating_network_id": public}}
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: member.post(f"{V2}/floatingips", body), range(80)))
    made = [answer.json["floatingip"] for answer in answers if answer.status == 201]
    assert len({one["floating_ip_address"] for one in made}) == len(made) == 40
    assert {error(a) for a in answers if a.status != 201} == {(409, "OverQuota")}
    for one in made:
        assert member.delete(f"{V2}/floatingips/{one['id']}").status == 204


def test_the_end_of_a_port_frees_its_floating_ip(member, floating, port):
    made = floating(port_id=port["id"])
    assert member.delete(f"{V2}/ports/{port['id']}").status == 204
    left = member.get(f"{V2}/floatingips/{made['id']}").json["floatingip"]
    assert (left["port_id"], left["status"]) == (None, "DOWN")


def test_the_end_of_an_address_frees_its_floating_ip(member, floating, port):
    made = floating(port_id=port["id"])
    member.put(f"{V2}/ports/{port['id']}", {"port": {"fixed_ips": []}})
    left = member.get(f"{V2}/floatingips/{made['id']}").json["floatingip"]
    assert (left["port_id"], left["fixed_ip_address"]) == (None, None)


def test_what_a_floating_ip_needs_stays(member, floating, port, connected):
    floating(port_id=port["id"])
    answer = plug(member, connected[0], "remove", subnet_id=connected[2])
    assert error(answer) == (409, "RouterInterfaceInUseByFloatingIP")
    answer = member.put(f"{V2}/routers/{connected[0]}", {"router": {"external_gateway_info": {}}})
    assert error(answer) == (409, "RouterExternalGatewayInUseByFloatingIp")


def test_a_port_with_several_addresses_needs_a_choice(member, make, floating, connected, public):
    fixed = [{"subnet_id": connected[2]}, {"subnet_id": connected[2]}]
    port = make("port", network_id=connected[1], fixed_ips=fixed)
    body = {"floating_network_id": public, "port_id": port["id"]}
    assert error(member.post(f"{V2}/floatingips", {"floatingip": body})) == (400, "BadRequest")
    ip = port["fixed_ips"][1]["ip_address"]
    assert floating(port_id=port["id"], fixed_ip_address=ip)["fixed_ip_address"] == ip


@pytest.mark.parametrize(
    "change",
    [
        {"fixed_ip_address": "10.1.1.1"},
        {"subnet_id": "nonsense"},
        {"port_id": "PORT", "fixed_ip_address": "10.1.1.1"},
    ],
)
def test_what_cannot_be_is_refused(member, public, port, change):
    change = {key: port["id"] if value == "PORT" else value for key, value in change.items()}
    body = {"floating_network_id": public, **change}
    assert error(member.post(f"{V2}/floatingips", {"floatingip": body})) == (400, "BadRequest")


def test_an_internal_network_has_none(member, net):
    body = {"floatingip": {"floating_network_id": net[0]}}
    assert error(member.post(f"{V2}/floatingips", body)) == (400, "BadRequest")


def test_only_administrators_choose_the_address(cloud, member, public):
    free = cloud.admin.post(f"{V2}/floatingips", {"floatingip": {"floating_network_id": public}})
    cloud.admin.delete(f"{V2}/floatingips/{free.json['floatingip']['id']}")
    wanted = free.json["floatingip"]["floating_ip_address"]
    body = {"floatingip": {"floating_network_id": public, "floating_ip_address": wanted}}
    assert error(member.post(f"{V2}/floatingips", body)) == (403, "PolicyNotAuthorized")
    made = cloud.admin.post(f"{V2}/floatingips", body).json["floatingip"]
    assert made["floating_ip_address"] == wanted
    assert error(cloud.admin.post(f"{V2}/floatingips", body)) == (409, "IpAddressInUse")
    cloud.admin.delete(f"{V2}/floatingips/{made['id']}")


def test_another_projects_does_not_exist(cloud, floating, port, public):
    stranger, ident = cloud.person(), floating()["id"]
    assert error(stranger.get(f"{V2}/floatingips/{ident}")) == (404, "FloatingIPNotFound")
    body = {"floatingip": {"floating_network_id": public, "port_id": port["id"]}}
    assert error(stranger.post(f"{V2}/floatingips", body)) == (404, "PortNotFound")


@pytest.fixture
def forward(member, floating, port):
    """forward(floating IP, …): the answer to a new port forwarding to the port."""

    def post(ident, **change):
        body = {"protocol": "tcp", "external_port": 8080, "internal_port": 80, "internal_port_id": port["id"]}
        path = f"{V2}/floatingips/{ident}/port_forwardings"
        return member.post(path, {"port_forwarding": {**body, **change}})

    return post


def test_single_ports_are_sent_on(member, floating, port, connected, forward, backend, until):
    made = floating()
    answer = forward(made["id"])
    assert answer.status == 201
    sent, ip = answer.json["port_forwarding"], port["fixed_ips"][0]["ip_address"]
    assert (sent["internal_ip_address"], sent["protocol"]) == (ip, "tcp")

    def told():
        router = state(backend, connected[0])
        return [
            (f.fixed_ip, *((p.external_port, p.internal_ip, p.internal_port) for p in f.forwards))
            for f in router.floating_ips
        ]

    until(lambda: told() == [("", (8080, ip, 80))])
    path = f"{V2}/floatingips/{made['id']}"
    shown = member.get(path).json["floatingip"]
    assert (shown["router_id"], shown["port_id"]) == (connected[0], None)
    assert shown["port_forwardings"][0]["external_port"] == 8080
    body = {"port_forwarding": {"internal_port": 443}}
    changed = member.put(f"{path}/port_forwardings/{sent['id']}", body).json["port_forwarding"]
    assert (changed["internal_port"], changed["external_port"]) == (443, 8080)
    until(lambda: told() == [("", (8080, ip, 443))])
    assert member.delete(f"{path}/port_forwardings/{sent['id']}").status == 204
    until(lambda: told() == [])
    assert member.get(path).json["floatingip"]["router_id"] is None


def test_a_floating_ip_leads_to_a_port_or_forwards_ports(member, floating, port, forward, connected):
    bound, free = floating(port_id=port["id"]), floating()
    assert error(forward(bound["id"])) == (400, "BadRequest")
    assert error(forward(free["id"])) == (409, "PortHasBindingFloatingIP")
    path = f"{V2}/floatingips/{bound['id']}"
    member.put(path, {"floatingip": {"port_id": None}})
    assert forward(free["id"]).status == 201
    answer = member.put(path, {"floatingip": {"port_id": port["id"]}})
    assert error(answer) == (400, "PortHasPortForwarding")
    answer = member.put(f"{V2}/floatingips/{free['id']}", {"floatingip": {"port_id": port["id"]}})
    assert error(answer) == (409, "FipInUseByPortForwarding")
    answer = plug(member, connected[0], "remove", subnet_id=connected[2])
    assert error(answer) == (409, "RouterInterfaceInUseByFloatingIP")


@pytest.mark.parametrize("change", [{}, {"external_port": 81}, {"internal_port": 81}])
def test_an_external_or_internal_port_is_forwarded_once(floating, forward, change):
    made = floating()
    assert forward(made["id"]).status == 201
    assert error(forward(made["id"], **change)) == (400, "BadRequest")
    assert forward(made["id"], protocol="udp").status == 201


@pytest.mark.parametrize("change", [{"external_port": 0}, {"internal_port": 65536}, {"protocol": "icmp"}])
def test_forwardings_that_cannot_be_are_named(floating, forward, change):
    answer = forward(floating()["id"], **change)
    assert answer.status == 400
    assert next(iter(change)) in answer.json["NeutronError"]["message"]


def test_the_end_of_a_port_ends_its_forwardings(member, floating, port, forward):
    made = floating()
    forward(made["id"])
    assert member.delete(f"{V2}/ports/{port['id']}").status == 204
    shown = member.get(f"{V2}/floatingips/{made['id']}").json["floatingip"]
    assert (shown["port_forwardings"], shown["router_id"]) == ([], None)


def test_one_that_came_while_its_router_was_applied_waits_for_its_own_turn(
    cloud, floating, port, connected, member
):
    from knarr.core.network.hosting import hosting

    made = floating(port_id=port["id"])
    here = hosting(cloud.runtime)
    with here.lock:  # as if the router had been read before it came
        here.floating[connected[0]] = frozenset()
        with cloud.runtime.db.write() as session:
            session.execute(update(FloatingIp).where(FloatingIp.id == made["id"]).values(status="DOWN"))
        here.routed([connected[0]])
        assert member.get(f"{V2}/floatingips/{made['id']}").json["floatingip"]["status"] == "DOWN"
        here.floating[connected[0]] = frozenset({made["id"]})
        here.routed([connected[0]])
        assert member.get(f"{V2}/floatingips/{made['id']}").json["floatingip"]["status"] == "ACTIVE"
