"""What the data of an image tells of the disk in it."""

from __future__ import annotations

from knarr.core.image.storage import Written

QCOW2 = b"QFI\xfb"
LARGEST = 2**63 - 1


def virtual_size(disk_format: str | None, written: Written) -> int | None:
    """Bytes of the disk as a machine sees it, for the formats that are read here; else None."""
    if disk_format == "raw":
        return written.size
    if disk_format == "qcow2" and written.head.startswith(QCOW2) and len(written.head) == 32:
        # Before it stand magic, version, the place and length of the backing file, and the bits of a cluster.
        found = int.from_bytes(written.head[24:32], "big")
        return found if found <= LARGEST else None
    return None
