"""The configuration as the commands load it."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knarr.cli.problem import Problem, told

if TYPE_CHECKING:
    from knarr.kernel.service import Service

LOCAL_NAMES = ("localhost", "ip6-localhost")


def options() -> list[Any]:
    """The options of [DEFAULT] that only the program reads."""
    from oslo_config import cfg

    return [
        cfg.BoolOpt(
            "insecure_listen",
            default=False,
            help="Let `listen` name an address that other hosts reach. Knarr speaks HTTP without TLS: put a "
            "proxy with TLS before it.",
        )
    ]


def load(args: argparse.Namespace) -> Any:
    """The configuration of the kernel that the arguments and files give. Raises Problem."""
    with told():
        from knarr.kernel import config

        overrides = {name: getattr(args, name, None) for name in ("state_dir", "listen", "engine")}
        conf = config.load(args.config_file, (), **overrides)
        conf.register_opts(options())
        if getattr(args, "insecure_listen", False):
            conf.set_override("insecure_listen", True)
        _read_all(conf)
        return conf


def services(conf: Any, types: Sequence[str] | None = None) -> list[Service]:
    """The configured services, or only those of the types; their options join the configuration. Raises
    Problem."""
    with told():
        from knarr.kernel import config

        found = config.installed(conf.services if types is None else types)
        for service in found:
            for group, members in service.options:
                conf.register_opts(members, group=group)
        _read_all(conf)
        return found


def state_dir(conf: Any) -> Path:
    from knarr.kernel import config

    return config.state_dir(conf)


def address(conf: Any) -> tuple[str, int]:
    """Host and port of `listen`. Raises Problem if it makes no sense or is not loopback only."""
    host, _, port = str(conf.listen).rpartition(":")
    host = host.strip("[]")
    if host in LOCAL_NAMES:
        host = "127.0.0.1"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Problem(f"listen is {conf.listen!r}: use ADDRESS:PORT, such as 127.0.0.1:9140")
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        raise Problem(
            f"listen is {conf.listen!r}: {host!r} is not an address; use one such as 127.0.0.1"
        ) from None
    if not parsed.is_loopback and not conf.insecure_listen:
        raise Problem(
            f"listen is {conf.listen}, which other hosts reach, and Knarr speaks HTTP without TLS; "
            "--insecure-listen (or insecure_listen = true) allows it"
        )
    return host, int(port)


def _read_all(conf: Any) -> None:
    """oslo.config finds out only at the first use that a value is none of its type: use them all now."""
    for option in conf:
        group = conf[option]
        if hasattr(group, "_group"):
            dict(group)
