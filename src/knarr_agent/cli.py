"""The program `knarr-agent`."""

from __future__ import annotations

import argparse
import fcntl
import logging
import signal
import sys
from pathlib import Path
from typing import IO, Any

from knarr_agent import config as configuration
from knarr_agent import transports
from knarr_agent.agent import Agent
from knarr_agent.errors import ConfigError


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
    _log(config)
    try:
        config.storage.mkdir(parents=True, exist_ok=True)
        lock = _lock(config.storage)
    except OSError as error:
        sys.stderr.write(f"knarr-agent: [DEFAULT] storage: {error}\n")
        return 2
    if lock is None:
        sys.stderr.write(f"knarr-agent: another agent uses {config.storage}\n")
        return 2
    return _run(config, options.once)


def _run(config: configuration.Config, once: bool) -> int:
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    transport = transports.create(config)
    logging.getLogger(__name__).info("Waiting for plans in %s", config.input_queue)
    try:
        Agent(config, transport).run(once)
    except Stopped:
        logging.getLogger(__name__).info("Stopped")
    finally:
        transport.close()
    return 0


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


def _log(config: configuration.Config) -> None:
    logging.basicConfig(
        filename=str(config.log_file) if config.log_file else None,
        level=logging.DEBUG if config.debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )


def _lock(storage: Path) -> IO[bytes] | None:
    """Held for as long as the program runs; None if another one holds it."""
    stream = (storage / "agent.lock").open("ab")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream


def _stop(*_: Any) -> None:
    raise Stopped
