"""The bus: calls to a host, and announcements to everybody who listens.

The contract is that of oslo.messaging, so that a bus between hosts can take the place of the one in memory.
Methods are addressed by host and name ("container.logs"). Arguments and results are JSON-able; they are
encoded even in memory, so that code that works here works there. An error of the called side is raised at
the caller. Announcements may be lost: whoever needs them must find what they tell in the database as well.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson

from knarr.kernel import logs
from knarr.kernel.errors import KnarrError, ServiceUnavailable
from knarr.kernel.pool import Pool

LOG = logging.getLogger(__name__)

CALL_TIMEOUT = 60.0
MAX_THREADS = 64


class RemoteError(KnarrError):
    """What a caller sees of an error over there that is none of Knarr's own (the log there has the
    traceback)."""


class Bus(Protocol):
    """What services and the kernel may ask of any bus."""

    def serve(self, host: str, methods: Mapping[str, Callable[..., Any]]) -> None:
        """Answer calls to `host`. Called again, it adds methods."""

    def call(self, host: str, method: str, /, *, timeout: float = CALL_TIMEOUT, **kwargs: Any) -> Any:
        """The result of the method on the host. Raises its KnarrError, RemoteError for any other error there,
        and ServiceUnavailable if the host does not answer within `timeout` seconds."""

    def cast(self, host: str, method: str, /, **kwargs: Any) -> None:
        """Have the method run on the host, without an answer. It may be lost; errors are logged over
        there."""

    def publish(self, topic: str, payload: Any) -> None:
        """Tell all subscribers of the topic on all hosts."""

    def subscribe(self, topic: str, fn: Callable[[Any], None]) -> Callable[[], None]:
        """Call `fn(payload)` for every announcement. `fn` must be quick: it runs in the announcing thread, or
        in one that serves all. The callable that is returned ends the subscription."""

    def close(self) -> None:
        """Take no more calls."""


class LocalBus:
    """The bus of a single process. Calls run in threads of their own, announcements in the announcing one."""

    def __init__(self) -> None:
        self._methods: dict[str, dict[str, Callable[..., Any]]] = {}
        self._subscribers: dict[str, tuple[Callable[[Any], None], ...]] = {}
        self._lock = threading.Lock()
        self._pool = Pool("bus", MAX_THREADS)

    def serve(self, host: str, methods: Mapping[str, Callable[..., Any]]) -> None:
        with self._lock:
            self._methods[host] = {**self._methods.get(host, {}), **methods}

    def call(self, host: str, method: str, /, *, timeout: float = CALL_TIMEOUT, **kwargs: Any) -> Any:
        call = _Call(self._find(host, method), method, kwargs)
        self._submit(call)
        if not call.finished.wait(timeout):
            raise ServiceUnavailable(f"Host {host} did not answer {method} within {timeout:g} seconds.")
        if call.error is not None:
            raise call.error
        return orjson.loads(call.result)

    def cast(self, host: str, method: str, /, **kwargs: Any) -> None:
        self._submit(_Call(self._find(host, method), method, kwargs))

    def publish(self, topic: str, payload: Any) -> None:
        for fn in self._subscribers.get(topic, ()):
            try:
                fn(payload)
            except Exception:  # one subscriber's failure is neither the publisher's nor the others'
                LOG.exception("a subscriber of %s failed", topic)

    def subscribe(self, topic: str, fn: Callable[[Any], None]) -> Callable[[], None]:
        with self._lock:
            self._subscribers[topic] = (*self._subscribers.get(topic, ()), fn)
        return lambda: self._unsubscribe(topic, fn)

    def close(self) -> None:
        self._pool.close()

    def _unsubscribe(self, topic: str, fn: Callable[[Any], None]) -> None:
        with self._lock:
            self._subscribers[topic] = tuple(f for f in self._subscribers.get(topic, ()) if f is not fn)

    def _find(self, host: str, method: str) -> Callable[..., Any]:
        methods = self._methods.get(host)
        if methods is None:
            raise ServiceUnavailable(f"Host {host} is not reachable.")
        if method not in methods:
            raise ServiceUnavailable(f"Host {host} does not offer {method}.")
        return methods[method]

    def _submit(self, call: _Call) -> None:
        if not self._pool.submit(call.run):
            raise ServiceUnavailable("The service is shutting down.")


class _Call:
    """One call under way: what is asked, and then the result (encoded) or the error."""

    def __init__(self, fn: Callable[..., Any], method: str, kwargs: dict[str, Any]) -> None:
        self.fn = fn
        self.method = method
        self.arguments = orjson.dumps(kwargs)
        self.request_id = logs.request_id.get()
        self.finished = threading.Event()
        self.result = b"null"
        self.error: KnarrError | None = None

    def run(self) -> None:
        with logs.request(self.request_id):
            try:
                self.result = orjson.dumps(self.fn(**orjson.loads(self.arguments)))
            except KnarrError as error:
                self.error = error
            except Exception as error:  # the caller, on another host maybe, gets what the wire can carry
                LOG.exception("%s failed", self.method)
                self.error = RemoteError(f"{self.method} failed: {str(error) or type(error).__name__}")
        self.finished.set()
