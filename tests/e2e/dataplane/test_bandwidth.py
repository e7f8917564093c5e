"""Bandwidth limits, measured with real TCP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knarr.core.network.drivers.base import BandwidthLimit
from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.netlink import host as host_netlink

from .cloud import Cloud, allow, eventually
from .rates import LIMIT_KBPS, near, rate_kbps

BURST_KBIT = 400


class Pair:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud, network, group = cloud, cloud.network(), cloud.group(allow())
        self.near = cloud.guest(network, "10.1.0.5", groups=(group,))
        self.far = cloud.guest(network, "10.1.0.6", groups=(group,))

    def limit(self, *limits: BandwidthLimit) -> None:
        self.near.port = replace(self.near.port, bandwidth=limits)
        self.cloud.set_port(self.near.port)

    @property
    def detour(self) -> bool:
        return links.get_link(host_netlink(), "ifb" + self.near.port.id[:11]) is not None


@pytest.fixture
def pair(cloud: Cloud) -> Pair:
    return Pair(cloud)


def limit(direction: str, kbps: int = LIMIT_KBPS) -> BandwidthLimit:
    return BandwidthLimit(direction, kbps, BURST_KBIT)  # type: ignore[arg-type]


def test_what_a_guest_sends_is_limited_and_what_it_gets_is_not(pair: Pair) -> None:
    pair.limit(limit("egress"))
    assert near(rate_kbps(pair.near, pair.far))
    assert rate_kbps(pair.far, pair.near) > 5 * LIMIT_KBPS


def test_what_a_guest_gets_is_limited_and_what_it_sends_is_not(pair: Pair) -> None:
    pair.limit(limit("ingress"))
    assert near(rate_kbps(pair.far, pair.near))
    assert rate_kbps(pair.near, pair.far) > 5 * LIMIT_KBPS


def test_both_directions_have_limits_of_their_own_that_can_be_changed(pair: Pair) -> None:
    pair.limit(limit("egress", 40_000), limit("ingress"))
    assert near(rate_kbps(pair.near, pair.far), 40_000)
    assert near(rate_kbps(pair.far, pair.near))
    pair.limit(limit("egress"), limit("ingress", 5_000))
    assert near(rate_kbps(pair.near, pair.far))
    assert near(rate_kbps(pair.far, pair.near), 5_000)


def test_a_limit_that_is_taken_away_leaves_nothing(pair: Pair) -> None:
    pair.limit(limit("egress"), limit("ingress"))
    assert pair.detour
    pair.limit()
    assert rate_kbps(pair.near, pair.far) > 5 * LIMIT_KBPS
    assert rate_kbps(pair.far, pair.near) > 5 * LIMIT_KBPS
    assert not pair.detour


def test_a_tap_that_comes_later_is_limited_and_nothing_is_left_when_it_goes(cloud: Cloud, pair: Pair) -> None:
    port = cloud.port(
        cloud.networks[pair.near.port.network_id], "10.1.0.7",
        groups=tuple(cloud.groups.values()), bandwidth=(limit("egress"),),
    )  # fmt: skip
    cloud.set_port(port)
    late, detour = cloud.plug(port), "ifb" + port.id[:11]
    assert eventually(lambda: links.get_link(host_netlink(), detour) is not None)
    assert near(rate_kbps(late, pair.far))
    links.delete_link(host_netlink(), port.tap)
    assert eventually(lambda: links.get_link(host_netlink(), detour) is None)


def test_limits_survive_a_restart_and_are_repaired(pair: Pair) -> None:
    pair.limit(limit("egress"), limit("ingress"))
    pair.cloud.restart()
    assert not pair.cloud.backend.reconcile(pair.cloud.desired).repaired
    links.delete_link(host_netlink(), "ifb" + pair.near.port.id[:11])
    assert pair.cloud.backend.reconcile(pair.cloud.desired).repaired
    assert near(rate_kbps(pair.near, pair.far))
    assert not pair.cloud.backend.reconcile(pair.cloud.desired).repaired


def test_limits_of_a_policy_that_went_while_knarr_was_away_are_removed(pair: Pair) -> None:
    pair.limit(limit("egress"), limit("ingress"))
    pair.cloud.restart()
    pair.cloud.ports[pair.near.port.id] = replace(pair.near.port, bandwidth=())
    assert pair.cloud.backend.reconcile(pair.cloud.desired).repaired
    assert not pair.detour
    assert rate_kbps(pair.near, pair.far) > 5 * LIMIT_KBPS


def test_filters_hold_for_a_guest_with_a_limit(pair: Pair) -> None:
    pair.limit(limit("egress"))
    assert pair.near.udp(pair.far, 5000)
    pair.cloud.backend.remove_port(pair.near.port.id)
    assert not pair.near.udp(pair.far, 5000)
