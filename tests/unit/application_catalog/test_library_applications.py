"""io.murano.applications: its own tests, and applications deployed and scaled in a cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knarr.services.application_catalog.language.errors import NotExported, Thrown
from knarr.services.application_catalog.language.machine import compiled
from knarr.services.application_catalog.language.versions import spec
from knarr.services.application_catalog.library import core_packages
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.testing.runner import Case, PackageTests

from .support.cloud import Cloud
from .support.environments import World, machine, of, written

PACKAGES = {"io.murano": 59, "io.murano.applications": 27}
PYTHON_ONLY = {"io.murano.system.GC"}


@pytest.mark.parametrize("name", PACKAGES)
def test_every_class_of_the_libraries_can_be_read(name: str) -> None:
    package = Catalogue(core_packages()).load_package(name, spec("*"))
    assert len(set(package.class_names) - PYTHON_ONLY) == PACKAGES[name]
    for class_name in package.class_names:
        kind = package.find_class(class_name)
        assert kind.name == class_name
        assert kind.mro[-1].name == "io.murano.Object"
        for method in kind.methods.values():
            if method.python is None:
                assert compiled(method)


def own_tests() -> PackageTests:
    return PackageTests(Catalogue(core_packages()), "io.murano.applications", Cloud)


@pytest.mark.parametrize("case", own_tests().cases(), ids=str)
def test_the_packages_own_tests(case: Case) -> None:
    outcome = own_tests().run(case)
    assert outcome.passed, outcome.trace


WEB = """
Name: Web
Extends: [apps:MultiServerApplicationWithScaling, apps:OpenStackSecurityConfigurable]
Properties:
  version: {Contract: $.string(), Default: one}
  failing: {Contract: [$.string()]}
Methods:
  .init:
    Body:
      - $.beforeInstallEvent.subscribe($this, tell)
  tell:
    Arguments:
      - sender: {Contract: $}
      - rest: {Usage: VarArgs, Contract: $}
    Body:
      - $.report('about to install')
  getConfigurationKey: {Body: {Return: $.version}}
  getSecurityRules:
    Body:
      - Return: [{FromPort: 80, ToPort: 80, IpProtocol: tcp, External: true}]
  onInstallServer:
    Arguments:
      - server: {Contract: $.class(res:Instance).notNull()}
      - serverGroup: {Contract: $.class(apps:ServerGroup).notNull()}
    Body:
      - If: $server.name in $.failing
        Then:
          - Throw: Broken
            Message: no disk
