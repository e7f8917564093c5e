"""A whole container engine in memory: fast, deterministic, and able to fail on demand. For people who test
tools against OpenStack."""

from knarr.services.container.drivers.fake.engine import FakeEngine

__all__ = ["FakeEngine"]
