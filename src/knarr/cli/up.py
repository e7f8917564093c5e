"""`knarr up`: run all services in the foreground."""

from __future__ import annotations

import argparse
import gc
import logging
from typing import TYPE_CHECKING, Any

from knarr.cli import process, server, settings
from knarr.cli.problem import told

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime
    from knarr.kernel.service import Service

IDENTITY = "identity"


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser("up", parents=[common], help="run all services in the foreground")
    made.add_argument("--engine", choices=("docker", "fake"), help="the container engine")
    made.add_argument("--listen", metavar="ADDRESS:PORT", help="address and port of all services")
    made.add_argument(
        "--insecure-listen", action="store_true", help="allow an address that other hosts reach, without TLS"
    )
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    # What is imported and made at the start stays: to look through it for garbage again and again only
    # costs time. The server turns the collection on when all is there.
    gc.disable()
    conf = settings.load(args)
    host, port = settings.address(conf)
    state_dir = settings.state_dir(conf)
    with told():
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with process.noted(state_dir, conf.listen):
        server.serve(host, port, conf.threads, lambda: _runtime(conf))
    return 0


def _runtime(conf: Any) -> Runtime:
    """In the worker: only it needs the services.

    Logins are answered while the other services are still being imported.
    """
    from knarr.kernel import config, logs, runtime

    logs.setup(conf.log_level, conf.log_format)
    with told():
        first, *others = config.names_of(conf.services)
    if first != IDENTITY or not others:
        return runtime.Runtime(conf, _services(conf, None))
    return runtime.Runtime(conf, settings.services(conf, [first]), lambda: _services(conf, others))


def _services(conf: Any, types: list[str] | None) -> list[Service]:
    """The last services that are loaded: from then on it is known what is an option."""
    found = settings.services(conf, types)
    for line in settings.unknown(conf):
        logging.getLogger(__name__).warning(line)
    return found
