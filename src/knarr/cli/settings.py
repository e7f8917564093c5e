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


def unknown(conf: Any) -> list[str]:
    """What stands in the configuration files and is no option, each in one line. Options of services that
    do not run here are left alone, so the services must have been loaded before.
    """
    from difflib import get_close_matches

    from oslo_config import cfg

    told_of = []
    for path in conf.default_config_files:
        sections: dict[str, dict[str, Any]] = {}
        cfg.ConfigParser(path, sections).parse()
        for section, options_of in sections.items():
            found = conf if section == "DEFAULT" else conf.get(section) if section in conf else None
            if found is None and conf.services:
                continue
            for name in options_of:
                if found is not None and name in found:
                    continue
                known = [] if found is None else get_close_matches(name, list(found), 1)
                hint = f"; is {known[0]} meant?" if known else ""
                told_of.append(f"{path}: [{section}] {name} is no option and has no effect{hint}")
    return told_of


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
    _check_base_url(conf)
    return host, int(port)


def _check_base_url(conf: Any) -> None:
    from urllib.parse import urlsplit

    if not conf.base_url:
        return
    try:
        parts = urlsplit(conf.base_url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment:
        raise Problem(f"base_url is {conf.base_url!r}: use http(s)://HOST[:PORT], as users reach Knarr")


def _read_all(conf: Any) -> None:
    """oslo.config finds out only at the first use that a value is none of its type: use them all now."""
    for option in conf:
        group = conf[option]
        if hasattr(group, "_group"):
            dict(group)
