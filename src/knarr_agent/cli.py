"""The program `knarr-agent`."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import logging
import signal
import sys
from pathlib import Path
from typing import IO, Any, NoReturn

from knarr_agent import config as configuration
from knarr_agent import logs, transports
from knarr_agent.agent import Agent
from knarr_agent.errors import ConfigError

LOG = logging.getLogger(__name__)


class Stopped(BaseException):
    """A signal asked for the end. Files change by renaming only, so any moment is good."""


def main(arguments: list[str] | None = None) -> int:
    """Run the agent. Exit codes: 0 stopped, 2 a configuration that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        config = configuration.load(options.config_file)
    except ConfigError as error:
        sys.stderr.write(f"knarr-agent: {error}\n")
        return 2
    if options.check:
        sys.stdout.write(f"{options.config_file} can be used: queue {config.input_queue}\n")
        return 0
    try:
        logs.configure(config.debug, config.log_file)
        lock = _lock(config.storage)
        transport = transports.create(config)
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"knarr-agent: {error}\n")
        return 2
    with lock, contextlib.closing(transport):
        _run(config, transport, options.once)
    return 0


def program() -> NoReturn:
    """`main` for callers that pass no exit code on, like the start of a zipped application."""
    sys.exit(main())


def _run(config: configuration.Config, transport: transports.Transport, once: bool) -> None:
    try:
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        LOG.info("Waiting for plans in %s", config.input_queue)
        Agent(config, transport).run(once)
    except Stopped:
        LOG.info("Stopped")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="knarr-agent", description="Runs execution plans on this machine.")
    parser.add_argument(
        "--config-file",
        type=Path,
        default=configuration.DEFAULT_FILE,
        help=f"the configuration; default: {configuration.DEFAULT_FILE}",
    )
    parser.add_argument("--once", action="store_true", help="end when there is nothing left to do")
    parser.add_argument("--check", action="store_true", help="only say whether the configuration can be used")
    return parser


def _lock(storage: Path) -> IO[bytes]:
    """Held for as long as the program runs. Raises ConfigError if another one holds it."""
    try:
        storage.mkdir(parents=True, exist_ok=True)
        stream = (storage / "agent.lock").open("ab")
    except OSError as error:
        raise ConfigError(f"[DEFAULT] storage: {error}") from error
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise ConfigError(f"[DEFAULT] storage: another agent uses {storage}") from None
    return stream


def _stop(*_: Any) -> None:
    raise Stopped
