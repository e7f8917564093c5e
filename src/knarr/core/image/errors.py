"""The body that errors of the image service have."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from knarr.kernel.errors import KnarrError


class RangeNotSatisfiable(KnarrError):  # noqa: N818  the field's word for it
    status = 416


def error_body(error: KnarrError, request_id: str) -> dict[str, Any]:
    """{"error": {"message", "code", "title"}}: the words of Glance's web framework. They stand under a key as
    python-glanceclient takes each value of a body to be an object; upstream sends it HTML."""
    phrase = HTTPStatus(error.status).phrase
    words = {
        "message": error.detail,
        "code": f"{error.status} {phrase}",
        "title": error.title or phrase,
    }
    return {"error": words}
