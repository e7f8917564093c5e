"""Plans as applications meet them: templates of their package, answers, and errors that they catch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.package import ApplicationPackage
from knarr.services.application_catalog.plans.client import AgentClient
from knarr.services.application_catalog.plans.listener import AgentListener
from knarr_agent import plan as plans
from knarr_agent import runner
from knarr_agent.config import Limits
from knarr_agent.message import Message
from knarr_agent.results import encode
from knarr_agent.transports.folder import FolderTransport

from ..conftest import CORE, of_classes, package

# A plan of the field, for Docker, in Python 2.
RUN_CONTAINER = """
    FormatVersion: 2.0.0
    Version: 1.0.0
    Name: Run container
    Parameters:
      appName: $appName
      portMap: $portMap
      env: $env
    Body: |
      options = ['-d', '--name ' + args.appName]
      for host, container in sorted(args.portMap.iteritems()):
        options.append('-p {0}:{1}'.format(host, container))
      for key, value in args.env.iteritems():
        options.append("-e '{0}'='{1}'".format(key, value))
      print 'runs', args.appName
      started = runCommand('run {0}'.format(' '.join(options)).rstrip())
      return started.stdout, runCommand('inspect -f={{.NetworkSettings.IPAddress}} ' + args.appName).stdout
    Scripts:
      runCommand:
        Type: Application
        Version: 1.0.0
        EntryPoint: runCommand.sh
        Options: {captureStdout: true, captureStderr: true}
"""
CLASSES = """
    Name: Main
    Properties:
      machine: {Contract: $.class(Machine).notNull()}
    Methods:
      deploy:
        Body:
          - $ports: dict(8080 => 80, 443 => 443)
          - $values: dict(appName => shop, portMap => $ports, env => {GREETING => 'good day'})
          - Return: $.machine.call($.machine.template('RunContainer.template').bind($values))
      fail:
        Body:
          - Try:
              - $.machine.call({FormatVersion => '2.0.0', Body => 'raise ValueError, "no room"'})
            Catch:
              - With: murano.engine.system.agent.AgentException
                As: error
                Do:
                  - Return: [$error.message, $error.extra.errorCode, $error.extra.details.type]
      bad:
        Body:
          - Try:
              - $.machine.call({FormatVersion => '2.0.0', Scripts => {a => {Type => Application}}})
            Catch:
              - As: error
                Do:
                  - Return: $error.message
    ---
    Name: Machine
"""


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[FolderTransport]:
    made = FolderTransport(tmp_path / "queues")
    yield made
    made.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[FolderTransport]:
    """An agent in a thread: it takes plans and answers them until the test ends."""
    transport, ended = FolderTransport(tmp_path / "queues"), threading.Event()

    def work() -> None:
        while not ended.is_set():
            delivery = transport.receive("e1-h2", 0.2)
            if delivery is None or delivery.message is None:
                continue
            parsed = plans.parse(json.loads(delivery.message.body))
            answer = encode(runner.run(parsed, tmp_path / "work", Limits()), 10_000)
            transport.acknowledge("e1-h2", delivery.receipt)
            transport.send(delivery.message.reply_to, Message(answer, parsed.id))

    thread = threading.Thread(target=work)
    thread.start()
    yield transport
    ended.set()
    thread.join()
    transport.close()


@pytest.fixture
def call(queues: FolderTransport, agent: FolderTransport) -> Iterator[Any]:
    """Call a method of the application."""
    listener = AgentListener("x", queues)
    client = AgentClient("1", "2", queues, listener, timeout=60)
    own: list[ApplicationPackage] = []

    class Machine:
        def __init__(self, this: Any, session: Session) -> None:
            pass

        def template(self, name: str) -> Any:
            import yaml

            return yaml.safe_load(own[0].resource(name))

        def call(self, template: Any) -> Any:
            return client.call(template, own[0].resource)

    files = of_classes(CLASSES) | {
        "Resources/RunContainer.template": RUN_CONTAINER,
        "Resources/scripts/runCommand.sh": '#!/bin/sh\nfor word in "$@"; do printf "<%s>" "$word"; done\n',
    }
    own.append(package(files, Machine=Machine))
    session = Session(Catalogue([package(CORE), own[0]]))
    root = session.store.load_tree(
        {"?": {"id": "main", "type": "t.Main"}, "machine": {"?": {"id": "m", "type": "t.Machine"}}}
    )
    yield lambda method: session.call(root, method)
    listener.stop()


def test_a_template_of_the_package_runs_on_the_machine(call: Any) -> None:
    assert list(call("deploy")) == [
        "<run><-d><--name><shop><-p><443:443><-p><8080:80><-e><GREETING=good day>",
        "<inspect><-f={{.NetworkSettings.IPAddress}}><shop>",
    ]


def test_an_application_catches_what_an_agent_answers(call: Any) -> None:
    assert list(call("fail")) == ["no room", 1, "ValueError"]


def test_an_application_is_told_what_is_wrong_with_its_template(call: Any) -> None:
    assert call("bad") == "Scripts/a/EntryPoint: is missing"
