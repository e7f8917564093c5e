"""What can go wrong, as types with a status. Each service turns them into a body in one place."""

from __future__ import annotations

from collections.abc import Mapping


class KnarrError(Exception):
    """The family. `detail` is for the user: it names what is wrong and what would be right.

    `code` is the upstream name of the error (`IpAddressInUse`), where clients look at it.
    """

    status = 500
    title: str | None = None

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.title = title or self.title
        self.headers = dict(headers or {})


class BadRequest(KnarrError):  # noqa: N818  the field's word for it
    status = 400


class Unauthorized(KnarrError):  # noqa: N818
    status = 401


class Forbidden(KnarrError):  # noqa: N818
    status = 403


class OverQuota(Forbidden):
    """A quota would be passed. Services whose upstream answers 409 or 413 have a type of their own."""


class NotFound(KnarrError):  # noqa: N818
    status = 404


class MethodNotAllowed(KnarrError):  # noqa: N818
    status = 405


class NotAcceptable(KnarrError):  # noqa: N818
    status = 406


class Conflict(KnarrError):  # noqa: N818
    status = 409


class Gone(KnarrError):  # noqa: N818
    status = 410


class PreconditionFailed(KnarrError):  # noqa: N818
    status = 412


class TooLarge(KnarrError):  # noqa: N818
    status = 413


class UnsupportedMediaType(KnarrError):  # noqa: N818
    status = 415


class ServiceUnavailable(KnarrError):  # noqa: N818
    status = 503


class Unexpected(KnarrError):  # noqa: N818
    """A fault of ours. Its cause stands in the log under the request's id and never in the answer."""

    status = 500

    def __init__(self, request_id: str) -> None:
        super().__init__(f"Something went wrong here; the log has the cause under {request_id}.")


BY_STATUS: dict[int, type[KnarrError]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        Gone,
        PreconditionFailed,
        TooLarge,
        UnsupportedMediaType,
        ServiceUnavailable,
    )
}
