"""manifest.yaml: what a package is called, what it needs and what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from semantic_version import Version

from knarr.services.application_catalog.language.classfile import read_meta
from knarr.services.application_catalog.language.dialect import dialect
from knarr.services.application_catalog.language.model import CORE, MetaEntry, Namespaces
from knarr.services.application_catalog.language.source import Mapped, misread
from knarr.services.application_catalog.language.versions import ZERO, Spec, spec, version
from knarr.services.application_catalog.packages.faults import Faults, PackageFault
from knarr.services.application_catalog.packages.files import safe_name
from knarr.services.application_catalog.packages.reading import mapping

FILE = "manifest.yaml"
MURANOPL = "MuranoPL"
HOT = "Heat.HOT"
FORMATS: dict[str, tuple[str, ...]] = {MURANOPL: ("1.0", "1.1", "1.2", "1.3", "1.4"), HOT: ("1.0",)}
TYPES = ("Application", "Library")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")
NO_MANIFEST = "a manifest is one mapping with the keys FullName, Type, …"
LONGEST_NAME = 80
MOST_TAGS = 100
SUPPLIER_KEYS = frozenset({"Name", "Description", "Summary", "Url", "CompanyUrl", "Logo"})

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

    Raises PackageFault with the line of what is wrong. Keys that are not known are left alone, as upstream
    leaves them; `inspect` tells of them.
    """
    manifest, faults, _ = _read(data, plugins)
    faults.stop()
    assert manifest is not None
    return manifest


def inspect(
    data: bytes, plugins: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Manifest | None, Faults]:
    """The manifest, with what could not be read left out, and everything that is wrong with it."""
    manifest, faults, remarks = _read(data, plugins)
    return manifest, Faults([*faults, *remarks])


def _read(
    data: bytes, plugins: Mapping[str, tuple[str, ...]] | None
) -> tuple[Manifest | None, Faults, Faults]:
    faults = Faults()
    with faults.taken():
        content = mapping(data, FILE, NO_MANIFEST, dialect().parse)
        reader = _Reader(content, {**FORMATS, **(plugins or {})}, faults)
        return reader.manifest(), faults, reader.remarks
    return None, faults, Faults()


