"""Waits for the answers of agents, and gives each to the one who asked."""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import Future
from typing import Any

from knarr_agent.names import results_queue
from knarr_agent.transports import Transport, TransportError

LOG = logging.getLogger(__name__)

# How long the thread waits for one answer before it looks whether it is still wanted; and after a failure.
WAIT_SECONDS = 1.0


class AgentListener:
    """The results queue of a region. Its thread runs from the first subscription until `stop`."""

    def __init__(self, name: str, transport: Transport) -> None:
        self.queue_name = results_queue(name)
        self._transport = transport
        self._waiting: dict[str, Future[Any]] = {}
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def subscribe(self, plan_id: str) -> Future[Any]:
        """The answer to the plan, once it is there."""
        future: Future[Any] = Future()
        with self._mutex:
            self._waiting[plan_id] = future
        self.start()
        return future

    def unsubscribe(self, plan_id: str) -> None:
        """Nobody waits for it any longer."""
        with self._mutex:
            self._waiting.pop(plan_id, None)

    def start(self) -> None:
        """Listen, if it does not already."""
        with self._mutex:
            if self._thread is None or not self._thread.is_alive():
                self._stopped.clear()
                self._thread = threading.Thread(target=self._listen, name=self.queue_name, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread; who still waits is told so."""
        self._stopped.set()
        with self._mutex:
            thread, self._thread = self._thread, None
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.cancel()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                delivery = self._transport.receive(self.queue_name, WAIT_SECONDS)
                if delivery is None:
                    continue
                if delivery.message is None:
                    LOG.warning("An answer of an agent was dropped: %s", delivery.problem)
                else:
                    self._deliver(delivery.message.id, delivery.message.body)
                self._transport.acknowledge(self.queue_name, delivery.receipt)
            except TransportError as error:
                LOG.warning("%s", error)
                self._stopped.wait(WAIT_SECONDS)

    def _deliver(self, message_id: str, body: str) -> None:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            LOG.warning("An answer of an agent was dropped: %s", error)
            return
        source = answer.get("SourceID") if isinstance(answer, dict) else None
        with self._mutex:
            future = self._waiting.pop(str(source or message_id), None)
        if future is None:
            LOG.debug("Nobody waits for the answer to %s", source or message_id)
        elif future.set_running_or_notify_cancel():
            future.set_result(answer)
