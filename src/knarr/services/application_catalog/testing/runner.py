"""Runs the tests of a package: each in a session of its own, with its fixture made anew."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.model import MuranoType, Package, PackageLoader
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.values import MuranoObject
from knarr.services.application_catalog.language.versions import spec
from knarr.services.application_catalog.testing import mocks
from knarr.services.application_catalog.testing.fixture import NAME as FIXTURE

TEST = re.compile(r"test(?![a-z])")
SET_UP, TEAR_DOWN = "setUp", "tearDown"


@dataclass(frozen=True)
class Case:
    """One test: a method of a class of the package."""

    class_name: str
    method: str

    def __str__(self) -> str:
        return f"{self.class_name}.{self.method}"


@dataclass(frozen=True)
class Outcome:
    """How a test ended. `fault` is None if it passed; `at` is the file and line that it came
    from, and `trace` tells how it came to there."""

    case: Case
    seconds: float
    fault: str | None = None
    trace: str = ""
    at: str | None = None

    @property
    def passed(self) -> bool:
        return self.fault is None


def _place(error: MuranoPlError) -> str | None:
    return str(error.position) if error.position else None


class PackageTests:
    """The tests of the package of that name (`name` or `name/version`). Raises PackageNotFound.

    `services` makes what the core library reaches the world through, for each test anew; `seconds` is what
    each may take.
    """

    def __init__(
        self,
        loader: PackageLoader,
        name: str,
        services: Callable[[], Any] = lambda: None,
        seconds: float | None = 60.0,
    ) -> None:
        self._loader = loader
        self._services = services
        self._seconds = seconds
        full_name, _, version = name.partition("/")
        self.package: Package = loader.load_package(full_name, spec(version or "*"))

    def cases(self, wanted: Sequence[str] = ()) -> list[Case]:
        """Those named by `wanted`: methods, classes, or classes with methods; all if it is empty."""
        found = [
            Case(kind.name, name) for kind in self._fixtures() for name in kind.methods if TEST.match(name)
        ]
        if not wanted:
            return found
        return [case for case in found if {case.method, case.class_name, str(case)} & set(wanted)]

    def _fixtures(self) -> Iterator[MuranoType]:
        """Classes of the package that extend the fixture."""
        for name in self.package.class_names:
            kind = self.package.own_class(name)
            if kind is not None and any(one.name == FIXTURE for one in kind.mro):
                yield kind

    def run(self, case: Case) -> Outcome:
        began = time.monotonic()
        limits = Limits(seconds=self._seconds)
        session = Session(self._loader, limits, self._services(), functions=mocks.functions())
        try:
            self._run(session, case)
        except MuranoPlError as error:
            return Outcome(case, time.monotonic() - began, str(error.message), error.trace(), _place(error))
        return Outcome(case, time.monotonic() - began)

    def _run(self, session: Session, case: Case) -> None:
        kind = self.package.find_class(case.class_name)
        header = {"type": kind.name, "classVersion": str(kind.version)}
        fixture = session.store.load_tree({"?": header})
        session.garbage.roots.append(fixture)
        if kind.find_method(SET_UP):
            session.call(fixture, SET_UP)
        try:
            session.call(fixture, case.method)
        except MuranoPlError:
            with suppress(MuranoPlError):  # the first thing that went wrong is what is told
                self._tear_down(session, fixture)
            raise
        self._tear_down(session, fixture)

    def _tear_down(self, session: Session, fixture: MuranoObject) -> None:
        if fixture.kind.find_method(TEAR_DOWN):
            session.call(fixture, TEAR_DOWN)
