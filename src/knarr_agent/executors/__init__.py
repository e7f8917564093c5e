"""Types of scripts, and what runs them."""

from __future__ import annotations

from collections.abc import Callable

from knarr_agent.errors import MalformedPlan
from knarr_agent.executors.base import Executor, Settings
from knarr_agent.files import Workspace
from knarr_agent.plan import PlanScript


def create(script: PlanScript, workspace: Workspace, settings: Settings) -> Executor:
    """The executor for the script's type."""
    from knarr_agent.executors.application import Application
    from knarr_agent.executors.chef import Chef
    from knarr_agent.executors.puppet import Puppet

    known: dict[str, Callable[[PlanScript, Workspace, Settings], Executor]] = {
        "Application": Application,
        "Chef": Chef,
        "Puppet": Puppet,
    }
    if script.type not in known:
        raise MalformedPlan(f"must be one of {', '.join(known)}", f"Scripts/{script.name}/Type")
    return known[script.type](script, workspace, settings)


__all__ = ["Executor", "Settings", "create"]
