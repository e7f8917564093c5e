"""`knarr operations`: the durable work, finished and not."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from knarr.cli import output, settings
from knarr.cli.problem import Problem, told

COLUMNS = ("id", "kind", "resource_id", "state", "step", "attempts", "created_at", "error")


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser("operations", help="list, show, retry and cancel durable operations")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = commands.add_parser("list", parents=[common], help="the newest operations first")
    for name in ("state", "kind", "resource-id", "project-id"):
        listing.add_argument(f"--{name}", metavar=name.upper().replace("-", "_"))
    listing.add_argument("--unfinished", action="store_true", help="only those that are not finished")
    listing.add_argument("--limit", type=int, default=100, metavar="N")
    listing.set_defaults(run=_list)
    for name, run, text in (
        ("show", _show, "all that is known of an operation"),
        ("retry", _retry, "run a failed operation again, or a waiting one now"),
        ("cancel", _cancel, "end an operation and undo what it did"),
    ):
        command = commands.add_parser(name, parents=[common], help=text)
        command.add_argument("id", metavar="ID")
        command.set_defaults(run=run)


def _list(args: argparse.Namespace) -> int:
    with _database(args) as (db, history), db.read() as session:
        rows = history.list_operations(
            session,
            state=args.state,
            kind=args.kind,
            resource_id=args.resource_id,
            project_id=args.project_id,
            unfinished=args.unfinished,
            limit=max(args.limit, 1),
        )
    output.table(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))
    return 0


def _show(args: argparse.Namespace) -> int:
    with _database(args) as (db, history), db.read() as session:
        found = history.show_operation(session, args.id)
    output.table(("field", "value"), found.items())
    return 0


def _retry(args: argparse.Namespace) -> int:
    with _database(args) as (db, history), db.write() as session:
        history.retry_operation(session, args.id)
    print(f"{args.id} runs again{_when(db)}")
    return 0


def _cancel(args: argparse.Namespace) -> int:
    with _database(args) as (db, history), db.write() as session:
        history.cancel_operation(session, args.id)
    print(f"{args.id} is asked to end, and what it did is undone{_when(db)}")
    return 0


def _when(db: Any) -> str:
    """When what was asked for happens: now, if the Knarr on this state directory has heard of it."""
    heard = db.info["operations"].bus.heard
    return "" if heard else " at the next start (a Knarr elsewhere looks at the table within half a minute)"


@contextmanager
def _database(args: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """The database, and the module of operations as people see them."""
    conf = settings.load(args)
    with told():
        from knarr.kernel import config, history, migrations
        from knarr.kernel.db import Database
        from knarr.kernel.doorbell import Visitor
        from knarr.kernel.errors import KnarrError
        from knarr.kernel.operations import Operations

        if not conf.database.url and not (config.state_dir(conf) / "knarr.db").exists():
            raise Problem(f"there is no database in {config.state_dir(conf)}")
        db = Database(config.database_url(conf))
        try:
            state = migrations.schema_state(db)
            if state.head and not state.current:
                raise Problem("the database is empty; `knarr up` or `knarr db upgrade` fills it")
            Operations(db, Visitor(config.state_dir(conf)))
            yield db, history
        except KnarrError as error:
            raise Problem(error.detail) from None
        finally:
            db.close()
