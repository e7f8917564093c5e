"""Repositories of packages: a folder or a web tree with `apps/<name>[.<version>].zip`,
`bundles/<name>.bundle` and `images/<name>`.

What a web server sends is not trusted: only http and https are spoken, to the server that was named and no
other, within limits of size and time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urljoin, urlsplit

from semantic_version import Version

from knarr.services.application_catalog.language.versions import Spec, spec, version
from knarr.services.application_catalog.packages import bundles
from knarr.services.application_catalog.packages.bundles import Bundle
from knarr.services.application_catalog.packages.faults import LIMITS, Limits, PackageFault
from knarr.services.application_catalog.packages.files import safe_name
from knarr.services.application_catalog.packages.images import Image
from knarr.services.application_catalog.packages.manifest import NAME
from knarr.services.application_catalog.packages.package import ApplicationPackage

CHUNK = 64 * 1024
LARGEST_BUNDLE = 1024 * 1024
LARGEST_IMAGE = 64 * 1024**3
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS, IMAGE_SECONDS = 10.0, 30.0, 120.0, 3600.0
MOST_REDIRECTS = 3
SCHEMES = {"http": 80, "https": 443}
ANY = spec("*")


class Repository(Protocol):
    def package(self, name: str, versions: Spec = ANY) -> ApplicationPackage:
        """The package of that name, of a version in the range. Raises PackageFault."""
        ...

    def bundle(self, name: str) -> Bundle:
        """Raises PackageFault."""
        ...

    def image(self, image: Image) -> Iterator[bytes]:
        """The data of an image, piece by piece. Raises PackageFault, at the end if its digest is another."""
        ...


def open_repository(place: str | Path, limits: Limits = LIMITS) -> Repository:
    """The repository at a URL, or in a folder. Raises PackageFault."""
    if isinstance(place, Path):
        return FolderRepository(place, limits)
    if "://" in place:
        return WebRepository(place, limits)
    return FolderRepository(Path(place), limits)


class FolderRepository:
    """A folder on this host: the tree of a repository, or packages and bundles side by side."""

    def __init__(self, root: Path, limits: Limits = LIMITS) -> None:
        if not root.is_dir():
            raise PackageFault(f"{root} is no folder")
        self._root = root
        self._limits = limits

    def package(self, name: str, versions: Spec = ANY) -> ApplicationPackage:
        _check_name(name)
        found = [self._open(path, name) for path in self._archives(name)]
        found = [one for one in found if one.manifest.version in versions]
        if not found:
            raise PackageFault(f"there is no package {name} {versions.text} in {self._root}")
        return max(found, key=lambda one: one.manifest.version)

    def _archives(self, name: str) -> Iterator[Path]:
        for folder in (self._root / "apps", self._root):
            for path in sorted(folder.glob(f"{name}*.zip")) if folder.is_dir() else ():
                rest = path.name.removeprefix(name).removesuffix(".zip")
                if not rest or _is_version(rest.removeprefix(".")):
                    yield path
            if (folder / name / "manifest.yaml").is_file():
                yield folder / name

    def _open(self, path: Path, name: str) -> ApplicationPackage:
        return _named(ApplicationPackage.open(path, limits=self._limits), name, str(path))

    def bundle(self, name: str) -> Bundle:
        _check_name(name, "bundle")
        for folder in (self._root / "bundles", self._root):
            path = folder / f"{name}.bundle"
            if path.is_file():
                if path.stat().st_size > LARGEST_BUNDLE:
                    raise PackageFault(f"the bundle {name} is larger than {LARGEST_BUNDLE} bytes")
                return bundles.read(path.read_bytes(), path.name)
        raise PackageFault(f"there is no bundle {name} in {self._root}")

    def image(self, image: Image) -> Iterator[bytes]:
        path = self._root / "images" / image.name
        if path.is_file() and not path.is_symlink():
            return _verified(_pieces(path), image)
        if image.url:
            return _verified(WebRepository(image.url).read(image.url, LARGEST_IMAGE, IMAGE_SECONDS), image)
        raise PackageFault(f"there is no image {image.name} in {self._root}")


class WebRepository:
    """A web tree. `url` is where apps/, bundles/ and images/ are."""

    def __init__(self, url: str, limits: Limits = LIMITS) -> None:
        _check_url(url)
        self._url = url if url.endswith("/") else url + "/"
        self._limits = limits

    def package(self, name: str, versions: Spec = ANY) -> ApplicationPackage:
        _check_name(name)
        told: PackageFault | None = None
        for exact in (*_exact(versions), None):
            file = f"apps/{name}.{exact}.zip" if exact else f"apps/{name}.zip"
            data = self._file(file, self._limits.archive)
            if data is None:
                continue
            found = _named(ApplicationPackage.open(data, limits=self._limits), name, self._url + file)
            if found.manifest.version in versions:
                return found
            told = PackageFault(
                f"{self._url}{file} has version {found.manifest.version}; {versions.text} is needed"
            )
        raise told or PackageFault(f"there is no package {name} {versions.text} at {self._url}")

    def bundle(self, name: str) -> Bundle:
        _check_name(name, "bundle")
        data = self._file(f"bundles/{name}.bundle", LARGEST_BUNDLE)
        if data is None:
            raise PackageFault(f"there is no bundle {name} at {self._url}")
        return bundles.read(data, f"{name}.bundle")

    def image(self, image: Image) -> Iterator[bytes]:
        url = image.url or urljoin(self._url, f"images/{quote(safe_name(image.name))}")
        return _verified(self.read(url, LARGEST_IMAGE, IMAGE_SECONDS), image)

    def _file(self, path: str, most: int) -> bytes | None:
        """The content of a file; None if there is none."""
        try:
            return b"".join(self.read(urljoin(self._url, path), most, TOTAL_SECONDS))
        except _NotThere:
            return None

    def read(self, url: str, most: int, seconds: float) -> Iterator[bytes]:
        """What the URL gives, piece by piece. Raises PackageFault."""
        import urllib3

        end = time.monotonic() + seconds
        try:
            response = self._open(url, end)
            try:
                yield from _bounded(response, url, most, end)
            finally:
                response.release_conn()
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise PackageFault(f"{url} cannot be read: {_reason(error)}") from None

    def _open(self, url: str, end: float) -> Any:
        import urllib3

        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        pool = urllib3.PoolManager(timeout=timeout, retries=False)
        for _ in range(MOST_REDIRECTS + 1):
            _check_url(url)
            response = pool.request(
                "GET", url, redirect=False, preload_content=False, headers={"Accept-Encoding": "identity"}
            )
            if response.status == 200:
                return response
            response.close()
            if response.status in (404, 410):
                raise _NotThere(f"there is nothing at {url}")
            place = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not place:
                raise PackageFault(f"{url} answers with status {response.status}")
            try:
                target = urljoin(url, place)
                elsewhere = _origin(target) != _origin(url)
            except ValueError:
                raise PackageFault(f"{url} leads to {place[:200]!r}, which is no URL") from None
            if elsewhere:
                raise PackageFault(f"{url} leads to another server, {target[:200]}: name that one instead")
            url = target
            if time.monotonic() > end:
                break
        raise PackageFault(f"{url} leads from one place to the next more than {MOST_REDIRECTS} times")


class _NotThere(PackageFault):
    pass


def _bounded(response: Any, url: str, most: int, end: float) -> Iterator[bytes]:
    told = response.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > most:
        raise PackageFault(f"{url} has {told} bytes; {most} is the most")
    size = 0
    while piece := response.read1(CHUNK, decode_content=False):
        size += len(piece)
        if size > most:
            raise PackageFault(f"{url} has more than {most} bytes")
        if time.monotonic() > end:
            raise PackageFault(f"{url} takes too long to read")
        yield piece
    if told.isdecimal() and size < int(told):
        raise PackageFault(f"{url} ended after {size} of {told} bytes")


def _reason(error: Exception) -> str:
    text = str(error)
    return text.rpartition(">: ")[2][:200] or type(error).__name__


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _verified(pieces: Iterable[bytes], image: Image) -> Iterator[bytes]:
    digest = hashlib.new(image.algorithm, usedforsecurity=False) if image.algorithm else None
    for piece in pieces:
        if digest is not None:
            digest.update(piece)
        yield piece
    if digest is not None and digest.hexdigest() != image.digest:
        raise PackageFault(f"image {image.name} has the digest {digest.hexdigest()}, not {image.digest}")


# Names and places


def _check_name(name: str, what: str = "package") -> None:
    good = NAME.match(name) if what == "package" else safe_name(name) == name and "/" not in name
    if not good:
        raise PackageFault(f"{name[:80]!r} is no name of a {what}")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise PackageFault(f"{url[:200]!r} is no URL") from None
    if parts.scheme not in SCHEMES:
        raise PackageFault(f"{url[:200]!r}: only http:// and https:// are allowed")
    if not parts.hostname or port == 0 or parts.username is not None or parts.fragment:
        raise PackageFault(
            f"{parts.scheme}://…: a repository's URL has a host, and neither user nor fragment"
        )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or SCHEMES.get(parts.scheme)


def _is_version(text: str) -> bool:
    try:
        return bool(text) and bool(Version.coerce(text))
    except ValueError:
        return False


def _exact(versions: Spec) -> tuple[str, ...]:
    """The version, where the range is one alone."""
    text = versions.text.lstrip("=").strip()
    try:
        return (text,) if text[:1].isdigit() and str(version(text)) == text else ()
    except ValueError:
        return ()


def _named(package: ApplicationPackage, name: str, place: str) -> ApplicationPackage:
    if package.manifest.full_name != name:
        raise PackageFault(f"{place} holds the package {package.manifest.full_name}, not {name}")
    return package
