"""The program `knarr`: which commands there are, and how errors end them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from knarr.cli.problem import Problem

# Each module has add(subparsers), which names the function that runs the command.
COMMANDS = ("up", "status", "doctor", "routes", "operations", "openrc", "database", "sample", "package")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="knarr", description="OpenStack's container services in one program")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config-file", action="append", metavar="FILE", help="read this file instead of the usual ones"
    )
    common.add_argument("--state-dir", metavar="DIR", help="folder of the database, keys and clouds.yaml")
    subparsers = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"knarr.cli.{name}").add(subparsers, common)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. The exit status: 0, 1 for a problem (one line on standard error), 2 for bad usage."""
    args = parser().parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except Problem as problem:
        print(f"knarr: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader (`| head`) has left; nothing more can be said to it.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
