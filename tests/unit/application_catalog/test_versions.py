"""Version specs, and several versions of one class side by side."""

from __future__ import annotations

import pytest
from semantic_version import Version

from knarr.services.application_catalog.language.errors import InvalidVersion, MuranoPlError, PackageNotFound
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.versions import spec
from knarr.services.application_catalog.packages.catalogue import Catalogue

from .conftest import CORE, package


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("*", ("0.0.1", "3.1.0"), ()),
        ("1", ("1.0.0", "1.9.3"), ("0.9.9", "2.0.0")),
        ("1.2", ("1.2.0", "1.2.7"), ("1.3.0", "1.1.9")),
        ("1.2.3", ("1.2.3",), ("1.2.4",)),
        ("==1.2.3", ("1.2.3",), ("1.2.4",)),
        (">=1.1", ("1.1.0", "2.0.0"), ("1.0.9",)),
        (">1.1", ("1.2.0",), ("1.1.0",)),
        (">=1.0, <2", ("1.0.0", "1.9.9"), ("2.0.0",)),
        ("!=1.5.0", ("1.4.0",), ("1.5.0",)),
        ("~1.2", ("1.2.5",), ("1.3.0",)),
    ],
)
def test_specs(text: str, inside: tuple[str, ...], outside: tuple[str, ...]) -> None:
    wanted = spec(text)
    assert all(Version(version) in wanted for version in inside)
    assert not any(Version(version) in wanted for version in outside)


@pytest.mark.parametrize("text", ["x", "1.2.3.4", ">", "latest"])
def test_specs_that_are_none(text: str) -> None:
    with pytest.raises(InvalidVersion, match="no range of versions"):
        spec(text)


def library(version: str, text: str):
    return package({
        "manifest.yaml": f"""
            Format: 1.4
            Type: Library
            FullName: lib
            Version: {version}
            Classes: {{lib.Tool: tool.yaml}}
        """,
        "Classes/tool.yaml": text,
    })  # fmt: skip


def application(name: str, require: str, body: str):
    return package({
        "manifest.yaml": f"""
            Format: 1.4
            Type: Application
            FullName: {name}
            Version: 1.0.0
            Require: {{lib: '{require}'}}
            Classes: {{{name}.App: app.yaml}}
        """,
        "Classes/app.yaml": body,
    })  # fmt: skip


TOOL = """
Namespaces: {{=: lib}}
Name: Tool
Methods:
  version: {{Body: {{Return: {0}}}}}
"""
APP = """
Namespaces: {{=: {0}, lib: lib}}
Name: App
Properties:
  tool: {{Contract: $.class(lib:Tool)}}
  other: {{Usage: InOut, Contract: $}}
Methods:
  version:
    Body:
      Return: new(lib:Tool).version()
  ofTool:
    Body:
      Return: $.tool.version()
"""


@pytest.fixture
def session() -> Session:
    tools = [library(version, TOOL.format(version[0])) for version in ("1.0.0", "1.5.0", "2.0.0")]
    apps = [application(name, require, APP.format(name)) for name, require in (("old", "1"), ("new", ">=1"))]
    return Session(Catalogue([package(CORE), *tools, *apps]))


def make(session: Session, name: str, **more):
    return session.store.load_tree({"?": {"type": f"{name}.App"}, **more})


def test_each_application_gets_the_version_that_it_requires(session: Session) -> None:
    assert session.call(make(session, "new"), "version") == 2
    assert session.call(make(session, "old"), "version") == 1


def test_a_version_that_is_loaded_is_preferred_to_a_newer_one(session: Session) -> None:
    assert session.call(make(session, "old"), "version") == 1
    assert session.call(make(session, "new"), "version") == 1


def test_an_object_of_a_version_that_does_not_fit_is_refused(session: Session) -> None:
    tool = {"?": {"type": "lib.Tool", "classVersion": "2"}}
    with pytest.raises(MuranoPlError, match=r"no lib\.Tool"):
        make(session, "old", tool=tool)
    assert session.call(make(session, "new", tool=tool), "ofTool") == 2


def test_the_newest_that_fits_is_taken(session: Session) -> None:
    app = make(session, "old", tool={"?": {"type": "lib.Tool"}})
    assert str(app.values["tool"].kind.version) == "1.5.0"


def test_a_requirement_that_nothing_meets() -> None:
    session = Session(Catalogue([package(CORE), library("1.0.0", TOOL.format(1)),
                                 application("app", ">=3", APP.format("app"))]))  # fmt: skip
    with pytest.raises(PackageNotFound, match=r"lib >=3 is needed; there is 1\.0\.0"):
        session.call(make(session, "app"), "version")


def test_a_model_with_a_version_that_is_none(session: Session) -> None:
    with pytest.raises(InvalidVersion, match="'latest' is no range"):
        session.store.load_tree({"?": {"type": "new.App", "classVersion": "latest"}})
