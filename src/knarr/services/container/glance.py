"""Images of the image service: those whose container_format is docker, through its REST API alone."""

from __future__ import annotations

import hashlib
from typing import Any

from knarr.kernel.errors import BadRequest, Conflict
from knarr.kernel.operations import Fatal, Retry
from knarr.services.container.drivers.base import InvalidRequest
from knarr.services.container.drivers.names import split_ref
from knarr.services.container.rest import TIMEOUT, call, get

FORMAT = "docker"
# What a search shows at most; nobody reads more.
MAX_FOUND = 1000
SHOWN = ("id", "name", "tags", "status", "size", "visibility", "checksum", "created_at", "updated_at")

View = dict[str, Any]


def check(client: Any, wanted: str) -> str:
    """The id of the caller's image of that id, name, or name:tag. Raises BadRequest unless a container can
    be made of it."""
    image = call(client, "GET", f"/v2/images/{wanted}", absent_ok=True) if _plain(wanted) else None
    if image is None:
        image = _by_name(client, wanted)
    if image is None:
        raise BadRequest(f"Image {wanted} could not be found in the image service.", code="ImageNotFound")
    if image.get("status") != "active":
        raise BadRequest(f"Image {wanted} is {image.get('status')}: only an active image can be used.")
    if image.get("container_format") != FORMAT:
        raise BadRequest(
            f"Image {wanted} has the container_format {image.get('container_format')}; it must be {FORMAT}."
        )
    return str(image["id"])


def _by_name(client: Any, wanted: str) -> View | None:
    found = get(client, "/v2/images", [("name", wanted)])["images"]
    name, tag = split_ref(wanted)
    if not found and name != wanted:
        found = get(client, "/v2/images", [("name", name), ("tag", tag)])["images"]
    if len(found) > 1:
        raise Conflict(f"Multiple images have the name '{wanted}': use the id instead.")
    return found[0] if found else None


def search(client: Any, wanted: str, exact: bool) -> list[View]:
    """Images that the caller sees whose name contains the words (or is them); `name:tag` asks for the tag
    too."""
    name, tag = split_ref(wanted)
    params = [("container_format", FORMAT), ("limit", "200")]
    if name != wanted:
        params.append(("tag", tag))
    if exact:
        params.append(("name", name))
    found: list[View] = []
    page = get(client, "/v2/images", params)
    while True:
        found += [_view(image) for image in page["images"] if name.lower() in str(image.get("name")).lower()]
        following = page.get("next")
        if not following or len(found) >= MAX_FOUND:
            return found[:MAX_FOUND]
        page = call(client, "GET", following)


def _view(image: View) -> View:
    return {name: image.get(name) for name in SHOWN}


def load(work: Any, engine: Any, image_id: str, ref: str) -> None:
    """Stream the image to the engine under this name. What did not arrive whole is taken away and tried
    again."""
    client = work.runtime.service_client("image")
    image = call(client, "GET", f"/v2/images/{image_id}")
    answer = client.get(f"/v2/images/{image_id}/file", stream=True, timeout=TIMEOUT)
    if answer.status_code != 200:
        raise Fatal(f"Image {image_id} could not be read from the image service ({answer.status_code}).")
    with answer:
        _load_checked(engine, _Checked(answer.raw, image, work), image_id, ref)


def _load_checked(engine: Any, stream: _Checked, image_id: str, ref: str) -> None:
    try:
        engine.load(stream, ref)
    except InvalidRequest:
        if stream.whole():
            raise
        raise Retry(f"Image {image_id} did not arrive whole from the image service.") from None
    if not stream.whole():
        engine.image_delete(ref, force=True)
        raise Retry(f"Image {image_id} did not arrive whole from the image service: its checksum is wrong.")


class _Checked:
    """The bytes of an image on their way: counted for the progress, and hashed."""

    def __init__(self, source: Any, image: View, work: Any) -> None:
        self._source, self._work = source, work
        self._size = image.get("size") or 0
        self._wanted, kind = image.get("os_hash_value"), image.get("os_hash_algo")
        if not self._wanted or kind not in hashlib.algorithms_available:
            self._wanted, kind = image.get("checksum"), "md5"
        self._hash = hashlib.new(str(kind), usedforsecurity=False)
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        self._work.check()
        data: bytes = self._source.read(size)
        self._hash.update(data)
        self._done += len(data)
        self._work.progress(self._done, self._size or None, "Loading from the image service")
        return data

    def whole(self) -> bool:
        """Whether all bytes came, and the right ones. What the engine left unread counts as well."""
        while self.read(1 << 20):
            pass
        return not self._wanted or self._hash.hexdigest() == self._wanted


def _plain(text: str) -> bool:
    return all(c.isalnum() or c == "-" for c in text)
