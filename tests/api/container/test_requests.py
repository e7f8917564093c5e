"""Good and bad requests: fields, microversions, isolation between projects, quotas."""

from __future__ import annotations

import threading

import pytest
from tests.support.cloud import Cloud, wait_for

from .helpers import Member, error

MINIMAL = {"image": "busybox"}

# attribute, a good value, the microversion that brought it
VERSIONED = [
    ("nets", [], "1.2"),
    ("auto_remove", True, "1.3"),
    ("hostname", "box", "1.9"),
    ("mounts", [], "1.11"),
    ("healthcheck", {"cmd": "true", "interval": 5}, "1.22"),
    ("exposed_ports", {}, "1.24"),
    ("cpu_policy", "shared", "1.28"),
    ("tty", True, "1.36"),
    ("entrypoint", ["sh"], "1.40"),
]

# field, a value that is wrong, one word that the answer must have
WRONG = [
    ({"image": "x"}, "image"),
    ({"image": 5}, "image"),
    ({"image": "b" * 256}, "image"),
    ({"name": "-bad"}, "name"),
    ({"name": "a"}, "name"),
    ({"name": "sp ace"}, "name"),
    ({"cpu": "many"}, "cpu"),
    ({"cpu": 0.01}, "cpu"),
    ({"cpu": 17}, "cpu"),
    ({"memory": 1}, "memory"),
    ({"memory": "lots"}, "memory"),
    ({"memory": 10**6}, "memory"),
    ({"disk": 0}, "disk"),
    ({"disk": 10**30}, "disk"),
    ({"command": "sh"}, "command"),
    ({"command": [1, None]}, "command"),
    ({"environment": []}, "environment"),
    ({"labels": {"a": {}}}, "labels"),
    ({"restart_policy": {"Name": "sometimes"}}, "restart_policy"),
    ({"restart_policy": {}}, "Name"),
    ({"restart_policy": {"Name": "always", "MaximumRetryCount": 3}}, "MaximumRetryCount"),
    ({"restart_policy": {"Name": "always"}, "auto_remove": True}, "auto_remove"),
    ({"healthcheck": {"interval": 3}}, "cmd"),
    ({"image_driver": "podman"}, "image_driver"),
    ({"nets": [{}]}, "nets"),
    ({"nets": [{"network": "a", "port": "b"}]}, "nets"),
    ({"nets": [{"network": "a", "v4-fixed-ip": "::1"}]}, "v4-fixed-ip"),
    ({"mounts": [{"source": "v", "destination": "/d"}]}, "mounts"),
    ({"exposed_ports": {"80/sctp": {}}}, "exposed_ports"),
    ({"cpu_policy": "alone"}, "cpu_policy"),
    ({"interactive": "perhaps"}, "interactive"),
    ({"security_groups": "default"}, "security_groups"),
    ({"flavour": "vanilla"}, "flavour"),
]


@pytest.mark.parametrize(("change", "word"), WRONG)
def test_a_bad_attribute_is_named(member: Member, change: dict[str, object], word: str) -> None:
    answer = member.post("containers", {**MINIMAL, **change})
    assert answer.status == 400, answer.body
    assert word in error(answer)["detail"]


def test_the_image_must_be_there(member: Member) -> None:
    assert "'image'" in error(member.post("containers", {"name": "web"}))["detail"]


@pytest.mark.parametrize(("name", "value", "since"), VERSIONED)
def test_an_attribute_is_refused_before_its_version(
    member: Member, name: str, value: object, since: str
) -> None:
    minor = int(since.split(".")[1])
    before = member.post("containers", {**MINIMAL, name: value}, f"1.{minor - 1}")
    assert before.status == 400
    assert f"'{name}' is only supported from version {since}" in error(before)["detail"]
    assert member.post("containers", {**MINIMAL, name: value}, since).status == 202


