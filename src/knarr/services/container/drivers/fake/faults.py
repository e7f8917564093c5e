"""Delays and failures on demand: out of the configuration, or while it runs, by the routes below
/v1/fake_engine."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from knarr.services.container.drivers.base import (
    CommandNotFound,
    EngineConflict,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    RegistryUnavailable,
)

ERRORS: dict[str, type[EngineError]] = {
    "error": EngineError,
    "unavailable": EngineUnavailable,
    "timeout": EngineTimeout,
    "not_there": NotThere,
    "image_not_found": ImageNotFound,
    "registry_unavailable": RegistryUnavailable,
    "conflict": EngineConflict,
    "invalid": InvalidRequest,
    "command_not_found": CommandNotFound,
}


@dataclass(slots=True)
class Fault:
    """One of them: on ``method`` of the engine (``*``: all), ``times`` more (None: always), for ``seconds``
    from now (None: without end).

    ``match`` is a regular expression on what the call is about: the image of a pull; the engine's name
    (``zun-<uuid>``) and the image of a container. The call waits for ``delay`` seconds, then fails with
    ``error`` (one of ERRORS; None: it goes on).
    """

    method: str
    delay: float = 0.0
    error: str | None = None
    message: str = ""
    times: int | None = None
    match: str = ""
    seconds: float | None = None
    until: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.error is not None and self.error not in ERRORS:
            raise InvalidRequest(f"error {self.error!r} is none of {', '.join(sorted(ERRORS))}")
        if self.delay < 0:
            raise InvalidRequest("delay is below 0")
        if self.seconds is not None:
            self.until = time.monotonic() + self.seconds
        try:
            re.compile(self.match)
        except re.error as error:
            raise InvalidRequest(f"match is no regular expression: {error}") from None

    @property
    def alive(self) -> bool:
        return self.times != 0 and (self.until is None or time.monotonic() < self.until)


def _shown(fault: Fault) -> dict[str, Any]:
    view = asdict(fault)
    until = view.pop("until")
    if until is not None:
        view["seconds"] = round(until - time.monotonic(), 3)
    return view


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self, method: str | None = None) -> None:
        with self._lock:
            self._faults = [fault for fault in self._faults if method not in (None, fault.method)]

    def listed(self) -> list[dict[str, Any]]:
        """Those that can still strike. ``seconds`` is what is left of them."""
        with self._lock:
            self._faults = [fault for fault in self._faults if fault.alive]
            return [_shown(fault) for fault in self._faults]

    def apply(self, method: str, subject: str) -> None:
        """Waits and fails as asked for this call."""
        if not self._faults:
            return
        for fault in self._due(method, subject):
            if fault.delay:
                time.sleep(fault.delay)
            if fault.error:
                raise ERRORS[fault.error](
                    fault.message or f"{method} of {subject or 'the engine'} was made to fail"
                )

    def _due(self, method: str, subject: str) -> list[Fault]:
        with self._lock:
            due = [
                fault
                for fault in self._faults
                if fault.method in (method, "*") and fault.alive and re.search(fault.match, subject)
            ]
            for fault in due:
                if fault.times:
                    fault.times -= 1
            return due


def parse(text: str) -> Fault:
    """``start:error=unavailable,times=2`` as in the configuration."""
    method, _, rest = text.partition(":")
    given = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
    try:
        return Fault(
            method=method.strip(),
            delay=float(given.pop("delay", 0)),
            error=given.pop("error", None),
            message=given.pop("message", ""),
            times=int(given.pop("times")) if "times" in given else None,
            match=given.pop("match", ""),
            seconds=float(given.pop("seconds")) if "seconds" in given else None,
        )
    except ValueError as error:
        raise InvalidRequest(f"fault {text!r}: {error}") from None
