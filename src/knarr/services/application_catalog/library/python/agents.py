"""io.murano.system.Agent and AgentListener: execution plans sent to machines, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import InvalidArguments
from knarr.services.application_catalog.language.pythonclass import murano_class
from knarr.services.application_catalog.language.values import Reference, thawed
from knarr.services.application_catalog.library.outside import outside
from knarr.services.application_catalog.library.python.owners import (
    ENVIRONMENT,
    REGION,
    owner_of,
    region_name,
)
from knarr.services.application_catalog.library.python.resources import Resources
from knarr.services.application_catalog.plans.client import READY_TIMEOUT, AgentClient
from knarr.services.application_catalog.plans.faults import AgentDisabled
from knarr.services.application_catalog.plans.listener import AgentListener as Listener
from knarr_agent.names import agent_queue, results_queue

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject

LISTENER = "io.murano.system.AgentListener"
Resource = Callable[[str], bytes]


@murano_class(LISTENER)
class AgentListener:
    """Hears the answers of the agents of a region. It listens from the first question on."""

    def __init__(self, this: MuranoObject, session: Session, name: str) -> None:
        self._this = this
        self._session = session
        self._name = name
        self._listener: Listener | None = None
        this.values["enabled"] = session.services is None or outside(session).agents.enabled

    def queue_name(self) -> str:
        return results_queue(self._name)

    def start(self) -> None:
        if self._this.values["enabled"]:
            self._opened().start()

    def stop(self) -> None:
        if self._listener is not None:
            with self._session.turns.waiting():
                self._listener.stop()

    def subscribe(self, message_id: str, event: Any = None) -> None:
        """Have the answer to this message kept for who asks."""
        self._check()
        future = self._opened().subscribe(message_id)
        if callable(event):
            future.add_done_callback(lambda done: event(done.result()))

    def unsubscribe(self, message_id: str) -> None:
        self._check()
        self._opened().unsubscribe(message_id)

    def _check(self) -> None:
        if not self._this.values["enabled"]:
            raise AgentDisabled("Use of murano-agent is disallowed by the server configuration")

    def _opened(self) -> Listener:
        if self._listener is None:
            agents = outside(self._session).agents
            self._listener = Listener(self._name, agents.transport(region_name(self._this, None)))
            self._session.on_finish(self._listener.stop)
            self._session.limits.on_cancel(self._listener.stop)
        return self._listener


@murano_class("io.murano.system.Agent")
class Agent:
    """The agent of one machine."""

    def __init__(self, this: MuranoObject, session: Session, host: Any) -> None:
        if not isinstance(host, Reference):
            raise InvalidArguments("new(Agent) needs the instance that it is the agent of: host => $")
        self._session = session
        self._host = host.real
        environment = owner_of(self._host, ENVIRONMENT)
        if environment is None:
            raise InvalidArguments(f"{self._host!r} stands in no environment: its agent has no queue")
        self._environment = environment
        self._client_made: AgentClient | None = None
        this.values["enabled"] = session.services is None or outside(session).agents.enabled

    def queue_name(self) -> str:
        return agent_queue(self._environment.id, self._host.id)

    def call(self, template: Any, resources: Any, timeout: Any = None) -> Any:
        """Have the plan run on the machine, with files of the package that the resources are of.

        Raises AgentException, AgentTimeout (the seconds of the configuration if none are given), PlanFault.
        """
        return self._asked(lambda client: client.call(thawed(template), self._files(resources), timeout))

    def send(self, template: Any, resources: Any) -> None:
        """As `call`, without waiting for the result."""
        self._asked(lambda client: client.send(thawed(template), self._files(resources)))

    def call_raw(self, plan: Any, timeout: Any = None) -> Any:
        """As `call`, for a plan that is ready to be sent."""
        return self._asked(lambda client: client.call_raw(thawed(plan), timeout))

    def send_raw(self, plan: Any) -> None:
        self._asked(lambda client: client.send_raw(thawed(plan)))

    def is_ready(self, timeout: Any = None) -> bool:
        """Whether the agent answers within so many seconds."""
        return bool(self._asked(lambda client: client.is_ready(_ready(timeout))))

    def wait_ready(self, timeout: Any = None) -> None:
        """Wait for the agent to answer. Raises AgentTimeout."""
        self._asked(lambda client: client.wait_ready(_ready(timeout)))

    def prepare(self) -> None:
        """Upstream declares the agent's queue here; ours comes to be with the first plan."""

    def signing_key(self, line_prefix: str = "") -> str:
        """The engine's public key, for the agent's configuration."""
        signer = outside(self._session).agents.signer
        return signer.public_key(line_prefix) if signer is not None else ""

    def transport_section(self) -> str:
        """The section `[transport]` of the agent's configuration; nothing if there is none."""
        settings = outside(self._session).agents.settings(self._region(), self.queue_name())
        if not settings:
            return ""
        lines = [f"{key} = {value}" for key, value in settings.items()]
        return "\n".join(["[transport]", *lines]) + "\n"

    def _asked(self, ask: Callable[[AgentClient], Any]) -> Any:
        client = self._client()
        with self._session.turns.waiting():
            answer = ask(client)
        self._session.limits.step()
        return answer

    def _files(self, resources: Any) -> Resource:
        if not isinstance(resources, Reference):
            raise InvalidArguments("a plan needs the resources that its files are in: new(sys:Resources)")
        store = self._session.store
        for kind in resources.real.kind.mro:
            if kind.python is Resources:
                found: Resources = store.python_of(resources.real, kind)
                return found.read
        raise InvalidArguments(f"{resources!r} is no io.murano.system.Resources")

    def _region_object(self) -> MuranoObject | None:
        if self._host.kind.find_method("getRegion") is not None:
            found = self._session.call(self._host, "getRegion")
            return found.real if isinstance(found, Reference) else None
        return owner_of(self._host, REGION)

    def _region(self) -> str:
        region = self._region_object()
        return str(region.values.get("name") or "") if region is not None else ""

    def _client(self) -> AgentClient:
        if self._client_made is None:
            agents = outside(self._session).agents
            region = self._region_object()
            if region is None:
                raise InvalidArguments(f"{self._host!r} is in no region: nobody hears its agent")
            heard = region.values["agentListener"].real
            listener: AgentListener = self._session.store.python_of(heard, heard.kind)
            self._client_made = AgentClient(
                self._environment.id,
                self._host.id,
                agents.transport(self._region()),
                listener._opened(),
                signer=agents.signer,
                enabled=agents.enabled,
                timeout=agents.timeout,
            )
        return self._client_made


def _ready(timeout: Any) -> float:
    """Seconds to wait for an agent to answer."""
    return READY_TIMEOUT if timeout is None else float(timeout)
