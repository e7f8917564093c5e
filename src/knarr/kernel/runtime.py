"""One running Knarr: its configuration, database, bus, engine and services, put together and taken apart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from knarr.kernel import config, migrations
from knarr.kernel.bus import LocalBus
from knarr.kernel.db import Database
from knarr.kernel.doorbell import Doorbell
from knarr.kernel.engine import Engine
from knarr.kernel.health import Health, database_check, disk_check
from knarr.kernel.history import PERIODICS
from knarr.kernel.identity import ExternalIdentity, IdentityBackend
from knarr.kernel.metrics import Metrics
from knarr.kernel.mount import Gate, Mounts
from knarr.kernel.operations import Operations
from knarr.kernel.periodic import Scheduler
from knarr.kernel.policy import PolicyBook
from knarr.kernel.quota import Quotas
from knarr.kernel.secrets import SecretBox
from knarr.kernel.service import Service
from knarr.kernel.services import Services
from knarr.kernel.web import ServiceApp

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter

    from knarr.kernel.context import RequestContext
    from knarr.kernel.session import Sessions

LOG = logging.getLogger(__name__)

T = TypeVar("T")


class Runtime:
    """What handlers, steps and drivers reach the rest through."""

    def __init__(
        self, conf: Any, services: Iterable[Service], more: Callable[[], Iterable[Service]] | None = None
    ) -> None:
        """`more` gives the services that join when `services` are served already (see `begin`)."""
        self.conf = conf
        self.state_dir: Path = config.state_dir(conf)
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.host = config.host_name(conf)
        self.base_url = config.base_url(conf)
        first = list(services)
        self.services = Services(first, more is not None)
        self._more = more
        self.db = Database(config.database_url(conf), pool_size=conf.database.pool_size)
        self.bus = LocalBus()
        self.metrics = Metrics()
        self.secrets = SecretBox(self.state_dir)
        disable = conf.healthcheck_disable_file
        self.health = Health(Path(disable) if disable else None)
        self.operations = Operations(self.db, self.bus)
        self.policy = PolicyBook(conf, Path(conf.policy_dir))
        self._components: dict[str, Any] = {}
        self._mutex = threading.RLock()
        options = conf.operations
        self.engine = Engine(self, self.operations, workers=options.workers, lease=options.lease)
        self._doorbell = Doorbell(self.state_dir, self.bus)
        self._scheduler: Scheduler | None = None
        self._started: list[Service] = []
        self._lifecycle = threading.Lock()
        self._stopped = False
        self.metrics.watch_operations(self.db, self.operations)
        self.health.add("database", database_check(self.db))
        self.health.add("disk", disk_check(self.state_dir))
        self.identity = self._identity(first)
        self.wsgi = Mounts(self)
        for service in first:
            self._add(service)
        # What comes from outside: it waits for services that are not ready yet.
        self.front: Any = Gate(self.wsgi, [service.prefix for service in first]) if more else self.wsgi

    # Putting together

    def prepare(self) -> None:
        """The schema and the first rows. Safe to repeat."""
        migrations.prepare(self.db)
        self._prepare(self.services.known())

    def begin(self) -> None:
        """Prepare the first services, so that requests to them can be answered. Raises EngineRunningError.

        `start` may then run in another thread; other requests wait for it.
        """
        self.engine.claim()
        self.prepare()

    def start(self) -> None:
        """Begin the background work: operations, periodic tasks, the services' own threads."""
        with self._lifecycle:
            if self._stopped:
                return
            self.engine.claim()
            self._bring_more()
            services = self.services.known()
            self.bus.serve(self.host, {
                f"{s.type}.{name}": partial(fn, self) for s in services for name, fn in s.rpc.items()
            })  # fmt: skip
            self.health.add("engine", self.engine.healthy)
            for service in services:
                if service.start:
                    service.start(self)
                self._started.append(service)
            self.engine.start()
            self._doorbell.start()
            periodics = [task for service in services for task in service.periodics]
            self._scheduler = Scheduler(self, [*periodics, *PERIODICS])
            self._scheduler.start()
            if isinstance(self.front, Gate):
                self.front.open()

    @property
    def is_whole(self) -> bool:
        """Whether all services are there from the beginning, so that `start` is to be awaited."""
        return self._more is None

    def stop(self) -> None:
        """End the background work; what is under way goes on at the next start."""
        with self._lifecycle:
            self._stopped = True
            if self._scheduler:
                self._scheduler.stop()
            self._doorbell.stop()
            self.engine.stop()
            for service in reversed(self._started):
                if service.stop:
                    service.stop(self)
            self._started.clear()
            self.bus.close()
            self.db.close()

    def _bring_more(self) -> None:
        if self._more is None:
            return
        more = list(self._more())
        self._more = None
        for service in more:
            self._add(service)
        self.services.complete(more)
        self._prepare(more)

    def _prepare(self, services: Iterable[Service]) -> None:
        for service in services:
            if service.prepare:
                service.prepare(self)

    def _add(self, service: Service) -> None:
        self.operations.register(service.operations)
        self.policy.add(service)
        app: Any = ServiceApp(self, service)
        if isinstance(self.identity, ExternalIdentity):
            app = self.identity.in_front_of(app)
        self.wsgi.mount(service.prefix, app)

    # What services ask for

    def component(self, key: str, factory: Callable[[], T]) -> T:
        """The one instance of this process under the key, made on first use."""
        found = self._components.get(key)
        if found is None:
            with self._mutex:
                found = self._components.get(key)
                if found is None:
                    found = self._components[key] = factory()
        return found

    def driver(self, group: str, name: str) -> Any:
        """The driver class of that name in an entry point group. Raises ValueError if there is none."""
        from stevedore import DriverManager
        from stevedore.exception import NoMatches

        try:
            return DriverManager(group, name, invoke_on_load=False).driver
        except NoMatches:
            raise ValueError(f"there is no driver {name!r} in {group}") from None

    def quotas(self, service_type: str) -> Quotas:
        service = self.services[service_type]
        if service.quotas is None:
            raise ValueError(f"{service_type} has no quotas")
        return self.component(f"{service_type}.quotas", partial(service.quotas, self.conf))

    def client(self, service_type: str, ctx: RequestContext) -> Adapter:
        """Another service's REST API as the caller."""
        return self._sessions.caller(service_type, ctx)

    def service_client(self, service_type: str) -> Adapter:
        """Another service's REST API as the service user (roles admin and service)."""
        return self._sessions.service(service_type)

    @property
    def auth_url(self) -> str:
        """Where a client that has no token gets one."""
        return str(self.conf.external.auth_url or f"{self.base_url}/identity")

    @property
    def _sessions(self) -> Sessions:
        def make() -> Sessions:
            from knarr.kernel.session import Sessions

            return Sessions(self, self.wsgi)

        return self.component("kernel.sessions", make)

    def _identity(self, services: Iterable[Service]) -> IdentityBackend:
        for service in services:
            if service.identity:
                return service.identity(self)
        if not self.conf.external.auth_url:
            raise ValueError("no identity service: run the embedded one, or set [external] auth_url")
        return ExternalIdentity(self.conf.external)


def build(conf: Any = None, services: Iterable[Service] | None = None) -> Runtime:
    """A runtime of the configured services, not yet prepared or started."""
    if services is None:
        conf = conf or config.load()
        services = config.installed(conf.services)
    else:
        services = list(services)
        conf = conf or config.load(services=services)
    return Runtime(conf, services)
