"""What the executors have in common."""

from __future__ import annotations

import logging
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knarr_agent import process
from knarr_agent.bunch import Bunch
from knarr_agent.errors import ScriptError
from knarr_agent.files import Workspace
from knarr_agent.plan import PlanScript

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """`output_limit`: bytes kept of what a script writes, for each of its two outputs."""

    output_limit: int = 1024 * 1024


class Executor(ABC):
    """Runs one script of a plan, as often as the body calls it."""

    def __init__(self, script: PlanScript, workspace: Workspace, settings: Settings) -> None:
        self.script = script
        self.workspace = workspace
        self.settings = settings

    @abstractmethod
    def run(self, function: str | None, *args: Any, **kwargs: Any) -> Bunch:
        """What a call `script(...)`, or `script.function(...)`, does. Raises ScriptError."""

    def option(self, name: str, default: bool) -> bool:
        return bool(self.script.options.get(name, default))

    def execute(self, arguments: Sequence[str], folder: Path, stdin: str | None = None) -> process.Completed:
        """Run a program with the script's options about output."""
        LOG.debug("Script %s: %s starts", self.script.name, Path(arguments[0]).name)
        done = process.run(
            arguments,
            folder=folder,
            stdin=stdin,
            stdout=self.option("captureStdout", True),
            stderr=self.option("captureStderr", True),
            limit=self.settings.output_limit,
        )
        LOG.debug("Script %s: ended with %d", self.script.name, done.exit_code)
        return done

    def checked(self, done: process.Completed) -> Bunch:
        """The script's result. Raises ScriptError if the exit code is to be verified and is not 0."""
        result = done.view()
        if done.exit_code != 0 and self.option("verifyExitcode", True):
            raise ScriptError(0, f"Script {self.script.name} returned error code {done.exit_code}", result)
        return Bunch(result)

    def program(self, name: str, product: str) -> str:
        """The path of an installed program. Raises ScriptError naming what is not installed."""
        found = shutil.which(name)
        if found is None:
            message = f"{product} is not installed on this machine: there is no program {name} on the PATH"
            raise ScriptError(
                0,
                f"Script {self.script.name}: {message}",
                {"exitCode": 127, "stdout": None, "stderr": message},
            )
        return found
