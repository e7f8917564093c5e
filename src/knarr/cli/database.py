"""`knarr db upgrade`: bring the database to this program's schema."""

from __future__ import annotations

import argparse
from typing import Any

from knarr.cli import settings
from knarr.cli.problem import told


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser("db", help="work on the database")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    upgrade = commands.add_parser("upgrade", parents=[common], help="bring the schema to the newest version")
    upgrade.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    conf = settings.load(args)
    with told():
        from knarr.kernel import config, migrations

        config.state_dir(conf).mkdir(parents=True, exist_ok=True, mode=0o700)
        state = migrations.upgrade(config.database_url(conf))
    print(f"the database has schema {state.current or 'of the development version'}")
    return 0
