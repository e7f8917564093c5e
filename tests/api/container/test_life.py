"""The life of a container, from the request to its end, as its owner sees it."""

from __future__ import annotations

import pytest
from tests.support.cloud import Cloud, wait_for

from knarr.services.container.drivers.base import container_name
from knarr.services.container.drivers.fake import FakeEngine
from knarr.services.container.drivers.fake.faults import parse
from knarr.services.container.locator import engine_of
from knarr.services.container.states import ACTIONS, STATUSES

from .helpers import Member, error


def set_status(cloud: Cloud, uuid: str, status: str) -> None:
    """Put a container into a state that takes long to reach otherwise."""
    from knarr.services.container.models import Container

    with cloud.runtime.db.write() as session:
        container = session.get(Container, uuid)
        assert container is not None
        container.status = status


def test_a_container_runs_on_the_network_of_its_project(member: Member) -> None:
    answer = member.post(
        "containers?run=true", {"image": "busybox", "command": ["sleep", "9"], "name": "web"}
    )
    assert answer.status == 202
    assert answer.json["status"] == "Creating"
    assert answer.headers["location"].endswith(f"/container/v1/containers/{answer.json['uuid']}")
    shown = member.settled("web")
    assert shown["status"] == "Running"
    assert shown["status_reason"] is None
    [(network, [address])] = shown["addresses"].items()
    assert network == member.network_id
    [port] = member.ports()
    assert port["id"] == address["port"]
    assert port["device_id"] == shown["uuid"]
    assert port["device_owner"] == "compute:zun"
    assert port["fixed_ips"][0]["ip_address"] == address["addr"]
    assert address["preserve_on_delete"] is False


def test_without_run_it_is_created_and_starts_later(member: Member) -> None:
    uuid = member.create(run=False)
    assert member.show(uuid)["status"] == "Created"
    assert member.post(f"containers/{uuid}/start").status == 202
    assert member.settled(uuid)["status"] == "Running"


def test_stop_pause_reboot_and_kill(member: Member) -> None:
    uuid = member.create()
    for action, status in (
        ("pause", "Paused"),
        ("unpause", "Running"),
        ("stop?timeout=0", "Stopped"),
        ("start", "Running"),
        ("reboot", "Running"),
        ("kill?signal=9", "Stopped"),
    ):
        assert member.post(f"containers/{uuid}/{action}").status == 202, action
        member.becomes(uuid, status)
        member.settled(uuid)
    assert member.show(uuid)["status_detail"].startswith("Exited(137)")


@pytest.mark.parametrize(
    "action", ["start", "stop", "reboot", "pause", "unpause", "kill", "execute", "top", "stats"]
)
def test_an_action_in_a_wrong_state_is_a_conflict_that_names_both(
    cloud: Cloud, member: Member, action: str
) -> None:
    uuid = member.create(run=False)
    method = "GET" if action in ("top", "stats") else "POST"
    path = f"containers/{uuid}/{action}" + ("?command=true" if action == "execute" else "")
    for status in STATUSES:
        if status in ACTIONS[action].sources:
            continue
        set_status(cloud, uuid, status)
        answer = member.call(method, path)
        assert answer.status == 409, (action, status)
        assert action in error(answer)["detail"]
        assert status in error(answer)["detail"]


def test_a_running_container_is_deleted_only_when_asked_to_stop(member: Member) -> None:
    uuid = member.create()
    assert member.delete(f"containers/{uuid}").status == 409
    assert member.delete(f"containers/{uuid}?force=true").status == 403
    assert member.delete(f"containers/{uuid}?stop=true").status == 204
    member.gone(uuid)
    assert member.ports() == []


def test_an_administrator_deletes_by_force(member: Member, admin: Member) -> None:
    uuid = member.create()
    assert admin.delete(f"containers/{uuid}?force=true").status == 204
    member.gone(uuid)


