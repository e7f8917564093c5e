"""The embedded network service: Neutron's API v2.0, addresses, and ports on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knarr.kernel.service import Service


def service() -> Service:
    from knarr.core.network.definition import build

    return build()
