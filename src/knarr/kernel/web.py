"""From a service's route table to a WSGI app: authentication, microversion, policy, schema, handler, answer.

One direction, one place for each. Errors of all kinds become the service's own body here and nowhere else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import falcon
import msgspec

from knarr.kernel import access, context, errors, logs
from knarr.kernel.bodies import read_body, read_query
from knarr.kernel.context import RequestContext
from knarr.kernel.errors import KnarrError
from knarr.kernel.identity import ExternalIdentity
from knarr.kernel.request import Request, Response
from knarr.kernel.routing import Route
from knarr.kernel.schema import Version
from knarr.kernel.service import Service

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

__all__ = ["Request", "Response", "ServiceApp"]

LOG = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "COPY")
REQUEST_ID = "X-Openstack-Request-Id"
JSON = "application/json"
HEALTH = "/healthcheck"
NO_BODY = frozenset({204, 304})

encode = msgspec.json.Encoder().encode
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class ServiceApp:
    """The WSGI app of one service."""

    def __init__(self, runtime: Runtime, service: Service) -> None:
        self.runtime = runtime
        self.service = service
        self._app = falcon.App(middleware=[self], request_type=_Raw)
        # What has a body says of which type it is; what has none says nothing.
        self._app.resp_options.default_media_type = None  # type: ignore[assignment]
        options = self._app.req_options
        options.strip_url_path_trailing_slash = True
        options.auto_parse_qs_csv = False
        options.keep_blank_qs_values = True
        # Falcon has handlers of its own for its errors, which come first unless they are replaced.
        for kind in (Exception, falcon.HTTPError):
            self._app.add_error_handler(kind, self._on_error)
        by_path = _by_path(service.routes)
        for path, routes in by_path.items():
            self._app.add_route(path, _Resource(self, routes))
        self._app.add_route("/openapi.json", _OpenApi(self))
        if HEALTH not in by_path:
            self._app.add_route(HEALTH, _HealthPage(self))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._app(environ, start_response)

    # Falcon's hooks around every request

    def process_request(self, raw: Any, resp: Any) -> None:
        raw.started = time.perf_counter()
        raw.request_id = context.new_request_id()
        raw.global_id = context.global_request_id(raw.get_header("X-Openstack-Request-Id"))
        raw.log_scope = logs.request(raw.request_id)
        raw.log_scope.__enter__()
        if "\0" in raw.path or "%00" in raw.query_string:
            raise errors.BadRequest("A NUL character is not allowed in the address.")
        versions = self.service.microversions
        if versions:
            legacy = raw.get_header(versions.legacy_header) if versions.legacy_header else None
            raw.version = versions.negotiate(raw.get_header(versions.HEADER), legacy)

    def process_response(self, raw: Any, resp: Any, resource: Any, succeeded: bool) -> None:
        resp.set_header(REQUEST_ID, raw.request_id)
        versions = self.service.microversions
        if versions:
            resp.set_headers(versions.headers(raw.version))
        status = int(resp.status[:3])
        self.runtime.metrics.request(
            self.service.type, raw.method, raw.uri_template or "-", status, time.perf_counter() - raw.started
        )
        if LOG.isEnabledFor(logging.DEBUG):
            LOG.debug("%s %s%s -> %s", raw.method, self.service.prefix, raw.path, status)
        raw.log_scope.__exit__(None, None, None)

    # One request

    def serve(self, raw: Any, resp: Any, routes: tuple[Route, ...], params: dict[str, str]) -> None:
        route = self._pick(raw, routes)
        ctx = self._authenticate(raw, route)
        request = Request(raw, self.runtime, self.service, route, ctx, raw.version, _query(raw))
        if route.policy is not None:
            request.authorize(route.policy)
        if route.query is not None:
            request.query = read_query(route.query, request.params, request.version)
        if route.body is not None and not route.raw:
            request.body = read_body(raw, route, request.version, self.service.max_body)
        result = route.handler(request, **params)
        self._answer(resp, route, request, result)
        if raw.method == "HEAD" and hasattr(resp.stream, "close"):
            resp.stream.close()  # nobody will read it

    def _pick(self, raw: Any, routes: tuple[Route, ...]) -> Route:
        for route in routes:
            if route.serves(raw.version):
                return route
        versions = self.service.microversions
        status = versions.unavailable_status if versions else 404
        kind = errors.BY_STATUS.get(status, errors.NotFound)
        raise kind(f"{raw.method} {raw.path} is not available at version {raw.version[0]}.{raw.version[1]}.")

    def _authenticate(self, raw: Any, route: Route) -> RequestContext:
        identity = self.runtime.identity
        token = raw.get_header("X-Auth-Token")
        if route.policy is None:
            return context.anonymous(raw.request_id, raw.global_id)
        body = None
        if token:
            if isinstance(identity, ExternalIdentity):
                info = raw.env.get(ExternalIdentity.TOKEN_INFO)
                body = info["token"] if info and raw.get_header("X-Identity-Status") == "Confirmed" else None
            else:
                body = identity.validate(token)
        if body is None or token is None:
            raise errors.Unauthorized(
                "The request you have made requires authentication.",
                headers={"WWW-Authenticate": f'Keystone uri="{self.runtime.auth_url}"'},
            )
        self._check_access(raw, body)
        return context.from_token(token, body, raw.request_id, raw.global_id)

    def _check_access(self, raw: Any, token: dict[str, Any]) -> None:
        """Raise Unauthorized where the access rules of the token's application credential do not lead."""
        if "application_credential" not in token:
            return
        service = self.service
        types = (service.type, *service.aliases)
        on_behalf = access.ON_BEHALF in raw.env
        if not access.permitted(token, types, raw.method, service.prefix, raw.path, on_behalf):
            raise errors.Unauthorized(
                f"The access rules of the application credential do not allow {raw.method} {raw.path}."
            )

    def _answer(self, resp: Any, route: Route, request: Request, result: Any) -> None:
        answer = result if isinstance(result, Response) else Response(result)
        status = answer.status or route.status
        resp.status = _STATUS_LINES[status]
        for headers in (request.headers_out, answer.headers):
            for name, value in headers.items():
                resp.set_header(name, value)
        body = answer.body
        if body is None or status in NO_BODY:
            if answer.content_type:
                resp.content_type = answer.content_type
            return
        resp.content_type = answer.content_type or JSON
        if isinstance(body, bytes):
            resp.data = body
        elif isinstance(body, str):
            resp.data = body.encode()
        elif isinstance(body, (dict, list, tuple, msgspec.Struct)):
            resp.data = encode(body)
        else:
            resp.stream = body

    # Errors

    def _on_error(self, raw: Any, resp: Any, error: Exception, params: Any) -> None:
        known = _as_known(error, raw)
        resp.status = _STATUS_LINES.get(known.status, f"{known.status} Error")
        for name, value in known.headers.items():
            resp.set_header(name, value)
        body = self.service.error_body(known, raw.request_id)
        resp.content_type = JSON
        resp.data = body if isinstance(body, bytes) else encode(body)


