"""images.lst: the images of servers that an application needs, to be put into the image service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from knarr.services.application_catalog.language.errors import Position
from knarr.services.application_catalog.language.source import Mapped
from knarr.services.application_catalog.packages.faults import Faults, PackageFault
from knarr.services.application_catalog.packages.reading import mapping

FILE = "images.lst"
NO_LIST = "the file has the key Images with a list of images"
KEYS = ("Name", "Hash", "Meta", "DiskFormat", "ContainerFormat", "Url")
REQUIRED = ("Name", "DiskFormat", "ContainerFormat")
FORMATS = {
    "DiskFormat": (
        "raw", "qcow2", "vhd", "vhdx", "vdi", "vmdk", "iso", "ploop", "aki", "ari", "ami"
    ),
    "ContainerFormat": ("bare", "ovf", "ova", "docker", "compressed", "aki", "ari", "ami"),
}  # fmt: skip
# Digests by their number of hexadecimal digits.
DIGESTS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
# The property by which forms find the images that fit an application.
MARK = "murano_image_info"


@dataclass(frozen=True)
class Image:
    """One image. `digest` is hexadecimal, of the algorithm that its length tells."""

    name: str
    disk_format: str
    container_format: str
    digest: str | None = None
    url: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def algorithm(self) -> str | None:
        return DIGESTS[len(self.digest)] if self.digest else None

    @property
    def properties(self) -> dict[str, str]:
        """What the image is marked with: its title and the type that forms ask for."""
        return {MARK: json.dumps(dict(self.meta), sort_keys=True)} if self.meta else {}


def read(data: bytes) -> tuple[Image, ...]:
    """The images of a file. Raises PackageFault with the line of what is wrong."""
    found, faults = inspect(data)
    faults.stop()
    return found


def inspect(data: bytes) -> tuple[tuple[Image, ...], Faults]:
    """The images that can be read, and everything that is wrong."""
    faults = Faults()
    found: list[Image] = []
    with faults.taken():
        for row in _rows(data):
            wrong = list(_wrong(row))
            faults += wrong
            if wrong:
                continue
            image = _image(row)
            if any(image.name == other.name for other in found):
                faults.note(f"the image {image.name} stands there twice", row.position)
            else:
                found.append(image)
    return tuple(found), faults


def _rows(data: bytes) -> list[Mapped]:
    rows = mapping(data, FILE, NO_LIST).get("Images")
    if not isinstance(rows, list) or not all(isinstance(row, Mapped) for row in rows):
        raise PackageFault(NO_LIST, Position(FILE, 1))
    return rows


def _image(row: Mapped) -> Image:
    digest = str(row.get("Hash") or "").lower()
    meta = row.get("Meta") or {}
    return Image(
        str(row["Name"]).strip(),
        str(row["DiskFormat"]).lower(),
        str(row["ContainerFormat"]).lower(),
        digest or None,
        None if row.get("Url") is None else str(row["Url"]),
        {str(key): str(value) for key, value in meta.items()},
    )


def _wrong(row: Mapped) -> Iterator[PackageFault]:
    """Everything that keeps a row from being an image."""

    def fault(key: str, message: str) -> PackageFault:
        return PackageFault(message, row.keys_at.get(key, row.position))

    for key in row:
        if key not in KEYS:
            yield fault(key, f"an image has no key {str(key)[:80]!r} (known: {', '.join(KEYS)})")
    missing = [
        key
        for key in REQUIRED
        if not isinstance(row.get(key), (str, int, float)) or not str(row[key]).strip()
    ]
    for key in missing:
        yield fault(key, f"an image needs the key {key}")
    name = str(row.get("Name")).strip()
    if "/" in name or "\\" in name or name in (".", "..") or len(name) > 255 or not name.isprintable():
        yield fault("Name", f"Name: {name[:80]!r} is no name of an image")
    for key, known in FORMATS.items():
        value = str(row.get(key)).lower()
        if key not in missing and value not in known:
            yield fault(key, f"{key}: {value[:80]} is none of {', '.join(known)}")
    digest = str(row.get("Hash") or "").lower()
    if digest and (len(digest) not in DIGESTS or not re.fullmatch(r"[0-9a-f]+", digest)):
        yield fault("Hash", "Hash is a hexadecimal digest: MD5, SHA-1, SHA-256 or SHA-512")
    meta = row.get("Meta") or {}
    if not isinstance(meta, Mapping) or any(isinstance(value, (list, Mapping)) for value in meta.values()):
        yield fault("Meta", "Meta maps words to texts, such as title and type")
    url = None if row.get("Url") is None else str(row["Url"])
    if url is not None and not _is_web_address(url):
        yield fault("Url", f"Url: {url[:80]!r} is no address that begins with http:// or https://")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