class _Reader:
    """Reads key by key: what is wrong with one does not keep the others from being read."""

    def __init__(self, data: Mapped, formats: Mapping[str, tuple[str, ...]], faults: Faults) -> None:
        self.data = data
        self.formats = formats
        self.faults = faults
        self.remarks = Faults()

    def manifest(self) -> Manifest:
        self.unknown(self.data, KEYS, "a manifest")
        name, number = self.one(self.format, (MURANOPL, "1.0"))
        full_name = self.one(self.full_name, "")
        return Manifest(
            full_name=full_name,
            format_name=name,
            format_version=number,
            type=self.one(self.type, "Application"),
            name=self.text("Name") or full_name,
            description=self.text("Description") or "",
            author=self.text("Author") or "",
            tags=self.one(self.tags, ()),
            version=self.one(self.version, ZERO),
            require=self.one(self.require, {}),
            classes=self.one(self.classes, {}),
            ui=self.file("UI") or "ui.yaml",
            logo=self.file("Logo"),
            supplier=self.one(self.supplier, Supplier()),
            meta=self.one(self.meta, ()),
        )

    # How mistakes are noted

    def one(self, read: Callable[[], Any], otherwise: Any) -> Any:
        with self.faults.taken():
            return read()
        return otherwise

    def fault(self, message: str, key: Any = None, within: Mapped | None = None) -> PackageFault:
        data = self.data if within is None else within
        return PackageFault(message, data.keys_at.get(key, data.position))

    def unknown(self, data: Mapped, known: frozenset[str], what: str) -> None:
        for key in data:
            if key not in known:
                words = ", ".join(sorted(known))
                self.remarks.append(
                    self.fault(f"{what} has no key {str(key)[:80]!r} (known: {words})", key, data)
                )

    def mapping(self, key: str, what: str) -> Mapped:
        found = self.data.get(key)
        if found is None:
            return Mapped(self.data.position)
        if not isinstance(found, Mapped):
            raise self.fault(f"{key} {what}", key)
        return found

    # The keys

    def format(self) -> tuple[str, str]:
        found = str(_plain(self.data.get("Format") or "1.0")).strip()
        name, slash, number = found.partition("/")
        if not slash and name not in self.formats:
            name, number = MURANOPL, name
        if name not in self.formats:
            raise self.fault(f"Format: {found[:80]} is none of {', '.join(sorted(self.formats))}", "Format")
        known = self.formats[name]
        number = re.sub(r"\A(\d+)\Z", r"\1.0", re.sub(r"\A(\d+\.\d+)\.0\Z", r"\1", number)) or known[0]
        if number not in known:
            raise self.fault(
                f"Format: {name} has the versions {', '.join(known)}, not {number[:80]}", "Format"
            )
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
            raise self.fault(f"Type: {str(found)[:80]} must be {' or '.join(TYPES)}", "Type")
        return str(found)

    def text(self, key: str, within: Mapped | None = None) -> str | None:
        data = self.data if within is None else within
        found = data.get(key)
        if isinstance(found, (Mapped, list)):
            self.faults.append(self.fault(f"{key} must be text", key, data))
            return None
        return None if found is None else str(found).strip()

    def file(self, key: str, within: Mapped | None = None) -> str | None:
        """The name of a file of the package."""
        found = self.text(key, within)
        with self.faults.taken():
            try:
                return safe_name(found) if found else None
            except PackageFault as fault:
                raise self.fault(f"{key}: {fault.message}", key, within) from None
        return None

    def tags(self) -> tuple[str, ...]:
        found = self.data.get("Tags") or []
        rows = found if isinstance(found, list) else [found]
        if len(rows) > MOST_TAGS or any(isinstance(row, (list, Mapped)) for row in rows):
            raise self.fault(f"Tags is a list of words, {MOST_TAGS} at most", "Tags")
        return tuple(str(row) for row in rows)

    def version(self) -> Version:
        try:
            return version(_plain(self.data.get("Version")))
        except ValueError as error:
            raise self.fault(f"Version: {error}", "Version") from None

    def require(self) -> dict[str, Spec]:
        found = self.mapping("Require", "maps names of packages to ranges of versions")
        wanted: dict[str, Spec] = {}
        for name, value in found.items():
            if not isinstance(name, str) or not NAME.match(name):
                told = misread(name) or f"{name[:80]!r} is no package's name"
                self.faults.append(self.fault(f"Require: {told}", name, found))
                continue
            try:
                wanted[name] = spec(_plain(value))
            except ValueError as error:
                self.faults.append(self.fault(f"Require: {name}: {error}", name, found))
        own = str(self.data.get("FullName"))
        if own in wanted:
            self.faults.append(self.fault("Require: a package cannot require itself", own, found))
        if own != CORE:
            wanted.setdefault(CORE, spec())
        return wanted

    def classes(self) -> dict[str, str]:
        found = self.mapping("Classes", "maps names of classes to files")
        classes: dict[str, str] = {}
        for name, file in found.items():
            if not isinstance(name, str) or not NAME.match(name):
                told = misread(name) or f"{name[:80]!r} is no name of a class"
                self.faults.append(self.fault(f"Classes: {told}", name, found))
            elif isinstance(file, (Mapped, list)) or not file:
                self.faults.append(self.fault(f"Classes: {name} needs the name of a file", name, found))
            else:
                with self.faults.taken():
                    classes[name] = self.class_file(name, str(file), found)
        return classes

    def class_file(self, name: str, file: str, within: Mapped) -> str:
        try:
            return safe_name(file)
        except PackageFault as fault:
            raise self.fault(f"Classes: {name}: {fault.message}", name, within) from None

    def supplier(self) -> Supplier:
        found = self.mapping("Supplier", f"has the keys {', '.join(sorted(SUPPLIER_KEYS))}")
        self.unknown(found, SUPPLIER_KEYS, "Supplier")
        company = found.get("CompanyUrl")
        if isinstance(company, Mapped):
            url = self.text("Link", company)
        else:
            url = self.text("CompanyUrl", found)
        return Supplier(
            name=self.text("Name", found),
            description=self.text("Description", found),
            summary=self.text("Summary", found),
            url=self.text("Url", found) or url,
            logo=self.file("Logo", found),
        )

    def meta(self) -> tuple[MetaEntry, ...]:
        return read_meta(self.data, Namespaces({}))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, str)) else str(value)
