"""What a handler gets and what it may give back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from knarr.kernel.context import RequestContext
from knarr.kernel.errors import Forbidden
from knarr.kernel.schema import Version, parse_version

if TYPE_CHECKING:
    from knarr.kernel.db import Database
    from knarr.kernel.routing import Route
    from knarr.kernel.runtime import Runtime
    from knarr.kernel.service import Service


@dataclass
class Response:
    """An answer that is more than a view.

    `body` is bytes or str as they are, an iterator of bytes (streamed), or a JSON-able view. Without a status
    the route's own is used.
    """

    body: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None


class Request:
    """A request as handlers see it: checked, decoded, with the caller's context."""

    __slots__ = (
        "_raw",
        "body",
        "ctx",
        "headers_out",
        "params",
        "query",
        "route",
        "runtime",
        "service",
        "version",
    )

    def __init__(
        self,
        raw: Any,
        runtime: Runtime,
        service: Service,
        route: Route,
        ctx: RequestContext,
        version: Version | None,
        params: dict[str, list[str]],
    ) -> None:
        self._raw = raw
        self.runtime = runtime
        self.service = service
        self.route = route
        self.ctx = ctx
        self.version = version
        self.params = params
        self.body: Any = None
        self.query: Any = None
        self.headers_out: dict[str, str] = {}

    @property
    def db(self) -> Database:
        return self.runtime.db

    @property
    def method(self) -> str:
        return str(self._raw.method)

    @property
    def path(self) -> str:
        """The path below the service's prefix."""
        return str(self._raw.path)

    @property
    def stream(self) -> BinaryIO:
        """The raw body, for routes that are `raw`."""
        stream: BinaryIO = self._raw.env["wsgi.input"]
        return stream

    @property
    def content_length(self) -> int | None:
        length = self._raw.content_length
        return None if length is None else int(length)

    @property
    def content_type(self) -> str:
        return str(self._raw.content_type or "")

    def header(self, name: str) -> str | None:
        value = self._raw.get_header(name)
        return None if value is None else str(value)

    def set_header(self, name: str, value: str) -> None:
        self.headers_out[name] = value

    def at_least(self, version: str) -> bool:
        """Whether the request's microversion is that one or a later one."""
        return self.version is not None and self.version >= parse_version(version)

    def url(self, path: str = "") -> str:
        """The absolute address of a path of this service, as its users reach it."""
        return f"{self.runtime.base_url}{self.service.prefix}{path}"

    def allows(self, rule: str, target: Mapping[str, Any] | None = None) -> bool:
        """Whether the caller may; without a target it is the caller's own project and user."""
        return self.runtime.policy.allows(
            self.service, rule, self.own() if target is None else target, self.ctx
        )

    def authorize(self, rule: str, target: Mapping[str, Any] | None = None) -> None:
        """Raise Forbidden unless the caller may."""
        if not self.allows(rule, target):
            raise Forbidden(f"Policy doesn't allow {rule} to be performed.")

    def own(self) -> dict[str, Any]:
        ctx = self.ctx
        return {"project_id": ctx.project_id, "tenant_id": ctx.project_id, "user_id": ctx.user_id}


Streamed = Iterable[bytes]
