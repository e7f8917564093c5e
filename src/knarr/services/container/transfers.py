"""Archives on their way: read out of JSON into a file, checked, handed to the host in pieces, and back."""

from __future__ import annotations

import base64
import binascii
import re
import tarfile
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import orjson

from knarr.kernel.errors import BadRequest, NotFound, TooLarge

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

MIB = 1024 * 1024
# Kept in memory up to this; beyond, in a file without a name in the state folder.
IN_MEMORY = MIB
CHUNK = 196608  # a multiple of three: each gives base64 without padding
FORGOTTEN = 300.0
HEAD = re.compile(rb'\s*\{\s*"data"\s*:\s*"')
HEAD_LIMIT = 4096
TAIL = re.compile(rb"\s*\}\s*\Z")


def spool(runtime: Runtime) -> BinaryIO:
    """A file that is gone with its last user, however that ends."""
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(runtime.state_dir)))


# out of JSON


def unpack_json(body: BinaryIO, out: BinaryIO, limit: int) -> None:
    """Decode {"data": "<base64>"} from one file into the other. BadRequest unless it has this form, TooLarge
    past `limit` bytes."""
    pieces = iter(lambda: body.read(CHUNK), b"")
    rest = _head(pieces)
    decoder = _Base64(out, limit)
    while True:
        text, quote, tail = rest.partition(b'"')
        decoder.feed(text)
        if quote:
            break
        rest = next(pieces, b"")
        if not rest:
            raise BadRequest("The request body is not valid JSON: the string 'data' has no end.")
    decoder.finish()
    tail += b"".join(pieces) if len(tail) < HEAD_LIMIT else b""
    if not TAIL.match(tail):
        raise BadRequest("Additional properties are not allowed: a large body holds 'data' and nothing else.")


def decode(text: str, out: BinaryIO, limit: int) -> None:
    """Base64 into the file."""
    decoder = _Base64(out, limit)
    decoder.feed("".join(text.split()).encode("utf-8", "replace"))
    decoder.finish()


def _head(pieces: Iterator[bytes]) -> bytes:
    """What follows the quote that opens the string."""
    seen = b""
    for piece in pieces:
        seen += piece
        found = HEAD.match(seen)
        if found:
            return seen[found.end() :]
        if len(seen) > HEAD_LIMIT:
            break
    raise BadRequest('Invalid request body: it must be an object {"data": "<base64>"}.')


class _Base64:
    def __init__(self, out: BinaryIO, limit: int) -> None:
        self._out, self._limit = out, limit
        self._kept = b""
        self._length = 0
        self._ended = False

    def feed(self, text: bytes) -> None:
        text = self._kept + text
        text = text.replace(b"\\/", b"/").replace(b"\\n", b"").replace(b"\\r", b"")
        whole = len(text) - len(text) % 4
        if text.endswith(b"\\"):
            whole = min(whole, (len(text) - 1) // 4 * 4)
        self._kept = text[whole:]
        self._decode(text[:whole])

    def finish(self) -> None:
        self._decode(self._kept)

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        try:
            data = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            data = b""
        if not data or self._ended:
            raise BadRequest("Invalid input for field 'data': it is not base64.")
        self._ended = text.endswith(b"=")
        self._length += len(data)
        if self._length > self._limit:
            raise TooLarge(
                f"The archive is larger than the {self._limit // MIB} MiB that may be sent at once."
            )
        self._out.write(data)


def check_tar(file: BinaryIO) -> None:
    """BadRequest unless it is a tar, and not a compressed one, from its beginning to its end."""
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for _ in tar:
                pass
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        raise BadRequest(
            f"Invalid input for field 'data': this is not an (uncompressed) tar archive: {error}."
        ) from None
    file.seek(0)


# into JSON


def pack_json(file: BinaryIO, stat: dict[str, Any]) -> Iterator[bytes]:
    """{"data": "<base64>", "stat": {…}} in pieces; closes the file."""
    with file:
        file.seek(0)
        yield b'{"data":"'
        while data := file.read(CHUNK):
            yield base64.b64encode(data)
        yield b'","stat":' + orjson.dumps(stat) + b"}"


def fill(file: BinaryIO, pieces: Iterable[bytes], limit: int, path: str) -> None:
    """Raises BadRequest past `limit` bytes."""
    for piece in pieces:
        file.write(piece)
        if file.tell() > limit:
            raise BadRequest(f"{path} is larger than the {limit // MIB} MiB that may be read at once.")


# to the host


class Uploads:
    """Archives that arrive on a host, until they are whole."""

    def __init__(self, make: Callable[[], BinaryIO]) -> None:
        self._make = make
        self._files: dict[str, tuple[BinaryIO, float]] = {}
        self._lock = threading.Lock()

    def begin(self) -> str:
        ident = uuid.uuid4().hex
        now = time.monotonic()
        with self._lock:
            for name in [name for name, (_, at) in self._files.items() if now - at > FORGOTTEN]:
                self._files.pop(name)[0].close()
            self._files[ident] = (self._make(), now)
        return ident

    def add(self, ident: str, data: str) -> None:
        self._file(ident).write(base64.b64decode(data))

    def take(self, ident: str) -> BinaryIO:
        """The whole file, from its beginning; the caller closes it."""
        file = self._file(ident)
        with self._lock:
            del self._files[ident]
        file.seek(0)
        return file

    def _file(self, ident: str) -> BinaryIO:
        found = self._files.get(ident)
        if found is None:
            raise NotFound("This upload has ended.")
        return found[0]


def uploads_of(runtime: Runtime) -> Uploads:
    return runtime.component("container.uploads", lambda: Uploads(lambda: spool(runtime)))


def send(runtime: Runtime, host: str, file: BinaryIO) -> str:
    """Bring the file to the host; the name under which it lies there."""
    ident = str(runtime.bus.call(host, "container.upload_begin"))
    while data := file.read(CHUNK):
        text = base64.b64encode(data).decode()
        runtime.bus.call(host, "container.upload_add", ident=ident, data=text)
    return ident
