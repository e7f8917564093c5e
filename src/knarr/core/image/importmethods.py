"""The methods by which data can be imported into an image."""

from __future__ import annotations

from typing import Any

GLANCE_DIRECT, WEB_DOWNLOAD = "glance-direct", "web-download"


def methods(conf: Any) -> tuple[str, ...]:
    """Those that are offered: downloads only where hosts are allowed for them."""
    return (GLANCE_DIRECT, WEB_DOWNLOAD) if conf.image.web_download_hosts else (GLANCE_DIRECT,)
