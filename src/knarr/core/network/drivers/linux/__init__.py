"""The backend of Linux hosts: a bridge per network, nftables for security groups and against spoofing."""

from knarr.core.network.drivers.linux.backend import LinuxBackend

__all__ = ["LinuxBackend"]
