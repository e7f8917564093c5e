"""The body that errors of the image service have."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from knarr.kernel.errors import KnarrError


class RangeNotSatisfiable(KnarrError):  # noqa: N818  the field's word for it
    status = 416


def error_body(error: KnarrError, request_id: str) -> dict[str, Any]:
    """{"message", "code", "title"}: the JSON form of what Glance's web framework answers."""
    phrase = HTTPStatus(error.status).phrase
    return {"message": error.detail, "code": f"{error.status} {phrase}", "title": error.title or phrase}
