"""The container service: Zun's v1 API.

What stands where: `states` (statuses and what may be done from which), `placement` (which host),
`networking` and
`images` (the REST calls to those services), `wiring` (sandbox and veth on the host), `work` (what happens
after the
202), `sync` (keeping rows true to the engine), `agent` (heartbeat and inventory), `remote` (calls that run
on the host of a container).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knarr.kernel.service import Service


def service() -> Service:
    """The container service, as the entry point `knarr.services` names it."""
    from knarr.services.container.definition import build

    return build()
