"""Errors in Zun's body, and what an engine's errors mean to a caller."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from knarr.kernel.errors import BadRequest, Conflict, KnarrError, NotFound, ServiceUnavailable

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def error_body(error: KnarrError, request_id: str) -> dict[str, Any]:
    """{"errors": [{request_id, code, status, title, detail, links}]}; a fault of ours tells only its id.

    The official clients print the title and nothing else, so the reason stands there too.
    """
    name = error.code or type(error).__name__
    return {
        "errors": [
            {
                "request_id": request_id,
                "code": f"container.{_HUMP.sub('-', name).lower()}",
                "status": error.status,
                "title": error.detail or error.title or HTTPStatus(error.status).phrase,
                "detail": error.detail,
                "links": [],
            }
        ]
    }


def from_engine(error: Exception) -> KnarrError:
    """An engine's error as the answer to the request that met it."""
    from knarr.services.container.drivers import base

    table: tuple[tuple[type[Exception], type[KnarrError]], ...] = (
        (base.RegistryUnavailable, ServiceUnavailable),
        (base.NotThere, NotFound),
        (base.EngineConflict, Conflict),
        (base.EngineTimeout, Conflict),
        (base.InvalidRequest, BadRequest),
    )
    kind = next((answer for cause, answer in table if isinstance(error, cause)), ServiceUnavailable)
    return kind(str(error), code=type(error).__name__)