def test_the_form_of_command_follows_the_version(member: Member) -> None:
    old = member.post("containers", {**MINIMAL, "command": "sh -c 'a b'"}, "1.19")
    assert old.json["command"] == ["sh", "-c", "a b"]
    assert member.post("containers", {**MINIMAL, "command": ["sh"]}, "1.19").status == 400
    assert member.post("containers", {**MINIMAL, "command": ["sh"]}, "1.20").status == 202


def test_tty_is_interactive_before_it_has_a_word_of_its_own(member: Member) -> None:
    assert member.post("containers", {**MINIMAL, "interactive": True}, "1.35").json["tty"] is True
    assert member.post("containers", {**MINIMAL, "interactive": True}, "1.36").json["tty"] is False


def test_what_only_administrators_may_ask_and_see(member: Member, admin: Member) -> None:
    for change in ({"image_pull_policy": "always"}, {"runtime": "kata"}, {"host": "test-host"}):
        assert member.post("containers", {**MINIMAL, **change}).status == 403
        assert admin.post("containers", {**MINIMAL, **change}).status == 202
    assert admin.post("containers", {**MINIMAL, "privileged": True}).status == 403
    assert admin.post("containers", {**MINIMAL, "host": "nowhere"}).status == 404
    uuid = member.create()
    hidden = {"host", "image_pull_policy", "privileged", "runtime"}
    assert not hidden & set(member.show(uuid))
    assert hidden <= set(admin.show(uuid))


def test_pull_policy_never_needs_the_image_on_a_host(admin: Member) -> None:
    answer = admin.post("containers", {"image": "not-here", "image_pull_policy": "never"})
    assert answer.status == 400
    assert "not-here" in error(answer)["detail"]


def test_networks_ports_and_groups_that_are_not_the_callers(member: Member, cloud: Cloud) -> None:
    other = Member(cloud, cloud.person())
    group = other.person.get("/network/v2.0/security-groups").json["security_groups"][0]["id"]
    for change in (
        {"nets": [{"network": other.network_id}]},
        {"nets": [{"network": "no such name"}]},
        {"nets": [{"port": "0a7a1b3c-0000-4000-8000-000000000000"}]},
        {"security_groups": [group]},
        {"registry": "none"},
    ):
        assert member.post("containers", {**MINIMAL, **change}).status == 404, change


def test_a_project_without_a_network_is_told_so(cloud: Cloud) -> None:
    answer = cloud.person().post("/container/v1/containers", MINIMAL)
    assert answer.status in (202, 409)  # 202 where a shared network is there for everybody


def test_a_host_that_cannot_be_found_is_an_error_with_each_filters_count(member: Member) -> None:
    uuid = member.post("containers", {**MINIMAL, "availability_zone": "mars"}).json["uuid"]
    shown = member.show(uuid)
    assert shown["status"] == "Error"
    assert "AvailabilityZoneFilter: 0 left" in shown["status_reason"]
    assert member.delete(f"containers/{uuid}").status == 204
    assert member.get(f"containers/{uuid}").status == 404


def test_one_project_sees_nothing_of_another(member: Member, cloud: Cloud, admin: Member) -> None:
    uuid = member.create(name="mine-alone")
    other = Member(cloud, cloud.person())
    assert other.get("containers").json["containers"] == []
    for ident in (uuid, "mine-alone"):
        for method, action in (
            ("GET", ""), ("DELETE", "?stop=true"), ("POST", "/start"), ("POST", "/stop"), ("GET", "/logs"),
            ("POST", "/execute?command=true"), ("GET", "/top"), ("GET", "/container_actions"),
        ):  # fmt: skip
            answer = other.call(method, f"containers/{ident}{action}")
            assert answer.status == 404, (method, action)
    assert other.get("containers?all_projects=true").status == 403
    found = admin.get("containers?all_projects=true&name=mine-alone").json["containers"]
    assert [container["uuid"] for container in found] == [uuid]
    assert admin.get(f"containers/{uuid}").status == 200


def test_an_ambiguous_name_is_a_conflict(member: Member) -> None:
    for _ in range(2):
        member.create(run=False, name="twin")
    assert member.get("containers/twin").status == 409


