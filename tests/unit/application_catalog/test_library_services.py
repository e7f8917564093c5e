"""Agents, resources, and what tells and asks: reports, statistics, logs, workflows, users, metadata."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.language.values import MuranoObject
from knarr.services.application_catalog.library.outside import WorkflowState
from knarr.services.application_catalog.packages.package import ApplicationPackage

from .conftest import archive
from .support.cloud import returned
from .support.environments import World, machine, written

# Everything that is called from MuranoPL stands in this class.
CALLER = """
Name: Caller
Extends: std:Application
Properties:
  server: {Contract: $.class(res:Instance)}
Methods:
  plan:
    Arguments: [timeout: {Contract: $.int()}]
    Body:
      - $resources: new(sys:Resources)
      - $values: {greeting: Hello}
      - Return: $.server.agent.call($resources.yaml('hello.template').bind($values), $resources, $timeout)
  send:
    Body:
      - $resources: new(sys:Resources)
      - $.server.agent.send($resources.yaml('hello.template'), $resources)
  texts:
    Body:
      - $resources: new(sys:Resources)
      - Return:
          - $resources.string('scripts/hello.sh')
          - $resources.json('data.json').key
          - sys:Resources.string('scripts/hello.sh')
          - sys:Resources.yaml('hello.template').Name
          - sys:Resources.yaml('RunCommand.template', std:Environment).Version
          - str($resources.yaml('dates.yaml').day)
  missing: {Body: {Return: sys:Resources.string('nothing.txt')}}
  broken: {Body: {Return: sys:Resources.yaml('broken.yaml')}}
  command:
    Arguments: [ignore: {Contract: $.bool(), Default: false}]
    Body:
      Return: conf:Linux.runCommand($.server.agent, 'echo $HOME', ignoreErrors => $ignore)
  put:
    Body:
      Return: conf:Linux.putFile($.server.agent, 'some text', '/etc/motd', 'Say hello')
  log:
    Body:
      - $log: logger('t.Caller')
      - $log.trace('{0}', 1)
      - $log.debug('debug')
      - $log.info('Hello {0} and {who}', world, who => all)
      - $log.warning('{3}', 1)
      - $log.error('{0.__class__}', 1)
      - $log.critical('critical')
      - Try:
          - Throw: Odd
            Message: it is odd
        Catch:
          As: e
          Do:
            - $log.exception($e, 'failed with {0}', this)
  exception:
    Body:
      - Try:
          - $.fails()
        Catch:
          As: e
          Do:
            - Return:
                name: $e.name
                message: $e.message
                extra: $e.extra
                cause: $e.cause.message
                trace: $e.stackTrace.toString('> ')
                methods: $e.stackTrace.frames.methodName
  fails:
    Body:
      - Try:
          - Throw: Inner
            Message: deep
        Catch:
          As: e
          Do:
            - Throw: Outer
              Message: wide
              Extra: {a: 1}
              Cause: $e
  here: {Body: {Return: new(std:StackTrace).frames.methodName}}
  who:
    Body:
      - $user: std:User.getCurrent()
      - $project: std:Project.getCurrent()
      - Return:
          - [$user.id, $user.name, $user.domain, $user.email, $user.extra]
          - std:User.getEnvironmentOwner().id
          - [$project.id, $project.description, $project.extra]
          - std:Project.getEnvironmentOwner().name
  report:
    Body:
      - $reporter: $.find(std:Environment).reporter
      - $reporter.report($this, 'of the application')
      - $reporter.report(null, 'of the environment')
      - $reporter.report_error($this, 'bad')
      - $.reportDeployed('Title', 3)
      - $.reportDestroyed()
  flow:
    Arguments: [name: {Contract: $.string()}, timeout: {Contract: $.int(), Default: 5}]
    Body:
      - $client: new(sys:MistralClient, $this)
      - $client.upload('version=2.0')
      - Return: $client.run($name, $timeout, dict(x => 1))
  tags:
    Body:
      - $browser: new(sys:MetadefBrowser, $.server.getRegion())
      - Return: list(list(a, X), list(b, X), list(a, Y)).select($browser.canBeAppliedTo($[0], $[1]))
  secret: {Body: {Return: decryptData(encryptData(hush))}}
  watch:
    Arguments: [other: {Contract: $.class(std:Object)}]
    Body:
      - sys:GC.subscribeDestruction($other, $this, onGone)
  unwatch:
    Arguments: [other: {Contract: $.class(std:Object)}]
    Body:
      - sys:GC.unsubscribeDestruction($other, $this, onGone)
  onGone:
    Arguments: [other: {Contract: $.class(std:Object)}]
    Body:
      - $state: 'doomed {0}, destroyed {1}'
      - $.find(std:Environment).reporter.report($this,
          $state.format(sys:GC.isDoomed($other), sys:GC.isDestroyed($other)))
  tidy:
    Body:
      - $one: new(std:Object)
      - $.watch(new(std:Object, $this))
      - sys:GC.collect()
      - Return: sys:GC.isDestroyed($one)
