"""`knarr openrc`: the administrator's OS_* variables, for `eval "$(knarr openrc)"`."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from knarr.cli import settings
from knarr.cli.problem import Problem, told


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser(
        "openrc", parents=[common], help='print the OS_* variables: eval "$(knarr openrc)"'
    )
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    conf = settings.load(args)
    with told():
        from knarr.core.identity import clouds

        variables = clouds.environment(settings.state_dir(conf))
    if variables is None:
        raise Problem(f"there is no {clouds.FILE} in {settings.state_dir(conf)}; `knarr up` writes it")
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0
