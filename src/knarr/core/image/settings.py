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
        cfg.IntOpt(
            "image_size_cap",
            default=1024 * 1024,
            min=1,
            help="Largest image that can be uploaded, in MiB.",
        ),
        cfg.IntOpt("image_property_quota", default=128, min=-1, help="Properties of an image; -1: no limit."),
        cfg.IntOpt("image_tag_quota", default=128, min=-1, help="Tags of an image; -1: no limit."),
        cfg.IntOpt("image_member_quota", default=128, min=-1, help="Members of an image; -1: no limit."),
        cfg.IntOpt(
            "limit_param_default", default=25, min=1, help="Images on a page of a list without a limit."
        ),
    ]
