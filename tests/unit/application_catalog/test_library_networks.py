"""Networks, shared addresses, security groups and regions."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from knarr.services.application_catalog.language.errors import ContractViolation, MuranoPlError, Thrown

from .support.cloud import Cloud
from .support.environments import NETWORK, World, holder, machine, of, written

EXISTING = of("resources.ExistingNeutronNetwork", "net")
NOVA = of("resources.NovaNetwork", "net")
BOTH = {"useEnvironmentNetwork": True, "useFlatNetwork": False}


@pytest.fixture
def world() -> World:
    return World(written(""))


def deployed(world: World, *machines: dict[str, Any], **more: Any) -> dict[str, Any]:
    world.load(holder(*machines), **more)
    world.deploy()
    return world.cloud.template()


# New networks


def test_a_network_says_what_became_of_it(world: World) -> None:
    deployed(world, machine("vm"))
    network = world.object("net").values
    assert network["openstackId"] == world.cloud.the_stack().resources["network-net"]["id"]
    assert network["externalRouterId"] == "router-1"
    assert ipaddress.ip_network(network["subnetCidr"]).prefixlen == 24
    assert world.call("net", "describe") == {
        "provider": "Neutron",
        "netName": "env-network",
        "netId": network["openstackId"],
        "subnetId": world.cloud.the_stack().resources["subnet-net"]["id"],
        "cidr": network["subnetCidr"],
        "dns": ("8.8.8.8",),
        "gateway": network["subnetCidr"].replace(".0/24", ".1"),
        "floatingIpNetId": "ext-1",
    }


def test_what_was_said_of_a_network_is_kept(world: World) -> None:
    said = {"subnetCidr": "192.168.5.0/24", "dnsNameservers": ["1.1.1.1"], "autoUplink": False}
    template = deployed(world, machine("vm", assignFloatingIp=True), network={**NETWORK, **said})
    assert template["resources"]["subnet-net"]["properties"] == {
        "network": {"get_resource": "network-net"},
        "ip_version": 4,
        "dns_nameservers": ["1.1.1.1"],
        "cidr": "192.168.5.0/24",
    }
    assert "ri-net" not in template["resources"]
    assert "fip-net-vm" not in template["resources"]
    assert world.object("vm").values["floatingIpAddress"] is None


def test_a_network_of_ipv6_needs_its_range(world: World) -> None:
    said = {"ipVersion": 6, "subnetCidr": "2001:db8::/64"}
    template = deployed(world, machine("vm"), network={**NETWORK, **said})
    subnet = template["resources"]["subnet-net"]["properties"]
    assert (subnet["ip_version"], subnet["cidr"]) == (6, "2001:db8::/64")
    with pytest.raises(Thrown, match="With ipVersion 6, network env-network needs a subnetCidr"):
        deployed(World(written("")), machine("vm"), network={**NETWORK, "ipVersion": 6})
    with pytest.raises(ContractViolation, match="ipVersion is 4 or 6"):
        deployed(World(written("")), machine("vm"), network={**NETWORK, "ipVersion": 5})


def test_networks_get_ranges_that_nobody_at_the_router_has(world: World) -> None:
    networks = world.cloud.networks()
    world.load(holder())
    explorer = world.session.store.load(
        {"?": {"type": "io.murano.system.NetworkExplorer"}},
        world.object("env").values["regions"][""],
        None,
        None,
    )
    free = world.session.call(explorer, "getAvailableCidr", "router-1", "some network")
    assert world.session.call(explorer, "getAvailableCidr", "router-1", "some network") == free
    networks.existing("taken", free)
    other = world.session.call(explorer, "getAvailableCidr", "router-1", "some network")
    assert not ipaddress.ip_network(other).overlaps(ipaddress.ip_network(free))
    networks.existing("all", "10.0.0.0/8")
    assert world.session.call(explorer, "getAvailableCidr", "router-1", "some network") is None
    assert world.session.call(explorer, "getAvailableCidr", None, "some network") == free


def test_a_router_is_made_if_there_is_none(world: World) -> None:
    networks = world.cloud.networks()
    networks.tables["routers"].clear()
    template = deployed(world, machine("vm"))
    (router,) = networks.tables["routers"]
    assert router["name"] == "murano-default-router"
    assert router["external_gateway_info"] == {"network_id": "ext-1"}
    assert template["resources"]["ri-net"]["properties"]["router_id"] == router["id"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"create_router": False}, "Router murano-default-router was not found"),
        ({"external_network": "nowhere"}, "no external network nowhere found"),
    ],
)
def test_without_a_router_and_a_way_to_make_one(world: World, change: dict[str, Any], words: str) -> None:
    world.cloud.networks().tables["routers"].clear()
    world.cloud.options["networking"] |= change
    world.load(holder(machine("vm")))
    with pytest.raises(MuranoPlError, match=words) as caught:
        world.deploy()
    assert caught.value.names[0] == "builtins.KeyError"


def test_a_router_needs_a_gateway(world: World) -> None:
    world.cloud.networks().tables["routers"][0]["external_gateway_info"] = None
    world.load(holder(machine("vm")))
    with pytest.raises(MuranoPlError, match="set external gateway"):
        world.deploy()


def test_machines_may_be_in_several_networks(world: World) -> None:
    second = of("resources.NeutronNetwork", "two", name="second")
    template = deployed(
        world,
        machine("vm", networks={**BOTH, "customNetworks": [second]}, assignFloatingIp=True),
    )
    assert template["resources"]["vm"]["properties"]["networks"] == [
        {"port": {"get_resource": "port-net-vm"}},
        {"port": {"get_resource": "port-two-vm"}},
    ]
    assert "fip-net-vm" in template["resources"]
    assert "fip-two-vm" not in template["resources"]
    joined = [row["network"].id for row in world.object("vm").values["joinedNetworks"]]
    assert joined == ["net", "two"]


def test_the_floating_address_is_at_the_primary_network(world: World) -> None:
    second = of("resources.NeutronNetwork", "two", name="second")
    machine_ = machine("vm", assignFloatingIp=True)
    machine_["networks"] = {**BOTH, "customNetworks": ["two"], "primaryNetwork": "two"}
    application = holder(machine_, things=(second,))
    world.load(application)
    world.deploy()
    template = world.cloud.template()
    assert "fip-two-vm" in template["resources"]
    assert "fip-net-vm" not in template["resources"]


def test_a_network_can_be_released(world: World) -> None:
    second = of("resources.NeutronNetwork", "two", name="second")
    world.load(holder(machine("vm"), things=(second,)))
    world.call("two", "deploy")
    assert "network-two" in world.cloud.template()["resources"]
    world.call("two", "releaseResources")
    assert not [name for name in world.cloud.template()["resources"] if "two" in name]
    assert world.object("two").values["openstackId"] is None
    world.call("two", "deploy")
    assert "network-two" in world.cloud.template()["resources"]


# Security


def test_ports_have_the_groups_that_are_named(world: World) -> None:
    template = deployed(
        world, machine("named", securityGroups=["web", "db"]), machine("own", securityGroupName="mine")
    )
    assert template["resources"]["port-net-named"]["properties"]["security_groups"] == ["web", "db"]
    assert template["resources"]["port-net-own"]["properties"]["security_groups"] == [
        {"get_resource": "mine"}
    ]
    assert template["resources"]["mine"]["type"] == "OS::Neutron::SecurityGroup"


def test_without_port_security_there_are_no_groups(world: World) -> None:
    template = deployed(world, machine("vm"), network={**NETWORK, "port_security_disable": True})
    properties = template["resources"]["port-net-vm"]["properties"]
    assert properties["port_security_enabled"] is False
    assert "security_groups" not in properties


def test_clouds_without_security_groups_are_warned_of(world: World) -> None:
    world.cloud.networks().tables["extensions"] = [{"alias": "router"}]
    template = deployed(world, machine("vm"))
    assert "security_groups" not in template["resources"]["port-net-vm"]["properties"]
    assert ("net", "Warning! Security groups are disabled!", "info") in world.cloud.told
    kinds = {body["type"] for body in template["resources"].values()}
    assert "OS::Neutron::SecurityGroup" not in kinds


def test_rules_are_added_to_a_group(world: World) -> None:
    world.load(holder(machine("vm")))
    manager = world.object("env").values["securityGroupManager"]
    inside = {"FromPort": 80, "ToPort": 81, "IpProtocol": "tcp", "External": False, "Ethertype": "IPv6"}
    outside = {"FromPort": 53, "ToPort": 53, "IpProtocol": "udp", "External": True}
    world.session.call(manager, "addGroupIngress", [inside], groupName="extra")
    world.session.call(manager, "addGroupEgress", [outside], "extra")
    world.session.call(manager, "addGroupEgress", [outside], "extra")
    world.deploy()
    assert world.cloud.template()["resources"]["extra"] == {
        "type": "OS::Neutron::SecurityGroup",
        "properties": {
            "description": "Composite security group of Murano environment testing",
            "rules": [
                {"protocol": "icmp", "remote_ip_prefix": "0.0.0.0/0"},
                {
                    "port_range_min": 80,
                    "port_range_max": 81,
                    "protocol": "tcp",
                    "ethertype": "IPv6",
                    "remote_mode": "remote_group_id",
                    "direction": "ingress",
                },
                {
                    "port_range_min": 53,
                    "port_range_max": 53,
                    "protocol": "udp",
                    "ethertype": "IPv4",
                    "remote_ip_prefix": "0.0.0.0/0",
                    "direction": "egress",
                },
            ],
        },
    }


@pytest.mark.parametrize("rule", [{"FromPort": 1}, {"FromPort": 1, "ToPort": 2, "IpProtocol": "tcp"}])
def test_rules_must_be_complete(world: World, rule: dict[str, Any]) -> None:
    world.load(holder())
    with pytest.raises(MuranoPlError, match="null is not allowed"):
        world.session.call(world.object("env").values["securityGroupManager"], "addGroupIngress", [rule])


# Networks that are there


def test_an_existing_network_is_found_with_its_subnet_and_uplink(world: World) -> None:
    ident = world.cloud.networks().existing("office", "192.168.1.0/24")
    template = deployed(world, machine("vm", assignFloatingIp=True), network=EXISTING)
    assert template["resources"]["port-net-vm"]["properties"] | {"security_groups": None} == {
        "network": ident,
        "fixed_ips": [{"subnet": ident + "-subnet"}],
        "replacement_policy": "AUTO",
        "security_groups": None,
    }
    assert template["resources"]["fip-net-vm"] == {
        "type": "OS::Neutron::FloatingIP",
        "properties": {"floating_network": "ext-1", "port_id": {"get_resource": "port-net-vm"}},
    }
    assert template["outputs"]["addresses-vm-net"]["value"] == {"get_attr": ["vm", "addresses", "office"]}
    values = world.object("net").values
    assert (values["internalNetworkName"], values["externalNetworkName"]) == ("office", "ext-net")
    assert world.object("vm").values["ipAddresses"][-1].startswith("172.24.4.")
    assert world.call("net", "describe") == {
        "provider": "Neutron",
        "netName": "office",
        "netId": ident,
        "subnetId": ident + "-subnet",
        "cidr": "192.168.1.0/24",
        "dns": ("8.8.8.8",),
        "gateway": "192.168.1.1",
        "floatingIpNetId": "ext-1",
    }


@pytest.mark.parametrize("told", ["lab", "id-of-lab"])
def test_an_existing_network_may_be_told_by_name_or_id(world: World, told: str) -> None:
    networks = world.cloud.networks()
    networks.existing("lab", "192.168.2.0/24")
    networks.existing("office", "192.168.1.0/24")
    template = deployed(world, machine("vm"), network={**EXISTING, "internalNetworkName": told})
    assert template["resources"]["port-net-vm"]["properties"]["network"] == "id-of-lab"
    assert template["outputs"]["addresses-vm-net"]["value"]["get_attr"][-1] == "lab"


def test_in_networks_of_other_projects_no_subnet_is_chosen(world: World) -> None:
    world.cloud.networks().existing("shared", "192.168.1.0/24", project="somebody")
    template = deployed(world, machine("vm", securityGroups=["web"]), network=EXISTING)
    properties = template["resources"]["port-net-vm"]["properties"]
    assert "fixed_ips" not in properties
    assert properties["security_groups"] == ["web"]


def test_the_first_external_network_will_do_without_a_router(world: World) -> None:
    world.cloud.networks().existing("island", "192.168.1.0/24", router="other")
    deployed(world, machine("vm"), network=EXISTING)
    assert world.object("net").values["externalNetworkName"] == "ext-net"


# The old network


def test_machines_in_the_network_of_nova(world: World) -> None:
    template = deployed(world, machine("vm", assignFloatingIp=True), network=NOVA)
    region = world.object("env").values["regions"][""].id
    assert {name: body for name, body in template["resources"].items() if name != "vm"} == {
        region: {
            "type": "AWS::EC2::SecurityGroup",
            "properties": {
                "GroupDescription": "Composite security group of Murano environment testing",
                "SecurityGroupIngress": [
                    {"FromPort": "-1", "ToPort": "-1", "IpProtocol": "icmp", "CidrIp": "0.0.0.0/0"},
                    {"FromPort": "22", "ToPort": "22", "IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"},
                ],
            },
        },
        "fip-nn-vm": {"type": "OS::Nova::FloatingIP"},
        "fip-nn-vmAssignment": {
            "type": "OS::Nova::FloatingIPAssociation",
            "properties": {
                "floating_ip": {"get_resource": "fip-nn-vm"},
                "server_id": {"get_resource": "vm"},
            },
        },
    }
    assert template["resources"]["vm"]["properties"]["security_groups"] == [{"get_resource": region}]
    assert template["outputs"]["vm-assigned-ips"]["value"] == {"get_attr": ["vm", "networks"]}
    addresses = world.object("vm").values["ipAddresses"]
    assert addresses[0].startswith("10.1.0.")
    assert addresses[1] == world.object("vm").values["floatingIpAddress"]
    assert world.call("net", "describe") == {"provider": "NovaNetwork"}
    world.again(applications=[holder()])
    world.deploy()
    assert not [name for name in world.cloud.template()["resources"] if "vm" in name]
    assert world.cloud.template()["outputs"] == {}


def test_groups_of_nova_know_no_ipv6(world: World) -> None:
    world.load(holder(), network=NOVA)
    manager = world.object("env").values["securityGroupManager"]
    rule = {"FromPort": 1, "ToPort": 2, "IpProtocol": "tcp", "External": True, "Ethertype": "IPv6"}
    with pytest.raises(Thrown, match="IPv6 is not supported") as caught:
        world.session.call(manager, "addGroupIngress", [rule])
    assert caught.value.names == ("io.murano.system.UnsupportedPropertyValue",)
    assert "error" in {level for _, _, level in world.cloud.told}


# Shared addresses


def test_machines_share_an_address(world: World) -> None:
    shared = of("SharedIp", "sip", assignFloatingIp=True)
    world.load(holder(machine("vm", sharedIps=["sip"]), machine("other"), things=(shared,)))
    world.deploy()
    template = world.cloud.template()
    network = world.cloud.the_stack().resources
    assert template["resources"]["AllowedAddressPairsPort-sip"] == {
        "type": "OS::Neutron::Port",
        "properties": {
            "network_id": network["network-net"]["id"],
            "fixed_ips": [{"subnet_id": network["subnet-net"]["id"]}],
            "replacement_policy": "AUTO",
        },
    }
    assert template["resources"]["Shared-Floating-ip-sip"] == {
        "type": "OS::Neutron::FloatingIP",
        "properties": {
            "floating_network_id": "ext-1",
            "port_id": {"get_resource": "AllowedAddressPairsPort-sip"},
        },
    }
    reference = {"get_attr": ["AllowedAddressPairsPort-sip", "fixed_ips", 0, "ip_address"]}
    assert template["outputs"]["AllowedAddressPairsPort-sip-virtualIp"]["value"] == reference
    assert template["resources"]["port-net-vm"]["properties"]["allowed_address_pairs"] == [
        {"ip_address": reference}
    ]
    assert "allowed_address_pairs" not in template["resources"]["port-net-other"]["properties"]
    values = world.object("sip").values
    assert values["virtualIp"].startswith("10.0.0.")
    assert values["floatingIpAddress"].startswith("172.24.4.")
    texts = [text for entity, text, _ in world.cloud.told if entity == "sip"]
    assert texts == [
        "Allocating shared ip address",
        f"Shared IP allocated at {values['virtualIp']}",
        f"Floating shared IP is {values['floatingIpAddress']}",
    ]
    world.call("vm", "releaseResources")
    world.call("sip", "releaseResources")
    assert not [name for name in world.cloud.template()["resources"] if "sip" in name]


def test_a_range_of_addresses_is_shared(world: World) -> None:
    shared = of("SharedIpRange", "range", cidr="10.77.0.0/28")
    world.load(holder(machine("vm"), things=(shared,)))
    world.call("vm", "setSharedIps", [world.object("range")])
    world.deploy()
    template = world.cloud.template()
    assert template["resources"]["AllowedAddressPairsSubnet-range"] == {
        "type": "OS::Neutron::Subnet",
        "properties": {
            "network": world.cloud.the_stack().resources["network-net"]["id"],
            "cidr": "10.77.0.0/28",
            "enable_dhcp": False,
        },
    }
    reference = {"get_attr": ["AllowedAddressPairsSubnet-range", "cidr"]}
    assert template["resources"]["port-net-vm"]["properties"]["allowed_address_pairs"] == [
        {"ip_address": reference}
    ]
    assert world.object("range").values["virtualIp"] == "10.77.0.0/28"
    world.call("vm", "releaseResources")
    world.call("range", "releaseResources")
    assert "AllowedAddressPairsSubnet-range" not in world.cloud.template()["resources"]


# Regions

REGIONS = {
    "io.murano.Environment": {
        "regionConfigs": {
            name: {"agentRabbitMq": {"host": f"broker-{name}", "login": "l", "password": "p"}}
            for name in ("north", "south")
        }
    }
}


@pytest.fixture
def regional() -> World:
    cloud = Cloud()
    cloud.options["DEFAULT"]["home_region"] = "north"
    return World(written(""), cloud=cloud, configs=REGIONS)


def test_each_region_has_a_stack_and_networks_of_its_own(regional: World) -> None:
    regional.load(holder(machine("here"), machine("there", regionName="south")))
    regional.deploy()
    north, south = regional.cloud.template("north"), regional.cloud.template("south")
    assert "here" in north["resources"]
    assert "there" in south["resources"]
    assert "there" not in north["resources"]
    networks = {
        name: [key for key, body in template["resources"].items() if body["type"] == "OS::Neutron::Net"]
        for name, template in (("north", north), ("south", south))
    }
    assert networks["north"] != networks["south"]
    environment = regional.object("env").values
    assert environment["region"] == "north"
    assert environment["regions"][""] is environment["regions"]["north"]
    assert environment["stack"] is environment["regions"]["north"].values["stack"]


def test_regions_are_the_same_after_a_reload(regional: World) -> None:
    regional.load(holder(machine("here"), machine("there", regionName="south")))
    before = regional.deploy()
    names = {region: next(iter(regional.cloud.stacks(region).states)) for region in ("north", "south")}
    regional.again()
    after = regional.deploy()
    assert after["Objects"] == before["Objects"]
    assert {region: next(iter(regional.cloud.stacks(region).states)) for region in names} == names
    regional.abolish()
    assert regional.cloud.stacks("north").states == regional.cloud.stacks("south").states == {}


def test_resources_stand_in_the_region_of_what_is_around_them(regional: World) -> None:
    volume = of("resources.CinderVolume", "vol", size=1)
    regional.load(holder(machine("there", regionName="south", volumes={"/dev/vdb": volume})))
    regional.deploy()
    assert "vol-vol" in regional.cloud.template("south")["resources"]
    assert regional.call("vol", "getRegion") is regional.object("env").values["regions"]["south"]


def test_a_region_knows_how_its_agents_are_reached(regional: World) -> None:
    regional.load(holder())
    regions = regional.object("env").values["regions"]
    south = regional.session.call(regions["south"], "getConfig")["agentRabbitMq"]
    assert (south["host"], south["port"], south["virtual_host"], south["ssl"]) == (
        "broker-south",
        5672,
        "/",
        False,
    )


def test_a_region_that_is_not_configured_has_the_usual_broker(world: World) -> None:
    world.load(holder())
    config = world.session.call(world.object("env").values["regions"][""], "getConfig")
    assert config["agentRabbitMq"]["host"] == "localhost"


def test_an_environment_without_networks(world: World) -> None:
    world.load(holder(), network=None)
    assert world.object("env").values["securityGroupManager"] is None
