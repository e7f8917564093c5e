"""The backend without packets."""

from __future__ import annotations

from knarr.core.network.drivers.base import DesiredState, NetworkState, PortState, SecurityGroupState
from knarr.core.network.drivers.fake import FakeBackend

NETWORK = NetworkState("11111111-2222", 1450)
PORT = PortState("aaaaaaaa-bbbb-cccc", NETWORK.id, "fa:16:3e:00:00:01", ("10.0.0.5",))


def test_a_port_is_present_from_the_moment_it_is_applied() -> None:
    backend, seen = FakeBackend(), []
    backend.start()
    end = backend.watch(lambda port_id, there: seen.append((port_id, there)))
    backend.apply_port(PORT)
    backend.apply_port(PORT)
    assert backend.port_present(PORT.id)
    backend.remove_port(PORT.id)
    backend.remove_port(PORT.id)
    assert seen == [(PORT.id, True), (PORT.id, False)]
    end()
    backend.apply_port(PORT)
    assert len(seen) == 2


def test_a_new_watcher_hears_of_ports_that_are_there() -> None:
    backend, seen = FakeBackend(), []
    backend.apply_port(PORT)
    backend.watch(lambda port_id, there: seen.append((port_id, there)))
    assert seen == [(PORT.id, True)]


def test_a_port_of_another_host_is_not_present() -> None:
    backend = FakeBackend()
    backend.apply_port(PortState("p", "n", "fa:16:3e:00:00:02", local=False))
    assert not backend.port_present("p")


def test_reconcile_says_what_it_changed() -> None:
    backend = FakeBackend()
    desired = DesiredState((NETWORK,), (PORT,), (SecurityGroupState("g"),))
    assert backend.reconcile(desired).repaired == [f"network {NETWORK.id}", f"port {PORT.id}", "group g"]
    assert not backend.reconcile(lambda: desired)
    assert backend.state == desired
    assert backend.reconcile(DesiredState())
    assert not backend.port_present(PORT.id)


def test_names_on_the_host_follow_neutron() -> None:
    details = FakeBackend().vif_details(NETWORK)
    assert details == {"bridge_name": "brq11111111-22", "port_filter": True, "mtu": 1450}
    assert PORT.tap == "tapaaaaaaaa-bb"
