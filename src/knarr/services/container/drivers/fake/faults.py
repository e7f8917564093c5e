"""Delays and failures on demand."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import asdict, dataclass
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
    """One of them: on ``method`` (``*``: all), for first arguments that match, ``times`` more (None:
    always)."""

    method: str
    delay: float = 0.0
    error: str | None = None
    message: str = ""
    times: int | None = None
    match: str = ""

    def __post_init__(self) -> None:
        if self.error is not None and self.error not in ERRORS:
            raise InvalidRequest(f"error {self.error!r} is none of {', '.join(sorted(ERRORS))}")
        if self.delay < 0:
            raise InvalidRequest("delay is below 0")
        try:
            re.compile(self.match)
        except re.error as error:
            raise InvalidRequest(f"match is no regular expression: {error}") from None


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
        with self._lock:
            return [asdict(fault) for fault in self._faults]

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
                if fault.method in (method, "*") and fault.times != 0 and re.search(fault.match, subject)
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
        )
    except ValueError as error:
        raise InvalidRequest(f"fault {text!r}: {error}") from None
