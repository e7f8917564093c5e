"""Packages of the shape of the Docker suite, from their forms to templates and plans, and to their end.

They are the examples that are shipped: an interfaces library, a host, and an application on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.application_catalog.forms.support import RecordingCloud
from tests.unit.application_catalog.support.environments import World

from knarr.cli.main import main
from knarr.services.application_catalog.forms import reader
from knarr.services.application_catalog.forms.cloud import Component, Flavor, Image, Zone
from knarr.services.application_catalog.forms.wizard import Outcome, Services, Subject, Wizard
from knarr.services.application_catalog.language.errors import ContractViolation, MuranoPlError
from knarr.services.application_catalog.packages.dependencies import fetch
from knarr.services.application_catalog.packages.package import ApplicationPackage
from knarr.services.application_catalog.packages.packing import pack
from knarr.services.application_catalog.packages.repository import ANY, open_repository

EXAMPLES = Path(__file__).parents[3] / "examples" / "application_packages"
FOLDERS = ("DockerInterfacesLibrary", "DockerStandaloneHost", "DockerNginx")
HOST, NGINX = "io.murano.apps.docker.DockerStandaloneHost", "com.example.docker.DockerNginx"

CHOICES = RecordingCloud(
    flavor_list=[Flavor("1", "m1.small", 1, 2048, 20), Flavor("0", "m1.nano", 1, 64, 1)],
    image_list=[
        Image("i-1", "debian-docker", murano_image_info='{"title": "Debian", "type": "linux.docker"}')
    ],
    keypair_list=["mine"],
    zone_list=[Zone("nova")],
    component_list=[Component("host", "containers", HOST)],
)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ApplicationPackage]:
    """The packages by their names, packed, put into a repository and fetched from it."""
    apps = tmp_path_factory.mktemp("repository") / "apps"
    apps.mkdir()
    for folder in FOLDERS:
        data = pack(EXAMPLES / folder)
        name = ApplicationPackage.open(data).manifest.full_name
        (apps / f"{name}.zip").write_bytes(data)
    found = fetch(open_repository(apps.parent), [(NGINX, ANY), (HOST, ANY)])
    return {one.manifest.full_name: one for one in found}


def answered(package: ApplicationPackage, answers: Mapping[str, Any]) -> Outcome:
    """What the forms of the package make of the answers."""
    manifest = package.manifest
    definition = reader.read(package.ui())
    assert definition.warnings == ()
    wizard = Wizard(definition, Subject(manifest.full_name, str(manifest.version)), Services(cloud=CHOICES))
    return wizard.advance(answers)


HOST_ANSWERS = {
    "host": {"registry": "registry.local:5000", "floatingIp": True},
    "machine": {
        "flavor": "m1.small",
        "image": "i-1",
        "keyPair": "mine",
        "zone": "nova",
        "namePattern": "docker-#",
    },
    "workflowManagement": {"application_name": "containers"},
}
NGINX_ANSWERS = {
    "server": {
        "host": "host",
        "release": "mainline",
        "port": "8080",
        "publish": True,
        "siteFolder": "/srv/site",
    },
    "workflowManagement": {"application_name": "web"},
}


def models(
    packages: Mapping[str, ApplicationPackage], **server: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The object models of a host and an application on it, with ids that are easy to read."""
    host = answered(packages[HOST], HOST_ANSWERS)
    site = {**NGINX_ANSWERS, "server": {**NGINX_ANSWERS["server"], **server}}
    nginx = answered(packages[NGINX], site)
    assert (host.errors, nginx.errors) == ((), ())
    host.model["?"]["id"], host.model["instance"]["?"]["id"] = "host", "vm"
    nginx.model["?"]["id"] = "web"
    return host.model, nginx.model


@pytest.fixture
def world(packages: dict[str, ApplicationPackage]) -> World:
    made = World(*packages.values())

    def answer(plan: dict[str, Any]) -> dict[str, Any]:
        body = "172.17.0.2" if plan["Name"] == "Run a container" else None
        return {"FormatVersion": "2.0.0", "ErrorCode": 0, "Body": body}

    made.cloud.agents.wire.answer = answer
    return made


def plans(world: World) -> list[dict[str, Any]]:
    """The plans that were sent, with files in place of their ids."""
    found = []
    for queue, plan in world.cloud.agents.wire.plans:
        assert queue == "eenv-hvm"
        assert re.fullmatch("[0-9a-f]{32}", plan["ID"])
        names = {ident: file["Name"] for ident, file in plan["Files"].items()}
        rest = {key: value for key, value in plan.items() if key not in ("ID", "Stamp")}
        rest["Files"] = {names[ident]: file for ident, file in plan["Files"].items()}
        for script in rest["Scripts"].values():
            script["EntryPoint"] = names.get(script["EntryPoint"], script["EntryPoint"])
        found.append(rest)
    return found


