"""Files of a container as tars, in and out."""

from __future__ import annotations

from typing import Any, BinaryIO

import msgspec
import orjson

from knarr.kernel.errors import BadRequest, TooLarge
from knarr.kernel.request import Request, Response
from knarr.kernel.schema import convert
from knarr.services.container import schemas, transfers
from knarr.services.container.api.inside import call_host, reach, record
from knarr.services.container.streams import Fetched

SMALL = transfers.MIB
BASE64_SINCE = "1.25"


def get(req: Request, ident: str) -> Response:
    """{data, stat}. The archive is whole before the answer begins, so that what fails has its own answer."""
    path, limit = req.query.path, _limit(req)
    container = reach(req, ident, "get_archive")
    found = call_host(req, container, "open_archive", path=path)
    file = transfers.spool(req.runtime)
    try:
        with Fetched(req.runtime, str(container.host), found["ident"], broken=True) as pieces:
            transfers.fill(file, pieces, limit, path)
        if not req.at_least(BASE64_SINCE):
            return Response(body=_as_text(file, found["stat"]), content_type="application/json")
    except BaseException:
        file.close()
        raise
    return Response(body=transfers.pack_json(file, found["stat"]), content_type="application/json")


def _as_text(file: BinaryIO, stat: dict[str, Any]) -> bytes:
    """Before 1.25 the tar stands in the JSON as it is, which only text can."""
    with file:
        file.seek(0)
        try:
            return orjson.dumps({"data": file.read().decode(), "stat": stat})
        except UnicodeDecodeError:
            raise BadRequest(
                f"This archive is not text: version {BASE64_SINCE} and later give it in base64."
            ) from None


def put(req: Request, ident: str) -> None:
    limit = _limit(req)
    container = reach(req, ident, "put_archive")
    with transfers.spool(req.runtime) as file:
        path = _read(req, file, limit) or req.query.path
        if path is None:
            raise BadRequest("'path' is a required property and is missing.")
        transfers.check_tar(file)
        stream = transfers.send(req.runtime, str(container.host), file)
    call_host(req, container, "put_archive", path=path, ident=stream)
    record(req, container, "put_archive")


def _read(req: Request, file: BinaryIO, limit: int) -> str | None:
    """The tar of the body into the file; the path if the body names one."""
    length = req.content_length
    if length is not None and length > limit * 4 // 3 + SMALL:
        raise TooLarge(
            f"The body has {length} bytes; an archive may have {limit // transfers.MIB} MiB at most."
        )
    if length is not None and length <= SMALL:
        return _read_small(req, req.stream.read(length), file, limit)
    if not req.at_least(BASE64_SINCE):
        raise TooLarge(f"An archive of this size needs version {BASE64_SINCE} or later, which takes base64.")
    transfers.unpack_json(req.stream, file, limit)
    return None


def _read_small(req: Request, body: bytes, file: BinaryIO, limit: int) -> str | None:
    if not body.strip():
        raise BadRequest("'data' is a required property and is missing.")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.") from None
    given: schemas.ArchivePut = convert(value, schemas.ArchivePut)
    if req.at_least(BASE64_SINCE):
        transfers.decode(given.data, file, limit)
    else:
        file.write(given.data.encode("utf-8", "surrogatepass"))
    return given.path


def _limit(req: Request) -> int:
    return int(req.runtime.conf.streams.archive_max_mib) * transfers.MIB
