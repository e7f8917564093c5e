"""The driver as a whole: each part in a file of its own, over one connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.base import ContainerEngine, EngineError
from knarr.services.container.drivers.docker import options
from knarr.services.container.drivers.docker.connection import Connection
from knarr.services.container.drivers.docker.containers import Containers
from knarr.services.container.drivers.docker.events import Events
from knarr.services.container.drivers.docker.host import Host
from knarr.services.container.drivers.docker.images import Images
from knarr.services.container.drivers.docker.inside import Inside
from knarr.services.container.drivers.docker.sandboxes import Sandboxes
from knarr.services.container.drivers.docker.stats import Stats

LOG = logging.getLogger(__name__)


class DockerEngine(Containers, Sandboxes, Images, Inside, Stats, Events, Host, ContainerEngine):
    """Docker, or Podman through its compatible socket."""

    name = "docker"

    def __init__(self, conf: Any, state_dir: Path | str | None = None) -> None:
        ContainerEngine.__init__(self, conf, state_dir)
        self.connection = Connection(conf, self.state_dir)
        self._background: threading.Thread | None = None
        Sandboxes.__init__(self)
        Stats.__init__(self)

    @staticmethod
    def options() -> list[tuple[str, list[Any]]]:
        return [(options.GROUP, options.docker_options())]

    @property
    def observer(self) -> Callable[[str, float, bool], None] | None:
        return self.connection.observer

    @observer.setter
    def observer(self, observer: Callable[[str, float, bool], None] | None) -> None:
        self.connection.observer = observer

    def start_background(self) -> None:
        if self._background is None:
            self._background = threading.Thread(target=self._fill_pool, name="sandbox-adopt", daemon=True)
            self._background.start()

    def _fill_pool(self) -> None:
        try:
            self.adopt()
        except EngineError as error:
            LOG.warning("sandboxes of a former run cannot be looked for: %s", error)
        self.pool.start()

    def close(self) -> None:
        if self._background:
            self._background.join(5)
        left = self.pool.close()
        if left:
            with ThreadPoolExecutor(len(left), thread_name_prefix="sandbox-remove") as workers:
                list(workers.map(self._discard, left))
        self.connection.close()
