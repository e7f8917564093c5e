"""HeatStack: templates that are put together and pushed; volumes, which change them as a whole."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from knarr.services.application_catalog.language.errors import Cancelled, MuranoPlError
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.values import MuranoObject
from knarr.services.application_catalog.library.python import heat_stack
from knarr.services.application_catalog.library.python.heat_stack import merged

from .support.environments import World, holder, machine, of, written

VOLUME = {"type": "OS::Cinder::Volume", "properties": {"size": 1}}


def template(*names: str, **outputs: Any) -> dict[str, Any]:
    return {"resources": dict.fromkeys(names, VOLUME), "outputs": outputs}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(heat_stack, "PAUSE", 0.001)
    return World(written(""))


def stack(world: World, **more: Any) -> MuranoObject:
    """A new object of the stack `s`, in a session of its own."""
    world.load(holder())
    model = {"?": {"type": "io.murano.system.HeatStack"}, "name": "s", **more}
    return world.session.store.load(model, None, None, None)


def test_a_push_makes_the_stack_and_another_changes_it(world: World) -> None:
    one = stack(world, description="ours")
    call = world.session.call
    call(one, "updateTemplate", template("a", a={"value": {"get_resource": "a"}}))
    call(one, "setParameters", {"key": "k"})
    call(one, "setFiles", {"script.sh": "echo"})
    call(one, "setHotEnvironment", {"parameter_defaults": {"x": 1}})
    call(one, "push")
    call(one, "updateTemplate", template("b"))
    call(one, "push")
    (first, create), (second, update) = world.cloud.stacks().requests
    assert (first, second) == ("create", "update")
    assert create.template == {
        "heat_template_version": "2013-05-23",
        "description": "ours",
        **template("a", a={"value": {"get_resource": "a"}}),
    }
    assert set(update.template["resources"]) == {"a", "b"}
    for request in (create, update):
        assert (request.name, request.parameters, request.tags) == ("s", {"key": "k"}, ("murano",))
        assert request.files == {"script.sh": "echo"}
        assert request.environment == {"parameter_defaults": {"x": 1}}
    assert call(one, "output") == {"a": world.cloud.the_stack().resources["a"]["id"]}
    assert call(one, "parameters") == {"key": "k"}


def test_nothing_is_pushed_that_is_applied(world: World) -> None:
    one = stack(world)
    world.session.call(one, "push")
    world.session.call(one, "updateTemplate", template("a"))
    for _ in range(3):
        world.session.call(one, "push")
    world.session.call(one, "updateTemplate", template("a"))
    world.session.call(one, "push")
    assert len(world.cloud.stacks().requests) == 1


def test_another_session_finds_the_template_as_it_is(world: World) -> None:
    one = stack(world)
    world.session.call(one, "setTemplate", template("a"))
    world.session.call(one, "setParameters", {"key": "k"})
    world.session.call(one, "push")
    other = stack(world)
    assert set(world.session.call(other, "current")["resources"]) == {"a"}
    assert world.session.call(other, "parameters") == {"key": "k"}
    world.session.call(other, "updateTemplate", template("b"))
    assert set(world.session.call(other, "reload")["resources"]) == {"a"}


def test_a_stack_that_is_not_there_is_empty(world: World) -> None:
    one = stack(world)
    assert world.session.call(one, "current") == {}
    assert world.session.call(one, "output") == {}
    world.session.call(one, "delete")
    assert world.cloud.stacks().requests == []


def test_a_template_without_resources_deletes_the_stack(world: World) -> None:
    one = stack(world)
    world.session.call(one, "setTemplate", template("a"))
    world.session.call(one, "push")
    world.session.call(one, "setTemplate", {})
    world.session.call(one, "push")
    assert world.cloud.stacks().states == {}


def test_one_that_is_deleted_may_be_made_again(world: World) -> None:
    one = stack(world)
    for _ in range(2):
        world.session.call(one, "updateTemplate", template("a"))
        world.session.call(one, "push")
        world.session.call(one, "delete")
        assert world.session.call(one, "current") == {}
    assert [verb for verb, _ in world.cloud.stacks().requests] == ["create", "delete"] * 2


def test_a_failed_stack_tells_why(world: World) -> None:
    one = stack(world)
    bad = {"resources": {"a": {"type": "X", "properties": {"of": {"get_resource": "nothing"}}}}}
    world.session.call(one, "setTemplate", bad)
    with pytest.raises(MuranoPlError, match="CREATE_FAILED: The specified reference 'nothing'") as caught:
        world.session.call(one, "push")
    assert caught.value.names[0] == "builtins.OSError"


def test_only_one_version_of_templates_is_known(world: World) -> None:
    one = stack(world)
    with pytest.raises(MuranoPlError, match="heat_template_version 2013-05-23 is supported, not 2021-04-16"):
        world.session.call(one, "updateTemplate", {"heat_template_version": "2021-04-16"})


def test_what_is_busy_is_tried_again(world: World) -> None:
    one = stack(world)
    world.cloud.stacks().busy = 2
    world.session.call(one, "setTemplate", template("a"))
    world.session.call(one, "push")
    world.cloud.stacks().busy = 1
    world.session.call(one, "delete")
    assert [verb for verb, _ in world.cloud.stacks().requests] == ["create", "delete"]


def test_pushes_in_the_background_become_one(world: World) -> None:
    one = stack(world)
    for name in ("a", "b", "c"):
        world.session.call(one, "updateTemplate", template(name))
        world.session.call(one, "push", **{"async": True})
    assert world.cloud.stacks().requests == []
    world.session.finish()
    ((verb, request),) = world.cloud.stacks().requests
    assert (verb, set(request.template["resources"])) == ("create", {"a", "b", "c"})


def test_a_push_in_the_background_begins_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heat_stack, "DELAY", 0.01)
    one = stack(world)
    world.session.call(one, "updateTemplate", template("a"))
    world.session.call(one, "push", isAsync=True)
    assert world.cloud.stacks().began.wait(10)
    world.session.finish()
    assert len(world.cloud.stacks().requests) == 1


def test_who_asks_for_outputs_waits_for_the_push_in_the_background(world: World) -> None:
    one = stack(world)
    world.session.call(one, "updateTemplate", template("a", a={"value": {"get_resource": "a"}}))
    world.session.call(one, "push", isAsync=True)
    assert world.session.call(one, "output") == {"a": world.cloud.the_stack().resources["a"]["id"]}


def test_a_push_in_the_background_that_fails_is_told_of(world: World) -> None:
    one = stack(world)
    world.session.call(one, "setTemplate", {"resources": {"a": {}}})
    world.session.call(one, "push", isAsync=True)
    with pytest.raises(MuranoPlError, match="CREATE_FAILED"):
        world.session.finish()


def test_waiting_for_a_stack_ends_when_the_session_is_cancelled(world: World) -> None:
    world.limits = Limits(seconds=60)
    one = stack(world)
    world.cloud.stacks().hold()
    world.session.call(one, "setTemplate", template("a"))
    threading.Timer(0.05, world.limits.cancel).start()
    with pytest.raises(Cancelled):
        world.session.call(one, "push")


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2]}, {"a": [2, 3]}, {"a": [1, 2, 3]}),
        ({"a": [{"x": 1}]}, {"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 1}, {"x": 2}]}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_templates_are_merged(one: Any, other: Any, both: Any) -> None:
    assert merged(one, other) == both


# Volumes


def volume(ident: str, **more: Any) -> dict[str, Any]:
    return of("resources.CinderVolume", ident, size=10, **more)


def test_a_volume_at_a_machine(world: World) -> None:
    world.load(holder(machine("vm", volumes={"/dev/vdb": volume("data", name="data")})))
    world.deploy()
    found = world.cloud.template()
    assert found["resources"]["vol-data"] == {
        "type": "OS::Cinder::Volume",
        "properties": {"name": "data", "size": 10, "metadata": {}},
    }
    assert found["resources"]["vol-attachment-data-vm"] == {
        "type": "OS::Cinder::VolumeAttachment",
        "properties": {
            "instance_uuid": {"get_resource": "vm"},
            "volume_id": {"get_resource": "vol-data"},
            "mountpoint": "/dev/vdb",
        },
    }
    assert found["outputs"]["vol-data-id"] == {"value": {"get_resource": "vol-data"}}
    assert found["outputs"]["vol-data-attachments"] == {
        "value": {"get_attr": ["vol-data", "attachments_list"]}
    }
    assert world.object("data").values["openstackId"] == world.cloud.the_stack().resources["vol-data"]["id"]


def test_a_machine_boots_from_volumes(world: World) -> None:
    boot = volume("boot", sourceImage="ubuntu", availabilityZone="az", readOnly=True, multiattach=True)
    devices = [
        {"volume": boot, "deviceName": "vda", "deviceType": "disk", "bootIndex": 0},
        {"volume": of("resources.ExistingCinderVolume", "old", openstackId="v-1"), "deviceName": "vdb"},
    ]
    world.load(holder(machine("vm", blockDevices=devices)))
    world.deploy()
    found = world.cloud.template()["resources"]
    assert found["vol-boot"]["properties"] == {
        "size": 10,
        "metadata": {},
        "image": "ubuntu",
        "availability_zone": "az",
        "read_only": True,
        "multiattach": True,
    }
    assert "image" not in found["vm"]["properties"]
    assert found["vm"]["properties"]["block_device_mapping_v2"] == [
        {
            "device_name": "vda",
            "volume_id": {"get_resource": "vol-boot"},
            "device_type": "disk",
            "boot_index": 0,
        },
        {"device_name": "vdb", "volume_id": "v-1", "device_type": None, "boot_index": None},
    ]
    server = world.cloud.the_stack().resources["vm"]["id"]
    assert world.object("boot").values["attachments"] == ({"server_id": server, "device": "vda"},)


def test_volumes_are_made_of_others(world: World) -> None:
    sources = {
        "copy": {"sourceVolume": volume("first")},
        "shot": {"sourceSnapshot": of("resources.CinderVolumeSnapshot", "s", openstackId="s-1")},
        "back": {"sourceVolumeBackup": of("resources.CinderVolumeBackup", "b", openstackId="b-1")},
    }
    world.load(holder(things=tuple(volume(name, **given) for name, given in sources.items())))
    for name in sources:
        world.call(name, "deploy")
    found = world.cloud.template()["resources"]
    first = world.cloud.the_stack().resources["vol-first"]["id"]
    assert found["vol-copy"]["properties"]["source_volid"] == first
    assert found["vol-shot"]["properties"]["snapshot_id"] == "s-1"
    assert found["vol-back"]["properties"]["backup_id"] == "b-1"


def test_a_volume_that_is_the_same_is_not_pushed_again(world: World) -> None:
    world.load(holder(machine("vm", volumes={"/dev/vdb": volume("data")})))
    world.deploy()
    requests = len(world.cloud.stacks().requests)
    world.call("data", "deploy")
    assert len(world.cloud.stacks().requests) == requests
    world.again()
    world.object("data").values["size"] = 20
    world.call("data", "deploy")
    assert len(world.cloud.stacks().requests) == requests + 1
    assert world.cloud.template()["resources"]["vol-data"]["properties"]["size"] == 20


def test_volumes_leave_after_the_machines_that_have_them(world: World) -> None:
    world.load(holder(machine("vm", volumes={"/dev/vdb": volume("data")}), machine("other")))
    world.deploy()
    world.again(applications=[holder(machine("other"))])
    world.deploy()
    found = world.cloud.template()
    assert not [name for name in (*found["resources"], *found["outputs"]) if "data" in name or "vm" in name]


@pytest.mark.parametrize("size", [0, None])
def test_a_volume_has_a_size(world: World, size: Any) -> None:
    with pytest.raises(MuranoPlError, match=r"CinderVolume\.size"):
        world.load(holder(things=(of("resources.CinderVolume", "v", size=size),)))