def test_lists_are_filtered_sorted_and_paged(member: Member) -> None:
    names = ["alpha", "beta", "gamma"]
    for name in names:
        member.create(run=name != "beta", name=name)
    listed = member.get("containers?sort_key=name&sort_dir=desc").json["containers"]
    assert [c["name"] for c in listed] == names[::-1]
    assert [c["name"] for c in member.get("containers?status=Created").json["containers"]] == ["beta"]
    first = member.get("containers?limit=2&sort_key=name").json
    rest = member.person.get(first["next"].split("127.0.0.1:9140")[1]).json
    assert [c["name"] for c in first["containers"] + rest["containers"]] == names
    assert rest["next"] is None
    for bad in ("limit=0", "limit=x", "sort_key=shoe", "sort_dir=up", "marker=nothing", "colour=red"):
        assert member.get(f"containers?{bad}").status == 400, bad


SHOWN = {
    "uuid", "links", "user_id", "project_id", "name", "image", "image_driver", "command", "entrypoint", "cpu",
    "cpu_policy", "memory", "disk", "environment", "workdir", "hostname", "labels", "ports", "addresses",
    "security_groups", "status", "status_reason", "status_detail", "task_state", "restart_policy",
    "interactive", "tty", "auto_remove", "auto_heal", "healthcheck", "registry_id", "created_at",
    "updated_at",
}  # fmt: skip
FOR_ADMINISTRATORS = {"host", "image_pull_policy", "privileged", "runtime"}


def test_the_attributes_that_are_shown_are_upstreams(member: Member, admin: Member) -> None:
    uuid = member.create(run=False)
    for shown in (member.show(uuid), member.get("containers").json["containers"][0]):
        assert set(shown) == SHOWN
    assert set(admin.show(uuid)) == SHOWN | FOR_ADMINISTRATORS
    assert {link["rel"] for link in admin.show(uuid)["links"]} == {"self", "bookmark"}


def test_all_attributes_come_back_as_they_were_given(admin: Member) -> None:
    given = {
        "name": "given", "image": "busybox:1", "command": ["sleep", "5"], "entrypoint": ["/bin/busybox"],
        "cpu": 0.5, "cpu_policy": "shared", "disk": 3, "environment": {"A": "b"}, "workdir": "/tmp",
        "hostname": "box", "labels": {"c": "d"}, "interactive": True, "tty": False, "auto_remove": False,
        "auto_heal": True, "privileged": False, "runtime": "kata", "image_pull_policy": "always",
        "image_driver": "docker", "restart_policy": {"Name": "on-failure", "MaximumRetryCount": "2"},
        "healthcheck": {"cmd": "true", "interval": 5, "retries": 2, "timeout": 3},
    }  # fmt: skip
    nets = [{"network": admin.network_id}]
    more = {"exposed_ports": {"80/tcp": {}, "53/udp": {}}, "hints": {"key": "value"}, "memory": 96}
    uuid = admin.post("containers", {**given, **more, "nets": nets, "host": "test-host"}).json["uuid"]
    shown = admin.settled(uuid)
    assert {name: shown[name] for name in given} == given
    assert (shown["ports"], shown["memory"], shown["host"]) == ([53, 80], "96", "test-host")


def test_each_filter_of_the_list(member: Member, admin: Member) -> None:
    wanted = member.create(run=False, name="wanted", image="one", memory=48)
    member.create(name="other", image="two", memory=64, auto_remove=True)
    row = admin.show(wanted)
    for name in ("name", "image", "memory", "status"):
        found = member.get(f"containers?{name}={row[name]}").json["containers"]
        assert [container["uuid"] for container in found] == [wanted], name
    for query, names in (
        (f"project_id={row['project_id']}", {"wanted", "other"}),
        (f"user_id={row['user_id']}", {"wanted", "other"}),
        ("project_id=none", set()),
        ("auto_remove=true", {"other"}),
        ("auto_remove=false", {"wanted"}),
        ("task_state=container_stopping", set()),
        ("host=nowhere&all_projects=true", set()),
    ):
        asking = admin if "host" in query else member
        found = asking.get(f"containers?{query}").json["containers"]
        assert {container["name"] for container in found} == names, query


