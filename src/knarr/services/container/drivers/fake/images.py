"""Images of the fake engine."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import time
from typing import Any, BinaryIO

from knarr.services.container.drivers.base import (
    Credentials,
    EngineConflict,
    ImageInfo,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    Progress,
    RegistryUnavailable,
)
from knarr.services.container.drivers.fake.world import Image, World
from knarr.services.container.drivers.names import canonical, registry_of, split_ref

MIB = 1024 * 1024
MANIFEST = "manifest.json"
MANIFEST_MAX = MIB
STEPS = 4


class Images:
    """Part of FakeEngine."""

    world: World
    settings: Any

    def _images_from_the_beginning(self) -> None:
        if self.world.fresh:
            for ref in self.settings.images:
                self._add_image(ref)

    def _add_image(self, ref: str) -> ImageInfo:
        image = self._image(ref)
        with self.world.lock:
            self.world.save("image", image.ref, image)
        return _info(image)

    def _image(self, ref: str) -> Image:
        """What a registry has under the name: between 1 and 64 MiB, the same each time."""
        full = canonical(ref)
        digest = hashlib.sha256(f"image:{full}".encode()).hexdigest()
        return Image(f"sha256:{digest}", full, (1 + int(digest[:4], 16) % 64) * MIB)

    def image_present(self, ref: str) -> ImageInfo | None:
        with self.world.lock:
            image = self.world.image.get(canonical(ref))
            if image is None:
                wanted = ref.removeprefix("sha256:")
                by_id = re.fullmatch(r"[0-9a-f]{12,64}", wanted)
                images = self.world.image.values() if by_id else ()
                image = next(
                    (one for one in images if one.id.removeprefix("sha256:").startswith(wanted)), None
                )
            return _info(image) if image else None

    def image_check(self, ref: str, credentials: Credentials | None = None) -> None:
        self._ask_registry(ref, credentials)

    def _ask_registry(self, ref: str, credentials: Credentials | None) -> None:
        registry = registry_of(ref)
        if re.search(self.settings.unreachable_registries, registry):
            raise RegistryUnavailable(
                f"image {ref!r} is not on this host, and its registry {registry} does not answer: "
                "connection refused"
            )
        who = f"as user {credentials.username!r}" if credentials else "without credentials"
        if not self._lets_in(registry, credentials):
            raise ImageNotFound(
                f"image {ref!r} cannot be had: {registry} was asked {who} and answered: unauthorized"
            )
        if re.search(self.settings.missing_images, ref):
            raise ImageNotFound(
                f"image {ref!r} cannot be had: {registry} was asked {who} and answered: not found"
            )

    def pull(
        self, ref: str, credentials: Credentials | None = None, progress: Progress | None = None
    ) -> ImageInfo:
        self._ask_registry(ref, credentials)
        image = self._image(ref)
        steps = STEPS if not self.settings.pull_seconds else max(STEPS, int(self.settings.pull_seconds / 0.1))
        for step in range(1, steps + 1):
            time.sleep(self.settings.pull_seconds / steps)
            if progress:
                progress(
                    image.size * step // steps, image.size, "Downloading" if step < steps else "Pull complete"
                )
        return self._add_image(ref)

    def _lets_in(self, registry: str, credentials: Credentials | None) -> bool:
        wanted = self.settings.registries.get(registry.partition(":")[0])
        if wanted is None:
            return True
        return credentials is not None and wanted == f"{credentials.username}:{credentials.password}"

    def image_search(self, term: str) -> list[dict[str, Any]]:
        with self.world.lock:
            names = sorted({split_ref(ref)[0] for ref in self.world.image})
        return [
            {"name": name, "description": "An image of the fake engine", "star_count": 0, "is_official": True}
            for name in names
            if term.lower() in name.lower()
        ]

    def load(self, tar: BinaryIO, ref: str | None = None) -> list[ImageInfo]:
        names = _names_in(tar)
        if ref:
            names[:1] = [ref]
        if not names:
            raise InvalidRequest(
                "this is not an image as `docker save` writes them: no name in it, and none given"
            )
        return [self._add_image(name) for name in names]

    def images(self) -> list[ImageInfo]:
        with self.world.lock:
            return [_info(image) for image in self.world.image.values()]

    def image_delete(self, ref: str, force: bool = False) -> None:
        with self.world.lock:
            found = self.image_present(ref)
            if found is None:
                raise NotThere(f"image {ref!r} does not lie on this engine")
            users = [
                name for name, one in self.world.container.items() if canonical(one.spec.image) == found.ref
            ]
            if users and not force:
                raise EngineConflict(
                    f"image {ref!r} is used by {len(users)} containers, {users[0]} among them"
                )
            self.world.drop("image", found.ref)


def _names_in(tar: BinaryIO) -> list[str]:
    """Names out of the manifest of a `docker save` tar; all of it is read, whatever its size."""
    manifest: list[dict[str, Any]] | None = None
    try:
        with tarfile.open(fileobj=tar, mode="r|*") as stream:
            for entry in stream:
                content = stream.extractfile(entry) if entry.name == MANIFEST else None
                if content is not None:
                    manifest = json.loads(content.read(MANIFEST_MAX))
        if manifest is None:
            raise InvalidRequest(f"this is not an image as `docker save` writes them: no {MANIFEST} in it")
        return [name for image in manifest for name in (image.get("RepoTags") or ())]
    except (tarfile.TarError, EOFError, ValueError, AttributeError, TypeError) as error:
        raise InvalidRequest(f"this is not an image as `docker save` writes them: {error}") from error


def _info(image: Image) -> ImageInfo:
    repo, tag = split_ref(image.ref)
    return ImageInfo(image.id, repo, tag, image.size)
