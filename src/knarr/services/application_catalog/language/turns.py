"""Threads of a session take turns: one runs MuranoPL at a time, and gives its turn away where it waits.

So applications see what they see with green threads: between two waits nobody else changes anything. What
runs side by side is the waiting: for stacks, agents, sleeps.

Methods of one object are entered by one thread at a time, as `Synchronize` asks: on the object by default,
on arguments if it says so. A thread that comes out of one that holds the method may enter it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from knarr.services.application_catalog.language.model import Method
from knarr.services.application_catalog.language.values import MuranoObject, Reference

T = TypeVar("T")

MOST_THREADS = 64
SYNCHRONIZE = "io.murano.metadata.engine.Synchronize"

Key = tuple[Method, MuranoObject]
HELD: ContextVar[frozenset[Key]] = ContextVar("held", default=frozenset())


class Turns:
    """The turns of one session."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._local = threading.local()
        self._locks: dict[Key, threading.Lock] = {}

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Others may run while this lasts."""
        if not getattr(self._local, "mine", False):
            yield
            return
        self._give()
        try:
            yield
        finally:
            self._take()

    def side_by_side(self, jobs: Sequence[Callable[[], T]], most: int = MOST_THREADS) -> list[T]:
        """What the jobs give, in their order. The first error is raised once all have ended."""
        if not jobs:
            return []
        with self.waiting(), ThreadPoolExecutor(min(most, MOST_THREADS, len(jobs)), "muranopl") as pool:
            started = [pool.submit(copy_context().run, self._run, job) for job in jobs]
        return [one.result() for one in started]

    def _run(self, job: Callable[[], T]) -> T:
        self._take()
        try:
            return job()
        finally:
            self._give()

    def _take(self) -> None:
        self._turn.acquire()
        self._local.mine = True

    def _give(self) -> None:
        self._local.mine = False
        self._turn.release()

    # Methods

    @contextmanager
    def entered(self, method: Method, this: Any, arguments: Mapping[str, Any]) -> Iterator[None]:
        """Be the only thread in this method of this object (or of these arguments)."""
        held = HELD.get()
        keys = [key for key in _keys(method, this, arguments) if key not in held]
        if not keys:
            yield
            return
        taken: list[threading.Lock] = []
        token = HELD.set(held | set(keys))
        try:
            for key in keys:
                lock = self._locks.setdefault(key, threading.Lock())
                if not lock.acquire(blocking=False):
                    with self.waiting():
                        lock.acquire()
                taken.append(lock)
            yield
        finally:
            HELD.reset(token)
            for lock in taken:
                lock.release()


def _keys(method: Method, this: Any, arguments: Mapping[str, Any]) -> list[Key]:
    """What a thread must have to enter the method, in an order that is the same for all."""
    rule = method.synchronized
    if rule is None:
        rule = method.synchronized = _rule(method)
    on_this, on_args = rule
    if not on_args:
        return [(method, this)] if on_this and isinstance(this, MuranoObject) else []
    found = {value.real for name in on_args if isinstance(value := arguments.get(name), Reference)}
    if on_this and isinstance(this, MuranoObject):
        found.add(this)
    return [(method, one) for one in sorted(found, key=lambda one: one.id)]


def _rule(method: Method) -> tuple[bool, tuple[str, ...]]:
    """(whether on the object, names of arguments) as the nearest declaration of the method says."""
    for kind in method.declared_by.mro:
        same = kind.methods.get(method.name)
        for entry in same.meta if same is not None else ():
            if entry.type_name == SYNCHRONIZE:
                names = entry.values.get("onArgs") or ()
                listed = (names,) if isinstance(names, str) else tuple(str(name) for name in names)
                return bool(entry.values.get("onThis", True)), listed
    return True, ()