def test_only_the_image_drivers_of_the_cloud(cloud: Cloud, member: Member) -> None:
    uuid = member.create(run=False)
    cloud.runtime.conf.set_override("image_driver_list", ["docker"], group="container")
    try:
        for path, body in (
            ("containers", {**MINIMAL, "image_driver": "glance"}),
            (f"containers/{uuid}/rebuild", {"image_driver": "glance"}),
        ):
            answer = member.post(path, body)
            assert answer.status == 400
            assert "'image_driver': it is docker on this cloud" in error(answer)["detail"]
        assert member.get("images/busybox/search?image_driver=glance").status == 400
        assert member.post("containers", {**MINIMAL, "image_driver": "docker"}).status == 202
    finally:
        cloud.runtime.conf.clear_override("image_driver_list", group="container")


def test_versions_are_negotiated(cloud: Cloud, member: Member) -> None:
    root = cloud.call("GET", "/container")
    [version] = root.json["versions"]
    assert (version["min_version"], version["max_version"], version["status"]) == ("1.1", "1.40", "CURRENT")
    assert "containers" in cloud.call("GET", "/container/v1/").json
    assert member.get("hosts", "1.41").status == 406
    assert member.get("hosts", "1.3").status == 406
    answer = member.person.get("/container/v1/containers")
    assert answer.headers["openstack-api-version"] == "container 1.1"
    assert cloud.call("GET", "/container/v1/containers").status == 401


def test_services_and_hosts_are_for_administrators(member: Member, admin: Member) -> None:
    for path in ("services", "hosts"):
        assert member.get(path).status == 403
    assert member.get("availability_zones").json == {
        "availability_zones": [{"availability_zone": "nova"}],
        "next": None,
    }
    [service] = admin.get("services").json["services"]
    assert (service["binary"], service["state"]) == ("zun-compute", "up")
    [host] = admin.get("hosts").json["hosts"]
    assert admin.get(f"hosts/{host['hostname']}").json["uuid"] == host["uuid"]
    assert "enable_cpu_pinning" not in admin.get(f"hosts/{host['uuid']}", "1.28").json
    where = f"host={service['host']}&binary=zun-compute"
    try:
        assert admin.call("PUT", f"services/disable?{where}&disabled_reason=work").status == 200
        uuid = member.create()
        assert "ComputeFilter: 0 left" in member.show(uuid)["status_reason"]
    finally:
        answer = admin.call("PUT", f"services/enable?{where}")
    assert answer.json["service"]["disabled"] is False
    assert admin.call("PUT", "services/enable?host=none&binary=zun-compute").status == 404


def test_quotas_hold_under_parallel_creates(cloud: Cloud, member: Member, admin: Member) -> None:
    path = f"quotas/{member.project_id}"
    assert admin.call("PUT", path, {"containers": 7}).json["containers"] == 7
    answers: list[int] = []

    def create() -> None:
        answers.append(member.post("containers?run=true", {**MINIMAL, "cpu": 0.1, "memory": 4}).status)

    threads = [threading.Thread(target=create) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [202] * 7 + [403] * 43
    assert member.get(f"{path}?usages=true").json["containers"] == {"limit": 7, "in_use": 7}
    listed = member.get("containers").json["containers"]
    for container in listed:
        member.settled(container["uuid"])
        assert member.delete(f"containers/{container['uuid']}?stop=true").status == 204
    wait_for(lambda: not member.get("containers").json["containers"])
    assert all(use["in_use"] == 0 for use in member.get(f"{path}?usages=true").json.values())
    assert member.ports() == []
    assert member.call("PUT", path, {"containers": 9}).status == 403
    assert admin.delete(path).status == 200
    assert member.get(path).json["containers"] == 40
    assert member.get(f"quotas/{admin.project_id}").status == 403
