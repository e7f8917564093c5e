"""A template of Heat as a package, on the real core library: what reaches the orchestration service."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.application_catalog.conftest import archive
from tests.unit.application_catalog.support.environments import World

from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.packages.package import ApplicationPackage

FILES = {
    "manifest.yaml": """
        Format: Heat.HOT/1.0
        Type: Application
        FullName: com.example.Site
        Version: 1.0.0
    """,
    "template.yaml": """
        heat_template_version: 2013-05-23
        description: Says a + b
        parameters:
          name: {type: string}
          size: {type: number, default: 1}
        resources:
          net: {type: "OS::Neutron::Net", properties: {name: {get_param: name}}}
        outputs:
          network: {value: {get_resource: net}}
    """,
    "Resources/HotFiles/one.yaml": "x: $y + 1\n",
    "Resources/HotEnvironments/small.yaml": "parameters: {size: 5}\n",
}


def world(**files: str | None) -> World:
    together = {name: data for name, data in {**FILES, **files}.items() if data is not None}
    return World(ApplicationPackage.open(archive(together)))


def site(**more: Any) -> dict[str, Any]:
    return {"?": {"type": "com.example.Site", "id": "site"}, "name": "site", **more}


WITHOUT_ENVIRONMENTS = {"Resources/HotEnvironments/small.yaml": None}


def test_the_template_becomes_a_stack_with_its_files_and_parameters():
    of = world(**WITHOUT_ENVIRONMENTS)
    of.load(site(templateParameters={"name": "web", "size": "4"}), network=None)
    [application] = of.deploy()["Objects"]["applications"]
    [(verb, request)] = of.cloud.stacks().requests
    assert (verb, request.name) == ("create", application["generatedHeatStackName"])
    assert request.template == {
        "heat_template_version": "2013-05-23",
        "description": "Says a + b",
        "parameters": {"name": {"type": "string"}, "size": {"type": "number", "default": 1}},
        "resources": {"net": {"type": "OS::Neutron::Net", "properties": {"name": {"get_param": "name"}}}},
        "outputs": {"network": {"value": {"get_resource": "net"}}},
    }
    assert request.parameters == {"name": "web", "size": 4}
    assert request.files == {"one.yaml": "x: $y + 1\n"}
    assert list(application["templateOutputs"]) == ["network"]
    assert [row[1] for row in of.cloud.told] == [
        "Application deployment has started",
        "Stack creation has started",
        "Stack was successfully created",
        "Application deployment has finished",
    ]


def test_the_stack_is_changed_and_goes_in_later_sessions():
    of = world(**WITHOUT_ENVIRONMENTS)
    of.load(site(templateParameters={"name": "web"}), network=None)
    [application] = of.deploy()["Objects"]["applications"]
    requests = of.cloud.stacks().requests
    of.again(applications=[{**application, "templateParameters": {"name": "other", "size": 2}}])
    of.deploy()
    assert [verb for verb, _ in requests] == ["create", "update"]
    assert requests[1][1].name == requests[0][1].name
    assert requests[1][1].parameters == {"name": "other", "size": 2}
    of.again(applications=[])
    of.deploy()
    assert requests[2:] == [("delete", requests[0][1].name)]


def test_an_environment_of_heat_is_handed_on():
    of = world()
    of.load(site(hotEnvironment="small.yaml", templateParameters={"name": "web", "size": ""}), network=None)
    of.deploy()
    [(_, request)] = of.cloud.stacks().requests
    assert request.parameters == {"name": "web"}
    assert request.environment == {"parameters": {"size": 5}}


def test_what_heat_refuses_is_reported():
    template = FILES["template.yaml"].replace("get_resource: net", "get_resource: nothing")
    of = world(**WITHOUT_ENVIRONMENTS, **{"template.yaml": template})
    of.load(site(templateParameters={"name": "web"}), network=None)
    with pytest.raises(MuranoPlError, match="'nothing' is incorrect"):
        of.deploy()
    entity, text, level = of.cloud.told[-1]
    assert (entity, level) == ("site", "error")
    assert "'nothing' is incorrect" in text
