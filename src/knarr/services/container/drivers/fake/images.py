"""Images of the fake engine."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
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
from knarr.services.container.drivers.names import registry_of, split_ref

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
        full = _full(ref)
        digest = hashlib.sha256(f"image:{full}".encode()).hexdigest()
        # Between 1 and 64 MiB, the same each time
        size = (1 + int(digest[:4], 16) % 64) * MIB
        image = Image(f"sha256:{digest}", full, size)
        with self.world.lock:
            self.world.save("image", full, image)
        return _info(image)

    def image_present(self, ref: str) -> ImageInfo | None:
        with self.world.lock:
            image = self.world.image.get(_full(ref))
            if image is None:
                wanted = ref.removeprefix("sha256:")
                by_id = re.fullmatch(r"[0-9a-f]{12,64}", wanted)
                images = self.world.image.values() if by_id else ()
                image = next(
                    (one for one in images if one.id.removeprefix("sha256:").startswith(wanted)), None
                )
            return _info(image) if image else None

    def pull(
        self, ref: str, credentials: Credentials | None = None, progress: Progress | None = None
    ) -> ImageInfo:
        registry = registry_of(ref)
        if re.search(self.settings.unreachable_registries, registry):
            raise RegistryUnavailable(
                f"image {ref!r} is not on this host, and its registry {registry} does not answer: "
                "connection refused"
            )
        if re.search(self.settings.missing_images, ref):
            who = f"as user {credentials.username!r}" if credentials else "without credentials"
            raise ImageNotFound(
                f"image {ref!r} cannot be had: {registry} was asked {who} and answered: not found"
            )
        image = self._add_image(ref)
        for step in range(1, STEPS + 1):
            if progress:
                progress(
                    image.size * step // STEPS, image.size, "Downloading" if step < STEPS else "Pull complete"
                )
        return image

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
            users = [name for name, one in self.world.container.items() if _full(one.spec.image) == found.ref]
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


def _full(ref: str) -> str:
    """One name for the ways to write it."""
    short = ref.removeprefix("docker.io/").removeprefix("library/")
    repo, tag = split_ref(short)
    return f"{repo}:{tag}"


def _info(image: Image) -> ImageInfo:
    repo, tag = split_ref(image.ref)
    return ImageInfo(image.id, repo, tag, image.size)
