"""A cloud in memory that records what the core library asks of it. It stands behind `library.outside`."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.library.outside import OPTIONS, OutsideFault, Who, WorkflowState
from knarr.services.application_catalog.plans.signing import Signer
from knarr_agent.message import Message
from knarr_agent.transports import Delivery

from .networks import MemoryNetworks
from .stacks import MemoryStacks

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


def returned(value: Any) -> Answer:
    """An agent whose plans all give this."""
    return lambda plan: {"FormatVersion": "2.0.0", "ErrorCode": 0, "Body": value}


class MemoryTransport:
    """Queues with an agent at the end of each: `answer` gives what it says to a plan, None if silent."""

    def __init__(self) -> None:
        self.answer: Answer = returned(None)
        self.plans: list[tuple[str, dict[str, Any]]] = []
        self.messages: list[Message] = []
        self._queues: dict[str, deque[Message]] = defaultdict(deque)
        self._changed = threading.Condition()

    def send(self, queue: str, message: Message) -> None:
        plan = json.loads(message.body)
        self.plans.append((queue, plan))
        self.messages.append(message)
        answer = self.answer(plan)
        if answer is not None:
            with self._changed:
                body = json.dumps({**answer, "SourceID": message.id})
                self._queues[message.reply_to].append(Message(body, message.id))
                self._changed.notify_all()

    def receive(self, queue: str, timeout: float) -> Delivery | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queues[queue], timeout)
            return Delivery("1", self._queues[queue].popleft()) if self._queues[queue] else None

    def acknowledge(self, queue: str, receipt: str) -> None: ...

    def close(self) -> None: ...


class MemoryAgents:
    def __init__(self) -> None:
        self.enabled = True
        self.timeout = 10.0
        self.signer: Signer | None = None
        self.section: dict[str, str] = {}
        self.wire = MemoryTransport()

    def transport(self, region: str) -> MemoryTransport:
        return self.wire

    def settings(self, region: str, queue: str) -> Mapping[str, str]:
        return self.section


class MemoryIdentity:
    def user(self, ident: str) -> Mapping[str, Any]:
        row = {
            "id": ident,
            "name": f"name of {ident}",
            "domain_id": "default",
            "email": f"{ident}@example.org",
        }
        return row | {"links": {}, "enabled": True, "default_project_id": "p", "phone": "1"}

    def project(self, ident: str) -> Mapping[str, Any]:
        row = {"id": ident, "name": f"name of {ident}", "domain_id": "default", "description": "a project"}
        return row | {"links": {}, "enabled": True, "parent_id": "p", "tags": ["x"]}


class MemoryWorkflows:
    """Workflows by name: what their executions give."""

    def __init__(self) -> None:
        self.definitions: list[str] = []
        self.started: list[tuple[str, Any, Any]] = []
        self.outcomes: dict[str, WorkflowState] = {}

    def upload(self, definition: str) -> None:
        self.definitions.append(definition)

    def start(self, name: str, inputs: Mapping[str, Any], params: Mapping[str, Any]) -> str:
        if name not in self.outcomes:
            raise OutsideFault(f"Workflow not found [name={name}]")
        self.started.append((name, inputs, params))
        return name

    def ended(self, ident: str, seconds: float, limits: Limits) -> WorkflowState:
        limits.step()
        return self.outcomes[ident]


class MemoryMetadefs:
    """Keys of metadata that fit types of resources."""

    def __init__(self) -> None:
        self.fitting: dict[str, tuple[str, ...]] = {}
        self.asked: list[tuple[str, str]] = []

    def namespaces(self, resource_type: str) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("namespaces", resource_type))
        return [{"namespace": resource_type}] if resource_type in self.fitting else []

    def objects(self, namespace: str) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("objects", namespace))
        return [{"name": "one", "properties": {key: {} for key in self.fitting[namespace]}}]


class Cloud:
    """Everything of it. `told` are (entity, text, level); `logged` (name, level, text); `tracked` rows."""

    def __init__(self) -> None:
        self.who = Who("user-1", "project-1", "user-2", "project-1")
        self.agents = MemoryAgents()
        self.identity = MemoryIdentity()
        self.reports = self.statistics = self.logs = self
        self.options: dict[str, dict[str, Any]] = {key: dict(value) for key, value in OPTIONS.items()}
        self.files: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.told: list[tuple[str, str, str]] = []
        self.logged: list[tuple[str, str, str]] = []
        self.tracked: list[tuple[Any, ...]] = []
        self._networks: dict[str, MemoryNetworks] = defaultdict(MemoryNetworks)
        self._stacks: dict[str, MemoryStacks] = {}
        self._metadefs: dict[str, MemoryMetadefs] = defaultdict(MemoryMetadefs)
        self._workflows: dict[str, MemoryWorkflows] = defaultdict(MemoryWorkflows)

    def stacks(self, region: str = "") -> MemoryStacks:
        if region not in self._stacks:
            self._stacks[region] = MemoryStacks(self.networks(region))
        return self._stacks[region]

    def networks(self, region: str = "") -> MemoryNetworks:
        return self._networks[region]

    def metadefs(self, region: str = "") -> MemoryMetadefs:
        return self._metadefs[region]

    def workflows(self, region: str = "") -> MemoryWorkflows:
        return self._workflows[region]

    def config(self, section: str, option: str, read_as_file: bool = False) -> Any:
        found = self.options[section][option]
        return self.files[found] if read_as_file else found

    def encrypt(self, value: str) -> str:
        reference = f"secret-{len(self.secrets)}"
        self.secrets[reference] = value
        return reference

    def decrypt(self, value: str) -> str:
        if value not in self.secrets:
            raise OutsideFault(f"there is no secret {value}")
        return self.secrets[value]

    def report(self, environment: str, entity: str, text: str, level: str, details: Any = None) -> None:
        self.told.append((entity, text, level))

    def log(self, name: str, level: str, text: str) -> None:
        self.logged.append((name, level, text))

    def track(
        self,
        environment: str,
        instance: str,
        kind: int,
        type_name: str,
        type_title: str | None,
        unit_count: int | None,
    ) -> None:
        self.tracked.append(("track", instance, kind, type_name, type_title, unit_count))

    def untrack(self, environment: str, instance: str, kind: int) -> None:
        self.tracked.append(("untrack", instance, kind))

    # For tests

    def the_stack(self, region: str = "") -> Any:
        """The region's only stack."""
        (stack,) = self.stacks(region).stacks.values()
        return stack

    def template(self, region: str = "") -> dict[str, Any]:
        """The template of the region's only stack."""
        (state,) = self.stacks(region).states.values()
        assert "_FAILED" not in state.status, state.reason
        return dict(state.template)
