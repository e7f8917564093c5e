"""What can be configured of the Docker driver: the group ``[docker]``, upstream's names where upstream has
the option."""

from __future__ import annotations

from typing import Any

GROUP = "docker"


def docker_options() -> list[Any]:
    from oslo_config import cfg

    return [
        cfg.StrOpt(
            "api_url",
            default="unix:///var/run/docker.sock",
            help="The engine: unix:///path, or tcp://host:port (with TLS if the files below are given)",
        ),
        cfg.StrOpt("ca_file", help="CA that signed the engine's certificate"),
        cfg.StrOpt("cert_file", help="Our certificate for the engine"),
        cfg.StrOpt("key_file", help="Key of our certificate", secret=True),
        cfg.IntOpt("default_timeout", default=60, min=1, help="Seconds to wait for an answer of the engine"),
        cfg.IntOpt("connections", default=16, min=1, help="Connections to the engine kept open"),
        cfg.StrOpt("default_registry", help="Registry that images without a domain are pulled from"),
        cfg.StrOpt("default_registry_username", help="User at the default registry"),
        cfg.StrOpt("default_registry_password", secret=True, help="Password at the default registry"),
        cfg.IntOpt("pids_limit", default=4096, min=16, help="Processes that one container may have"),
        cfg.BoolOpt(
            "no_new_privileges", default=True, help="Deny set-uid programs more rights than they have"
        ),
        cfg.ListOpt("cap_drop", default=["MKNOD"], help="Capabilities taken from the engine's defaults"),
        cfg.IntOpt(
            "log_max_mib", default=30, min=0, help="Log kept of each container; 0: as the engine does"
        ),
        cfg.IntOpt("archive_max_mib", default=256, min=1, help="Largest archive read out of a container"),
        cfg.IntOpt("sandbox_pool_size", default=4, min=0, help="Sandboxes kept ready"),
        cfg.StrOpt(
            "sandbox_mode",
            default="auto",
            choices=["auto", "unshare", "none"],
            help="How a sandbox gets its network namespace: it makes its own (unshare, fast, needs an engine "
            "on this machine), or the engine does (none). auto: the fastest that works",
        ),
    ]


def register(conf: Any) -> Any:
    """Registers the options (again is fine) and gives the group."""
    conf.register_opts(docker_options(), group=GROUP)
    return conf[GROUP]
