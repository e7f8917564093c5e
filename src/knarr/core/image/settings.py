"""Options of the group [image]."""

from __future__ import annotations

from typing import Any

GROUP = "image"
MEBIBYTE = 1024 * 1024


def options() -> list[Any]:
    from oslo_config import cfg

    return [
        cfg.StrOpt(
            "data_dir",
            default="",
            help="Directory of the images' data. Empty: `images` in the state directory.",
        ),
        cfg.StrOpt(
            "image_cache_dir",
            default="",
            help="Directory of this host's own copies of data (see `openstack cached image queue`). Empty: "
            "`image-cache` in the state directory.",
        ),
        cfg.IntOpt(
            "image_cache_max_size",
            default=10 * 1024,
            min=1,
            help="What these copies may take, in MiB: those that were not read for longest go first.",
        ),
        cfg.IntOpt(
            "image_size_cap",
            default=1024 * 1024,
            min=1,
            help="Largest image that can be uploaded, in MiB.",
        ),
        cfg.IntOpt(
            "image_size_total",
            default=-1,
            min=-1,
            help="MiB of data that a project may have in images; -1: no limit.",
        ),
        cfg.IntOpt("image_count_total", default=-1, min=-1, help="Images of a project; -1: no limit."),
        cfg.IntOpt("image_property_quota", default=128, min=-1, help="Properties of an image; -1: no limit."),
        cfg.IntOpt("image_tag_quota", default=128, min=-1, help="Tags of an image; -1: no limit."),
        cfg.IntOpt("image_member_quota", default=128, min=-1, help="Members of an image; -1: no limit."),
        cfg.ListOpt(
            "web_download_hosts",
            default=[],
            help="Hosts that images may be imported from (web-download), by their exact names. Empty: none, "
            "and the method is not offered. Redirects must lead to one of them as well.",
        ),
        cfg.ListOpt("web_download_schemes", default=["http", "https"], help="Schemes of such addresses."),
        cfg.ListOpt(
            "web_download_ports",
            item_type=cfg.types.Port(min=1),
            default=[80, 443],
            help="Ports of such addresses.",
        ),
        cfg.IntOpt(
            "task_time_to_live", default=48, min=1, help="Hours for which ended tasks of imports are kept."
        ),
        cfg.IntOpt(
            "limit_param_default", default=25, min=1, help="Images on a page of a list without a limit."
        ),
    ]