def test_the_packages_are_without_fault(capsys):
    assert main(["package", "check", *(str(EXAMPLES / folder) for folder in FOLDERS)]) == 0
    assert capsys.readouterr().out == ""


def test_the_library_comes_before_those_that_require_it(packages):
    assert next(iter(packages)) == "io.murano.apps.docker.Interfaces"


def test_the_forms_make_object_models(packages):
    host, nginx = models(packages)
    assert host == {
        "?": {"type": HOST, "id": "host", "name": "containers"},
        "name": "containers",
        "dockerRegistry": "registry.local:5000",
        "instance": {
            "?": {"type": "io.murano.resources.LinuxMuranoInstance", "id": "vm"},
            "name": "docker-1",
            "flavor": "m1.small",
            "image": "i-1",
            "keyname": "mine",
            "availabilityZone": "nova",
            "assignFloatingIp": True,
        },
    }
    assert nginx == {
        "?": {"type": NGINX, "id": "web", "name": "web"},
        "name": "web",
        "host": "host",
        "image": "nginx:mainline",
        "port": 8080,
        "publish": True,
        "siteFolder": "/srv/site",
    }


@pytest.mark.parametrize(
    ("name", "form", "answer", "told"),
    [
        (HOST, "host", {"registry": "nowhere"}, "A registry is written as address:port"),
        (HOST, "machine", {"flavor": "m1.nano"}, ""),
        (HOST, "machine", {"namePattern": "1-#"}, ""),
        (NGINX, "server", {"port": "70000"}, "65535"),
        (NGINX, "server", {"siteFolder": "srv"}, "The folder of the site must begin with a slash"),
        (NGINX, "server", {"host": ""}, "Container host"),
        (NGINX, "server", {"release": "old"}, ""),
    ],
)
def test_the_forms_refuse_what_would_not_work(packages, name, form, answer, told):
    answers = HOST_ANSWERS if name == HOST else NGINX_ANSWERS
    outcome = answered(packages[name], {**answers, form: {**answers[form], **answer}})
    assert not outcome.done
    assert any(told in error.message for error in outcome.errors), outcome.errors


def _script(text: str) -> dict[str, str]:
    body = (EXAMPLES / "DockerStandaloneHost" / "Resources" / "scripts" / text).read_text()
    return {text: {"Name": text, "BodyType": "Text", "Body": body}}


def _plan(title: str, script: str, body: str, /, **parameters: Any) -> dict[str, Any]:
    options = {"captureStdout": True, "captureStderr": True}
    entry = {"Type": "Application", "Version": "1.0.0", "EntryPoint": f"{script}.sh", "Options": options}
    return {
        "FormatVersion": "2.2.0",
        "Version": "1.0.0",
        "Name": title,
        "Action": "Execute",
        "Parameters": parameters,
        "Body": body,
        "Scripts": {script: entry},
        "Files": _script(f"{script}.sh"),
    }


RUN = """\
import shlex

words = ['run', '-d', '--restart', 'unless-stopped', '--name', args.name]
for port, target in sorted(args.portMap.items()):
    words += ['-p', '{0}:{1}'.format(port, target)]
for folder, target in sorted(args.volumeMap.items()):
    words += ['-v', '{0}:{1}'.format(folder, target)]
for key, value in sorted(args.env.items()):
    words += ['-e', '{0}={1}'.format(key, value)]
words += [args.image] + list(args.commands)
docker(' '.join(shlex.quote(word) for word in words))
found = docker("inspect -f '{{.NetworkSettings.IPAddress}}' " + shlex.quote(args.name))
return found.stdout.strip()
"""
REMOVE = "import shlex\n\ndocker('rm -f ' + shlex.quote(args.name))\n"
START = _plan(
    "Start Docker", "startDocker", "startDocker(args.dockerRegistry)\n", dockerRegistry="registry.local:5000"
)


def _pulled(image: str) -> dict[str, Any]:
    return _plan(
        "Pull an image", "docker", "import shlex\n\ndocker('pull ' + shlex.quote(args.image))\n", image=image
    )


def _run(image: str, ports: dict[str, str], volumes: dict[str, str]) -> dict[str, Any]:
    return _plan(
        "Run a container",
        "docker",
        RUN,
        name="web",
        image=image,
        commands=[],
        env={},
        portMap=ports,
        volumeMap=volumes,
    )


def test_a_deployment_sends_these_plans_and_no_others(world, packages):
    world.load(*models(packages))
    world.deploy()
    assert plans(world) == [
        START,
        _pulled("nginx:mainline"),
        _run("nginx:mainline", {"8080": "8080/tcp"}, {"/srv/site": "/usr/share/nginx/html"}),
    ]


