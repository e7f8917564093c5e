"""The objects through which a body calls its scripts: `deploy(args.appName)`, `deploy.stop()`."""

from __future__ import annotations

from typing import Any

from knarr_agent.bunch import Bunch
from knarr_agent.executors import Executor


class Function:
    """One function of a script."""

    def __init__(self, name: str, executor: Executor) -> None:
        self._name = name
        self._executor = executor

    def __call__(self, *args: Any, **kwargs: Any) -> Bunch:
        return self._executor.run(self._name, *args, **kwargs)


class Script:
    """A script. Its result has `exitCode`, `stdout` and `stderr`."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def __call__(self, *args: Any, **kwargs: Any) -> Bunch:
        return self._executor.run(None, *args, **kwargs)

    def __getattr__(self, name: str) -> Function:
        if name.startswith("__"):
            raise AttributeError(name)
        return Function(name, self._executor)
