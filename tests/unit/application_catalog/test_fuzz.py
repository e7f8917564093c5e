"""Programs and packages that nobody would write: whatever they say, they end, and with an error that the
library knows.

Every case is made of a number, which a failure tells. KNARR_FUZZ is by how much more to try than usually.
"""

from __future__ import annotations

import os
import random
import signal
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from tests.unit.application_catalog.conftest import CORE, archive, of_classes, package
from tests.unit.application_catalog.fuzzing import (
    ATOMS,
    Program,
    changed_bytes,
    changed_text,
    random_expression,
    random_object,
    random_value,
)
from tests.unit.application_catalog.support.cloud import Cloud
from tests.unit.application_catalog.test_check import FILES
from tests.unit.application_catalog.test_hot_packages import MANIFEST as HOT_MANIFEST
from tests.unit.application_catalog.test_hot_packages import TEMPLATE

from knarr.services.application_catalog.language import functions
from knarr.services.application_catalog.language.dialect import dialect
from knarr.services.application_catalog.language.errors import MuranoPlError, Position
from knarr.services.application_catalog.language.execution import Execution
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.language.versions import spec
from knarr.services.application_catalog.library import core_packages
from knarr.services.application_catalog.packages import bundles, hot, images, manifest
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.check import check
from knarr.services.application_catalog.packages.faults import PackageFault
from knarr.services.application_catalog.packages.package import ApplicationPackage

MORE = int(os.environ.get("KNARR_FUZZ", "1"))
SECONDS = 20.0
KNOWN = (MuranoPlError, PackageFault)


@contextmanager
def ends(what: str) -> Iterator[None]:
    """Fails instead of waiting without end."""

    def late(*_: object) -> None:
        raise AssertionError(f"does not end: {what}")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attempts(count: int, attempt: Callable[[random.Random], Any]) -> None:
    """Make the attempt with many numbers; only known errors may come out."""
    for number in range(count * MORE):
        with ends(f"attempt {number}"):
            try:
                attempt(random.Random(number))
            except KNOWN:
                pass
            except Exception as error:
                raise AssertionError(f"attempt {number} ends with {error!r}") from error


UI = """
    Version: 2.3
    Application:
      ?:
        type: com.shop.Shop
      label: $.page.label
    Forms:
      - page:
          fields:
            - {name: label, type: string, label: Label, maxLength: 5, initial: x}
          validators:
            - {expr: $.page.label != y, message: wrong}
"""
PACKAGES: list[dict[str, Any]] = [
    {
        **FILES,
        "UI/ui.yaml": UI,
        "images.lst": "Images:\n- {Name: a, DiskFormat: raw, ContainerFormat: bare}\n",
    },
    {"manifest.yaml": HOT_MANIFEST, "template.yaml": TEMPLATE, "Resources/HotFiles/nested/server.yaml": "x"},
]


def _texts(files: dict[str, Any]) -> dict[str, Any]:
    return {name: textwrap.dedent(data).lstrip("\n") for name, data in files.items()}


def _use(opened: ApplicationPackage) -> None:
    """Everything that can be asked of a package."""
    asks: list[Callable[[], Any]] = [opened.ui, opened.logo, opened.supplier_logo, opened.images]
    asks += [lambda name=name: opened.files.read(name) for name in opened.files.names()]
    if opened.is_hot:
        asks.append(opened.hot_template)
    catalogue = Catalogue([package(CORE), opened])
    for ask in asks:
        try:
            ask()
        except KNOWN:
            continue
    loaded = catalogue.load_package(opened.manifest.full_name, spec("*"))
    for name in loaded.class_names:
        try:
            loaded.own_class(name)
        except KNOWN:
            continue


@pytest.mark.parametrize("files", PACKAGES, ids=["classes", "template"])
def test_archives_with_changed_bytes(files):
    data = archive(_texts(files))

    def attempt(chance: random.Random) -> None:
        broken = changed_bytes(chance, data)
        check(broken)
        _use(ApplicationPackage.open(broken))

    attempts(80, attempt)


@pytest.mark.parametrize("files", PACKAGES, ids=["classes", "template"])
def test_packages_with_changed_files(files):
    texts = _texts(files)

    def attempt(chance: random.Random) -> None:
        broken = dict(texts)
        for _ in range(chance.randint(1, 3)):
            name = chance.choice(sorted(broken))
            broken[name] = changed_text(chance, broken[name])
        data = archive({name: text.encode(errors="surrogatepass") for name, text in broken.items()})
        check(data, [package(CORE)])
        _use(ApplicationPackage.open(data))

    attempts(80, attempt)


READERS: list[tuple[str, Callable[[bytes], Any], str]] = [
    ("manifest", manifest.read, "FullName: a.B\nRequire: {a: '>=1.0,<2'}\nClasses: {a.B: b}\nTags: [a]\n"),
    ("images", images.read, "Images:\n- {Name: a, DiskFormat: raw, ContainerFormat: bare, Meta: {}}\n"),
    ("bundle", bundles.read, '{"Packages": [{"Name": "a.B", "Version": "1.0"}], "Version": 1}'),
    ("template", hot.read, textwrap.dedent(TEMPLATE)),
]  # fmt: skip


@pytest.mark.parametrize(("read", "text"), [row[1:] for row in READERS], ids=[row[0] for row in READERS])
def test_changed_lists_and_manifests(read, text):
    attempts(80, lambda chance: read(changed_text(chance, text).encode(errors="surrogatepass")))