def _template(world: World) -> dict[str, Any]:
    """The stack's template, with words in place of ids, and without how an agent is installed."""
    network = world.model["Objects"]["regions"][""]["defaultNetworks"]["environment"]
    found = world.cloud.template()
    [group] = [k for k, v in found["resources"].items() if v["type"] == "OS::Neutron::SecurityGroup"]
    ident = re.escape(network["?"]["id"])
    words = {rf"(?<=-){ident}(?=-|$)": "NET", f"^{group}$": "GROUP", re.escape(network["subnetCidr"]): "CIDR"}

    def worded(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {worded(key): worded(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [worded(item) for item in value]
        for ident, word in words.items() if isinstance(value, str) else ():
            value = re.sub(ident, word, value)
        return value

    made = worded(found)
    script = made["resources"]["boot_script_docker-1"]["properties"]
    assert "muranoagent" in script.pop("config")
    made["resources"]["boot_config-docker-1"].pop("properties")
    return made


def _opened(port: int) -> dict[str, Any]:
    return {
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": port,
        "port_range_max": port,
        "remote_ip_prefix": "0.0.0.0/0",
    }


RESOURCES = {
    "docker-1": {
        "type": "OS::Nova::Server",
        "properties": {
            "name": "docker-1",
            "flavor": "m1.small",
            "image": "i-1",
            "key_name": "mine",
            "availability_zone": "nova",
            "metadata": {},
            "networks": [{"port": {"get_resource": "port-NET-docker-1"}}],
            "user_data": {"get_resource": "user_data-docker-1"},
            "user_data_format": "RAW",
        },
    },
    "user_data-docker-1": {
        "type": "OS::Heat::MultipartMime",
        "properties": {
            "parts": [
                {"config": {"get_resource": "boot_config-docker-1"}},
                {"config": {"get_resource": "boot_script_docker-1"}},
            ]
        },
    },
    "boot_config-docker-1": {"type": "OS::Heat::CloudConfig"},
    "boot_script_docker-1": {"type": "OS::Heat::SoftwareConfig", "properties": {"group": "ungrouped"}},
    "network-NET": {"type": "OS::Neutron::Net", "properties": {"name": "env-network-NET"}},
    "subnet-NET": {
        "type": "OS::Neutron::Subnet",
        "properties": {
            "network": {"get_resource": "network-NET"},
            "cidr": "CIDR",
            "ip_version": 4,
            "dns_nameservers": [],
        },
    },
    "ri-NET": {
        "type": "OS::Neutron::RouterInterface",
        "properties": {"router_id": "router-1", "subnet": {"get_resource": "subnet-NET"}},
    },
    "port-NET-docker-1": {
        "type": "OS::Neutron::Port",
        "properties": {
            "network": {"get_resource": "network-NET"},
            "fixed_ips": [{"subnet": {"get_resource": "subnet-NET"}}],
            "security_groups": [{"get_resource": "GROUP"}],
            "replacement_policy": "AUTO",
        },
    },
    "fip-NET-docker-1": {
        "type": "OS::Neutron::FloatingIP",
        "depends_on": ["ri-NET"],
        "properties": {
            "floating_network": "ext-1",
            "port_id": {"get_resource": "port-NET-docker-1"},
        },
    },
    "GROUP": {
        "type": "OS::Neutron::SecurityGroup",
        "properties": {
            "description": "Composite security group of Murano environment testing",
            "rules": [{"protocol": "icmp", "remote_ip_prefix": "0.0.0.0/0"}, _opened(22), _opened(8080)],
        },
    },
}
OUTPUTS = {
    "docker-1-id": {"description": "ID of docker-1 instance", "value": {"get_resource": "docker-1"}},
    "docker-1-floatingIPaddress": {
        "description": "Floating IP of docker-1",
        "value": {"get_attr": ["fip-NET-docker-1", "floating_ip_address"]},
    },
    "addresses-docker-1-NET": {
        "description": "Addresses for docker-1 in env-network-NET",
        "value": {"get_attr": ["docker-1", "addresses", "env-network-NET"]},
    },
    "env-network-id": {
        "description": "ID of env-network network",
        "value": {"get_resource": "network-NET"},
    },
}


def test_a_deployment_pushes_this_template(world, packages):
    world.load(*models(packages))
    world.deploy()
    assert _template(world) == {
        "heat_template_version": "2013-05-23",
        "description": "This stack was generated by Murano for environment testing (ID: env) - region ",
        "resources": RESOURCES,
        "outputs": OUTPUTS,
    }


def _endpoint(port: int, scope: str, address: str, of: str = "public") -> dict[str, Any]:
    return {
        "port": port,
        "address": address,
        "scope": scope,
        "portScope": of,
        "containerPort": 8080,
        "protocol": "TCP",
        "applicationName": "web",
    }


def test_a_deployment_tells_where_the_application_is(world, packages):
    world.load(*models(packages))
    host, web = world.deploy()["Objects"]["applications"]
    [private, public] = host["instance"]["ipAddresses"]
    assert host["instance"]["floatingIpAddress"] == public
    assert host["containers"] == ["web"]
    assert web["applicationEndpoints"] == [
        _endpoint(8080, "cloud", private),
        _endpoint(8080, "public", public),
        _endpoint(8080, "host", "172.17.0.2"),
    ]
    assert world.cloud.told == [
        ("host", "Creating a machine for containers", "info"),
        ("host", "Docker is up and running", "info"),
        ("web", "Installing Nginx", "info"),
        ("host", "Pulling the image nginx:mainline", "info"),
        ("host", "Starting the container web", "info"),
        ("web", f"Nginx is at http://{public}:8080", "info"),
    ]


def test_a_second_deployment_changes_nothing(world, packages):
    world.load(*models(packages))
    world.deploy()
    template, told = world.cloud.template(), list(world.cloud.told)
    world.again()
    world.deploy()
    assert len(plans(world)) == 3
    assert world.cloud.template() == template
    assert world.cloud.told == told


def test_a_changed_application_takes_the_place_of_the_old_one(world, packages):
    world.load(*models(packages))
    host, web = world.deploy()["Objects"]["applications"]
    world.again(applications=[host, {**web, "image": "nginx:stable", "publish": False, "siteFolder": ""}])
    host, web = world.deploy()["Objects"]["applications"]
    assert plans(world)[3:] == [
        _plan("Remove a container", "docker", REMOVE, name="web"),
        _pulled("nginx:stable"),
        _run("nginx:stable", {"8080": "8080/tcp"}, {}),
    ]
    assert host["containers"] == ["web"]
    assert web["applicationEndpoints"] == [
        _endpoint(8080, "cloud", host["instance"]["ipAddresses"][0], "internal"),
        _endpoint(8080, "host", "172.17.0.2", "internal"),
    ]
    assert world.cloud.told[-1] == ("web", "Nginx is there, and not reached from outside", "info")


def test_two_applications_share_a_host_but_no_port(world, packages):
    host, web = models(packages)
    other = {**web, "?": {**web["?"], "id": "other"}, "name": "other", "publish": False}
    world.load(host, web, other)
    applications = world.deploy()["Objects"]["applications"]
    ports = {
        plan["Parameters"]["name"]: plan["Parameters"]["portMap"]
        for plan in plans(world)
        if "portMap" in plan["Parameters"]
    }
    assert sorted(ports) == ["other", "web"]
    assert sorted(port for map_ in ports.values() for port in map_) == ["1025", "8080"]
    assert applications[0]["containers"] in (["web", "other"], ["other", "web"])
    assert [plan["Name"] for plan in plans(world)].count("Start Docker") == 1
    place = world.call("web", "getConnectionTo", world.object("other"), 8080)
    assert place == {"host": "172.17.0.2", "port": 8080}
    assert world.call("web", "getConnectionTo", world.object("other"), 99) is None


def test_an_application_that_leaves_takes_its_container_along(world, packages):
    world.load(*models(packages))
    host, _ = world.deploy()["Objects"]["applications"]
    world.again(applications=[host])
    [host] = world.deploy()["Objects"]["applications"]
    assert [plan["Name"] for plan in plans(world)][3:] == ["Remove a container"]
    assert (host["containers"], host["applicationEndpoints"]) == ([], [])


def test_everything_ends_with_the_environment(world, packages):
    world.load(*models(packages))
    world.deploy()
    model = world.abolish()
    assert model["Objects"] is None
    assert not world.cloud.stacks().stacks


def test_what_an_agent_says_reaches_the_user(world, packages):
    world.load(*models(packages))

    def answer(plan: dict[str, Any]) -> dict[str, Any]:
        if plan["Name"] != "Pull an image":
            return {"FormatVersion": "2.0.0", "ErrorCode": 0, "Body": None}
        told = {"Message": "no such image", "AdditionalInfo": None}
        return {"FormatVersion": "2.0.0", "ErrorCode": 100, "Body": told}

    world.cloud.agents.wire.answer = answer
    with pytest.raises(MuranoPlError, match="no such image"):
        world.deploy()
    assert world.cloud.told[-1][0::2] == ("web", "error")
    assert "no such image" in world.cloud.told[-1][1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"port": 70000}, "a port is from 1 to 65535"),
        ({"siteFolder": "srv"}, "the path must begin with a slash"),
        ({"host": None}, "null is not allowed"),
        ({"host": "vm"}, "is no io.murano.apps.docker.DockerContainerHost"),
    ],
)
def test_models_that_no_form_would_make_are_refused(world, packages, change, told):
    host, web = models(packages)
    with pytest.raises(ContractViolation, match=told):
        world.load(host, {**web, **change})
        world.deploy()
