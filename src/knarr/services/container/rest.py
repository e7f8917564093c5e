"""Calls of the other services' REST APIs: one place that turns their failures into ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from knarr.kernel.errors import BY_STATUS, BadRequest, Forbidden, OverQuota, ServiceUnavailable

# A worker holds no request open, so it may wait longer than this; nothing inside takes a tenth of it.
TIMEOUT = 60


def call(client: Any, method: str, path: str, body: Any = None, absent_ok: bool = False) -> Any:
    """The decoded answer (None for an empty one, or for a 404 where `absent_ok`).

    Raises the KnarrError of the answer's status with that service's own words; 5xx become ServiceUnavailable.
    """
    what = f"{method} {path.partition('?')[0]}"
    options: dict[str, Any] = {"timeout": TIMEOUT}
    if body is not None:
        options["json"] = body
    try:
        answer = client.request(path, method, **options)
    except _not_answered() as error:
        raise ServiceUnavailable(f"Another service could not be reached: {error}") from error
    if answer.status_code == 404 and absent_ok:
        return None
    if answer.status_code >= 400:
        raise _failure(answer, what)
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise ServiceUnavailable(f"{what} was answered with something else than JSON.") from error


def get(client: Any, path: str, params: list[tuple[str, str]]) -> Any:
    return call(client, "GET", f"{path}?{urlencode(params)}" if params else path)


def _not_answered() -> type[Exception]:
    # Loaded by then: the client that raises it is keystoneauth's.
    from keystoneauth1.exceptions import ClientException

    return ClientException


def _failure(answer: Any, what: str) -> Exception:
    words = _words(answer)
    status = answer.status_code
    if status >= 500 or status == 401:
        return ServiceUnavailable(f"{what} answered {status}: {words}")
    if status == 403 or status == 413:
        return OverQuota(words) if "quota" in words.lower() else Forbidden(words)
    return BY_STATUS.get(status, BadRequest)(words)


def _words(answer: Any) -> str:
    """What the other service says, whatever form its errors have."""
    try:
        body = answer.json()
    except ValueError:
        return str(answer.text)[:500]
    for key in ("NeutronError", "error", "errors"):
        part = body.get(key) if isinstance(body, dict) else None
        part = part[0] if isinstance(part, list) and part else part
        if isinstance(part, dict):
            return str(part.get("message") or part.get("detail") or part)[:1000]
    return str(answer.text)[:500]
