"""A package: its manifest, its files, and what the language sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knarr.services.application_catalog.language.classfile import read_types
from knarr.services.application_catalog.language.dialect import dialect, is_legacy
from knarr.services.application_catalog.language.errors import ClassNotFound, Position, SyntaxFault
from knarr.services.application_catalog.language.model import MuranoType, Package, PackageLoader
from knarr.services.application_catalog.language.pythonclass import attach
from knarr.services.application_catalog.language.source import documents
from knarr.services.application_catalog.packages import hot, images
from knarr.services.application_catalog.packages import manifest as manifests
from knarr.services.application_catalog.packages.faults import LIMITS, Limits, PackageFault
from knarr.services.application_catalog.packages.files import Files, open_package, safe_name
from knarr.services.application_catalog.packages.images import Image
from knarr.services.application_catalog.packages.manifest import HOT, Manifest

CLASSES, RESOURCES, UI = "Classes/", "Resources/", "UI/"
# How files of the allowed kinds of pictures begin, and how large they may be (as upstream has it).
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
LARGEST_PICTURE = 500 * 1024


class ApplicationPackage:
    """A package that was opened. Its classes are read when they are asked for.

    `python` are Python classes by the names of the MuranoPL classes that they belong to.
    """

    def __init__(self, files: Files, manifest: Manifest, python: Mapping[str, type] | None = None) -> None:
        self.files = files
        self.manifest = manifest
        self.python = dict(python or {})
        self._documents: dict[str, list[Any]] = {}  # of class files; nobody changes them

    @classmethod
    def open(
        cls, source: Path | bytes, python: Mapping[str, type] | None = None, limits: Limits = LIMITS
    ) -> ApplicationPackage:
        """Raises PackageFault."""
        files = open_package(source, limits)
        if manifests.FILE not in files.names():
            raise PackageFault(f"the package has no {manifests.FILE} at its top")
        return cls(files, manifests.read(files.read(manifests.FILE)), python)

    # What is in it

    def ui(self) -> bytes | None:
        """The UI definition; that of a HOT package is made of its template unless it brings one."""
        name = UI + self.manifest.ui
        if self.is_hot and name not in self.files.names():
            from knarr.services.application_catalog.packages.hot_form import definition

            return definition(self)
        return self.files.read(name) if name in self.files.names() else None

    def logo(self) -> bytes | None:
        """The picture of the application. Raises PackageFault if it is no picture, or too large."""
        return self._picture(self.manifest.logo, "logo.png")

    def supplier_logo(self) -> bytes | None:
        return self._picture(self.manifest.supplier.logo, "supplier_logo.png")

    def images(self) -> tuple[Image, ...]:
        """Images of servers that the application needs. Raises PackageFault."""
        return images.read(self.files.read(images.FILE)) if images.FILE in self.files.names() else ()

    def resource(self, name: str) -> bytes:
        """A file under Resources/. Raises FileNotFoundError."""
        try:
            return self.files.read(RESOURCES + safe_name(name))
        except PackageFault:
            raise FileNotFoundError(name) from None

    def _picture(self, name: str | None, usual: str) -> bytes | None:
        if name is None and usual not in self.files.names():
            return None
        data = self.files.read(name or usual)
        if not data.startswith(PICTURES):
            raise PackageFault(f"{name or usual} is no picture: PNG, JPEG and GIF are known")
        if len(data) > LARGEST_PICTURE:
            raise PackageFault(f"{name or usual} has {len(data)} bytes; {LARGEST_PICTURE} is the most")
        return data

    # Heat.HOT

    @property
    def is_hot(self) -> bool:
        return self.manifest.format_name == HOT

    def hot_template(self) -> hot.Template:
        """The template of a HOT package. Raises PackageFault."""
        if hot.TEMPLATE not in self.files.names():
            raise PackageFault(f"the package has no {hot.TEMPLATE} at its top")
        return hot.read(self.files.read(hot.TEMPLATE))

    def hot_files(self) -> tuple[str, ...]:
        """Names of nested templates, as the main one writes them."""
        return self._below(RESOURCES + hot.FILES)

    def hot_environments(self) -> tuple[str, ...]:
        return self._below(RESOURCES + hot.ENVIRONMENTS)

    def _below(self, folder: str) -> tuple[str, ...]:
        names = (name.removeprefix(folder) for name in self.files.names() if name.startswith(folder))
        return tuple(sorted(names))

    # As the language sees it

    def language(self, loader: PackageLoader) -> Package:
        """The package for sessions whose packages come from this loader."""
        manifest = self.manifest
        names = tuple(dict.fromkeys([*manifest.classes, *self.python]))
        if self.is_hot:
            names = (manifest.full_name,)
        return Package(
            manifest.full_name,
            manifest.version,
            loader,
            manifest.require,
            "1.3" if self.is_hot else manifest.format_version,
            names,
            self._make_class,
            manifest.meta,
            self.resource,
        )

    def _make_class(self, package: Package, name: str) -> MuranoType:
        if self.is_hot:
            from knarr.services.application_catalog.packages.hot_class import generate

            return generate(self, package)
        file = self.manifest.classes.get(name)
        if file is None:
            return self._python_only(package, name)
        for kind in self.read_file(package, file):
            cls = self.python.get(kind.name)
            if cls is not None and kind.python is None:
                attach(kind, cls)
            if kind.name == name:
                found = kind
            package.register(kind)
        try:
            return found
        except UnboundLocalError:
            place = Position(CLASSES + file, 1)
            raise ClassNotFound(f"the file {file} has no class {name}", place) from None

    def _python_only(self, package: Package, name: str) -> MuranoType:
        from knarr.services.application_catalog.language.model import ROOT, Namespaces

        kind = MuranoType(name, package, Namespaces({}), () if name == ROOT else (ROOT,))
        attach(kind, self.python[name])
        return kind

    def read_file(self, package: Package, file: str) -> list[MuranoType]:
        """The classes of one file. Raises SyntaxFault."""
        try:
            text = self.files.read(CLASSES + file).decode()
        except PackageFault:
            raise SyntaxFault(
                f"the package has no file {CLASSES}{file}", Position(manifests.FILE, 1)
            ) from None
        except UnicodeDecodeError:
            raise SyntaxFault("the file is not UTF-8", Position(CLASSES + file, 1)) from None
        found = self._documents.get(file)
        if found is None:
            parse = dialect(is_legacy(package.format_version)).parse
            found = self._documents[file] = documents(text, CLASSES + file, parse, deferring=True)
        return read_types(package, found, CLASSES + file)
