"""How images of registries are written. What an engine would take for something else is refused: it holds the
images of all projects, and finds those of the image service by their name there, and any by its id."""

from __future__ import annotations

import re

from knarr.kernel.errors import BadRequest
from knarr.services.container.drivers.names import HUB, has_domain
from knarr.services.container.loaded import NAMESPACE

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@[A-Za-z][A-Za-z0-9_+.-]*:[0-9a-fA-F]{{32,}})?",
    re.ASCII,
)
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}|sha256:.*")
_HUB_NAMES = (HUB, f"index.{HUB}")


def check(image: str) -> None:
    """Raises BadRequest for what is no name of an image in a registry."""
    if not _REFERENCE.fullmatch(image):
        raise BadRequest(
            f"Invalid input for field 'image': {image[:255]!r} is no name of an image: "
            "use [REGISTRY/]NAME[:TAG]."
        )
    if _ID.fullmatch(image):
        raise BadRequest("Invalid input for field 'image': an id of an engine's image; use the image's name.")
    domain, _, path = image.partition("/")
    path = path if has_domain(image) and domain in _HUB_NAMES else image
    if path.split("/")[0] == NAMESPACE:
        raise BadRequest(
            f"Invalid input for field 'image': names that begin with {NAMESPACE}/ are those of the image "
            "service's images; use the image's id and the image_driver glance."
        )
