"""The API of a service as data: what serves requests, feeds the OpenAPI document and `knarr routes`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from knarr.kernel.errors import NotAcceptable
from knarr.kernel.schema import Body, Version, parse_version

JSON = "application/json"


@dataclass(frozen=True)
class Route:
    """One row of a route table. `path` is relative to the service, with `{names}` that the handler gets.

    `policy` is checked before the handler runs, with the caller's own project and user as target; None makes
    the route public. `envelope` is the key under which the body stands, `bulk` the key of a list of bodies.
    `first` and `last` are the microversions that have the route. HEAD goes where GET goes, unless the path
    has a HEAD of its own, or `head` is false: for a GET that gives out, holds or moves something.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    policy: str | None
    status: int = 200
    body: Any = None
    envelope: str | None = None
    bulk: str | None = None
    query: type[Body] | None = None
    first: str | None = None
    last: str | None = None
    lax: bool = False
    optional_body: bool = False
    raw: bool = False
    head: bool = True
    content_types: tuple[str, ...] = (JSON,)
    summary: str = ""

    def serves(self, version: Version | None) -> bool:
        if version is None:
            return True
        if self.first and version < parse_version(self.first):
            return False
        return not (self.last and version > parse_version(self.last))


@dataclass(frozen=True)
class Microversions:
    """The microversions of a service and how they are asked for.

    `OpenStack-API-Version: <service> 1.N` or `<service> latest`; `legacy_header` is the older form that some
    services know (`X-OpenStack-Nova-API-Version: 2.N`).
    """

    service: str
    minimum: str
    maximum: str
    default: str
    legacy_header: str | None = None
    unavailable_status: int = 406

    HEADER = "OpenStack-API-Version"

    def negotiate(self, header: str | None, legacy: str | None = None) -> Version:
        """The version that the headers ask for. Raises NotAcceptable when it cannot be served."""
        wanted = self._from_header(header) or (legacy.strip() if legacy else None)
        if wanted is None:
            return parse_version(self.default)
        if wanted == "latest":
            return parse_version(self.maximum)
        major, dot, minor = wanted.partition(".")
        if not (dot and major.isdecimal() and minor.isdecimal() and len(wanted) < 12):
            raise NotAcceptable(
                f"Invalid version '{wanted[:64]}' in {self.HEADER}: use '{self.service} 1.N' or "
                f"'{self.service} latest', N from {self.minimum} to {self.maximum}."
            )
        version = int(major), int(minor)
        if not parse_version(self.minimum) <= version <= parse_version(self.maximum):
            raise NotAcceptable(
                f"Version {wanted} is not supported by the API. Minimum is {self.minimum} and maximum is "
                f"{self.maximum}."
            )
        return version

    def _from_header(self, header: str | None) -> str | None:
        """The version asked for this service in a header that may name several, separated by commas."""
        if not header:
            return None
        services = []
        for part in header.split(","):
            name, _, version = part.strip().partition(" ")
            services.append(name)
            if name == self.service:
                return version.strip() or "?"
        raise NotAcceptable(
            f"{self.HEADER} names {', '.join(services)[:128]}; this service is called {self.service}."
        )

    def headers(self, version: Version | None) -> dict[str, str]:
        shown = f"{version[0]}.{version[1]}" if version else self.default
        headers = {
            self.HEADER: f"{self.service} {shown}",
            "OpenStack-API-Minimum-Version": f"{self.service} {self.minimum}",
            "OpenStack-API-Maximum-Version": f"{self.service} {self.maximum}",
            "Vary": self.HEADER,
        }
        if self.legacy_header:
            headers[self.legacy_header] = shown
            headers["Vary"] = f"{self.HEADER}, {self.legacy_header}"
        return headers