def _session(classes: str, chance: random.Random) -> Session:
    catalogue = Catalogue([package(CORE), package(of_classes(classes, chance.choice(["1.0", "1.3", "1.4"])))])
    return Session(catalogue, Limits(seconds=1.0, steps=20_000, depth=30))


def _run(session: Session, model: dict[str, Any]) -> None:
    execution = Execution(session, {"Objects": model, "ObjectsCopy": None, "Attributes": []})
    root = execution.load()
    names = list(root.kind.all_methods()) if root is not None else []
    for name in names:
        try:
            execution.run(name)
        except MuranoPlError as error:
            assert error.trace()
    execution.collect()
    execution.finish()


def test_random_programs():
    def attempt(chance: random.Random) -> None:
        classes = Program(chance).text()
        check(archive(_texts(of_classes(classes))), [package(CORE)])
        _run(_session(classes, chance), {"?": {"id": "main", "type": "t.Main"}, "a": random_value(chance)})

    attempts(80, attempt)


def test_random_expressions():
    def attempt(chance: random.Random) -> None:
        text = random_expression(chance, 4)
        classes = f"Name: Main\nMethods:\n  main:\n    Body:\n      - $x: !yaql |-\n          {text}\n"
        _run(_session(classes, chance), {"?": {"id": "main", "type": "t.Main"}})

    attempts(200, attempt)


def _functions() -> list[str]:
    """Names of all functions that an expression can call."""
    found: set[str] = set()
    for legacy in (False, True):
        context = functions.layer(dialect(legacy))
        while context is not None:
            found |= {name for name in context._functions if name[0] not in "#*"}
            context = context.parent
    return sorted(found)


@pytest.mark.parametrize("legacy", [False, True])
def test_every_function_with_odd_arguments(legacy):
    classes = "Name: Main\nMethods:\n  main:\n"
    catalogue = Catalogue([package(CORE), package(of_classes(classes, "1.0" if legacy else "1.4"))])
    parse = dialect(legacy).parse

    def attempt(chance: random.Random) -> None:
        session = Session(catalogue, Limits(seconds=10.0, steps=200_000, depth=30))
        root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
        context = session.type_context(root.kind).create_child_context()
        context["$"] = context["$this"] = root
        for name in names:
            arguments = ", ".join(chance.choice(ATOMS) for _ in range(chance.randint(0, 3)))
            text = (
                f"{chance.choice(ATOMS)}.{name}({arguments})"
                if chance.random() < 0.6
                else f"{name}({arguments})"
            )
            try:
                session.evaluate(Expression(text, parse(text), Position("x", 1)), context)
            except ValueError as error:
                assert "arse error" in str(error) or "exical" in str(error), text
            except MuranoPlError:
                continue
            except Exception as error:
                raise AssertionError(f"{text} ends with {error!r}") from error

    names = _functions()
    assert len(names) > 150
    attempts(8, attempt)


CONTRACTS = """
Name: Main
Properties:
  a: {Contract: $}
  b: {Contract: [$.class(Part).owned()], Default: []}
  c: {Contract: {$.string().notNull(): [$.int(), 1, 3], fixed: $.bool()}, Default: {fixed: true}}
  d: {Contract: $.template(Part, excludeProperties => [x]), Usage: InOut}
  e: {Contract: $.string().check(len($) < 5), Usage: Out}
---
Name: Part
Properties:
  x: {Contract: $.int().notNull(), Default: 5}
  y: {Contract: $.class(Main)}
  z: {Contract: $.class(Part)}
Methods:
  .init: {Body: [$.p: $.x]}
  .destroy: {Body: [$.x.foo()]}
"""


def test_random_models():
    def attempt(chance: random.Random) -> None:
        model = {"?": {"id": "main", "type": "t.Main"}}
        for name in "abcde":
            if chance.random() < 0.6:
                model[name] = random_value(chance, objects=("t.Main", "t.Part", "io.murano.Object", "t.No"))
        _run(_session(CONTRACTS, chance), model)

    attempts(200, attempt)


def test_objects_of_the_core_library():
    loader = Catalogue(core_packages())
    found = Session(loader)
    names = [name for one in core_packages() for name in one.manifest.classes if ".test" not in name]
    kinds = {name: found.find_type(name) for name in names}

    def attempt(chance: random.Random) -> None:
        cloud = Cloud()
        cloud.agents.timeout = 0.1
        session = Session(loader, Limits(seconds=3.0, steps=100_000, depth=40), cloud)
        environment = {"?": {"id": "env", "type": "io.murano.Environment"}, "name": "e", "applications": []}
        environment["defaultNetworks"] = {"environment": None, "flat": None}
        execution = Execution(session, {"Objects": environment})
        root = execution.load()
        for _ in range(3):
            with suppress(*KNOWN):
                session.store.load(random_object(chance, kinds, 2), root, None, None)
        objects = list(session.store.objects.values())
        for one in objects:
            for method in one.kind.all_methods().values():
                if chance.random() < 0.3:
                    args = [
                        chance.choice([random_value(chance, 2), chance.choice(objects)])
                        for _ in range(chance.randint(0, 3))
                    ]
                    with suppress(*KNOWN):
                        session.calls.call(method, one, args, {})
        execution.collect()
        execution.finish()

    attempts(20, attempt)
