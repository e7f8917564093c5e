"""Figures for Prometheus: requests, operations, engine calls.

Counting is done here, because every request does it; prometheus_client is loaded when somebody asks for the
figures. Each process's runtime counts for itself, so that several runtimes (tests, embedded use) do not meet.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from knarr.kernel.db import Database, utcnow

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from knarr.kernel.operations import Operations

# Seconds. Answers take milliseconds, engine calls up to minutes.
REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
OPERATION_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


class Times:
    """How often something of one name happened, and how long it took, by the values of its labels."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> None:
        self.name, self.text, self.labels = name, text, labels
        self._buckets = buckets
        self._lock = threading.Lock()
        # Sum of the seconds, then a count for each bucket and one for what is above them all.
        self._rows: dict[tuple[str, ...], list[float]] = {}

    def observe(self, labels: tuple[str, ...], seconds: float) -> None:
        place = bisect_left(self._buckets, seconds) + 1
        with self._lock:
            row = self._rows.get(labels)
            if row is None:
                row = self._rows[labels] = [0.0] * (len(self._buckets) + 2)
            row[0] += seconds
            row[place] += 1

    def family(self) -> Metric:
        from prometheus_client.core import HistogramMetricFamily
        from prometheus_client.utils import floatToGoString

        found = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        bounds = [*map(floatToGoString, self._buckets), "+Inf"]
        with self._lock:
            rows = {labels: list(row) for labels, row in self._rows.items()}
        for labels, (total, *counts) in rows.items():
            below = [sum(counts[: place + 1]) for place in range(len(counts))]
            found.add_metric(labels, list(zip(bounds, below, strict=True)), total)
        return found


class Metrics:
    """What a process counts. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._latency = Times(
            "knarr_request_seconds",
            "Seconds until the answer, by service, method and route",
            ("service", "method", "route"),
            REQUEST_BUCKETS,
        )
        self._calls = Times(
            "knarr_engine_call_seconds",
            "Seconds of a call of a driver, by driver, method and outcome",
            ("driver", "method", "outcome"),
            CALL_BUCKETS,
        )
        self._operations = Times(
            "knarr_operation_seconds",
            "Seconds of the last run of a finished operation, by kind and outcome",
            ("kind", "outcome"),
            OPERATION_BUCKETS,
        )
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, str, int], int] = {}
        self._table: _OperationTable | None = None

    def request(self, service: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is the path with placeholders, never with ids."""
        key = (service, method, route, status)
        with self._lock:
            self._requests[key] = self._requests.get(key, 0) + 1
        self._latency.observe(key[:3], seconds)

    def operation(self, kind: str, outcome: str, seconds: float) -> None:
        """Count a finished operation."""
        self._operations.observe((kind, outcome), seconds)

    @contextmanager
    def engine_call(self, driver: str, method: str) -> Iterator[None]:
        """Count and time the call of a driver that is made in the block; an exception makes it an error."""
        began = time.perf_counter()
        outcome = "error"
        try:
            yield
            outcome = "ok"
        finally:
            self._calls.observe((driver, method, outcome), time.perf_counter() - began)

    def engine_called(self, driver: str, method: str, seconds: float, worked: bool) -> None:
        """The same for a call that was timed by the driver itself."""
        self._calls.observe((driver, method, "ok" if worked else "error"), seconds)

    def watch_operations(self, db: Database, operations: Operations) -> None:
        """Report the operations in the table, counted when somebody asks for the metrics."""
        self._table = _OperationTable(db, operations)

    def render(self) -> tuple[str, bytes]:
        """Content type and body of /metrics."""
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        return CONTENT_TYPE_LATEST, generate_latest(registry)

    def describe(self) -> list[Any]:
        """Nothing: no query at registration. (With `collect`, what a registry asks of a collector.)"""
        return []

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        labels = ("service", "method", "route", "status")
        count = CounterMetricFamily(
            "knarr_requests", "Requests by service, method, route and status", labels=labels
        )
        with self._lock:
            requests = dict(self._requests)
        for (service, method, route, status), number in requests.items():
            count.add_metric((service, method, route, str(status)), number)
        yield count
        for times in (self._latency, self._calls, self._operations):
            yield times.family()
        if self._table:
            yield from self._table.collect()


class _OperationTable:
    def __init__(self, db: Database, operations: Operations) -> None:
        self._db = db
        self._operations = operations

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

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
