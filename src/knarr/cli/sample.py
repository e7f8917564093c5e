"""`knarr config sample`: a configuration file with all options and their defaults, commented out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from knarr.cli import settings
from knarr.cli.problem import told

Options = list[tuple[str | None, Sequence[Any]]]


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser("config", help="about the configuration file")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    commands.add_parser("sample", parents=[common], help="print a sample with all options").set_defaults(
        run=run
    )


def run(args: argparse.Namespace) -> int:
    with told():
        from oslo_config import cfg, generator

        conf = cfg.ConfigOpts()
        generator.register_cli_opts(conf)
        conf(
            ["--namespace", "knarr"], project="knarr-sample", default_config_files=[], default_config_dirs=[]
        )
        generator.generate(conf, sys.stdout)
    return 0


def options() -> Options:
    """All options of the kernel, the program and the installed services, by group.

    The entry point oslo.config.opts, so that oslo-config-generator and oslo-config-validator know them too.
    """
    from knarr.kernel import config

    found: Options = [*config.GROUPS, (None, settings.options())]
    for service in config.installed():
        found.extend(service.options)
    merged: dict[str | None, dict[str, Any]] = {}
    for group, members in found:
        merged.setdefault(group, {}).update({option.name: option for option in members})
    return [(group, list(members.values())) for group, members in merged.items()]
