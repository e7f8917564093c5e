"""The embedded image service: Glance's API v2, with the data in files of the state directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knarr.kernel.service import Service


def service() -> Service:
    from knarr.core.image.definition import build

    return build()
