"""Runs one plan from its text to its answer."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from knarr_agent import body, executors, plan, results
from knarr_agent.config import Limits
from knarr_agent.download import Downloader
from knarr_agent.errors import AgentError, MalformedPlan
from knarr_agent.files import Workspace
from knarr_agent.message import Message
from knarr_agent.script import Script

LOG = logging.getLogger(__name__)


def read(message: Message) -> Any:
    """The JSON value in a message, with the message's id if it has none. Raises MalformedPlan."""
    try:
        data = json.loads(message.body)
    except (ValueError, RecursionError) as error:
        raise MalformedPlan(f"the plan is no JSON: {error}") from error
    if isinstance(data, dict) and not data.get("ID") and message.id:
        data["ID"] = message.id
    return data


def run(parsed: plan.Plan, work: Path, limits: Limits) -> dict[str, Any]:
    """The answer to the plan. Whatever goes wrong becomes an answer as well."""
    downloader = Downloader(limits.download, limits.download_timeout)
    settings = executors.Settings(limits.output)
    name = parsed.name or "without a name"
    LOG.info("Plan %s (%s) runs", parsed.id, name)
    try:
        with Workspace(work, parsed, downloader) as workspace:
            scripts = {
                name: Script(executors.create(script, workspace, settings))
                for name, script in parsed.scripts.items()
            }
            value = body.run(parsed.body, parsed.parameters, scripts, limits.python2)
            answer = results.success(parsed.id, results.to_json(value))
    except AgentError as error:
        answer = results.failure(parsed.id, error)
    except Exception as error:
        LOG.exception("Plan %s", parsed.id)
        answer = results.failure(parsed.id, error)
    LOG.info("Plan %s (%s) ended with error code %d", parsed.id, name, answer["ErrorCode"])
    return answer
