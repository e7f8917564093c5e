"""From one state of the filters to another."""

from __future__ import annotations

from typing import Any

from knarr.core.network.drivers.linux.fragments import Chain, Fragment, delta, merge, read, replace, restrict

SET = ("bridge", "addresses")
MAP = ("bridge", "egress")
CHAIN = ("bridge", "out-tap1")


def fragment(rules: tuple[str, ...] = ("accept",), address: str = "10.0.0.5") -> Fragment:
    made = Fragment({SET: "type ipv4_addr", MAP: "type ifname : verdict"}, {CHAIN: Chain("", rules)})
    made.add(*SET, (address,))
    made.add(*MAP, ("tap1",), "goto out-tap1")
    return made


def test_what_is_the_same_takes_no_command() -> None:
    change = delta(fragment(), fragment())
    assert change.commands == []
    assert not change.narrower


def test_everything_is_declared_before_it_is_used() -> None:
    verbs = [" ".join(command.split()[:2]) for command in delta(Fragment(), fragment()).commands]
    assert sorted(verbs[:3]) == ["add chain", "add map", "add set"]
    assert verbs[3:] == ["add rule", "add element", "add element"]


def test_everything_is_unused_before_it_is_deleted() -> None:
    change = delta(fragment(), Fragment())
    verbs = [" ".join(command.split()[:2]) for command in change.commands]
    assert verbs[:3] == ["flush chain", "delete element", "delete element"]
    assert verbs[3] == "delete chain"
    assert sorted(verbs[4:]) == ["delete map", "delete set"]
    assert change.narrower


def test_only_the_chain_that_differs_is_written_anew() -> None:
    change = delta(fragment(), fragment(rules=("accept", "drop")))
    assert [command.split(" comment")[0] for command in change.commands] == [
        "flush chain bridge knarr out-tap1",
        "add rule bridge knarr out-tap1 accept",
        "add rule bridge knarr out-tap1 drop",
    ]
    assert not change.narrower
    assert delta(fragment(rules=("accept", "drop")), fragment()).narrower


def test_an_element_that_changes_its_value_is_deleted_first() -> None:
    old, new = fragment(), fragment()
    new.elements[MAP]["tap1",] = "accept"
    assert delta(old, new).commands == [
        'delete element bridge knarr egress { "tap1" }',
        'add element bridge knarr egress { "tap1" : accept }',
    ]


def test_the_kernels_listing_is_read_back_as_what_was_written() -> None:
    written = fragment()
    mark = written.chains[CHAIN].marks[0]
    listing: list[dict[str, Any]] = [
        {"metainfo": {}},
        {"table": {"family": "bridge", "name": "knarr"}},
        {"set": {"family": "bridge", "name": "addresses", "elem": ["10.0.0.5"]}},
        {
            "map": {
                "family": "bridge",
                "name": "egress",
                "map": "verdict",
                "elem": [["tap1", {"goto": {"target": "out-tap1"}}]],
            }
        },
        {"chain": {"family": "bridge", "name": "out-tap1"}},
        {"rule": {"family": "bridge", "chain": "out-tap1", "comment": mark, "expr": [{"accept": None}]}},
    ]
    assert delta(read(listing), written).commands == []


def test_a_rule_that_somebody_put_in_is_seen() -> None:
    listing: list[dict[str, Any]] = [
        {"chain": {"family": "bridge", "name": "out-tap1"}},
        {"rule": {"family": "bridge", "chain": "out-tap1", "expr": [{"accept": None}]}},
    ]
    change = delta(read(listing), Fragment(chains={CHAIN: Chain("", ("accept",))}))
    assert change.commands[0] == "flush chain bridge knarr out-tap1"


def test_an_owner_touches_its_own_elements_of_a_shared_set() -> None:
    shared, mine = Fragment({SET: "type ipv4_addr"}), Fragment()
    shared.add(*SET, ("10.0.0.1",))
    mine.add(*SET, ("10.0.0.2",))
    kernel = merge((shared, mine))
    part = restrict(kernel, mine, Fragment())
    change = delta(part, Fragment())
    assert change.commands == ["delete element bridge knarr addresses { 10.0.0.2 }"]
    replace(kernel, part, Fragment())
    assert kernel.elements[SET] == {("10.0.0.1",): ""}
    assert kernel.sets == {SET: "type ipv4_addr"}
