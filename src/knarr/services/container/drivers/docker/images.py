"""Images on the Docker engine: look, pull with progress, load, list, delete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from knarr.services.container.drivers.base import (
    Credentials,
    EngineError,
    ImageInfo,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    Progress,
    RegistryUnavailable,
)
from knarr.services.container.drivers.docker.connection import Connection
from knarr.services.container.drivers.names import HUB, registry_of, split_ref

# What an engine says when the registry is the trouble, not the image's name
UNREACHABLE = re.compile(
    r"(?i)no such host|lookup .* on|i/o timeout|connection (refused|reset)|dial tcp|\btls\b|x509|network is "
    r"unreachable|deadline exceeded|request canceled|\bEOF\b|toomanyrequests|server gave HTTP|\b50[0234]\b|"
    r"\bpinging\b"
)


# What is shown of what a search finds
FOUND = ("name", "description", "star_count", "is_official")


class Images:
    """Part of DockerEngine."""

    connection: Connection

    def image_present(self, ref: str) -> ImageInfo | None:
        try:
            with self.connection.speak(f"looking for image {ref}") as api:
                data = api.inspect_image(_tagged(ref))  # bare, it would be an id's beginning too
        except (NotThere, InvalidRequest):
            return None
        repo, tag = split_ref(ref)
        return ImageInfo(id=data["Id"], repo=repo, tag=tag, size=data.get("Size") or 0)

    def pull(
        self, ref: str, credentials: Credentials | None = None, progress: Progress | None = None
    ) -> ImageInfo:
        repo, tag = split_ref(ref)
        try:
            with self.connection.speak(f"pulling image {ref}", slow=True) as api:
                lines = api.pull(repo, tag=tag, stream=True, decode=True, auth_config=_login(credentials))
                _follow(lines, progress)
        except RegistryUnavailable:
            raise
        except EngineError as error:
            raise pull_failed(ref, credentials, error) from error
        found = self.image_present(ref)
        if found is None:
            raise ImageNotFound(f"image {ref!r} was pulled from {registry_of(ref)} but is not on the engine")
        return found

    def image_check(self, ref: str, credentials: Credentials | None = None) -> None:
        try:
            with self.connection.speak(f"asking for image {ref}") as api:
                api.inspect_distribution(_tagged(ref), auth_config=_login(credentials))
        except EngineError as error:
            raise pull_failed(ref, credentials, error) from error

    def image_search(self, term: str) -> list[dict[str, Any]]:
        try:
            with self.connection.speak(f"searching for image {term}", slow=True) as api:
                rows = api.search(term)
        except EngineError as error:
            reason = str(error).split(": ", 1)[-1]
            if UNREACHABLE.search(reason):
                raise RegistryUnavailable(f"{HUB} could not be searched for {term!r}: {reason}") from error
            raise
        return [{name: row.get(name) for name in FOUND} for row in rows or ()]

    def load(self, tar: BinaryIO, ref: str | None = None) -> list[ImageInfo]:
        try:
            with self.connection.speak("loading an image", slow=True) as api:
                names = _loaded(api.load_image(_Stream(tar)))
        except (InvalidRequest, NotThere) as error:
            raise InvalidRequest(f"this is not an image as `docker save` writes them: {error}") from error
        except EngineError as error:
            if re.search(r"(?i)invalid|unexpected EOF|manifest|no such file|archive|tar", str(error)):
                raise InvalidRequest(f"this is not an image as `docker save` writes them: {error}") from error
            raise
        if not names:
            raise InvalidRequest("this is not an image as `docker save` writes them: no image in it")
        if ref:
            repo, tag = split_ref(ref)
            with self.connection.speak(f"naming image {ref}") as api:
                api.tag(names[0], repo, tag, force=True)
            names[0] = ref
        return [image for image in map(self.image_present, names) if image]

    def images(self) -> list[ImageInfo]:
        with self.connection.speak("listing images") as api:
            rows = api.images()
        return [
            ImageInfo(row["Id"], *split_ref(name), size=row.get("Size") or 0)
            for row in rows
            for name in (row.get("RepoTags") or ["<none>:<none>"])
        ]

    def image_delete(self, ref: str, force: bool = False) -> None:
        with self.connection.speak(f"deleting image {ref}") as api:
            api.remove_image(ref, force=force)


def _login(credentials: Credentials | None) -> dict[str, str]:
    return {"username": credentials.username, "password": credentials.password} if credentials else {}


def _tagged(ref: str) -> str:
    repo, tag = split_ref(ref)
    return f"{repo}{'@' if ':' in tag else ':'}{tag}"


class _Stream:
    """Hides the length and the position of a file, so that it is sent in chunks from where it stands."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._source.read(1 << 20):
            yield chunk


def _loaded(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    names = []
    for line in lines:
        if line.get("error"):
            raise InvalidRequest(str(line["error"]))
        match = re.match(r"Loaded image(?: ID)?(?:\(s\))?: (.+)", str(line.get("stream", "")).strip())
        if match:
            names += [name.strip() for name in match.group(1).split(",")]
    return names


def _follow(lines: Iterable[Mapping[str, Any]], progress: Progress | None) -> None:
    layers: dict[str, tuple[int, int]] = {}
    told = -1
    for line in lines:
        if line.get("error"):
            raise EngineError(str(line["error"]))
        detail = line.get("progressDetail") or {}
        if detail.get("total") and line.get("status") == "Downloading":
            layers[line["id"]] = (detail["current"], detail["total"])
        elif line.get("status") in ("Download complete", "Pull complete") and line.get("id") in layers:
            total = layers[line["id"]][1]
            layers[line["id"]] = (total, total)
        done, total = (sum(column) for column in zip(*layers.values(), strict=True)) if layers else (0, 0)
        if progress and done != told:
            told = done
            progress(done, total, str(line.get("status", "")))


def pull_failed(ref: str, login: Credentials | None, error: EngineError) -> EngineError:
    """Says what was asked, as whom, and what came back."""
    who = f"as user {login.username!r}" if login else "without credentials"
    reason, registry = str(error).split(": ", 1)[-1], registry_of(ref)
    text = f"image {ref!r} cannot be had: {registry} was asked {who} and answered: {reason}"
    # Names and ports may look like anything: "127.0.0.1:50255", "tls/eof".
    if UNREACHABLE.search(reason.replace(ref, "").replace(registry, "")):
        return RegistryUnavailable(
            f"image {ref!r} is not on this host, and its registry {registry} does not answer: {reason}"
        )
    return error if error.retryable else ImageNotFound(text)
