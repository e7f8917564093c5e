"""What Chef and Puppet have in common: modules that were downloaded, and attributes for one entry of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from knarr_agent import process
from knarr_agent.bunch import Bunch
from knarr_agent.errors import MalformedPlan, ScriptError
from knarr_agent.executors.base import Executor


class Tool(Executor):
    """Runs a tool over the script's files, each of which is a module (Puppet) or a cookbook (Chef)."""

    @property
    def module(self) -> str:
        return self.script.entry_point.rpartition("::")[0]

    @property
    def recipe(self) -> str:
        return self.script.entry_point.rpartition("::")[2]

    def run(self, function: str | None, *args: Any, **kwargs: Any) -> Bunch:
        """`script(attributes)`, or `script(name=value, …)`."""
        return self._run(*args, **kwargs)

    def _run(self, recipe_attributes: Any = None, input: Any = None, **more: Any) -> Bunch:
        if recipe_attributes is not None and not isinstance(recipe_attributes, Mapping):
            raise MalformedPlan(
                f"script {self.script.name} takes a mapping of attributes, "
                f"not a value of type {type(recipe_attributes).__name__}",
                "Body",
            )
        folder = self.workspace.script_folder(self.script)
        done = self.apply(folder, {**(recipe_attributes or {}), **more})
        return self.checked(_with_errors_of_stdout(done))

    @abstractmethod
    def apply(self, folder: Path, attributes: dict[str, Any]) -> process.Completed:
        """Run the tool in the folder."""

    def must_succeed(self, done: process.Completed, what: str) -> None:
        """For programs whose failure no option excuses."""
        if done.exit_code != 0:
            raise ScriptError(
                0, f"Script {self.script.name}: {what} returned error code {done.exit_code}", done.view()
            )


def _with_errors_of_stdout(done: process.Completed) -> process.Completed:
    """The tools write their errors to stdout; who looks for them looks into stderr."""
    if done.stderr is None or done.stdout is None:
        return done
    errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
    return (
        replace(done, stderr="\n".join([done.stderr.rstrip("\n"), *errors]).strip("\n")) if errors else done
    )
