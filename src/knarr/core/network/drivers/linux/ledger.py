"""What this host has made that stands outside of it: namespaces and programs, each written down first.

Names below /run/netns are one space for the whole machine, though several network namespaces may each have a
Knarr. A line here, made before the thing and removed after it, tells what is ours: whatever is written down
and not wanted can be removed, also when its maker was killed halfway.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from knarr.kernel import hostnet

ROOT = Path("/run/knarr")


class Ledger:
    """Folders /run/knarr/net-<number of the host's namespace>/<kind>/<id>; a reboot empties it."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def folder(self, key: str) -> Path:
        """Where notes on the thing may be kept."""
        return self._home / key

    def enter(self, key: str) -> Path:
        """Writes down that the thing is about to be made. Returns its folder."""
        folder = self.folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        for made in (folder, self._home, self._home.parent, ROOT):
            made.chmod(0o755)  # programs that are not root read here, whatever the umask
        return folder

    def strike(self, key: str) -> None:
        """The thing is gone."""
        shutil.rmtree(self.folder(key), ignore_errors=True)
        for folder in (self._home, self._home.parent):  # tidy, as long as nothing else stands there
            with suppress(OSError):
                folder.rmdir()

    def keys(self) -> set[str]:
        """Everything that was written down."""
        try:
            return {entry.name for entry in self._home.iterdir()}
        except FileNotFoundError:
            return set()

    @property
    def _home(self) -> Path:
        return ROOT / f"net-{hostnet.namespace_inode()}" / self._kind
