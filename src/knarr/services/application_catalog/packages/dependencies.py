"""What packages need of one another: the order to import them in, and fetching what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from knarr.services.application_catalog.language.model import CORE
from knarr.services.application_catalog.language.versions import Spec, spec
from knarr.services.application_catalog.packages.bundles import Bundle
from knarr.services.application_catalog.packages.faults import PackageFault
from knarr.services.application_catalog.packages.package import ApplicationPackage
from knarr.services.application_catalog.packages.repository import ANY, Repository

MOST_PACKAGES = 500


def in_order(packages: Iterable[ApplicationPackage]) -> list[ApplicationPackage]:
    """The packages, each after those that it requires; those that are not among them do not count.

    Raises PackageFault if packages require each other.
    """
    by_name: dict[str, list[ApplicationPackage]] = {}
    for package in packages:
        by_name.setdefault(package.manifest.full_name, []).append(package)
    for versions in by_name.values():
        versions.sort(key=lambda one: one.manifest.version)
    found: list[ApplicationPackage] = []
    done: set[int] = set()
    for name in sorted(by_name):
        for package in by_name[name]:
            _visit(package, by_name, found, done, ())
    return found


def _visit(
    package: ApplicationPackage,
    by_name: Mapping[str, list[ApplicationPackage]],
    found: list[ApplicationPackage],
    done: set[int],
    path: tuple[ApplicationPackage, ...],
) -> None:
    if id(package) in done:
        return
    if package in path:
        chain = [one.manifest.full_name for one in (*path[path.index(package) :], package)]
        raise PackageFault(f"packages require each other: {' -> '.join(chain)}")
    for name, versions in sorted(package.manifest.require.items()):
        for other in by_name.get(name, ()):
            if other is not package and other.manifest.version in versions:
                _visit(other, by_name, found, done, (*path, package))
    done.add(id(package))
    found.append(package)


def missing(
    packages: Iterable[ApplicationPackage], there: Collection[str] = ()
) -> dict[str, list[tuple[str, Spec]]]:
    """Requirements that nothing meets: names of packages with (who requires it, of which versions).

    `there` are names that count as met, whatever their version.
    """
    at_hand = list(packages)
    found: dict[str, list[tuple[str, Spec]]] = {}
    for package in at_hand:
        for name, versions in package.manifest.require.items():
            met = name == CORE or name in there
            met = met or any(o.manifest.full_name == name and o.manifest.version in versions for o in at_hand)
            if not met:
                found.setdefault(name, []).append((package.manifest.full_name, versions))
    return found


def fetch(
    repository: Repository, wanted: Iterable[tuple[str, Spec]], there: Collection[str] = ()
) -> list[ApplicationPackage]:
    """The wanted packages with all that they require, in the order to import them in.

    `there` are names of packages that are had already. Raises PackageFault, naming who requires what.
    """
    found: list[ApplicationPackage] = []
    asked = [(name, versions, "") for name, versions in wanted]
    while asked:
        name, versions, by = asked.pop(0)
        if any(one.manifest.full_name == name and one.manifest.version in versions for one in found):
            continue
        if len(found) >= MOST_PACKAGES:
            raise PackageFault(f"more than {MOST_PACKAGES} packages are required")
        try:
            package = repository.package(name, versions)
        except PackageFault as fault:
            if not by:
                raise
            raise PackageFault(f"{fault} (required by {by})") from None
        found.append(package)
        for other, range_ in sorted(package.manifest.require.items()):
            if other != CORE and other not in there:
                asked.append((other, range_, package.manifest.full_name))
    return in_order(found)


def fetch_bundle(
    repository: Repository, bundle: Bundle, there: Collection[str] = ()
) -> list[ApplicationPackage]:
    """The packages of a bundle with all that they require. Raises PackageFault."""
    wanted = [(entry.name, spec(f"=={entry.version}") if entry.version else ANY) for entry in bundle.packages]
    return fetch(repository, wanted, there)