class _Raw(falcon.Request):
    """Falcon's request with what is remembered along its way."""

    __slots__ = ("global_id", "log_scope", "request_id", "started", "version")

    def __init__(self, env: dict[str, Any], options: Any = None) -> None:
        super().__init__(env, options)
        self.version: Version | None = None


class _Resource:
    """The routes of one path, as Falcon wants them: an attribute for each method."""

    def __init__(self, app: ServiceApp, routes: list[Route]) -> None:
        by_method: dict[str, list[Route]] = {}
        for route in routes:
            by_method.setdefault(route.method, []).append(route)
        if "HEAD" not in by_method and (table := [r for r in by_method.get("GET", ()) if r.head]):
            by_method["HEAD"] = table
        for method, table in by_method.items():
            setattr(self, f"on_{method.lower()}", _responder(app, tuple(table)))


def _responder(app: ServiceApp, routes: tuple[Route, ...]) -> Callable[..., None]:
    def respond(raw: Any, resp: Any, **params: str) -> None:
        app.serve(raw, resp, routes, params)

    return respond


class _OpenApi:
    def __init__(self, app: ServiceApp) -> None:
        self._app = app

    def on_get(self, raw: Any, resp: Any) -> None:
        from knarr.kernel.openapi import document

        resp.content_type = JSON
        resp.data = encode(document(self._app.service, self._app.runtime.base_url))


class _HealthPage:
    """The health of this process once more below each service, where its load balancer asks for it."""

    def __init__(self, app: ServiceApp) -> None:
        self._app = app

    def on_get(self, raw: Any, resp: Any) -> None:
        report = self._app.runtime.health.report()
        resp.status = _STATUS_LINES[report.status]
        resp.content_type = JSON
        resp.data = encode(report.view())

    on_head = on_get


def _by_path(routes: Iterable[Route]) -> dict[str, list[Route]]:
    paths: dict[str, list[Route]] = {}
    for route in routes:
        paths.setdefault(route.path.rstrip("/") or "/", []).append(route)
    return paths


def _query(raw: Any) -> dict[str, list[str]]:
    text = raw.query_string
    if not text:
        return {}
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise errors.BadRequest("The query string has more than 1000 parameters.") from None


def _as_known(error: Exception, raw: Any) -> KnarrError:
    """Every exception as one of ours; what nobody expected is logged and told only by its request id."""
    if isinstance(error, KnarrError):
        return error
    if isinstance(error, falcon.HTTPError):
        kind = errors.BY_STATUS.get(error.status_code, errors.BadRequest)
        if error.status_code == 405:
            allowed = dict(error.headers or {}).get("Allow", "")
            return kind(f"{raw.method} is not allowed on {raw.path}.", headers={"Allow": allowed})
        if error.status_code == 404:
            return kind(f"There is no resource at {raw.path}.")
        return kind(error.description or error.title or "Bad request.")
    if isinstance(error, OverflowError):
        return errors.BadRequest("A number in the request is out of range.")
    from knarr.kernel import outage

    if known := outage.as_known(error):
        LOG.error("%s %s: %s (%s)", raw.method, raw.path, known.detail, _first_line(error))
        return known
    LOG.exception("unexpected error in %s %s", raw.method, raw.path, exc_info=error)
    return errors.Unexpected(raw.request_id)


def _first_line(error: Exception) -> str:
    # The database's own words stand there; what follows are statements and their values.
    return str(getattr(error, "orig", None) or error).partition("\n")[0][:300]