def test_a_port_of_ones_own_outlives_the_container(member: Member) -> None:
    answer = member.person.post("/network/v2.0/ports", {"port": {"network_id": member.network_id}})
    port_id = answer.json["port"]["id"]
    uuid = member.create(nets=[{"port": port_id}])
    assert member.show(uuid)["addresses"][member.network_id][0]["preserve_on_delete"] is True
    taken = member.post("containers", {"image": "busybox", "nets": [{"port": port_id}]})
    assert taken.status == 409
    assert member.delete(f"containers/{uuid}?stop=true").status == 204
    member.gone(uuid)
    [port] = member.ports()
    assert (port["id"], port["device_id"]) == (port_id, "")


def test_an_address_of_ones_own(member: Member) -> None:
    subnets = member.person.get(f"/network/v2.0/subnets?network_id={member.network_id}").json["subnets"]
    wanted = subnets[0]["cidr"].replace(".0/24", ".77")
    nets = [{"network": member.network_id, "v4-fixed-ip": wanted, "v6-fixed-ip": ""}]
    uuid = member.create(nets=nets)
    assert member.show(uuid)["addresses"][member.network_id][0]["addr"] == wanted
    assert member.post("containers", {"image": "busybox", "nets": nets}).status == 409
    nets[0]["v4-fixed-ip"] = "192.0.2.1"
    assert member.post("containers", {"image": "busybox", "nets": nets}).status == 400


def test_an_image_that_cannot_be_had_ends_in_error_and_leaves_nothing(member: Member) -> None:
    uuid = member.create(image="no-such-image")
    shown = member.show(uuid)
    assert shown["status"] == "Error"
    assert "no-such-image" in shown["status_reason"]
    assert shown["addresses"] == {}
    assert member.ports() == []
    assert member.delete(f"containers/{uuid}").status == 204
    member.gone(uuid)


def test_a_command_that_does_not_exist_ends_in_error_and_leaves_nothing(member: Member) -> None:
    uuid = member.create(command=["/no-such-program"])
    shown = member.show(uuid)
    assert shown["status"] == "Error"
    assert "/no-such-program" in shown["status_reason"]
    assert member.ports() == []


def test_logs_top_stats_and_execute(member: Member) -> None:
    uuid = member.create(command=["sh", "-c", "echo hello; sleep 1000"])
    wait_for(lambda: "hello" in member.get(f"containers/{uuid}/logs?tail=all").json)
    assert member.get(f"containers/{uuid}/top").json["Titles"]
    assert member.get(f"containers/{uuid}/stats").json["MEM LIMIT(MiB)"] == 64
    answer = member.post(f'containers/{uuid}/execute?command="echo"%20"two words"')
    assert answer.json == {"output": "two words\n", "exit_code": 0, "exec_id": None, "proxy_url": None}
    assert member.post(f"containers/{uuid}/execute", {"command": "echo hi"}).json["output"] == "hi\n"


def test_what_was_asked_is_recorded(member: Member, admin: Member) -> None:
    uuid = member.create()
    member.post(f"containers/{uuid}/stop?timeout=0")
    member.becomes(uuid, "Stopped")
    member.settled(uuid)
    actions = member.get(f"containers/{uuid}/container_actions").json["containerActions"]
    assert [action["action"] for action in actions] == ["stop", "create"]
    assert all(action["finish_time"] for action in actions)
    path = f"containers/{uuid}/container_actions/{actions[0]['request_id']}"
    [event] = member.get(path).json["containerAction"]["events"]
    assert (event["event"], event["result"]) == ("compute_stop", "Success")
    assert "traceback" not in event
    assert "traceback" in admin.get(path).json["containerAction"]["events"][0]
    assert (
        "finish_time"
        not in member.get(f"containers/{uuid}/container_actions", "1.32").json["containerActions"][0]
    )


