"""The OpenAPI document of a service, made from its route table."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from knarr.kernel.routing import Route
from knarr.kernel.schema import UNSET
from knarr.kernel.service import Service

OPENAPI = "3.1.0"
_PARAMETER = re.compile(r"{([^}:]+)[^}]*}")


def document(service: Service, base_url: str) -> dict[str, Any]:
    """Paths, parameters, bodies and success statuses; routes that share path and method are told as one."""
    types = list(dict.fromkeys(r.body for r in service.routes if r.body is not None))
    schemas, components = msgspec.json.schema_components(
        types, schema_hook=lambda kind: {}, ref_template="#/components/schemas/{name}"
    )
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in service.routes:
        paths.setdefault(route.path, {}).setdefault(route.method.lower(), _operation(route, by_type))
    return {
        "openapi": OPENAPI,
        "info": {"title": f"{service.title} ({service.name})", "version": _version(service)},
        "servers": [{"url": f"{base_url}{service.prefix}"}],
        "paths": paths,
        "components": {
            "schemas": _plain(components),
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
        },
    }


def _version(service: Service) -> str:
    return service.microversions.maximum if service.microversions else "1"


def _operation(route: Route, by_type: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary or route.handler.__name__.replace("_", " "),
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(route.status): {"description": "Success"}, "default": {"description": "An error"}},
    }
    if route.policy is not None:
        operation["security"] = [{"token": []}]
        operation["x-policy"] = route.policy
    for name, value in (("x-first-microversion", route.first), ("x-last-microversion", route.last)):
        if value:
            operation[name] = value
    if route.body is not None:
        schema = _plain(by_type[route.body])
        if route.envelope:
            schema = {"type": "object", "required": [route.envelope], "properties": {route.envelope: schema}}
        operation["requestBody"] = {
            "required": not route.optional_body,
            "content": {kind: {"schema": schema} for kind in route.content_types},
        }
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = _PARAMETER.findall(route.path)
    return [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = msgspec.json.schema(route.query)
    body = schema["$defs"][route.query.__name__] if "$defs" in schema else schema
    return [
        {"name": name, "in": "query", "required": name in body.get("required", ()), "schema": _plain(kind)}
        for name, kind in body.get("properties", {}).items()
    ]


def _plain(value: Any) -> Any:
    """The schema without defaults that JSON has no word for, and without the kernel's own notes."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not UNSET and k not in ("since", "until")}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
