"""Taps that other parties plug: put back into their bridges."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from knarr.core.network.drivers.base import PortState
from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.netlink import NetlinkError, host

LOG = logging.getLogger(__name__)


def replug(ports: Iterable[PortState]) -> list[str]:
    """Plugs taps that are in no bridge into that of their network: somebody has removed and we remade it.

    Returns lines on what was changed.
    """
    socket, lines = host(), []
    found = {link.name: link for link in links.get_links(socket)}
    for port in ports:
        tap, bridge = found.get(port.tap), found.get(port.bridge)
        if tap is None or bridge is None or tap.kind != "veth" or tap.master:
            continue
        try:
            links.set_link(socket, tap, master=bridge.index)
            lines.append(f"tap {tap.name} was in no bridge")
        except NetlinkError as error:
            LOG.warning("The tap %s could not be plugged into %s: %s", tap.name, bridge.name, error)
    return lines
