"""Answers to plans."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from knarr_agent.errors import GOOD, UNKNOWN, AgentError, RunFailed

FORMAT_VERSION = "2.0.0"
ACTION = "Execution:Result"


def success(plan_id: str, body: Any) -> dict[str, Any]:
    """The plan ran, and its body returned this."""
    return _answer(plan_id, GOOD, body)


def failure(plan_id: str, error: BaseException) -> dict[str, Any]:
    """The plan was refused or failed."""
    if not isinstance(error, AgentError):
        name = type(error).__name__
        error = AgentError(UNKNOWN, str(error) or name, {"type": name})
    details = error.details if _is_json(error.details) else repr(error.details)
    return _answer(plan_id, error.code, {"Message": error.message, "AdditionalInfo": details})


def encode(answer: dict[str, Any], limit: int) -> str:
    """The answer as JSON text. One beyond the limit of bytes becomes an error that says so."""
    text = json.dumps(answer)
    if len(text) <= limit:
        return text
    error: AgentError = RunFailed(f"the plan's result has {len(text)} bytes; at most {limit} can be sent")
    if answer["ErrorCode"] != GOOD:
        message = str(answer["Body"]["Message"])[: max(0, limit // 8)]
        error = AgentError(answer["ErrorCode"], f"{message} (shortened)")
    return json.dumps(failure(answer["SourceID"], error))


def to_json(value: Any) -> Any:
    """What a body returned, as a JSON value: bytes become text, views and tuples become lists.

    Raises RunFailed naming the type of what JSON cannot hold.
    """
    try:
        return json.loads(json.dumps(value, default=_convert, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise RunFailed(f"Body returned what JSON cannot hold: {error}") from error


def _convert(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(
        value, (set, frozenset, range, map, filter, zip, type({}.keys()), type({}.values()), type({}.items()))
    ):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__}")


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _answer(plan_id: str, code: int, body: Any) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)  # noqa: UP017
    return {
        "FormatVersion": FORMAT_VERSION,
        "ID": uuid.uuid4().hex,
        "SourceID": plan_id,
        "Action": ACTION,
        "ErrorCode": code,
        "Body": body,
        "Time": str(now),
    }
