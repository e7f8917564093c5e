"""The identity service as the kernel mounts it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from knarr.core.identity.backend import embedded
from knarr.core.identity.bootstrap import prepare
from knarr.core.identity.policies import policies
from knarr.core.identity.receipts import FactorsMissingError
from knarr.core.identity.routes import ROUTES
from knarr.core.identity.settings import GROUP, OPTIONS
from knarr.core.identity.upkeep import PERIODICS
from knarr.kernel.errors import KnarrError
from knarr.kernel.service import Service

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime


def build() -> Service:
    return Service(
        name="keystone",
        type="identity",
        prefix="/identity",
        title="Identity",
        endpoint="",
        aliases=(),
        routes=ROUTES,
        policies=policies(),
        error_body=error_body,
        periodics=PERIODICS,
        options=((GROUP, OPTIONS),),
        prepare=_prepare,
        identity=embedded,
    )


def error_body(error: KnarrError, request_id: str) -> dict[str, Any]:
    """{"error": {code, title, message}} as Keystone answers; the title is the status's own phrase."""
    if isinstance(error, FactorsMissingError):
        return error.body
    return {
        "error": {
            "code": error.status,
            "title": error.title or HTTPStatus(error.status).phrase,
            "message": error.detail,
        }
    }


def _prepare(runtime: Runtime) -> None:
    prepare(runtime)
