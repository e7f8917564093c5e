"""`knarr package`: packages of applications, checked, tested and packed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from knarr.cli import package_test
from knarr.cli.problem import Problem


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser("package", help="check, test and pack packages of applications")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    check = commands.add_parser("check", help="say what is wrong with packages, with file and line")
    check.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a folder, or a zip archive")
    check.add_argument(
        "--with",
        dest="others",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="a package that is required (repeatable); those that are checked see each other",
    )
    check.add_argument("--json", action="store_true", help="findings as JSON")
    check.set_defaults(run=_check)
    pack = commands.add_parser(
        "pack", help="make the archive of a folder; the same files make the same bytes"
    )
    pack.add_argument("folder", type=Path, metavar="FOLDER")
    pack.add_argument("-o", "--output", type=Path, metavar="FILE", help="otherwise <full name>.zip here")
    pack.set_defaults(run=_pack)
    package_test.add(commands)


def _check(args: argparse.Namespace) -> int:
    from knarr.services.application_catalog.library import core_packages
    from knarr.services.application_catalog.packages.check import check

    for path in (*args.paths, *args.others):
        if not path.exists():
            raise Problem(f"there is no {path}")
    required = [*core_packages(), *(_open(path, must=True) for path in args.others)]
    together = [(path, _open(path)) for path in args.paths]
    rows = []
    for path, _ in together:
        others = [*required, *(one for other, one in together if other is not path)]
        found = check(path, [one for one in others if one is not None])
        rows += [
            {
                "package": str(path),
                "file": one.file,
                "line": one.line,
                "level": "warning" if one.warning else "error",
                "message": one.message,
            }
            for one in found
        ]
        if not args.json:
            for one in found:
                print(f"{path / str(one)}" if one.line else f"{path}{str(one).removeprefix('.')}")
    if args.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    return 1 if any(row["level"] == "error" for row in rows) else 0


def _open(path: Path, must: bool = False) -> Any:
    """The package; None for one that cannot be opened, unless it must."""
    from knarr.services.application_catalog.packages.faults import PackageFault
    from knarr.services.application_catalog.packages.package import ApplicationPackage

    try:
        return ApplicationPackage.open(path)
    except PackageFault as fault:
        if must:
            raise Problem(f"{path}: {fault}") from None
        return None


def _pack(args: argparse.Namespace) -> int:
    from knarr.services.application_catalog.packages.faults import PackageFault
    from knarr.services.application_catalog.packages.package import ApplicationPackage
    from knarr.services.application_catalog.packages.packing import pack

    try:
        data = pack(args.folder)
        name = ApplicationPackage.open(data).manifest.full_name
    except PackageFault as fault:
        raise Problem(f"{args.folder}: {fault}") from None
    target = args.output or Path(f"{name}.zip")
    try:
        target.write_bytes(data)
    except OSError as error:
        raise Problem(f"{target} cannot be written: {error.strerror}") from None
    print(target, file=sys.stdout)
    return 0
