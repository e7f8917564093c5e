"""Talks to the agent of one machine: what stands behind `io.murano.system.Agent`."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import CancelledError
from typing import Any

from knarr.services.application_catalog.plans.building import PlanBuilder, Resource, Stamps
from knarr.services.application_catalog.plans.faults import AgentDisabled, AgentException, AgentTimeout
from knarr.services.application_catalog.plans.listener import AgentListener
from knarr.services.application_catalog.plans.results import value_of
from knarr.services.application_catalog.plans.signing import Signer
from knarr_agent.message import Message
from knarr_agent.names import agent_queue
from knarr_agent.transports import Transport, TransportError

DEFAULT_TIMEOUT = 3600.0
READY_TIMEOUT = 100.0

# For all clients of this process: several of them may talk to one agent.
_STAMPS = Stamps()
_SENDING = tuple(threading.Lock() for _ in range(64))


class AgentClient:
    """One machine's agent. `enabled` False stands for a configuration that allows no agents."""

    def __init__(
        self,
        environment_id: str,
        host_id: str,
        transport: Transport,
        listener: AgentListener,
        *,
        signer: Signer | None = None,
        enabled: bool = True,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self.queue_name = agent_queue(environment_id, host_id)
        self.enabled = enabled
        self._transport = transport
        self._listener = listener
        self._signer = signer
        self._timeout = timeout

    def call(
        self, template: Mapping[str, Any] | str | bytes, resource: Resource, timeout: float | None = None
    ) -> Any:
        """Build the plan, have it run, and give what its body returns.

        Raises PlanFault, AgentException, AgentTimeout after so many seconds, AgentDisabled.
        """
        self._check()
        return self._called(self.build(template, resource), timeout, stamped=True)

    def send(self, template: Mapping[str, Any] | str | bytes, resource: Resource) -> None:
        """Build the plan and send it, without waiting for what becomes of it."""
        self._check()
        plan = self.build(template, resource)
        self._sent(plan, _ident(plan), stamped=True)

    def call_raw(self, plan: Mapping[str, Any], timeout: float | None = None) -> Any:
        """As `call`, for a plan that is ready: it is sent as it is."""
        self._check()
        return self._called(plan, timeout, stamped=False)

    def _called(self, plan: Mapping[str, Any], timeout: float | None, stamped: bool) -> Any:
        seconds = self._timeout if timeout is None else timeout
        ident = _ident(plan)
        future = self._listener.subscribe(ident)
        try:
            self._sent(plan, ident, stamped)
            return value_of(future.result(seconds))
        except TimeoutError:
            raise AgentTimeout(f"The murano-agent did not respond within {seconds:g} seconds") from None
        except CancelledError:
            raise AgentTimeout("The murano-agent was not waited for any longer") from None
        finally:
            self._listener.unsubscribe(ident)

    def send_raw(self, plan: Mapping[str, Any]) -> None:
        """As `send`, for a plan that is ready: it is sent as it is."""
        self._check()
        self._sent(plan, _ident(plan), stamped=False)

    def is_ready(self, timeout: float = READY_TIMEOUT) -> bool:
        """Whether the agent answers within so many seconds."""
        try:
            self.wait_ready(timeout)
        except AgentTimeout:
            return False
        return True

    def wait_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Wait until the agent answers. Raises AgentTimeout."""
        self.call({"FormatVersion": "2.0.0", "Body": "return", "Scripts": {}}, _nothing, timeout)

    def build(self, template: Mapping[str, Any] | str | bytes, resource: Resource) -> dict[str, Any]:
        """The plan. Raises PlanFault."""
        return PlanBuilder(resource, stamps=_STAMPS).build(template)

    def signing_key(self, line_prefix: str = "") -> str:
        """The public key for the agent's configuration, each line after the prefix; or nothing."""
        return self._signer.public_key(line_prefix) if self._signer else ""

    def _sent(self, plan: Mapping[str, Any], ident: str, stamped: bool) -> None:
        """Send the plan, `stamped` with a number that is later than those of all plans in the queue.

        Agents refuse a plan whose Stamp is not later than that of one they have begun. So the number is given
        at the last moment, and what was given first is sent first.
        """
        with _SENDING[hash(self.queue_name) % len(_SENDING)]:
            body = json.dumps({**plan, "Stamp": _STAMPS()} if stamped else plan)
            signature = self._signer.sign(self.queue_name, body) if self._signer else b""
            try:
                message = Message(body, ident, self._listener.queue_name, signature)
                self._transport.send(self.queue_name, message)
            except TransportError as error:
                raise AgentException({"message": f"the plan could not be sent: {error}"}) from error

    def _check(self) -> None:
        if not self.enabled:
            raise AgentDisabled("Use of murano-agent is disallowed by the server configuration")


def _ident(plan: Mapping[str, Any]) -> str:
    return str(plan.get("ID") or uuid.uuid4().hex)


def _nothing(name: str) -> bytes:
    raise FileNotFoundError(name)
