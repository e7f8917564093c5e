"""Linux bridges."""

from __future__ import annotations


def ensure_bridge(name: str, mtu: int = 1500) -> bool:
    """Makes the bridge `name` if it is missing, sets its MTU and has it up. No STP, no forward delay.

    Returns whether anything had to be changed. Raises NetlinkError (EPERM without root).
    """
    raise NotImplementedError


def delete_bridge(name: str) -> bool:
    """Removes the bridge; what is plugged into it stays, without a master. Returns whether it was there."""
    raise NotImplementedError


def list_bridges(prefix: str = "brq") -> list[str]:
    """Names of the bridges that start with `prefix`."""
    raise NotImplementedError
