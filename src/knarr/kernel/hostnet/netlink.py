"""rtnetlink, as far as it is needed here."""

from __future__ import annotations


class NetlinkError(OSError):
    """The kernel's answer to a request: `errno`, and `strerror` that names the step."""
