"""Figures for Prometheus: requests, operations, engine calls.

The registry is private to the process's runtime, so that several runtimes (tests, embedded use) do not
meet in one. The children of labelled metrics are kept, because looking them up costs more than counting
does.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from knarr.kernel.db import Database, utcnow

if TYPE_CHECKING:
    from knarr.kernel.operations import Operations

# Seconds. Answers take milliseconds, engine calls up to minutes.
REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
OPERATION_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


class Metrics:
    """What a process counts. All methods may be called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "knarr_requests",
            "Requests by service, method, route and status",
            ("service", "method", "route", "status"),
            registry=self.registry,
        )
        self._latency = Histogram(
            "knarr_request_seconds",
            "Seconds until the answer, by service, method and route",
            ("service", "method", "route"),
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._calls = Histogram(
            "knarr_engine_call_seconds",
            "Seconds of a call of a driver, by driver, method and outcome",
            ("driver", "method", "outcome"),
            buckets=CALL_BUCKETS,
            registry=self.registry,
        )
        self._operations = Histogram(
            "knarr_operation_seconds",
            "Seconds of the last run of a finished operation, by kind and outcome",
            ("kind", "outcome"),
            buckets=OPERATION_BUCKETS,
            registry=self.registry,
        )
        self._children: dict[tuple[Any, ...], Any] = {}

    def request(self, service: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is the path with placeholders, never with ids."""
        key = (service, method, route, status)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = (
                self._requests.labels(service, method, route, str(status)),
                self._latency.labels(service, method, route),
            )
        found[0].inc()
        found[1].observe(seconds)

    def operation(self, kind: str, outcome: str, seconds: float) -> None:
        """Count a finished operation."""
        self._child(self._operations, kind, outcome).observe(seconds)

    @contextmanager
    def engine_call(self, driver: str, method: str) -> Iterator[None]:
        """Count and time the call of a driver that is made in the block; an exception makes it an error."""
        began = time.perf_counter()
        outcome = "error"
        try:
            yield
            outcome = "ok"
        finally:
            self._child(self._calls, driver, method, outcome).observe(time.perf_counter() - began)

    def engine_called(self, driver: str, method: str, seconds: float, worked: bool) -> None:
        """The same for a call that was timed by the driver itself."""
        self._child(self._calls, driver, method, "ok" if worked else "error").observe(seconds)

    def watch_operations(self, db: Database, operations: Operations) -> None:
        """Report the operations in the table, counted when somebody asks for the metrics."""
        self.registry.register(_OperationCollector(db, operations))

    def render(self) -> tuple[str, bytes]:
        """Content type and body of /metrics."""
        return CONTENT_TYPE_LATEST, generate_latest(self.registry)

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child


class _OperationCollector(Collector):
    def __init__(self, db: Database, operations: Operations) -> None:
        self._db = db
        self._operations = operations

    def describe(self) -> Iterable[Metric]:
        return []  # no query at registration

    def collect(self) -> Iterator[Metric]:
        from knarr.kernel.history import count_operations

        by = ("kind", "state")
        count = GaugeMetricFamily("knarr_operations", "Unfinished operations", labels=by)
        age = GaugeMetricFamily("knarr_operation_oldest_age_seconds", "Age of the oldest of them", labels=by)
        with self._db.read() as session:
            found = {(c.kind, c.state): c for c in count_operations(session)}
        now = utcnow()
        # Kinds without operations are reported as 0, so that alerts see a value from the start.
        keys = {(kind, state) for kind in self._operations.kinds for state in ("queued", "running")}
        for key in sorted(keys | found.keys()):
            entry = found.get(key)
            count.add_metric(key, entry.count if entry else 0)
            age.add_metric(key, (now - entry.oldest).total_seconds() if entry else 0.0)
        yield count
        yield age
