"""Parts of the Linux backend that need no root."""

from __future__ import annotations

import ipaddress

import pytest

from knarr.core.network.drivers.base import (
    BandwidthLimit,
    FloatingState,
    PortForward,
    RouterPort,
    RouterState,
)
from knarr.core.network.drivers.linux import forwarding, shaping, translation
from knarr.kernel.hostnet import announce
from knarr.kernel.hostnet.conntrack import Connection

GATEWAY = RouterPort("gateway-port", "n", "fa:16:3e:00:00:01", ("172.24.4.10/24",))
ROUTER = RouterState(
    "r",
    gateway=GATEWAY,
    floating_ips=(
        FloatingState("f", "172.24.4.50", "10.0.0.5"),
        FloatingState("g", "172.24.4.60", "", (PortForward("tcp", 8080, "10.0.0.6", 80),)),
    ),
)


def connection(
    source: str, target: str, answerer: str, answered: str, port: int = 80, answer_port: int = 80
) -> Connection:
    ends = [ipaddress.ip_address(text) for text in (source, target, answerer, answered)]
    return Connection(0, ends[0], ends[1], 6, port, None, ends[2], answer_port, ends[3])


@pytest.mark.parametrize(
    ("found", "stale"),
    [
        (connection("10.0.0.5", "10.1.0.5", "10.1.0.5", "10.0.0.5"), False),
        (connection("172.24.4.1", "172.24.4.50", "10.0.0.5", "172.24.4.1"), False),
        (connection("172.24.4.1", "172.24.4.51", "10.0.0.5", "172.24.4.1"), True),
        (connection("172.24.4.1", "172.24.4.50", "10.0.0.9", "172.24.4.1"), True),
        (connection("10.0.0.5", "192.0.2.1", "192.0.2.1", "172.24.4.50"), False),
        (connection("10.0.0.9", "192.0.2.1", "192.0.2.1", "172.24.4.50"), True),
        (connection("10.0.0.9", "192.0.2.1", "192.0.2.1", "172.24.4.10"), False),
        (connection("10.0.0.9", "172.24.4.50", "10.0.0.5", "172.24.4.10"), False),
        (connection("172.24.4.1", "172.24.4.60", "10.0.0.6", "172.24.4.1", 8080), False),
        (connection("172.24.4.1", "172.24.4.60", "10.0.0.6", "172.24.4.1", 8081), True),
        (connection("172.24.4.1", "172.24.4.60", "10.0.0.6", "172.24.4.1", 8080, 81), True),
    ],
    ids=lambda value: str(value) if isinstance(value, bool) else f"{value.source}-{value.destination}",
)
def test_only_connections_with_a_translation_that_is_not_wanted_are_stale(
    found: Connection, stale: bool
) -> None:
    assert translation.stale(ROUTER)(found) is stale


def test_without_source_translation_what_went_out_by_the_gateway_is_stale() -> None:
    router = RouterState("r", gateway=GATEWAY, enable_snat=False)
    assert translation.stale(router)(connection("10.0.0.9", "192.0.2.1", "192.0.2.1", "172.24.4.10"))


def test_a_router_without_gateway_translates_nothing() -> None:
    assert not translation.ruleset(RouterState("r")).chains


@pytest.mark.parametrize(
    ("limit", "rate", "burst"),
    [
        (BandwidthLimit("egress", 10_000), 1_250_000, 1_000_000),
        (BandwidthLimit("egress", 10_000, 2_000), 1_250_000, 250_000),
        (BandwidthLimit("ingress", 1), 125, 1518),
    ],
)
def test_a_limit_in_kilobits_becomes_bytes_and_its_burst_holds_a_frame(
    limit: BandwidthLimit, rate: int, burst: int
) -> None:
    assert shaping.bucket(limit, 1500) == shaping.Bucket(rate, burst)


def test_what_external_networks_send_to_other_containers_is_left_to_their_rules() -> None:
    rules = forwarding._routed_rules(["brq1"])
    assert rules.index(("-i", "brq1", "-o", "docker+", "-j", "RETURN")) < rules.index(
        ("-i", "brq1", "-j", "ACCEPT")
    )


def test_announcements_carry_a_sound_checksum() -> None:
    (frame,) = announce._frames(bytes.fromhex("fa163e000001"), "fd00::5")
    packet = frame[14:]
    pseudo = packet[8:40] + (len(packet) - 40).to_bytes(4, "big") + b"\0\0\0" + bytes([58])
    assert announce.checksum(pseudo + packet[40:]) == 0
