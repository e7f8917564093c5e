"""What is wrong with a package, all of it: for authors, before anybody imports it.

Nothing is executed. Names of other packages are looked for in those that are given beside; where a required
package is not at hand, what it may have is taken on trust.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from knarr.services.application_catalog.forms.definition import Definition
from knarr.services.application_catalog.forms.faults import Warned
from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.model import Package
from knarr.services.application_catalog.packages import check_hot, hot, images
from knarr.services.application_catalog.packages import manifest as manifests
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.check_classes import ClassChecker
from knarr.services.application_catalog.packages.check_forms import FormChecker
from knarr.services.application_catalog.packages.check_keys import doubtful_keys
from knarr.services.application_catalog.packages.check_meta import wrong_metadata
from knarr.services.application_catalog.packages.check_names import Names
from knarr.services.application_catalog.packages.faults import Faults, PackageFault
from knarr.services.application_catalog.packages.files import Files, open_package
from knarr.services.application_catalog.packages.manifest import Manifest
from knarr.services.application_catalog.packages.package import CLASSES, UI, ApplicationPackage

WHOLE = "."
TOP_FILES = frozenset({manifests.FILE, images.FILE, hot.TEMPLATE})
TOP_FOLDERS = ("Classes", "Resources", "UI")


@dataclass(frozen=True, order=True)
class Finding:
    """One mistake. `file` is the name in the package, `.` for the package itself; lines count from 1.

    A warning is of what works, but not everywhere or not as its author may think.
    """

    file: str
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {'warning: ' if self.warning else ''}{self.message}"


def check(source: Path | bytes, others: Iterable[ApplicationPackage] = ()) -> list[Finding]:
    """Everything that is wrong with the package, by file and line. Empty for a good one."""
    faults = Faults()
    warnings: list[Warned] = []
    with faults.taken():
        _Check(open_package(source), list(others), faults, warnings).run()
    found = [_finding(fault.message, fault.position) for fault in faults]
    found += [_finding(one.message, one.position, True) for one in warnings]
    return sorted(set(found))


def _finding(message: str, place: Position | None, warning: bool = False) -> Finding:
    text = " ".join(message.split())
    return Finding(place.file, place.line, text, warning) if place else Finding(WHOLE, 0, text, warning)


class _Check:
    def __init__(
        self, files: Files, others: list[ApplicationPackage], faults: Faults, warnings: list[Warned]
    ) -> None:
        self.files = files
        self.others = others
        self.faults = faults
        self.warnings = warnings

    def run(self) -> None:
        if manifests.FILE not in self.files.names():
            raise PackageFault(f"the package has no {manifests.FILE} at its top")
        manifest, faults = manifests.inspect(self.files.read(manifests.FILE))
        self.faults += faults
        for name in self._yaml_files():
            self.faults += doubtful_keys(self.files.read(name), name)
        if manifest is None:
            return
        package = ApplicationPackage(self.files, manifest, self._python(manifest.full_name))
        self._pictures(package)
        if images.FILE in self.files.names():
            self.faults += images.inspect(self.files.read(images.FILE))[1]
        names = Names(package, self.others)
        language = package.language(Catalogue([package, *self.others]))
        language.requirements = {name: manifest.require[name] for name in names.required}
        lost: set[str] = set()
        if package.is_hot:
            check_hot.check(package, self.faults)
        elif manifest.format_name == manifests.MURANOPL:
            lost = self._classes(package, names, language)
        else:
            names.trust()
        self.faults += wrong_metadata(manifest.meta, "Package", language, names)
        definition = self._form(package)
        if definition is not None:
            FormChecker(language, names, lost, self.faults, self.warnings).check(definition)

    def _python(self, name: str) -> dict[str, type]:
        """Classes in Python of the package, where another copy of it is at hand that has them."""
        copies = (one.python for one in self.others if one.manifest.full_name == name)
        return dict(next(copies, {}))

    def _yaml_files(self) -> Iterator[str]:
        for name in self.files.names():
            if name in TOP_FILES or name.startswith((CLASSES, UI)):
                yield name

    def _pictures(self, package: ApplicationPackage) -> None:
        for key, read in (("Logo", package.logo), ("Supplier", package.supplier_logo)):
            try:
                read()
            except PackageFault as fault:
                self.faults.note(f"{key}: {fault.message}", self._key(key))

    def _key(self, key: str) -> Position:
        """Where the manifest has the key."""
        lines = self.files.read(manifests.FILE).decode(errors="replace").splitlines()
        found = (number for number, line in enumerate(lines, 1) if line.startswith(f"{key}:"))
        return Position(manifests.FILE, next(found, 1))

    def _classes(self, package: ApplicationPackage, names: Names, language: Package) -> set[str]:
        """Check the classes; gives the names of their parts that could not be read."""
        manifest = package.manifest
        self._files_of_classes(manifest)
        checker = ClassChecker(package, language, names, self.faults, self.warnings)
        for file in dict.fromkeys(manifest.classes.values()):
            if CLASSES + file in self.files.names():
                checker.read(file)
        checker.check()
        return checker.lost

    def _files_of_classes(self, manifest: Manifest) -> None:
        named = {CLASSES + file for file in manifest.classes.values()}
        for name, file in manifest.classes.items():
            if CLASSES + file not in self.files.names():
                self.faults.note(
                    f"Classes: {name}: the package has no file {CLASSES}{file}", self._key("Classes")
                )
        for name in self.files.names():
            if name.startswith(CLASSES) and name not in named:
                self.faults.note("no class of the manifest is in this file", Position(name, 1))
            elif PurePosixPath(name).parts[0].lower() in ("class", "resource", "classes", "resources", "ui"):
                folder = PurePosixPath(name).parts[0]
                if folder not in TOP_FOLDERS:
                    self.faults.note(
                        f"the folder {folder} is not looked at: it must be one of {', '.join(TOP_FOLDERS)}",
                        Position(name, 1),
                    )

    def _form(self, package: ApplicationPackage) -> Definition | None:
        """The UI definition, if there is one and it can be read."""
        name = UI + package.manifest.ui
        if name not in self.files.names():
            if package.manifest.ui != "ui.yaml":
                self.faults.note(f"UI: the package has no file {name}", self._key("UI"))
            return None
        from knarr.services.application_catalog.forms import reader

        found = reader.inspect(self.files.read(name), name)
        self.faults += found.faults
        self.warnings += found.warnings
        return found.definition
