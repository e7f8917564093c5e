"""Packages written in the tests, loaded from memory."""

from __future__ import annotations

import io
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.package import ApplicationPackage

CORE = {
    "manifest.yaml": """
        Format: 1.4
        Type: Library
        FullName: io.murano
        Version: 0.1.0
        Classes: {io.murano.Object: core.yaml, io.murano.Environment: core.yaml}
    """,
    "Classes/core.yaml": """
        Namespaces: {=: io.murano}
        Name: Object
        ---
        Name: Environment
        Properties:
          name: {Contract: $.string().notNull()}
          apps: {Contract: [$.class(Object).owned()]}
    """,
}


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of the files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, textwrap.dedent(data) if isinstance(data, str) else data)
    return stream.getvalue()


def package(files: Mapping[str, str | bytes], **python: type) -> ApplicationPackage:
    return ApplicationPackage.open(archive(files), python={f"t.{name}": cls for name, cls in python.items()})


def of_classes(text: str, format_version: str = "1.4", **more: Any) -> dict[str, str | bytes]:
    """Files of a package `t` whose classes (all in the namespace t) are those of the text."""
    import re

    names = re.findall(r"^Name: *(\w+)", textwrap.dedent(text), re.MULTILINE)
    classes = "".join(f"\n          t.{name}: all.yaml" for name in names)
    manifest = f"""
        Format: {format_version}
        Type: Application
        FullName: t
        Version: {more.get("version", "1.0.0")}
        Classes:{classes}
    """
    body = textwrap.dedent(text)
    if "Namespaces:" not in body:
        body = "Namespaces: {=: t, std: io.murano}\n" + body.lstrip("\n")
    return {"manifest.yaml": manifest, "Classes/all.yaml": body}


@pytest.fixture
def make_session() -> Callable[..., Session]:
    """make_session(text of classes) -> a session that knows them and a small core."""

    def make(text: str, format_version: str = "1.4", limits: Limits | None = None, **more: Any) -> Session:
        catalogue = Catalogue([package(CORE), package(of_classes(text, format_version))])
        return Session(catalogue, limits, **more)

    return make


@pytest.fixture
def run(make_session: Callable[..., Session]) -> Callable[..., Any]:
    """run(instructions, …) -> what a method with this body returns."""

    def call(body: str, *, classes: str = "", properties: str = "{}", **model: Any) -> Any:
        text = "Name: Main\nProperties: " + _indented(properties)
        text += "\nMethods:\n  main:\n    Body:\n" + textwrap.indent(textwrap.dedent(body), " " * 6)
        if classes:
            text += "\n---\n" + textwrap.dedent(classes)
        session = make_session(text)
        root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}, **model})
        return session.call(root, "main")

    return call


def _indented(text: str) -> str:
    dedented = textwrap.dedent(text).strip("\n")
    return dedented if dedented == "{}" else "\n" + textwrap.indent(dedented, "  ")
