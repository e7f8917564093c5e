"""Types of scripts, and what runs them."""

from __future__ import annotations

import importlib

from knarr_agent.errors import MalformedPlan
from knarr_agent.executors.base import Executor, Settings
from knarr_agent.files import Workspace
from knarr_agent.plan import PlanScript

# Type of script: the module, and the class in it; imported when needed, since not every machine has PyYAML.
_KNOWN = {
    "Application": ("application", "Application"),
    "Chef": ("chef", "Chef"),
    "Puppet": ("puppet", "Puppet"),
}


def create(script: PlanScript, workspace: Workspace, settings: Settings) -> Executor:
    """The executor for the script's type."""
    if script.type not in _KNOWN:
        raise MalformedPlan(f"must be one of {', '.join(_KNOWN)}", f"Scripts/{script.name}/Type")
    module, name = _KNOWN[script.type]
    executor: type[Executor] = getattr(importlib.import_module(f"knarr_agent.executors.{module}"), name)
    return executor(script, workspace, settings)


__all__ = ["Executor", "Settings", "create"]
