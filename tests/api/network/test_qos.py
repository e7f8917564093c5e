"""QoS policies: bandwidth limits, who may use them, and what the host is told."""

from __future__ import annotations

import pytest

from .conftest import HOST, error

V2 = "/network/v2.0"
POLICIES = f"{V2}/qos/policies"


@pytest.fixture
def policy(cloud, member):
    """A policy that the administrator made for the member, with limits in both directions."""
    body = {"name": "slow", "project_id": member.project_id}
    made = cloud.admin.post(POLICIES, {"policy": body}).json["policy"]
    for direction, kbps in (("egress", 1000), ("ingress", 2000)):
        limit = {"bandwidth_limit_rule": {"max_kbps": kbps, "direction": direction}}
        assert cloud.admin.post(f"{POLICIES}/{made['id']}/bandwidth_limit_rules", limit).status == 201
    return made["id"]


def test_a_policy_shows_its_limits(member, policy):
    shown = member.get(f"{POLICIES}/{policy}").json["policy"]
    assert (shown["name"], shown["shared"], shown["is_default"]) == ("slow", False, False)
    assert [(r["type"], r["direction"], r["max_kbps"]) for r in shown["rules"]] == [
        ("bandwidth_limit", "egress", 1000),
        ("bandwidth_limit", "ingress", 2000),
    ]
    listed = member.get(f"{POLICIES}/{policy}/bandwidth_limit_rules?direction=ingress").json
    (limit,) = listed["bandwidth_limit_rules"]
    path = f"{POLICIES}/{policy}/bandwidth_limit_rules/{limit['id']}"
    assert member.get(path).json["bandwidth_limit_rule"]["max_kbps"] == 2000


def test_only_administrators_change_policies(member, policy):
    assert error(member.post(POLICIES, {"policy": {"name": "x"}})) == (403, "PolicyNotAuthorized")
    path = f"{POLICIES}/{policy}"
    assert error(member.put(path, {"policy": {"name": "x"}})) == (403, "PolicyNotAuthorized")
    assert error(member.delete(path)) == (403, "PolicyNotAuthorized")
    answer = member.post(f"{path}/bandwidth_limit_rules", {"bandwidth_limit_rule": {"max_kbps": 1}})
    assert error(answer) == (403, "PolicyNotAuthorized")


def test_a_policy_of_others_is_seen_when_it_is_shared(cloud, policy):
    stranger = cloud.person()
    assert error(stranger.get(f"{POLICIES}/{policy}")) == (404, "QosPolicyNotFound")
    cloud.admin.put(f"{POLICIES}/{policy}", {"policy": {"shared": True}})
    assert stranger.get(f"{POLICIES}/{policy}").json["policy"]["shared"]


def test_a_direction_has_one_limit(cloud, policy):
    limit = {"bandwidth_limit_rule": {"max_kbps": 5}}
    answer = cloud.admin.post(f"{POLICIES}/{policy}/bandwidth_limit_rules", limit)
    assert error(answer) == (409, "QoSRulesConflict")


@pytest.mark.parametrize("kind", ["dscp_marking", "minimum_bandwidth", "packet_rate_limit"])
def test_rules_that_no_backend_keeps_are_refused(cloud, policy, kind):
    path = f"{POLICIES}/{policy}/{kind}_rules"
    assert error(cloud.admin.post(path, {f"{kind}_rule": {}})) == (409, "QosRuleNotSupported")
    assert cloud.admin.get(path).json == {f"{kind}_rules": []}


def test_the_kinds_of_rules_are_those_that_are_kept(member):
    assert member.get(f"{V2}/qos/rule-types").json == {"rule_types": [{"type": "bandwidth_limit"}]}
    shown = member.get(f"{V2}/qos/rule-types/bandwidth_limit").json["rule_type"]
    names = {p["parameter_name"] for p in shown["drivers"][0]["supported_parameters"]}
    assert names == {"max_kbps", "max_burst_kbps", "direction"}
    assert error(member.get(f"{V2}/qos/rule-types/dscp_marking")) == (404, "QosRuleTypeNotFound")


@pytest.mark.parametrize("value", [-1, 2**31, "fast"])
def test_a_limit_out_of_bounds_is_named(cloud, policy, value):
    limit = {"bandwidth_limit_rule": {"max_kbps": value}}
    answer = cloud.admin.post(f"{POLICIES}/{policy}/bandwidth_limit_rules", limit)
    assert answer.status == 400
    assert "max_kbps" in answer.json["NeutronError"]["message"]


def test_the_host_is_told_of_limits_and_their_changes(cloud, member, net, policy, backend, until):
    body = {"network_id": net[0], "project_id": member.project_id, "binding:host_id": HOST}
    port = cloud.admin.post(f"{V2}/ports", {"port": body}).json["port"]["id"]

    def limits():
        found = next((p for p in backend.state.ports if p.id == port), None)
        return found and [(b.direction, b.max_kbps) for b in found.bandwidth]

    until(lambda: limits() == [])
    answer = member.put(f"{V2}/ports/{port}", {"port": {"qos_policy_id": policy}})
    assert answer.json["port"]["qos_policy_id"] == policy
    until(lambda: limits() == [("egress", 1000), ("ingress", 2000)])
    rules = member.get(f"{POLICIES}/{policy}").json["policy"]["rules"]
    alias = f"{V2}/qos/alias_bandwidth_limit_rules/{rules[0]['id']}"
    cloud.admin.put(alias, {"alias_bandwidth_limit_rule": {"max_kbps": 7}})
    until(lambda: limits() == [("egress", 7), ("ingress", 2000)])
    assert error(cloud.admin.delete(f"{POLICIES}/{policy}")) == (409, "QosPolicyInUse")
    member.put(f"{V2}/ports/{port}", {"port": {"qos_policy_id": None}})
    until(lambda: limits() == [])
    member.put(f"{V2}/networks/{net[0]}", {"network": {"qos_policy_id": policy}})
    until(lambda: limits() == [("egress", 7), ("ingress", 2000)])
    shown = member.get(f"{V2}/ports/{port}").json["port"]
    assert (shown["qos_policy_id"], shown["qos_network_policy_id"]) == (None, policy)
    cloud.admin.delete(alias)
    until(lambda: limits() == [("ingress", 2000)])


def test_new_networks_take_the_default_policy_of_their_project(cloud, member, make, policy):
    cloud.admin.put(f"{POLICIES}/{policy}", {"policy": {"is_default": True}})
    assert make("network")["qos_policy_id"] == policy
    assert make("network", qos_policy_id=None)["qos_policy_id"] is None
    body = {"name": "other", "project_id": member.project_id, "is_default": True}
    assert error(cloud.admin.post(POLICIES, {"policy": body})) == (409, "QoSPolicyDefaultAlreadyExists")
    assert [p["id"] for p in member.get(f"{POLICIES}?is_default=true").json["policies"]] == [policy]


def test_a_policy_that_is_not_there_cannot_be_used(member, net):
    answer = member.post(f"{V2}/ports", {"port": {"network_id": net[0], "qos_policy_id": "x"}})
    assert error(answer) == (404, "QosPolicyNotFound")