"""

FILES = {
    "Resources/hello.template": """
        FormatVersion: 2.0.0
        Version: 1.0.0
        Name: Hello
        Parameters: {greeting: $greeting}
        Body: return hello(args.greeting).stdout
        Scripts:
          hello:
            Type: Application
            Version: 1.0.0
            EntryPoint: hello.sh
            Files: [<picture.bin>]
            Options: {captureStdout: true, captureStderr: true}
    """,
    "Resources/scripts/hello.sh": "#!/bin/sh\necho $1\n",
    "Resources/scripts/picture.bin": b"\x00\xff",
    "Resources/data.json": '{"key": [1, 2]}',
    "Resources/dates.yaml": "day: 2013-05-23",
    "Resources/broken.yaml": "a: [",
}


@pytest.fixture
def world() -> World:
    package = written(CALLER)
    files = {name: package.files.read(name) for name in package.files.names()}
    world = World(ApplicationPackage.open(archive({**files, **FILES})))
    world.load(caller())
    return world


def caller(**more: Any) -> dict[str, Any]:
    return {"?": {"type": "t.Caller", "id": "c"}, "server": machine("vm"), **more}


def plans(world: World) -> list[tuple[str, dict[str, Any]]]:
    return world.cloud.agents.wire.plans


# Agents


def test_a_plan_is_built_sent_and_answered(world: World) -> None:
    world.cloud.agents.wire.answer = returned("Hello\n")
    assert world.call("c", "plan", 5) == "Hello\n"
    ((queue, plan),) = plans(world)
    assert queue == "eenv-hvm"
    assert (plan["Name"], plan["Action"], plan["Parameters"]) == ("Hello", "Execute", {"greeting": "Hello"})
    script = plan["Scripts"]["hello"]
    assert plan["Files"][script["EntryPoint"]] == {
        "Name": "hello.sh",
        "BodyType": "Text",
        "Body": "#!/bin/sh\necho $1\n",
    }
    (picture,) = script["Files"]
    assert base64.b64decode(plan["Files"][picture]["Body"]) == b"\x00\xff"
    assert world.cloud.agents.wire.messages[0].reply_to.startswith("-execution-results--")
    world.session.finish()


def test_plans_may_be_sent_without_waiting(world: World) -> None:
    world.cloud.agents.wire.answer = lambda plan: None
    assert world.call("c", "send") is None
    assert len(plans(world)) == 1


def agent(world: World) -> MuranoObject:
    found: MuranoObject = world.object("vm").values["agent"]
    return found


def test_raw_plans_are_sent_as_they_are(world: World) -> None:
    world.cloud.agents.wire.answer = returned(7)
    plan = {"FormatVersion": "2.0.0", "ID": "mine", "Body": "return 7", "Scripts": {}, "Files": {}}
    assert world.session.call(agent(world), "callRaw", plan) == 7
    world.session.call(agent(world), "sendRaw", plan)
    assert [sent for _, sent in plans(world)] == [plan, plan]
    assert world.cloud.agents.wire.messages[0].id == "mine"


def test_an_agent_is_waited_for(world: World) -> None:
    assert world.session.call(agent(world), "isReady", 5) is True
    world.session.call(agent(world), "waitReady", 5)
    world.cloud.agents.wire.answer = lambda plan: None
    assert world.session.call(agent(world), "isReady", 0.05) is False
    with pytest.raises(MuranoPlError, match=r"did not respond within 0\.05 seconds") as caught:
        world.session.call(agent(world), "waitReady", 0.05)
    assert caught.value.names[0] == "murano.common.exceptions.TimeoutException"


def test_an_agent_that_fails_says_why(world: World) -> None:
    body = {"Message": "no such file", "AdditionalInfo": "trace", "more": 1}
    world.cloud.agents.wire.answer = lambda plan: {
        "FormatVersion": "2.0.0",
        "ErrorCode": 101,
        "Body": body,
        "Time": "now",
    }
    with pytest.raises(MuranoPlError, match="no such file") as caught:
        world.call("c", "plan", 5)
    assert caught.value.extra["errorCode"] == 101
    assert caught.value.extra["extra"] == {"more": 1}


def test_agents_can_be_forbidden(world: World) -> None:
    world.cloud.agents.enabled = False
    world.load(caller())
    assert world.session.get(agent(world), "enabled") is False
    with pytest.raises(MuranoPlError, match="disallowed") as caught:
        world.call("c", "plan", 5)
    assert caught.value.names[0] == "murano.common.exceptions.PolicyViolationException"


def test_a_listener_has_the_name_of_its_region(world: World) -> None:
    listener = world.object("env").values["agentListener"]
    name = world.session.call(listener, "queueName")
    assert name.startswith("-execution-results--")
    world.session.call(listener, "start")
    world.session.call(listener, "subscribe", "m")
    world.session.call(listener, "unsubscribe", "m")
    world.session.call(listener, "stop")
    assert world.session.get(listener, "enabled") is True


def test_commands_are_run_on_machines(world: World) -> None:
    world.cloud.agents.wire.answer = returned({"exitCode": 0, "stdout": "/root\n", "stderr": ""})
    assert world.call("c", "command") == {"exitCode": 0, "stdout": "/root\n", "stderr": ""}
    world.call("c", "command", True)
    for (_, plan), verify in zip(plans(world), (True, False), strict=True):
        assert plan["Name"] == "Execute echo $HOME"
        script = plan["Scripts"]["runCommand"]
        assert plan["Files"][script["EntryPoint"]]["Body"] == "echo $HOME"
        assert script["Options"] == {"captureStdout": True, "captureStderr": True, "verifyExitcode": verify}


def test_files_are_put_on_machines(world: World) -> None:
    world.cloud.agents.wire.answer = returned(True)
    assert world.call("c", "put") is True
    ((_, plan),) = plans(world)
    assert (plan["Name"], plan["Parameters"]) == ("Say hello", {"path": "/etc/motd"})
    script = plan["Scripts"]["putFile"]
    assert "cp -- " in plan["Files"][script["EntryPoint"]]["Body"]
    (content,) = script["Files"]
    assert base64.b64decode(plan["Files"][content]["Body"]) == b"some text"


# Resources


def test_files_of_packages(world: World) -> None:
    assert world.call("c", "texts") == (
        "#!/bin/sh\necho $1\n",
        (1, 2),
        "#!/bin/sh\necho $1\n",
        "Hello",
        "1.0.0",
        "2013-05-23",
    )


def test_files_that_are_not_there_or_broken(world: World) -> None:
    with pytest.raises(MuranoPlError, match=r"package t has no file Resources/nothing\.txt"):
        world.call("c", "missing")
    with pytest.raises(MuranoPlError, match=r"broken\.yaml is no YAML"):
        world.call("c", "broken")


# What is told


def test_reports_and_statistics(world: World) -> None:
    world.call("c", "report")
    assert world.cloud.told[-3:] == [
        ("c", "of the application", "info"),
        ("env", "of the environment", "info"),
        ("c", "bad", "error"),
    ]
    assert world.cloud.tracked == [("track", "c", 100, "t.Caller", "Title", 3), ("untrack", "c", 100)]


def test_logs(world: World) -> None:
    world.call("c", "log")
    name = "applications.t.Caller"
    assert world.cloud.logged[:-1] == [
        (name, "trace", "1"),
        (name, "debug", "debug"),
        (name, "info", "Hello world and all"),
        (name, "warning", "Can not format string: {3}"),
        (name, "warning", "{3}"),
        (name, "warning", "Can not format string: {0.__class__}"),
        (name, "error", "{0.__class__}"),
        (name, "critical", "critical"),
    ]
    last = world.cloud.logged[-1]
    assert last[1] == "error"
    assert last[2].startswith("failed with this\n")
    assert "t.Odd: it is odd" in last[2]


def test_exceptions_are_objects(world: World) -> None:
    caught = world.call("c", "exception")
    assert (caught["name"], caught["message"], caught["cause"]) == ("t.Outer", "wide", "deep")
    assert caught["extra"] == {"a": 1}
    assert caught["methods"] == ("fails",)
    assert caught["trace"].startswith('> File "Classes/all.yaml", line ')
    assert "in method fails of type t.Caller" in caught["trace"]


def test_the_trace_of_where_the_code_is(world: World) -> None:
    assert world.call("c", "here") == ("here",)


# What is asked


def test_users_and_projects(world: World) -> None:
    user, owner, project, owner_project = world.call("c", "who")
    assert user == ("user-1", "name of user-1", "default", "user-1@example.org", {"phone": "1"})
    assert owner == "user-2"
    assert project == ("project-1", "a project", {"tags": ("x",)})
    assert owner_project == "name of project-1"


def test_workflows(world: World) -> None:
    flows = world.cloud.workflows()
    flows.outcomes = {
        "good": WorkflowState("good", "SUCCESS", {"x": 1, "openstack": {}, "__execution": {}, "task": {}}),
        "bad": WorkflowState("bad", "ERROR", {"why": "so"}),
        "slow": WorkflowState("slow", "RUNNING"),
    }
    assert world.call("c", "flow", "good") == {"x": 1}
    assert world.call("c", "flow", "slow", 0) == "slow"
    assert flows.definitions == ["version=2.0"] * 2
    assert flows.started[0] == ("good", {"x": 1}, {})
    for name, words in (
        ("bad", "with ERROR. Execution id: bad"),
        ("slow", "timed out"),
        ("none", "not found"),
    ):
        with pytest.raises(MuranoPlError, match=words):
            world.call("c", "flow", name)


def test_keys_of_metadata(world: World) -> None:
    world.cloud.metadefs().fitting = {"X": ("a",)}
    assert world.call("c", "tags") == (True, False, False)
    assert world.cloud.metadefs().asked == [("namespaces", "X"), ("objects", "X"), ("namespaces", "Y")]


def test_secrets(world: World) -> None:
    assert world.call("c", "secret") == "hush"


# Garbage


def test_destructions_are_told_of(world: World) -> None:
    world.call("c", "watch", world.object("vm"))
    world.object("c").values["server"] = None
    world.execution.collect()
    assert ("c", "doomed True, destroyed False", "info") in world.cloud.told
    assert world.session.store.find("vm") is None


def test_subscriptions_can_be_taken_back(world: World) -> None:
    world.call("c", "watch", world.object("vm"))
    world.call("c", "watch", world.object("vm"))
    world.call("c", "unwatch", world.object("vm"))
    world.object("c").values["server"] = None
    told = len(world.cloud.told)
    world.execution.collect()
    assert world.cloud.told[told:] == []


def test_what_nobody_holds_is_collected_and_what_a_variable_holds_is_not(world: World) -> None:
    assert world.call("c", "tidy") is False
    assert world.cloud.told[-1] == ("c", "doomed True, destroyed False", "info")


def test_a_handler_must_be_there(world: World) -> None:
    world.load(caller())
    garbage = world.session.garbage
    with pytest.raises(MuranoPlError, match="has no method nothing"):
        garbage.subscribe(world.object("vm"), world.object("c"), "nothing")


def test_a_session_without_a_cloud_says_so(world: World) -> None:
    world.session.services = None
    with pytest.raises(MuranoPlError, match="not connected to a cloud"):
        world.call("c", "report")
