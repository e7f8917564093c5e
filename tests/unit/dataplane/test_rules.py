"""What a security group rule means: as a filter, and for a connection that exists."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest

from knarr.core.network.drivers.base import RuleState, SecurityGroupState
from knarr.core.network.drivers.linux import rules
from knarr.kernel.hostnet.conntrack import Connection

NETWORK = "11111111-2222-3333-4444-555555555555"


def ingress(*found: RuleState, prefixes: Sequence[str] = ()) -> list[str]:
    fragment = rules.group(SecurityGroupState("g", found), NETWORK, lambda _: prefixes)
    return list(fragment.chains["bridge", f"rules-in-g-{NETWORK[:11]}"].rules)


def rule(
    protocol: str | None = None,
    low: int | None = None,
    high: int | None = None,
    *,
    ethertype: str = "IPv4",
    direction: str = "ingress",
    prefix: str | None = None,
    group: str | None = None,
) -> RuleState:
    return RuleState(direction, ethertype, protocol, low, high, prefix, group)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rule(), "ether type ip accept"),
        (rule("any", ethertype="IPv6"), "ether type ip6 accept"),
        (rule("tcp"), "ether type ip meta l4proto { 6 } accept"),
        (rule("tcp", 80, 80), "ether type ip meta l4proto . th dport { 6 . 80 } accept"),
        (rule("udp", 1, 65535), "ether type ip meta l4proto . th dport { 17 . 1-65535 } accept"),
        (rule("icmp", 8, 0), "ether type ip icmp type 8 icmp code 0 accept"),
        (rule("icmp", 0), "ether type ip icmp type 0 accept"),
        (rule("icmp", 128, ethertype="IPv6"), "ether type ip6 icmpv6 type 128 accept"),
        (rule("132", 7, 9), "ether type ip meta l4proto . th dport { 132 . 7-9 } accept"),
        (rule("gre"), "ether type ip meta l4proto { 47 } accept"),
        (rule(prefix="10.0.0.7/8"), "ether type ip ip saddr 10.0.0.0/8 accept"),
        (rule(prefix="0.0.0.0/0"), "ether type ip accept"),
        (rule(group="r"), "ether type ip ip saddr @members4-r-11111111-22 accept"),
        (rule(group="r", ethertype="IPv6"), "ether type ip6 ip6 saddr @members6-r-11111111-22 accept"),
    ],
)
def test_a_rule_as_a_filter(found: RuleState, expected: str) -> None:
    assert ingress(found) == [expected]


def test_ranges_that_touch_or_overlap_become_one() -> None:
    found = ingress(rule("tcp", 80, 90), rule("tcp", 85, 95), rule("tcp", 96, 96), rule("udp", 53, 53))
    assert found == ["ether type ip meta l4proto . th dport { 6 . 80-96, 17 . 53 } accept"]


def test_a_wider_rule_makes_narrower_ones_superfluous() -> None:
    assert ingress(rule("tcp", 80, 80), rule("tcp")) == ["ether type ip meta l4proto { 6 } accept"]
    assert ingress(rule("tcp", 80, 80), rule("icmp", 8), rule()) == ["ether type ip accept"]


def test_prefixes_of_a_remote_group_stand_in_rules() -> None:
    found = ingress(rule(group="r"), prefixes=["10.9.0.0/16", "fd00::/64"])
    assert found == [
        "ether type ip ip saddr @members4-r-11111111-22 accept",
        "ether type ip ip saddr 10.9.0.0/16 accept",
    ]


@pytest.mark.parametrize(
    "found", [rule("nosuch"), rule("256"), rule(prefix="10.0.0.0/99"), rule(prefix="fd00::/8")]
)
def test_a_rule_that_makes_no_sense_allows_nothing(found: RuleState) -> None:
    assert ingress(found) == []
    assert ingress(found, rule("icmp")) == ["ether type ip meta l4proto { 1 } accept"]


def connection(
    protocol: int = 6, port: int | None = 80, icmp: tuple[int, int] | None = None, source: str = "10.0.0.5"
) -> Connection:
    target = "10.0.0.6" if ":" not in source else "fd00::6"
    return Connection(1, ipaddress.ip_address(source), ipaddress.ip_address(target), protocol, port, icmp)


@pytest.mark.parametrize(
    ("found", "flow", "allowed"),
    [
        (rule(), connection(), True),
        (rule(), connection(source="fd00::5"), False),
        (rule(direction="egress"), connection(), False),
        (rule("tcp"), connection(), True),
        (rule("udp"), connection(), False),
        (rule("tcp", 80, 90), connection(port=90), True),
        (rule("tcp", 80, 90), connection(port=91), False),
        (rule("icmp", 8), connection(1, None, (8, 0)), True),
        (rule("icmp", 8, 1), connection(1, None, (8, 0)), False),
        (rule("icmp"), connection(1, None, (13, 0)), True),
        (rule("icmp", ethertype="IPv6"), connection(58, None, (128, 0), "fd00::5"), True),
        (rule(prefix="10.0.0.0/29"), connection(), True),
        (rule(prefix="10.0.0.0/29"), connection(source="10.0.0.9"), False),
        (rule(group="r"), connection(), True),
        (rule(group="r"), connection(source="10.7.0.1"), True),
        (rule(group="r"), connection(source="10.0.0.7"), False),
        (rule("nosuch"), connection(), False),
    ],
)
def test_a_rule_as_a_judgement(found: RuleState, flow: Connection, allowed: bool) -> None:
    members = {"10.0.0.5": None, "10.7.0.0/16": None}
    assert rules.allows([found], "ingress", flow, lambda _: members) is allowed


def test_egress_looks_at_the_other_end() -> None:
    found = [rule(direction="egress", prefix="10.0.0.6/32")]
    assert rules.allows(found, "egress", connection(), lambda _: {})
    assert not rules.allows(found, "egress", connection(source="fd00::5"), lambda _: {})
