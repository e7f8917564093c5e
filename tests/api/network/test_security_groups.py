"""Security groups and rules, and that hosts follow them."""

from __future__ import annotations

import pytest

from .conftest import HOST, error

V2 = "/network/v2.0"


def test_every_project_has_a_default_group_with_four_rules(member):
    (group,) = member.get(f"{V2}/security-groups").json["security_groups"]
    assert group["name"] == "default"
    rules = group["security_group_rules"]
    found = sorted((r["direction"], r["ethertype"], r["remote_group_id"] == group["id"]) for r in rules)
    assert found == [
        ("egress", "IPv4", False),
        ("egress", "IPv6", False),
        ("ingress", "IPv4", True),
        ("ingress", "IPv6", True),
    ]
    assert error(member.delete(f"{V2}/security-groups/{group['id']}")) == (
        409,
        "SecurityGroupCannotRemoveDefault",
    )
    answer = member.post(f"{V2}/security-groups", {"security_group": {"name": "default"}})
    assert error(answer) == (409, "SecurityGroupDefaultAlreadyExists")


def test_a_new_group_lets_everything_out(make):
    rules = make("security_group", name="g")["security_group_rules"]
    assert sorted((r["direction"], r["ethertype"]) for r in rules) == [("egress", "IPv4"), ("egress", "IPv6")]


def test_a_group_that_ports_have_stays(member, make, net):
    group = make("security_group", name="g")["id"]
    port = make("port", network_id=net[0], security_groups=[group])
    assert port["security_groups"] == [group]
    assert error(member.delete(f"{V2}/security-groups/{group}")) == (409, "SecurityGroupInUse")
    member.put(f"{V2}/ports/{port['id']}", {"port": {"security_groups": []}})
    assert member.delete(f"{V2}/security-groups/{group}").status == 204


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 79}, "SecurityGroupInvalidPortRange"),
        ({"protocol": "tcp", "port_range_min": 80}, "SecurityGroupInvalidPortRange"),
        ({"protocol": "tcp", "port_range_min": 1, "port_range_max": 70000}, "SecurityGroupInvalidPortValue"),
        ({"port_range_min": 80, "port_range_max": 80}, "SecurityGroupProtocolRequiredWithPorts"),
        ({"protocol": "carp"}, "SecurityGroupRuleInvalidProtocol"),
        ({"protocol": 256}, "SecurityGroupRuleInvalidProtocol"),
        (
            {"protocol": "gre", "port_range_min": 1, "port_range_max": 2},
            "SecurityGroupInvalidProtocolForPort",
        ),
        ({"protocol": "icmp", "port_range_max": 3}, "SecurityGroupMissingIcmpType"),
        ({"protocol": "icmp", "port_range_min": 300}, "SecurityGroupInvalidIcmpValue"),
        ({"ethertype": "IPX"}, "SecurityGroupRuleInvalidEtherType"),
        ({"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}, "SecurityGroupRuleParameterConflict"),
        ({"remote_ip_prefix": "x"}, "InvalidInput"),
        ({"protocol": "icmpv6"}, "SecurityGroupEthertypeConflictWithProtocol"),
        ({"direction": "sideways"}, "HTTPBadRequest"),
    ],
)
def test_rules_that_make_no_sense_are_refused(member, make, rule, expected):
    body = {"security_group_id": make("security_group")["id"], "direction": "ingress", **rule}
    assert error(member.post(f"{V2}/security-group-rules", {"security_group_rule": body})) == (400, expected)


@pytest.mark.parametrize("name", ["default", "Default", "DEFAULT"])
def test_no_other_group_is_called_default(member, make, name):
    answer = member.post(f"{V2}/security-groups", {"security_group": {"name": name}})
    assert error(answer) == (409, "SecurityGroupDefaultAlreadyExists")
    path = f"{V2}/security-groups/{make('security_group')['id']}"
    answer = member.put(path, {"security_group": {"name": name}})
    assert error(answer) == (409, "SecurityGroupDefaultAlreadyExists")


def test_the_same_rule_twice_is_a_conflict(member, make):
    group = make("security_group")["id"]
    body = {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}
    body |= {"port_range_min": 80, "port_range_max": 80}
    made = make("security_group_rule", **body)
    assert (made["ethertype"], made["remote_ip_prefix"]) == ("IPv4", None)
    answer = member.post(f"{V2}/security-group-rules", {"security_group_rule": body})
    assert error(answer) == (409, "SecurityGroupRuleExists")
    assert member.delete(f"{V2}/security-group-rules/{made['id']}").status == 204
    make("security_group_rule", **body)


@pytest.mark.parametrize(
    ("given", "shown", "normalized"),
    [
        ("10.1.2.3/8", "10.1.2.3/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32", "10.1.2.3/32"),
        ("FD00::1/64", "fd00::1/64", "fd00::/64"),
    ],
)
def test_a_prefix_is_shown_as_it_was_given_and_as_it_is_meant(member, make, given, shown, normalized):
    group = make("security_group")["id"]
    rule = make("security_group_rule", security_group_id=group, direction="ingress", remote_ip_prefix=given)
    assert (rule["remote_ip_prefix"], rule["normalized_cidr"]) == (shown, normalized)
    found = member.get(f"{V2}/security-group-rules?remote_ip_prefix={shown}").json["security_group_rules"]
    assert [row["id"] for row in found] == [rule["id"]]


def test_groups_of_others_do_not_exist(cloud, make):
    group, stranger = make("security_group")["id"], cloud.person()
    body = {"security_group_rule": {"security_group_id": group, "direction": "ingress"}}
    assert error(stranger.post(f"{V2}/security-group-rules", body)) == (404, "SecurityGroupNotFound")
    assert error(stranger.delete(f"{V2}/security-groups/{group}")) == (404, "SecurityGroupNotFound")


def test_a_deleted_rule_leaves_the_host(cloud, member, make, net, backend, until):
    group = make("security_group")["id"]
    rule = make("security_group_rule", security_group_id=group, direction="ingress", protocol="tcp")
    port = {"network_id": net[0], "project_id": member.project_id, "binding:host_id": HOST}
    cloud.admin.post(f"{V2}/ports", {"port": {**port, "security_groups": [group]}})

    def rules() -> int:
        return next((len(g.rules) for g in backend.state.groups if g.id == group), 0)

    until(lambda: rules() == 3)
    assert member.delete(f"{V2}/security-group-rules/{rule['id']}").status == 204
    until(lambda: rules() == 2)


def test_a_restarted_host_is_put_right(cloud, member, net, backend):
    from knarr.core.network.hosting import reconcile

    port = {"network_id": net[0], "project_id": member.project_id, "binding:host_id": HOST}
    made = cloud.admin.post(f"{V2}/ports", {"port": port}).json["port"]["id"]
    backend.remove_port(made)
    reconcile(cloud.runtime)
    assert made in {p.id for p in backend.state.ports}
    assert member.get(f"{V2}/ports/{made}").json["port"]["status"] == "ACTIVE"
