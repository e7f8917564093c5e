"""Every command of `openstack appcontainer` and of `zun`, as a member, an administrator and a stranger.

The engine is the fake one: what the commands say is looked at here, what containers do elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.support import alone, kept, walk
from tests.e2e.support.walk import ADMIN, BROKEN, FORBIDDEN, HIDDEN, MEMBER, NONE, STRANGER, YES, Step, World

pytestmark = pytest.mark.clients

DOCS = Path(__file__).parents[2] / "docs" / "commands"

ADMINS = {"member": FORBIDDEN, "stranger": FORBIDDEN}
OWN = {"stranger": YES}
SERVICE = "{host} zun-compute"
# What leaves a terminal
LEAVE = "\r~."
# Security groups of containers went with 1.15
OLD = "--os-container-api-version 1.14"

APPCONTAINER = (
    Step("appcontainer create", "--name {new} busybox", says="Creating", **OWN),
    Step("appcontainer run", "--name {new} busybox sleep 100", says="Creating", **OWN),
    # Who makes a container takes a registry of their own project, administrators too.
    Step("appcontainer create", "--registry {registry} --name {new} box", says="{registry}", admin=HIDDEN),
    Step("appcontainer list", says="{c}", admin=NONE, stranger=NONE),
    Step("appcontainer list", "--all-projects", says="walked-", **ADMINS),
    Step("appcontainer show", "{c}", says="walked-"),
    Step("appcontainer set", "--name {new} {c}", says="walked-made", state="Running"),
    Step("appcontainer start", "{c}", state="Stopped", says="accepted"),
    Step("appcontainer stop", "{c}", state="Running", says="accepted"),
    Step("appcontainer restart", "{c}", state="Running", says="accepted"),
    Step("appcontainer pause", "{c}", state="Running", says="accepted"),
    Step("appcontainer unpause", "{c}", state="Paused", says="accepted"),
    Step("appcontainer kill", "{c}", state="Running", says="accepted"),
    Step("appcontainer exec", "{c} echo hello", state="Running", says="hello"),
    Step("appcontainer attach", "{shell}", says="connected to", stdin=LEAVE),
    Step("appcontainer cp", "{file} {c}:/tmp"),
    Step("appcontainer cp", "{c}:/etc/hosts {folder}"),
    Step("appcontainer rebuild", "--image {new} {c}", state="Running", says="accepted"),
    Step("appcontainer network attach", "--network {network} {c}", says="accepted"),
    Step("appcontainer network list", "{c}", member=BROKEN, admin=BROKEN),
    Step("appcontainer network detach", "--network {attached} {c}", says="accepted"),
    Step("appcontainer add security group", "{c} {group}", says="accepted", options=OLD),
    Step("appcontainer remove security group", "{c} {given}", says="accepted", options=OLD),
    Step("appcontainer add floating ip", "{c} {floating}"),
    Step("appcontainer remove floating ip", "{worn}"),
    Step("appcontainer logs", "{c}", state="Running"),
    Step("appcontainer top", "{c}", state="Running", member=BROKEN, admin=BROKEN),
    Step("appcontainer stats", "{c}", state="Running", says="MEM LIMIT"),
    Step("appcontainer action list", "{c}", says="create"),
    Step("appcontainer action show", "{c} {request}", says="containerAction"),
    Step("appcontainer delete", "--stop {doomed}", says="accepted"),
    Step("appcontainer availability zone list", says="nova", **OWN),
    Step("appcontainer host list", says="{host}", **ADMINS),
    Step("appcontainer host show", "{host}", says="{host}", **ADMINS),
    Step("appcontainer image pull", "{new} {host}", says="walked-made", **ADMINS),
    Step("appcontainer image list", says="{image}", **ADMINS),
    Step("appcontainer image show", "{image}", says="sha256:", **ADMINS),
    Step("appcontainer image delete", "{image}", says="accepted", **ADMINS),
    Step("appcontainer image search", "busybox", says="busybox", **OWN),
    Step("appcontainer quota get", "{project}", says="51200", stranger=FORBIDDEN),
    Step("appcontainer quota default", "{project}", says="51200", stranger=FORBIDDEN),
    Step("appcontainer quota update", "--containers 1000 --cpu -1 {project}", says="1000", **ADMINS),
    Step("appcontainer quota delete", "{project}", says="accepted", **ADMINS),
    Step("appcontainer quota class get", "default", says="51200", **ADMINS),
    Step("appcontainer quota class update", "--containers 1000 --cpu -1 default", says="1000", **ADMINS),
    Step("appcontainer registry create", "--name {new} --domain r.example.org", says="********", **OWN),
    Step("appcontainer registry list", says="{registry}", admin=NONE, stranger=NONE, hides="{registry}"),
    Step("appcontainer registry show", "{registry}", says="********"),
    Step("appcontainer registry update", "--username jo {registry}", says="jo"),
    Step("appcontainer registry delete", "{registry}", says="accepted"),
    Step("appcontainer service list", says="zun-compute", **ADMINS),
    Step("appcontainer service disable", f"--reason work {SERVICE}", says="work", **ADMINS),
    Step("appcontainer service enable", SERVICE, says="False", **ADMINS),
    Step("appcontainer service forcedown", f"--unset {SERVICE}", says="False", **ADMINS),
    Step("appcontainer service delete", "{nobody} zun-compute", says="accepted", **ADMINS),
)

# Commands of parts that this cloud has not got yet
APPCONTAINER_LATER = (
    "appcontainer commit", "capsule create", "capsule delete", "capsule list", "capsule show",
)  # fmt: skip

# What `zun` calls the same; the arguments are the same, too
SAME = {
    "appcontainer set": "update",
    "appcontainer image pull": "pull",
    "appcontainer quota default": "quota-defaults",
    "appcontainer service forcedown": "service-force-down",
}
# `zun` leaves floating addresses to Neutron's own commands, and lists networks
DIFFERENT = ("appcontainer add floating ip", "appcontainer remove floating ip", "appcontainer network list")
SILENT = ("image-delete", "quota-delete")


def _as_zun(step: Step) -> Step:
    name = SAME.get(step.command) or step.command.removeprefix("appcontainer ").replace(" ", "-")
    options = step.options.replace("--os-container-", "--zun-")
    return replace(step, command=name, says="" if name in SILENT else step.says, options=options)


ZUN = (
    *(_as_zun(step) for step in APPCONTAINER if step.command not in DIFFERENT),
    Step("network-list", "{c}", says="10.66.0."),
    Step("rename", "{c} {new}", says="deprecated", options="--zun-api-version 1.13"),
    Step("version-list", says="1.40", **OWN),
    Step("help", says="subcommand", **OWN),
    Step("bash-completion", says="registry-create", **OWN),
)
ZUN_LATER = ("capsule-create", "capsule-delete", "capsule-describe", "capsule-list", "commit")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # The heartbeat brings a deleted service back.
    folder, settings = tmp_path_factory.mktemp("knarr"), {"report_interval": "1", "quota_disk": "-1"}
    with kept.clients() as clients, alone.started(folder, container=settings) as knarr:
        yield World(knarr, clients)


def _named(step: Step) -> str:
    return f"{step.command} {step.arguments}".strip()


def _all_of(world: World, step: Step, program: str) -> None:
    for who in (STRANGER, MEMBER, ADMIN):
        walked = world.walk(step, who, program)
        assert (who, walked.outcome) == (who, step.expected(who)), walked.output
        assert walked.right, (who, walked.output)


@pytest.mark.parametrize("step", APPCONTAINER, ids=_named)
def test_openstack(world: World, step: Step) -> None:
    _all_of(world, step, "openstack")


@pytest.mark.parametrize("step", ZUN, ids=_named)
def test_zun(world: World, step: Step) -> None:
    _all_of(world, step, "zun")


def test_the_tables_of_openstack_are_the_clients_commands_and_what_was_walked(world: World) -> None:
    listed = world.people[ADMIN].openstack("command", "list", "--group", "openstack.container.v1").out
    known = set(re.findall(r"\| ((?:appcontainer|capsule) [a-z ]*[a-z]) +\|", listed))
    assert known == {step.command for step in APPCONTAINER} | set(APPCONTAINER_LATER)
    assert walk.documented(DOCS / "appcontainer.md") == walk.table(APPCONTAINER, APPCONTAINER_LATER)


def test_the_tables_of_zun_are_the_clients_commands_and_what_was_walked(world: World) -> None:
    helped = world.people[ADMIN].zun("help").out.partition("Positional arguments:")[2]
    known = set(re.findall(r"^    ([a-z][a-z-]+)(?= |$)", helped.partition("Options:")[0], re.MULTILINE))
    assert known == {step.command for step in ZUN} | set(ZUN_LATER)
    assert walk.documented(DOCS / "zun.md") == walk.table(ZUN, ZUN_LATER)
