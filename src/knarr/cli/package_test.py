"""`knarr package test`: the tests that packages of applications bring along."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knarr.cli.problem import Problem

if TYPE_CHECKING:
    from knarr.services.application_catalog.packages.package import ApplicationPackage
    from knarr.services.application_catalog.testing.runner import Case, Outcome, PackageTests

MANIFEST = "manifest.yaml"
# How deep below a folder packages are looked for: murano-apps keeps them in <name>/package.
DEPTH = 2
GREEN, RED, PLAIN = "\033[92m", "\033[91m", "\033[0m"


def add(commands: Any) -> None:
    made = commands.add_parser("test", help="run the tests of a package: classes that extend TestFixture")
    made.add_argument(
        "package", metavar="PACKAGE", help="a folder, a zip archive, or the full name of one that was loaded"
    )
    made.add_argument(
        "tests", nargs="*", metavar="TEST", help="method, class, or class.method; all tests if there is none"
    )
    made.add_argument(
        "-l",
        "--load-packages-from",
        dest="folders",
        action="append",
        nargs="+",
        default=[],
        type=Path,
        metavar="PATH",
        help="packages, and folders of packages, that are there as well",
    )
    made.add_argument("-v", "--verbose", action="store_true", help="where in the package a failure came from")
    made.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="for each test (60)")
    made.add_argument("--json", action="store_true", help="outcomes as JSON")
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from knarr.services.application_catalog.language.errors import MuranoPlError

    try:
        tests = _tests(args)
        cases = tests.cases(args.tests)
    except MuranoPlError as error:
        raise Problem(str(error)) from None
    if not cases:
        raise Problem(f"{tests.package.name} has no tests{' of these names' if args.tests else ''}")
    outcomes = list(_told(tests, cases, args))
    if args.json:
        print(json.dumps([_row(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _tests(args: argparse.Namespace) -> PackageTests:
    from knarr.services.application_catalog.library import core_packages
    from knarr.services.application_catalog.packages.catalogue import Catalogue
    from knarr.services.application_catalog.testing.runner import PackageTests

    catalogue = Catalogue(core_packages())
    for path in (path for group in args.folders for path in group):
        for found in _packages(path):
            catalogue.add(found)
    name, path = args.package, Path(args.package)
    if path.exists():
        tested = _open(_inside(path))
        name = f"{tested.manifest.full_name}/=={tested.manifest.version}"
        catalogue.add(tested)
    return PackageTests(catalogue, name, seconds=args.timeout)


def _packages(path: Path) -> Iterator[ApplicationPackage]:
    """The package at the path, or those in a folder of packages."""
    if not path.exists():
        raise Problem(f"there is no {path}")
    if path.is_file() or (path / MANIFEST).is_file():
        yield _open(path)
        return
    for depth in range(1, DEPTH + 1):
        for manifest in sorted(path.glob("*/" * depth + MANIFEST)):
            yield _open(manifest.parent)
    for archive in sorted(path.glob("*.zip")):
        yield _open(archive)


def _inside(path: Path) -> Path:
    """The folder of the package, which may lie in one named `package`."""
    nested = path / "package"
    return nested if not (path / MANIFEST).is_file() and (nested / MANIFEST).is_file() else path


def _open(path: Path) -> ApplicationPackage:
    from knarr.services.application_catalog.packages.faults import PackageFault
    from knarr.services.application_catalog.packages.package import ApplicationPackage

    try:
        return ApplicationPackage.open(path)
    except PackageFault as fault:
        raise Problem(f"{path}: {fault}") from None


def _told(tests: PackageTests, cases: list[Case], args: argparse.Namespace) -> Iterator[Outcome]:
    """The outcomes, each told as it comes."""
    say = (lambda *_, **__: None) if args.json else print
    width = max(len(str(case)) for case in cases) + 3
    began, failed = time.monotonic(), 0
    say(f"About to execute {len(cases)} test(s)")
    for case in cases:
        say(f"{case} {'.' * (width - len(str(case)))} ", end="", flush=True)
        outcome = tests.run(case)
        failed += not outcome.passed
        at = f"{outcome.at}: " if outcome.at else ""
        say(_painted("OK", GREEN) if outcome.passed else _painted(f"FAIL! {at}{outcome.fault}", RED))
        if args.verbose and outcome.trace:
            say(outcome.trace)
        yield outcome
    spent = time.monotonic() - began
    say(
        f"Executed {len(cases)} test(s) in {spent:.2f} seconds: {len(cases) - failed} passed, {failed} failed"
    )


def _painted(text: str, colour: str) -> str:
    return f"{colour}{text}{PLAIN}" if sys.stdout.isatty() else text


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "class": outcome.case.class_name,
        "method": outcome.case.method,
        "passed": outcome.passed,
        "seconds": round(outcome.seconds, 3),
        "fault": outcome.fault,
        "at": outcome.at,
        "trace": outcome.trace or None,
    }
