"""`knarr routes`: what can be called, with the policy rule that guards it."""

from __future__ import annotations

import argparse
from typing import Any

from knarr.cli import output, settings
from knarr.cli.problem import Problem


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser("routes", parents=[common], help="list the routes of all services or of one")
    made.add_argument("service", nargs="?", metavar="SERVICE", help="a service type or name: container, zun")
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    services = settings.services(settings.load(args))
    if args.service:
        chosen = [s for s in services if args.service in (s.type, s.name)]
        if not chosen:
            raise Problem(f"no service {args.service!r}: there are {', '.join(s.type for s in services)}")
        services = chosen
    rows = [
        (
            service.type,
            route.method,
            service.prefix + route.path,
            route.status,
            _versions(route),
            route.policy,
        )
        for service in services
        for route in sorted(service.routes, key=lambda route: (route.path, route.method))
    ]
    output.table(("service", "method", "path", "status", "versions", "policy"), rows)
    return 0


def _versions(route: Any) -> str | None:
    return f"{route.first or ''}-{route.last or ''}" if route.first or route.last else None
