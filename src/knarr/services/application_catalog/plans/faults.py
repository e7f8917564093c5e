"""What goes wrong with plans, under the names by which `Catch` of applications knows it."""

from __future__ import annotations

from typing import Any

from knarr.services.application_catalog.language.errors import MuranoPlError, Thrown

_PYTHON = ("builtins.Exception", "builtins.BaseException")


class PlanFault(MuranoPlError, ValueError):
    """A template of which no plan can be built. `place` is the key at fault: `Scripts/deploy/EntryPoint`."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place

    @property
    def names(self) -> tuple[str, ...]:
        return ("builtins.ValueError", *_PYTHON)


class AgentException(Thrown):
    """An agent answered that a plan failed.

    `extra` of an answer of format 2: message, details, errorCode, time, extra (what else its body held);
    of format 1: type, message, command, details, timestamp, source (`execution_plan` or `command`).
    """

    def __init__(self, info: dict[str, Any]) -> None:
        message = info.get("message")
        super().__init__(
            ("murano.engine.system.agent.AgentException", *_PYTHON),
            str(message) if message is not None else "the agent gave no reason",
            info,
        )

    @property
    def error_code(self) -> int | None:
        """1 unknown error, 2 malformed plan, 9 unsupported format, 100 + n raised by a script."""
        return self.extra.get("errorCode")


class AgentTimeout(MuranoPlError):
    """An agent that did not answer in time."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("murano.common.exceptions.TimeoutException", *_PYTHON)


class AgentDisabled(MuranoPlError):
    """Agents are not to be used, by the configuration."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("murano.common.exceptions.PolicyViolationException", *_PYTHON)
