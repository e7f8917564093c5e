"""The host's network devices: bridges, veth pairs, namespaces. Root is needed for whatever changes something.

All functions may be called from any thread. They speak rtnetlink directly, on one socket per namespace that
stays open: a port takes about a millisecond, and nothing heavy is imported. Errors are `NetlinkError` (an
OSError with the kernel's errno and the step that failed). Functions whose names start with
ensure/plug/unplug/delete say by their bool whether they had to change anything.
"""

from __future__ import annotations

from knarr.kernel.hostnet.bridges import delete_bridge, ensure_bridge, list_bridges
from knarr.kernel.hostnet.namespaces import (
    create_namespace,
    delete_namespace,
    enter_namespace,
    has_namespace,
    namespace_inode,
    namespace_path,
    run_in_namespace,
)
from knarr.kernel.hostnet.netlink import NetlinkError
from knarr.kernel.hostnet.plugging import PlugSpec, Route, Tap, list_taps, plug, unplug

__all__ = [
    "NetlinkError",
    "PlugSpec",
    "Route",
    "Tap",
    "create_namespace",
    "delete_bridge",
    "delete_namespace",
    "ensure_bridge",
    "enter_namespace",
    "has_namespace",
    "list_bridges",
    "list_taps",
    "namespace_inode",
    "namespace_path",
    "plug",
    "run_in_namespace",
    "unplug",
]