def test_a_container_that_dies_behind_our_back_shows_at_once(cloud: Cloud, member: Member) -> None:
    uuid = member.create()
    engine = engine_of(cloud.runtime)
    engine.kill(container_name(uuid))
    wait_for(lambda: member.show(uuid)["status"] == "Stopped", 1.0)
    engine.start(container_name(uuid))
    wait_for(lambda: member.show(uuid)["status"] == "Running", 1.0)
    engine.delete(container_name(uuid), force=True)
    wait_for(lambda: member.show(uuid)["status"] == "Error", 1.0)
    assert "removed" in member.show(uuid)["status_reason"]
    # started again, it is made anew with the same port
    assert member.post(f"containers/{uuid}/start").status == 202
    assert member.becomes(uuid, "Running")["addresses"]
    assert len(member.ports()) == 1


def test_auto_remove_ends_with_the_program(member: Member) -> None:
    body = {"image": "busybox", "command": ["true"], "auto_remove": True}
    uuid = member.post("containers?run=true", body).json["uuid"]
    member.gone(uuid)
    assert member.ports() == []


def test_renaming(member: Member) -> None:
    uuid = member.create(run=False, name="first")
    assert member.call("PATCH", f"containers/{uuid}", {"name": "second"}).json["name"] == "second"
    assert member.post(f"containers/{uuid}/rename?name=third").status == 406
    assert member.post(f"containers/{uuid}/rename?name=second", version="1.13").status == 409
    assert member.post(f"containers/{uuid}/rename?name=third", version="1.13").json["name"] == "third"


def test_deletion_by_force_ends_a_creation_under_way(cloud: Cloud, member: Member, admin: Member) -> None:
    engine = engine_of(cloud.runtime)
    assert isinstance(engine, FakeEngine)
    engine.faults.add(parse("pull:delay=2,match=slow-image"))
    body = {"image": "slow-image"}
    uuid = member.post("containers?run=true", body).json["uuid"]
    assert member.delete(f"containers/{uuid}").status == 409
    assert admin.delete(f"containers/{uuid}?force=true").status == 204
    member.gone(uuid)
    assert member.ports() == []
    engine.faults.clear("pull")


def test_a_deletion_by_force_does_not_wait_for_the_pull(cloud: Cloud, member: Member, admin: Member) -> None:
    cloud.runtime.conf.set_override("pull_seconds", 600, group="fake_engine")
    try:
        uuid = member.post("containers?run=true", {"image": "large"}).json["uuid"]
        assert member.show(uuid)["task_state"] == "image_pulling"
        assert member.delete(f"containers/{uuid}").status == 409
        assert admin.delete(f"containers/{uuid}?force=true").status == 204
        member.gone(uuid)
    finally:
        cloud.runtime.conf.clear_override("pull_seconds", group="fake_engine")
    assert member.ports() == []
    assert engine_of(cloud.runtime).inspect(container_name(uuid)) is None


@pytest.mark.parametrize("signal", ["KILL", "SIGKILL", "kill", "sigkill", "9", ""])
def test_a_signal_is_a_name_in_any_form_or_a_number(member: Member, signal: str) -> None:
    uuid = member.create()
    assert member.post(f"containers/{uuid}/kill?signal={signal}").status == 202
    assert member.becomes(uuid, "Stopped")["status_detail"].startswith("Exited(137)")


@pytest.mark.parametrize("signal", ["SIGNONE", "0", "999", "-9", "9.5", "KILL KILL"])
def test_what_is_no_signal_is_named(member: Member, signal: str) -> None:
    answer = member.post(f"containers/{member.create()}/kill?signal={signal}")
    assert answer.status == 400
    assert "'signal'" in error(answer)["detail"]


def test_a_signal_may_stand_in_the_body_and_need_not_end_anything(member: Member) -> None:
    uuid = member.create()
    assert member.post(f"containers/{uuid}/kill", {"signal": "CONT"}).status == 202
    assert member.settled(uuid)["status"] == "Running"
