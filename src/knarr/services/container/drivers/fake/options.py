"""What can be configured of the fake engine: the group ``[fake_engine]``."""

from __future__ import annotations

from typing import Any

GROUP = "fake_engine"
IMAGES = ["busybox:latest", "cirros:latest", "alpine:latest", "nginx:latest"]


def fake_options() -> list[Any]:
    from oslo_config import cfg

    return [
        cfg.ListOpt("images", default=IMAGES, help="Images that lie on the engine from the beginning"),
        cfg.StrOpt(
            "missing_images",
            default=r"(?i)no-?such|missing|does-?not-?exist|nonexist",
            help="Regular expression: a pull of such a name finds nothing; of any other it works",
        ),
        cfg.StrOpt(
            "unreachable_registries",
            default=r"^unreachable\.",
            help="Regular expression: no answer from there",
        ),
        cfg.StrOpt(
            "missing_commands",
            default=r"(?i)no-?such|missing|does-?not-?exist|nonexist",
            help="Regular expression: commands that cannot be executed",
        ),
        cfg.ListOpt("runtimes", default=["runc", "kata"], help="Container runtimes to tell"),
        cfg.IntOpt("cpus", default=16, min=1, help="Processors to tell"),
        cfg.IntOpt("memory_mib", default=65536, min=64, help="Memory to tell"),
        cfg.IntOpt("disk_gib", default=1000, min=1, help="Disk to tell"),
        cfg.DictOpt("labels", default={}, help="Labels of the host to tell"),
        cfg.MultiStrOpt(
            "fault",
            default=[],
            help="METHOD:key=value,… with the keys delay (seconds), error (unavailable, timeout, not_there, "
            "image_not_found, registry_unavailable, conflict, invalid, command_not_found, error), message, "
            "times (then no more), seconds (then no more) and match (regular expression on the container or "
            "image): start:error=unavailable,times=2",
        ),
        cfg.DictOpt(
            "registries",
            default={},
            help="Registries that ask for a user and a password: DOMAIN:USER:PASSWORD, where the domain has "
            "no port. Others give their images to everybody",
        ),
        cfg.FloatOpt(
            "pull_seconds", default=0.0, min=0.0, help="How long a pull takes, with progress all the while"
        ),
    ]


def register(conf: Any) -> Any:
    conf.register_opts(fake_options(), group=GROUP)
    return conf[GROUP]
