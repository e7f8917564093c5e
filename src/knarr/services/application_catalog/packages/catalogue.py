"""Where a session's packages come from: a set of packages, of each as few versions as requirements allow."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.services.application_catalog.language.errors import PackageNotFound
from knarr.services.application_catalog.language.model import Package
from knarr.services.application_catalog.language.versions import Spec
from knarr.services.application_catalog.packages.package import ApplicationPackage


class Catalogue:
    """A PackageLoader over packages that are at hand. A version that is loaded already is preferred to a
    newer one, so that a session works with as few versions as it can."""

    def __init__(self, packages: Iterable[ApplicationPackage]) -> None:
        self._packages: dict[str, list[ApplicationPackage]] = {}
        self._by_class: dict[str, list[str]] = {}
        self._loaded: dict[str, list[Package]] = {}
        for package in packages:
            self.add(package)

    def add(self, package: ApplicationPackage) -> None:
        manifest = package.manifest
        versions = self._packages.setdefault(manifest.full_name, [])
        versions.append(package)
        versions.sort(key=lambda one: one.manifest.version, reverse=True)
        for name in (manifest.full_name, *manifest.classes, *package.python):
            owners = self._by_class.setdefault(name, [])
            if manifest.full_name not in owners:
                owners.append(manifest.full_name)

    def load_package(self, name: str, versions: Spec) -> Package:
        for package in self._loaded.get(name, ()):
            if package.version in versions:
                return package
        having = self._packages.get(name, [])
        for candidate in having:
            if candidate.manifest.version in versions:
                made = candidate.language(self)
                self._loaded.setdefault(name, []).append(made)
                return made
        there = ", ".join(str(one.manifest.version) for one in having)
        raise PackageNotFound(
            f"package {name} {versions.text} is needed"
            + (f"; there is {there}" if there else " and not there")
        )

    def load_class_package(self, class_name: str, versions: Spec) -> Package:
        wanted = class_name if versions.text == "*" else f"{class_name} of a version {versions.text}"
        fault = PackageNotFound(f"no package has the class {wanted}")
        for owner in self._by_class.get(class_name, ()):
            try:
                package = self.load_package(owner, versions)
            except PackageNotFound as error:
                fault = error
                continue
            if class_name in package.class_names:
                return package
        raise fault
