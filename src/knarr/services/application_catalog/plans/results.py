"""Reads the answers of agents."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from knarr.services.application_catalog.plans.faults import AgentException


def value_of(answer: Any) -> Any:
    """What the plan's body returned; for a plan of format 1 the output of its last command.

    Raises AgentException for an answer that tells of an error, and for one that is none.
    """
    if not isinstance(answer, Mapping):
        raise AgentException({"message": "the agent's answer is no mapping", "details": answer})
    if str(answer.get("FormatVersion") or "1.0.0").startswith("1."):
        return _legacy(answer)
    code = answer.get("ErrorCode") or 0
    body = answer.get("Body")
    if not code:
        return body
    told = dict(body) if isinstance(body, Mapping) else {"Message": body}
    raise AgentException(
        {
            "message": told.pop("Message", None),
            "details": told.pop("AdditionalInfo", None),
            "errorCode": code,
            "time": answer.get("Time"),
            "extra": told or None,
        }
    )


def _legacy(answer: Mapping[str, Any]) -> Any:
    results = answer.get("Result")
    if answer.get("IsException"):
        raise AgentException(_exception(results) | {"source": "execution_plan"})
    if not isinstance(results, Sequence) or isinstance(results, str) or not results:
        return None
    last = results[-1]
    if not isinstance(last, Mapping):
        return last
    if last.get("IsException"):
        raise AgentException(_exception(last.get("Result")) | {"source": "command"})
    return last.get("Result")


def _exception(parts: Any) -> dict[str, Any]:
    """An exception of PowerShell: its type, what it says, the command, and more."""
    listed = list(parts) if isinstance(parts, (list, tuple)) else [] if parts is None else [parts]
    if len(listed) == 1:
        listed.insert(0, None)  # a plan that could not be read: the message alone
    kind, message, command, details = (*listed, None, None, None, None)[:4]
    return {
        "type": kind,
        "message": message,
        "command": command,
        "details": details,
        "timestamp": datetime.datetime.now().isoformat(),
    }
