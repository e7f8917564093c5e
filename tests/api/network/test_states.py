"""`admin_state_up`: what is switched off carries nothing, and says so."""

from __future__ import annotations

import pytest

from .conftest import HOST, state

V2 = "/network/v2.0"


@pytest.fixture
def port(cloud, member, make, net, backend, until):
    """A bound port that is ACTIVE."""
    made = make("port", network_id=net[0])["id"]
    cloud.admin.put(f"{V2}/ports/{made}", {"port": {"binding:host_id": HOST}})
    until(lambda: look(member, made)["status"] == "ACTIVE")
    return made


def look(person, port_id):
    return person.get(f"{V2}/ports/{port_id}").json["port"]


def is_carried(backend, port_id):
    return any(port.id == port_id for port in backend.state.ports)


@pytest.mark.parametrize("kind", ["port", "network"])
def test_a_port_is_down_while_it_or_its_network_is_switched_off(member, net, port, backend, until, kind):
    path = f"{V2}/ports/{port}" if kind == "port" else f"{V2}/networks/{net[0]}"
    member.put(path, {kind: {"admin_state_up": False}})
    until(lambda: look(member, port)["status"] == "DOWN")
    assert not is_carried(backend, port)
    member.put(path, {kind: {"admin_state_up": True}})
    until(lambda: look(member, port)["status"] == "ACTIVE")
    assert is_carried(backend, port)


def test_a_network_that_is_switched_off_is_no_leg_of_its_router(member, connected, backend, until):
    router, network, _ = connected
    until(lambda: state(backend, router) and state(backend, router).interfaces)
    member.put(f"{V2}/networks/{network}", {"network": {"admin_state_up": False}})
    until(lambda: not state(backend, router).interfaces)
    until(lambda: leg(member, router)["status"] == "DOWN")
    member.put(f"{V2}/networks/{network}", {"network": {"admin_state_up": True}})
    until(lambda: state(backend, router).interfaces)
    until(lambda: leg(member, router)["status"] == "ACTIVE")


def leg(person, router):
    query = f"device_id={router}&device_owner=network:router_interface"
    return person.get(f"{V2}/ports?{query}").json["ports"][0]


def test_floating_ips_are_down_with_their_router(member, make, connected, public, until):
    router, network, _ = connected
    port = make("port", network_id=network)["id"]
    path = f"{V2}/floatingips/{make('floatingip', floating_network_id=public, port_id=port)['id']}"
    until(lambda: member.get(path).json["floatingip"]["status"] == "ACTIVE")
    member.put(f"{V2}/routers/{router}", {"router": {"admin_state_up": False}})
    until(lambda: member.get(path).json["floatingip"]["status"] == "DOWN")
    until(lambda: leg(member, router)["status"] == "DOWN")
    member.put(f"{V2}/routers/{router}", {"router": {"admin_state_up": True}})
    until(lambda: member.get(path).json["floatingip"]["status"] == "ACTIVE")
    until(lambda: leg(member, router)["status"] == "ACTIVE")


def test_what_is_off_stays_off_when_the_host_compares(cloud, member, port, backend, until):
    from knarr.core.network.hosting import hosting

    member.put(f"{V2}/ports/{port}", {"port": {"admin_state_up": False}})
    until(lambda: look(member, port)["status"] == "DOWN")
    hosting(cloud.runtime).reconcile()
    assert not is_carried(backend, port)
    assert look(member, port)["status"] == "DOWN"
