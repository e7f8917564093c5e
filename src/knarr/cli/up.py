"""`knarr up`: run all services in the foreground."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from knarr.cli import process, server, settings
from knarr.cli.problem import told

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser("up", parents=[common], help="run all services in the foreground")
    made.add_argument("--engine", choices=("docker", "fake"), help="the container engine")
    made.add_argument("--listen", metavar="ADDRESS:PORT", help="address and port of all services")
    made.add_argument(
        "--insecure-listen", action="store_true", help="allow an address that other hosts reach, without TLS"
    )
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    # The kernel's options are enough for the parent; the worker loads the services with theirs.
    conf = settings.load(args, services=False)
    host, port = settings.address(conf)
    state_dir = settings.state_dir(conf)
    with told():
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with process.noted(state_dir, conf.listen):
        server.serve(host, port, conf.threads, lambda: _runtime(args))
    return 0


def _runtime(args: argparse.Namespace) -> Runtime:
    from knarr.kernel import config, logs, runtime

    conf = settings.load(args)
    logs.setup(conf.log_level, conf.log_format)
    return runtime.Runtime(conf, config.installed(conf.services))
