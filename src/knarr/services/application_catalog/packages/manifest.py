"""manifest.yaml: what a package is called, what it needs and what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from semantic_version import Version

from knarr.services.application_catalog.language.classfile import read_meta
from knarr.services.application_catalog.language.dialect import dialect
from knarr.services.application_catalog.language.errors import Position, SyntaxFault
from knarr.services.application_catalog.language.model import CORE, MetaEntry, Namespaces
from knarr.services.application_catalog.language.source import Expression, Mapped, documents
from knarr.services.application_catalog.language.versions import ZERO, Spec, spec, version
from knarr.services.application_catalog.packages.faults import PackageFault

FILE = "manifest.yaml"
MURANOPL = "MuranoPL"
HOT = "Heat.HOT"
FORMATS: dict[str, tuple[str, ...]] = {MURANOPL: ("1.0", "1.1", "1.2", "1.3", "1.4"), HOT: ("1.0",)}
TYPES = ("Application", "Library")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")
LONGEST_NAME = 80
MOST_TAGS = 100

KEYS = frozenset(
    {
        "Format",
        "Type",
        "FullName",
        "Name",
        "Description",
        "Author",
        "Tags",
        "Version",
        "Require",
        "Classes",
        "UI",
        "Logo",
        "Supplier",
        "Meta",
    }
)


@dataclass(frozen=True)
class Supplier:
    name: str | None = None
    description: str | None = None
    summary: str | None = None
    url: str | None = None
    logo: str | None = None


@dataclass(frozen=True)
class Manifest:
    """A manifest that was read and found good. `format_name` is MuranoPL, Heat.HOT or a plug-in's."""

    full_name: str
    format_name: str = MURANOPL
    format_version: str = "1.0"
    type: str = "Application"
    name: str = ""
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    version: Version = ZERO
    require: Mapping[str, Spec] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    ui: str = "ui.yaml"
    logo: str | None = None
    supplier: Supplier = field(default_factory=Supplier)
    meta: tuple[MetaEntry, ...] = ()


def read(data: bytes, plugins: Mapping[str, tuple[str, ...]] | None = None) -> Manifest:
    """The manifest in the bytes of a file. `plugins` are further formats with their versions.

    Raises PackageFault with the line of what is wrong.
    """
    return _Reader(_parse(data), {**FORMATS, **(plugins or {})}).manifest()


def _parse(data: bytes) -> Mapped:
    try:
        text = data.decode()
        found = documents(text, FILE, dialect().parse)
    except UnicodeDecodeError:
        raise PackageFault("the file is not UTF-8", Position(FILE, 1)) from None
    except SyntaxFault as error:
        raise PackageFault(error.message, error.position) from None
    if len(found) != 1 or not isinstance(found[0], Mapped):
        raise PackageFault("a manifest is one mapping with the keys FullName, Type, …", Position(FILE, 1))
    return found[0]


class _Reader:
    def __init__(self, data: Mapped, formats: Mapping[str, tuple[str, ...]]) -> None:
        self.data = data
        self.formats = formats

    def manifest(self) -> Manifest:
        for key in self.data:
            if key not in KEYS:
                known = ", ".join(sorted(KEYS))
                raise self.fault(f"there is no key {key!s} in a manifest (known: {known})", key)
        name, number = self.format()
        return Manifest(
            full_name=self.full_name(),
            format_name=name,
            format_version=number,
            type=self.type(),
            name=self.text("Name") or self.text("FullName") or "",
            description=self.text("Description") or "",
            author=self.text("Author") or "",
            tags=self.tags(),
            version=self.made("Version", version, self.data.get("Version")),
            require=self.require(),
            classes=self.classes(),
            ui=self.text("UI") or "ui.yaml",
            logo=self.text("Logo"),
            supplier=self.supplier(),
            meta=self.meta(),
        )

    def fault(self, message: str, key: Any = None) -> PackageFault:
        return PackageFault(message, self.data.keys_at.get(key, self.data.position))

    def format(self) -> tuple[str, str]:
        found = str(self.data.get("Format", "1.0"))
        name, slash, number = found.partition("/")
        if not slash and name not in self.formats:
            name, number = MURANOPL, name
        number = number or "1.0"
        if name not in self.formats:
            raise self.fault(f"Format: {found} is none of {', '.join(sorted(self.formats))}", "Format")
        if number not in self.formats[name]:
            known = ", ".join(self.formats[name])
            raise self.fault(f"Format: {name} has the versions {known}, not {number}", "Format")
        return name, number

    def full_name(self) -> str:
        found = self.data.get("FullName")
        if found is None:
            raise self.fault("FullName is required")
        if not isinstance(found, str) or not NAME.match(found) or len(found) > LONGEST_NAME:
            raise self.fault(
                f"FullName: {str(found)[:80]!r} must be words with dots between, of "
                f"{LONGEST_NAME} characters at most",
                "FullName",
            )
        return found

    def type(self) -> str:
        found = self.data.get("Type", "Application")
        if found not in TYPES:
            raise self.fault(f"Type: {found!s} must be {' or '.join(TYPES)}", "Type")
        return str(found)

    def text(self, key: str) -> str | None:
        found = self.data.get(key)
        if found is None:
            return None
        if isinstance(found, (Mapped, list)):
            raise self.fault(f"{key} must be text", key)
        return str(found).strip()

    def tags(self) -> tuple[str, ...]:
        found = self.data.get("Tags") or []
        rows = found if isinstance(found, list) else [found]
        if len(rows) > MOST_TAGS or any(isinstance(row, (list, Mapped)) for row in rows):
            raise self.fault(f"Tags is a list of words, {MOST_TAGS} at most", "Tags")
        return tuple(str(row) for row in rows)

    def made(self, key: str, make: Callable[[Any], Any], value: Any) -> Any:
        try:
            return make(value)
        except ValueError as error:
            raise self.fault(f"{key}: {error}", key) from None

    def require(self) -> dict[str, Spec]:
        found = self.data.get("Require") or {}
        if not isinstance(found, Mapping):
            raise self.fault("Require maps names of packages to ranges of versions", "Require")
        wanted = {str(name): self.made("Require", spec, _plain(value)) for name, value in found.items()}
        if str(self.data.get("FullName")) != CORE:
            wanted.setdefault(CORE, spec())
        return wanted

    def classes(self) -> dict[str, str]:
        found = self.data.get("Classes") or {}
        if not isinstance(found, Mapping):
            raise self.fault("Classes maps names of classes to files", "Classes")
        for name, file in found.items():
            if not isinstance(name, str) or not NAME.match(name):
                raise self.fault(f"Classes: {str(name)[:80]!r} is no name of a class", "Classes")
            if not isinstance(file, (str, Expression)):
                raise self.fault(f"Classes: {name} needs the name of a file", "Classes")
        # `folder/Class.yaml` could be a division.
        return {name: str(file) for name, file in found.items()}

    def supplier(self) -> Supplier:
        found = self.data.get("Supplier") or {}
        if not isinstance(found, Mapping):
            raise self.fault("Supplier has the parts Name, Description, Summary, Url, Logo", "Supplier")
        fields = {}
        for key, value in found.items():
            if key not in ("Name", "Description", "Summary", "Url", "Logo"):
                raise self.fault(f"Supplier has no part {key!s}", "Supplier")
            fields[key.lower()] = None if value is None else str(_plain(value))
        return Supplier(**fields)

    def meta(self) -> tuple[MetaEntry, ...]:
        try:
            return read_meta(self.data.get("Meta"), Namespaces({}), self.data.position)
        except SyntaxFault as error:
            raise PackageFault(error.message, error.position) from None


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, str)) else str(value)
