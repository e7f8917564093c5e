"""Scripts of type Application: programs in any language."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from knarr_agent.bunch import Bunch
from knarr_agent.errors import ScriptError
from knarr_agent.executors.base import Executor


class Application(Executor):
    """Runs the entry point, from its own folder, with the arguments of the call."""

    def run(self, function: str | None, *args: Any, **kwargs: Any) -> Bunch:
        """`function` is not passed on: an application has only one entry."""
        return self._run(*args, **kwargs)

    def _run(self, commandline: Any = "", input: Any = None) -> Bunch:
        arguments = self._split(commandline)
        self.workspace.script_folder(self.script)
        path = self.workspace.place(self.script.entry_point, self.script)
        stdin = None if input is None else _text(input)
        return self.checked(self.execute([str(path), *arguments], path.parent, stdin))

    def _split(self, commandline: Any) -> list[str]:
        """The arguments: words, quoted as in a shell, or a list. Nothing else is as in a shell."""
        if isinstance(commandline, Sequence) and not isinstance(commandline, (str, bytes)):
            return [_text(part) for part in commandline]
        try:
            return shlex.split(_text(commandline))
        except ValueError as error:
            raise ScriptError(
                0,
                f"Script {self.script.name}: its arguments cannot be split into words: {error}",
                {"exitCode": 2, "stdout": None, "stderr": str(error)},
            ) from error


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
