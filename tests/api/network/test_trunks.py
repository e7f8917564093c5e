"""Trunks: ports that carry others in VLANs, what becomes of those, and what the host is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import HOST, error, plug

V2 = "/network/v2.0"
TRUNKS = f"{V2}/trunks"


@pytest.fixture
def port(cloud, member, make):
    """port(mtu=…) -> a new port of the member on a new network."""

    def new(**network):
        return make("port", network_id=make("network", **network)["id"])["id"]

    return new


@pytest.fixture
def trunk(make, port):
    """A trunk with one subport: (trunk, its port, the subport)."""
    parent, child = port(), port()
    return make("trunk", port_id=parent, sub_ports=[sub(child, 100)]), parent, child


def sub(port_id, vlan, kind="vlan"):
    return {"port_id": port_id, "segmentation_type": kind, "segmentation_id": vlan}


def change(person, trunk_id, verb, *entries):
    return person.put(f"{TRUNKS}/{trunk_id}/{verb}_subports", {"sub_ports": list(entries)})


def bind(cloud, port_id, host=HOST):
    return cloud.admin.put(f"{V2}/ports/{port_id}", {"port": {"binding:host_id": host}})


def look(person, port_id):
    return person.get(f"{V2}/ports/{port_id}").json["port"]


def told(backend, port_id):
    """Where the backend was told the port is; False if it was not told of it."""
    return next((port.subport for port in backend.state.ports if port.id == port_id), False)


def test_a_trunk_shows_its_port_and_subports(member, trunk):
    made, parent, child = trunk
    assert (made["port_id"], made["status"], made["admin_state_up"]) == (parent, "DOWN", True)
    assert made["sub_ports"] == [sub(child, 100)]
    assert made["tenant_id"] == made["project_id"] == member.project_id
    assert member.get(f"{TRUNKS}/{made['id']}").json["trunk"] == made
    assert member.get(f"{TRUNKS}/{made['id']}/get_subports").json == {"sub_ports": [sub(child, 100)]}
    aliases = {one["alias"] for one in member.get(f"{V2}/extensions").json["extensions"]}
    assert {"trunk", "trunk-details"} <= aliases


def test_a_port_shows_the_trunk_that_it_is_the_parent_of(member, trunk):
    made, parent, child = trunk
    mac = look(member, child)["mac_address"]
    details = {"trunk_id": made["id"], "sub_ports": [{**sub(child, 100), "mac_address": mac}]}
    assert look(member, parent)["trunk_details"] == details
    assert "trunk_details" not in look(member, child)
    listed = member.get(f"{V2}/ports?id={parent}&fields=trunk_details").json["ports"]
    assert listed == [{"trunk_details": details}]


def test_subports_come_and_go(member, trunk, port):
    made, _, child = trunk
    more = port()
    answer = change(member, made["id"], "add", sub(more, 200))
    assert answer.status == 200
    assert answer.json["sub_ports"] == [sub(child, 100), sub(more, 200)]
    assert answer.json["revision_number"] == made["revision_number"] + 1
    assert look(member, more)["device_owner"] == "trunk:subport"
    assert change(member, made["id"], "remove", {"port_id": child}).json["sub_ports"] == [sub(more, 200)]
    assert look(member, child)["device_owner"] == ""
    assert error(change(member, made["id"], "remove", {"port_id": child})) == (404, "SubPortNotFound")


def test_subports_follow_the_binding_of_the_trunks_port(cloud, member, trunk, backend, until):
    made, parent, child = trunk
    bind(cloud, parent)
    until(lambda: look(cloud.admin, child)["status"] == "ACTIVE")
    bound = look(cloud.admin, child)
    assert (bound["binding:host_id"], bound["binding:vif_type"]) == (HOST, "bridge")
    until(lambda: member.get(f"{TRUNKS}/{made['id']}").json["trunk"]["status"] == "ACTIVE")
    assert (told(backend, child).parent_id, told(backend, child).vlan) == (parent, 100)
    bind(cloud, parent, "")
    until(lambda: told(backend, child) is False)
    assert look(cloud.admin, child)["binding:vif_type"] == "unbound"
    assert member.get(f"{TRUNKS}/{made['id']}").json["trunk"]["status"] == "DOWN"


def test_subports_of_a_binding_that_failed_are_bound_with_it_later(cloud, member, trunk, until):
    _, parent, child = trunk
    bind(cloud, parent, "nowhere")
    until(lambda: look(cloud.admin, child)["binding:vif_type"] == "binding_failed")
    assert look(cloud.admin, child)["binding:host_id"] == "nowhere"
    bind(cloud, parent)
    until(lambda: look(member, child)["status"] == "ACTIVE")
    assert look(cloud.admin, child)["binding:vif_type"] == "bridge"


def test_a_subport_that_joins_a_bound_trunk_is_bound_at_once(cloud, member, make, port, backend, until):
    parent, child = port(), port()
    bind(cloud, parent)
    made = make("trunk", port_id=parent)
    until(lambda: member.get(f"{TRUNKS}/{made['id']}").json["trunk"]["status"] == "ACTIVE")
    change(member, made["id"], "add", sub(child, 7))
    until(lambda: look(member, child)["status"] == "ACTIVE")
    change(member, made["id"], "remove", {"port_id": child})
    until(lambda: told(backend, child) is False)
    assert look(member, child)["status"] == "DOWN"


def test_the_end_of_a_trunk_frees_its_ports(cloud, member, trunk, backend, until):
    made, parent, child = trunk
    bind(cloud, parent)
    until(lambda: told(backend, child))
    assert member.delete(f"{TRUNKS}/{made['id']}").status == 204
    until(lambda: told(backend, child) is False)
    assert look(member, parent)["status"] == "ACTIVE"
    assert member.delete(f"{V2}/ports/{child}").status == 204
    assert member.delete(f"{V2}/ports/{parent}").status == 204


def test_a_trunk_that_is_down_carries_nothing_and_does_not_change(cloud, member, trunk, port, backend, until):
    made, parent, child = trunk
    path = f"{TRUNKS}/{made['id']}"
    bind(cloud, parent)
    until(lambda: told(backend, child))
    assert member.put(path, {"trunk": {"admin_state_up": False}}).json["trunk"]["status"] == "DOWN"
    until(lambda: told(backend, child) is None)
    for answer in (
        change(member, made["id"], "add", sub(port(), 9)),
        change(member, made["id"], "remove", {"port_id": child}),
        member.delete(path),
    ):
        assert error(answer) == (409, "TrunkDisabled")
    member.put(path, {"trunk": {"admin_state_up": True, "name": "up"}})
    until(lambda: told(backend, child))


def test_ports_in_a_trunk_are_not_deleted_nor_bound_by_others(cloud, member, trunk):
    _, parent, child = trunk
    assert error(member.delete(f"{V2}/ports/{parent}")) == (409, "PortInUseAsTrunkParent")
    assert error(member.delete(f"{V2}/ports/{child}")) == (409, "PortInUseAsSubPort")
    assert error(bind(cloud, child)) == (409, "PortInUseAsSubPort")


def test_a_port_in_a_trunk_is_no_leg_of_a_router(member, make, net):
    parent = make("port", network_id=net[0])["id"]
    make("trunk", port_id=parent)
    router = make("router")["id"]
    assert error(plug(member, router, port_id=parent)) == (409, "PortInUseAsTrunkParent")


def test_a_port_is_in_one_trunk_and_a_vlan_is_one_ports(member, make, trunk, port):
    made, parent, child = trunk
    for body in (
        {"port_id": parent},
        {"port_id": child},
        {"port_id": port(), "sub_ports": [sub(parent, 1)]},
        {"port_id": port(), "sub_ports": [sub(child, 1)]},
    ):
        assert error(member.post(TRUNKS, {"trunk": body})) == (409, "TrunkPortInUse")
    assert error(change(member, made["id"], "add", sub(port(), 100))) == (409, "DuplicateSubPort")
    own = port()
    body = {"port_id": own, "sub_ports": [sub(own, 1)]}
    assert error(member.post(TRUNKS, {"trunk": body}))[0] == 409


def test_a_port_that_is_in_use_becomes_no_subport(cloud, member, trunk, make, port):
    used = port()
    member.put(f"{V2}/ports/{used}", {"port": {"device_id": "something"}})
    assert error(change(member, trunk[0]["id"], "add", sub(used, 3))) == (409, "PortInUse")
    bound = port()
    bind(cloud, bound)
    assert error(change(member, trunk[0]["id"], "add", sub(bound, 3))) == (409, "PortInUse")


def test_a_subports_packets_must_fit_the_trunk(member, make, port):
    made = make("trunk", port_id=port(mtu=1400))
    answer = change(member, made["id"], "add", sub(port(mtu=1450), 3))
    assert error(answer) == (409, "SubPortMtuGreaterThanTrunkPortMtu")
    assert change(member, made["id"], "add", sub(port(mtu=1400), 3)).status == 200


@pytest.mark.parametrize(
    "entry",
    [
        {"segmentation_id": 5},
        {"segmentation_type": "vlan"},
        {"segmentation_type": "inherit"},
        {"segmentation_type": "vxlan", "segmentation_id": 5},
        {"segmentation_type": "vlan", "segmentation_id": 0},
        {"segmentation_type": "vlan", "segmentation_id": 4095},
    ],
    ids=str,
)
def test_a_vlan_is_named_in_full_and_exists(member, trunk, port, entry):
    answer = change(member, trunk[0]["id"], "add", {"port_id": port(), **entry})
    assert answer.status == 400
    assert "segmentation_" in answer.json["NeutronError"]["message"]


def test_a_strangers_ports_cannot_be_carried(cloud, member, trunk, port):
    stranger = cloud.person()
    network = stranger.post(f"{V2}/networks", {"network": {}}).json["network"]["id"]
    theirs = stranger.post(f"{V2}/ports", {"port": {"network_id": network}}).json["port"]["id"]
    assert error(change(member, trunk[0]["id"], "add", sub(theirs, 3))) == (404, "PortNotFound")
    assert error(member.post(TRUNKS, {"trunk": {"port_id": theirs}})) == (404, "PortNotFound")


def test_asked_at_once_a_vlan_goes_to_one_port(member, make, port):
    made, ports = make("trunk", port_id=port()), [port() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: change(member, made["id"], "add", sub(one, 50)), ports))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409, 409]


def test_trunks_are_found_by_port_state_and_tag(cloud, member, make, port, until):
    one, other = make("trunk", port_id=port(), name="one"), make("trunk", port_id=port(), name="two")
    bind(cloud, one["port_id"])
    until(lambda: ids(member, "status=ACTIVE") == [one["id"]])
    assert ids(member, "status=DOWN") == [other["id"]]
    assert ids(member, f"port_id={one['port_id']}") == [one["id"]]
    assert member.put(f"{TRUNKS}/{other['id']}/tags/blue").status == 201
    assert ids(member, "tags=blue") == [other["id"]]
    assert ids(member, "sort_key=name&sort_dir=desc") == [other["id"], one["id"]]


def ids(person, query):
    return [one["id"] for one in person.get(f"{TRUNKS}?{query}").json["trunks"]]


def test_the_quota_of_trunks_holds(cloud, member, make, port):
    cloud.admin.put(f"{V2}/quotas/{member.project_id}", {"quota": {"trunk": 1}})
    made = make("trunk", port_id=port())
    body = {"trunk": {"port_id": port()}}
    assert error(member.post(TRUNKS, body)) == (409, "OverQuota")
    member.delete(f"{TRUNKS}/{made['id']}")
    assert member.post(TRUNKS, body).status == 201
