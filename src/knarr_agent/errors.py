"""What goes wrong with a plan, with the error codes that the engine is told.

0 good, 1 unknown error, 2 malformed plan, 9 unsupported format version, 100 + n raised by a script.
"""

from __future__ import annotations

from typing import Any

GOOD = 0
UNKNOWN = 1
MALFORMED = 2
UNSUPPORTED_FORMAT = 9
SCRIPT = 100


class AgentError(Exception):
    """An error with a code and, possibly, details (a JSON value) for the answer's AdditionalInfo."""

    def __init__(self, code: int, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class MalformedPlan(AgentError):  # noqa: N818  the name says it
    """A plan that cannot be run. `place` names the key at fault, like `Scripts/deploy/EntryPoint`."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(MALFORMED, f"{place}: {message}" if place else message)
        self.place = place
        self.reason = message


class UnsupportedFormat(AgentError):  # noqa: N818  the name says it
    """A plan of a format that is not known here."""

    def __init__(self, message: str) -> None:
        super().__init__(UNSUPPORTED_FORMAT, message)


class ScriptError(AgentError):
    """A script that failed. `number` is what it chose to raise: the answer's code is 100 + number."""

    def __init__(self, number: int, message: str, details: Any = None) -> None:
        super().__init__(SCRIPT + number, message, details)


class RunFailed(AgentError):  # noqa: N818  the name says it
    """Everything else that stops a plan."""

    def __init__(self, message: str, details: Any = None) -> None:
        super().__init__(UNKNOWN, message, details)


class ConfigError(Exception):
    """A configuration that cannot be used. `str()` names the option."""
