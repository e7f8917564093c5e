"""Configuration by oslo.config: the options of the kernel and the services, where files and state lie."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from knarr.kernel import lazy

# Two of oslo.config's types need the first two, none of them ours. The other two serve policy files and
# debug lines of oslo.policy.
lazy.defer("netaddr", "rfc3986", "oslo_utils.strutils", "yaml")

from oslo_config import cfg  # noqa: E402  what it imports must be put off before

from knarr.kernel.service import Service  # noqa: E402

SERVICES_GROUP = "knarr.services"
SYSTEM_FILE = Path("/etc/knarr/knarr.conf")
DEFAULT_LISTEN = "127.0.0.1:9140"


def default_state_dir() -> str:
    if os.geteuid() == 0:
        return "/var/lib/knarr"
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return str(Path(base) / "knarr")


def default_files() -> list[str]:
    """The configuration files that are there: the system's, then the user's own."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    own = Path(base) / "knarr" / "knarr.conf"
    return [str(path) for path in (SYSTEM_FILE, own) if path.is_file()]


DEFAULT_OPTIONS = [
    cfg.StrOpt(
        "state_dir",
        help="Folder of the database, keys, images and clouds.yaml. Default: "
        "/var/lib/knarr for root, else ~/.local/state/knarr.",
    ),
    cfg.StrOpt("listen", default=DEFAULT_LISTEN, help="Address and port of all services."),
    cfg.StrOpt("base_url", help="The address under which users reach `listen`, if it is another one."),
    cfg.StrOpt("host", help="Name of this host in services, hosts and port bindings. Default: its hostname."),
    cfg.StrOpt("engine", default="docker", choices=("docker", "fake"), help="The container engine."),
    cfg.ListOpt(
        "services", default=[], help="The services to run, by type. Default: all that are installed."
    ),
    cfg.IntOpt("threads", default=12, min=2, max=256, help="Requests that are worked on at once."),
    cfg.StrOpt(
        "log_level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), help="Least level."
    ),
    cfg.StrOpt("log_format", default="plain", choices=("plain", "json"), help="Form of the log lines."),
    cfg.StrOpt("healthcheck_disable_file", help="While this file exists, /healthcheck answers 503."),
    cfg.StrOpt("policy_dir", default="/etc/knarr/policy", help="Folder of <service type>.yaml policy files."),
]

WORKERS = 8
LEASE = 30.0  # seconds

OPERATIONS_OPTIONS = [
    cfg.IntOpt("workers", default=WORKERS, min=1, help="Operations that run at the same time."),
    cfg.FloatOpt(
        "lease",
        default=LEASE,
        min=1.0,
        help="Seconds after which another engine takes over the work of one that has not been heard of.",
    ),
    cfg.FloatOpt(
        "history_days", default=7.0, min=0.0, help="Days for which finished operations can be looked up."
    ),
]

DATABASE_OPTIONS = [
    cfg.StrOpt("url", secret=True, help="SQLAlchemy URL. Default: SQLite in the state folder."),
    cfg.IntOpt("pool_size", default=20, min=1, help="Connections kept open."),
]

EXTERNAL_OPTIONS = [
    cfg.StrOpt("auth_url", help="A Keystone to use instead of the embedded one, with /v3."),
    cfg.StrOpt("username", default="knarr", help="The service user there."),
    cfg.StrOpt("password", secret=True, help="Its password."),
    cfg.StrOpt("project_name", default="service", help="Its project."),
    cfg.StrOpt("user_domain_id", default="default", help="Domain of the user."),
    cfg.StrOpt("project_domain_id", default="default", help="Domain of the project."),
    cfg.StrOpt("interface", default="public", help="Which endpoints of the catalogue are used."),
    cfg.StrOpt("cafile", help="CA bundle that the external services' certificates are checked with."),
    cfg.DictOpt(
        "endpoints",
        default={},
        help="Service types whose address is not to be taken from the "
        "catalogue: network=http://…:9696,image=…",
    ),
]

GROUPS: tuple[tuple[str | None, Sequence[Any]], ...] = (
    (None, DEFAULT_OPTIONS),
    ("database", DATABASE_OPTIONS),
    ("operations", OPERATIONS_OPTIONS),
    ("external", EXTERNAL_OPTIONS),
)


def load(
    files: Iterable[str] | None = None, services: Iterable[Service] | None = None, **overrides: Any
) -> cfg.ConfigOpts:
    """The configuration from these files (the default ones if None). `overrides` go into [DEFAULT].

    The options of `services` (all installed ones if None) are registered too.
    """
    conf = cfg.ConfigOpts()
    chosen = default_files() if files is None else list(files)
    for group, options in GROUPS:
        conf.register_opts(options, group=group)
    conf(args=[], project="knarr", default_config_files=chosen, default_config_dirs=[])
    for name, value in overrides.items():
        if value is not None:
            conf.set_override(name, value)
    for service in services if services is not None else installed(conf.services):
        for group, options in service.options:
            conf.register_opts(options, group=group)
    return conf


def installed(types: Sequence[str] = ()) -> list[Service]:
    """The services that are installed, in the order in which they start; only those of the types if given.

    Raises ValueError for a type that is not installed.
    """
    from knarr.kernel.policy import put_off_extensions

    put_off_extensions()
    points = _points()
    return [points[name].load()() for name in names_of(types)]


def names_of(types: Sequence[str] = ()) -> list[str]:
    """The types of the services that `installed` would give, without importing them."""
    points = _points()
    unknown = set(types) - set(points)
    if unknown:
        raise ValueError(
            f"no such services: {', '.join(sorted(unknown))} (there are {', '.join(sorted(points))})"
        )
    return sorted(types or points, key=_start_order)


@functools.cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=SERVICES_GROUP)}


def _start_order(name: str) -> tuple[bool, str]:
    """Whoever checks tokens starts first; the others do not depend on an order."""
    return name != "identity", name


def state_dir(conf: cfg.ConfigOpts) -> Path:
    return Path(conf.state_dir or default_state_dir()).absolute()


def host_name(conf: cfg.ConfigOpts) -> str:
    return str(conf.host or socket.gethostname())


def base_url(conf: cfg.ConfigOpts) -> str:
    return str(conf.base_url or f"http://{conf.listen}").rstrip("/")


def database_url(conf: cfg.ConfigOpts) -> str:
    return str(conf.database.url or f"sqlite:///{state_dir(conf) / 'knarr.db'}")
