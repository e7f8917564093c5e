"""The services of a running Knarr, some of which may still be on their way.

`knarr up` answers logins while the other services are being imported. Whoever asks for a service that is not
there yet, or for all of them, waits until they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping

from knarr.kernel.errors import ServiceUnavailable
from knarr.kernel.service import Service

# Seconds that a request waits for services that are starting.
PATIENCE = 60.0


class Services(Mapping[str, Service]):
    """Services by type, in the order in which they start. Complete from the beginning, or after `complete()`.

    Raises ServiceUnavailable in whoever has waited a minute for the rest.
    """

    def __init__(self, first: Iterable[Service], more: bool) -> None:
        self._known = {service.type: service for service in first}
        self._all = threading.Event()
        if not more:
            self._all.set()

    def known(self) -> list[Service]:
        """Those that are there, without waiting for the rest."""
        return list(self._known.values())

    def complete(self, more: Iterable[Service]) -> None:
        """Add the rest, and let those who wait go on."""
        self._known = self._known | {service.type: service for service in more}
        self._all.set()

    def __getitem__(self, kind: str) -> Service:
        if kind not in self._known:
            self._wait()
        return self._known[kind]

    def __iter__(self) -> Iterator[str]:
        self._wait()
        return iter(self._known)

    def __len__(self) -> int:
        self._wait()
        return len(self._known)

    def _wait(self) -> None:
        if not self._all.wait(PATIENCE):
            raise ServiceUnavailable("Not all services have started yet; try again later.")