---
Name: Single
Extends: apps:SingleServerApplication
---
Name: Several
Extends: apps:MultiServerApplication
"""


@pytest.fixture
def world() -> World:
    return World(written(WEB))


def servers(number: int, **more: Any) -> dict[str, Any]:
    template = {"?": {"type": "io.murano.resources.LinuxInstance"}, "flavor": "small", "image": "ubuntu"}
    provider = of(
        "applications.TemplateServerProvider", "provider", template=template, serverNamePattern="web-{0}"
    )
    return of("applications.ServerReplicationGroup", "group", provider=provider, numItems=number, **more)


def web(number: int, **more: Any) -> dict[str, Any]:
    given = {"?": {"type": "t.Web", "id": "web", "name": "Web"}, "name": "Web", **more}
    given.pop("name")
    return {**given, "servers": servers(number)}


def machines(world: World) -> set[str]:
    resources = world.cloud.template()["resources"]
    return {name for name, body in resources.items() if body["type"] == "OS::Nova::Server"}


def texts(world: World) -> list[str]:
    return [text for _, text, _ in world.cloud.told]


def test_an_application_on_several_servers(world: World) -> None:
    world.load(web(3))
    world.deploy()
    assert machines(world) == {"web-1", "web-2", "web-3"}
    told = texts(world)
    assert told[:4] == ["Creating 3 servers"] + [f"Provisioning VM for Server {n}" for n in (1, 2, 3)]
    assert told[4:6] == ["Installing Web", "about to install"]
    assert told[-1] == "Finished configuring Web (no errors encountered)"
    groups = [
        body["properties"]["rules"]
        for body in world.cloud.template()["resources"].values()
        if body["type"] == "OS::Neutron::SecurityGroup"
    ]
    assert [rule["port_range_min"] for rule in groups[0] if "port_range_min" in rule] == [22, 80]
    # All servers are in the first template that has one.
    first = next(
        request
        for _, request in world.cloud.stacks().requests
        if any(name.startswith("web-") for name in request.template["resources"])
    )
    assert {"web-1", "web-2", "web-3"} <= set(first.template["resources"])


def test_it_is_scaled_out_and_in_by_actions(world: World) -> None:
    world.load(web(2, scaleFactor=2))
    world.deploy()
    world.again()
    world.execution.act("web", "scaleOut", {})
    assert machines(world) == {"web-1", "web-2", "web-3", "web-4"}
    world.cloud.told.clear()
    world.execution.act("web", "scaleIn", {})
    world.execution.collect()
    model = world.execution.finish()
    assert machines(world) == {"web-1", "web-2"}
    assert texts(world)[0] == "Removing 2 servers"
    group = model["Objects"]["applications"][0]["servers"]
    assert (group["numItems"], len(group["items"]), group["provider"]["allocated"]) == (2, 2, 2)
    with pytest.raises(NotExported):
        world.execution.act("web", "deployAt", {})


def test_scaling_remembers_its_servers_over_sessions(world: World) -> None:
    world.load(web(2))
    before = world.deploy()["Objects"]["applications"][0]["servers"]["items"]
    world.again()
    after = world.deploy()["Objects"]["applications"][0]["servers"]["items"]
    assert [item["?"]["id"] for item in after] == [item["?"]["id"] for item in before]
    assert machines(world) == {"web-1", "web-2"}


def test_what_is_installed_is_not_installed_again_but_configured_if_it_changed(world: World) -> None:
    world.load(web(1))
    world.deploy()
    world.cloud.told.clear()
    world.again()
    world.deploy()
    assert texts(world) == []
    changed = world.model["Objects"]["applications"][0] | {"version": "two"}
    world.again(applications=[changed])
    world.deploy()
    assert "Installing Web" not in texts(world)
    assert "Web is configured at web-1" in texts(world)


@pytest.mark.parametrize(
    ("allowed", "failing", "fails"),
    [
        ("none", 0, False),
        ("none", 1, True),
        ("one", 1, False),
        ("one", 2, True),
        ("two", 2, False),
        ("three", 3, False),
        ("quorum", 1, False),
        ("quorum", 2, True),
        ("any", 4, False),
    ],
)
def test_how_many_servers_may_fail(world: World, allowed: str, failing: int, fails: bool) -> None:
    names = [f"web-{n + 1}" for n in range(failing)]
    world.load(web(4, failing=names, allowedInstallFailures=allowed))
    if fails:
        with pytest.raises(
            Thrown, match=rf"Too many errors \({failing}\) encountered while installing Web"
        ) as one:
            world.deploy()
        assert one.value.names == ("io.murano.applications.TooManyInstallationErrors",)
    else:
        world.deploy()
    for name in names:
        assert f"Unable to install Web on {name} due to no disk" in texts(world)


def test_an_application_on_one_server(world: World) -> None:
    world.load({"?": {"type": "t.Single", "id": "one", "name": "One"}, "server": machine("vm")})
    model = world.deploy()
    assert machines(world) == {"vm"}
    assert "One is installed on vm" in texts(world)
    group = model["Objects"]["applications"][0]["_serverGroup"]
    assert group["server"] == "vm"
    again = world.again().values["applications"][0].values["_serverGroup"]
    assert again.id == group["?"]["id"]
    world.session.call(again, "setServer", machine("other"))
    assert [one.id for one in world.session.call(again, "getServers")] == ["other"]


def test_groups_of_groups(world: World) -> None:
    groups = [
        of("applications.ServerList", "list", servers=[machine("a"), machine("b")]),
        of("applications.SingleServerGroup", "single", server=machine("c")),
    ]
    both = of("applications.CompositeServerGroup", "both", serverGroups=groups)
    world.load({"?": {"type": "t.Several", "id": "s", "name": "S"}, "servers": both})
    world.deploy()
    assert machines(world) == {"a", "b", "c"}
    assert world.call("both", "getKey") == ("a", "b", "c")
    world.again(applications=[])
    world.deploy()
    assert machines(world) == set()


def test_a_provider_without_room_gives_no_more(world: World) -> None:
    application = web(5)
    application["servers"]["provider"]["capacity"] = 2
    world.load(application)
    world.deploy()
    assert machines(world) == {"web-1", "web-2"}


@pytest.mark.parametrize("name", PACKAGES)
def test_every_member_is_documented(name: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "application-catalog-library.md").read_text()
    package = Catalogue(core_packages()).load_package(name, spec("*"))
    for class_name in package.class_names:
        if ".tests." in class_name:
            continue
        _, heading, rest = text.partition(f"### {class_name}\n")
        assert heading, class_name
        section = rest.partition("\n##")[0]
        kind = package.find_class(class_name)
        members = [*kind.properties, *(method for method in kind.methods if not method.startswith("."))]
        # Methods in Python are there under their own names as well.
        shown = [
            one for one in members if not one.startswith("_") and one.lower() == one.replace("_", "").lower()
        ]
        missing = [one for one in shown if f"| `{one}` |" not in section]
        assert missing == [], class_name
