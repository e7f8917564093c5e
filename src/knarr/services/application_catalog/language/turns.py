"""Threads of a session take turns: one runs MuranoPL at a time, and gives its turn away where it waits.

So applications see what they see with green threads: between two waits nobody else changes anything. What
runs side by side is the waiting: for stacks, agents, sleeps.

Methods of one object are entered by one thread at a time, as `Synchronize` asks: on the object by default,
on arguments if it says so. A thread that comes out of one that holds the method may enter it again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from knarr.services.application_catalog.language.model import Method
from knarr.services.application_catalog.language.values import MuranoObject, Reference

T = TypeVar("T")

# Threads for what one call has side by side, and for all that a session has
MOST_THREADS = 64
MOST_OF_SESSION = 256
SYNCHRONIZE = "io.murano.metadata.engine.Synchronize"

Key = tuple[Method, MuranoObject]
HELD: ContextVar[frozenset[Key]] = ContextVar("held", default=frozenset())


class Jobs:
    """What one call has side by side: each is begun in its order, by the first thread that is free."""

    def __init__(self, jobs: Sequence[Callable[[], Any]], most: int) -> None:
        self.results: list[Any] = [None] * len(jobs)
        self.errors: dict[int, BaseException] = {}
        self.ended = threading.Event()
        self._waiting = deque((number, copy_context(), job) for number, job in enumerate(jobs))
        self._left = len(jobs)
        self._helpers_left = min(most, MOST_THREADS) - 1  # one thread is the caller's

    def takes_helper(self) -> bool:
        """Whether another thread has something to begin; counts it in."""
        if not self._waiting or not self._helpers_left:
            return False
        self._helpers_left -= 1
        return True

    def work(self) -> None:
        """Do what nobody began yet, one after the other. The caller has its turn."""
        while self._waiting:
            number, context, job = self._waiting.popleft()
            try:
                self.results[number] = context.run(job)
            except BaseException as error:
                self.errors[number] = error
            self._left -= 1
        if not self._left:
            self.ended.set()


class Turns:
    """The turns of one session. A thread for what is side by side begins only once all others wait."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._local = threading.local()
        self._locks: dict[Key, threading.Lock] = {}
        self._running: list[Jobs] = []
        self._threads: ThreadPoolExecutor | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Others may run while this lasts."""
        if not self._mine():
            yield
            return
        self._call_helper()
        self._give()
        try:
            yield
        finally:
            self._take()

    def side_by_side(self, jobs: Sequence[Callable[[], T]], most: int = MOST_THREADS) -> list[T]:
        """What the jobs give, in their order. The first error is raised once all have ended."""
        if not jobs:
            return []
        had_turn = self._mine()
        if not had_turn:
            self._take()
        all_of_them = Jobs(jobs, most)
        self._running.append(all_of_them)
        try:
            all_of_them.work()
            if not all_of_them.ended.is_set():
                with self.waiting():
                    all_of_them.ended.wait()
        finally:
            self._running.remove(all_of_them)
            if not had_turn:
                self._give()
        for number in sorted(all_of_them.errors):
            raise all_of_them.errors[number]
        return all_of_them.results

    def close(self) -> None:
        """Let the threads go that are kept for the next jobs."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    def _mine(self) -> bool:
        return getattr(self._local, "mine", False)

    def _call_helper(self) -> None:
        """Have a thread begin what nobody began, as the one that has its turn is about to wait."""
        for jobs in reversed(self._running):
            if jobs.takes_helper():
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(MOST_OF_SESSION, "muranopl")
                self._threads.submit(self._help, jobs)
                return

    def _help(self, jobs: Jobs) -> None:
        self._take()
        try:
            jobs.work()
        finally:
            self._give()

    def _take(self) -> None:
        self._turn.acquire()
        self._local.mine = True

    def _give(self) -> None:
        self._local.mine = False
        self._turn.release()

    # Methods

    def entered(self, method: Method, this: Any, arguments: Mapping[str, Any]) -> Entered:
        """Be the only thread in this method of this object (or of these arguments), as a context."""
        held = HELD.get()
        return Entered(self, held, [key for key in _keys(method, this, arguments) if key not in held])

    def lock(self, key: Key) -> threading.Lock:
        """The lock of a method of an object, taken."""
        lock = self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(blocking=False):
            with self.waiting():
                lock.acquire()
        return lock


class Entered:
    """Methods that a thread is alone in, from `with` to its end."""

    __slots__ = ("_held", "_keys", "_taken", "_token", "_turns")

    def __init__(self, turns: Turns, held: frozenset[Key], keys: list[Key]) -> None:
        self._turns, self._held, self._keys = turns, held, keys
        self._taken: list[threading.Lock] = []

    def __enter__(self) -> None:
        if not self._keys:
            return
        self._token = HELD.set(self._held.union(self._keys))
        try:
            for key in self._keys:
                self._taken.append(self._turns.lock(key))
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *error: object) -> None:
        if self._keys:
            HELD.reset(self._token)
            for lock in self._taken:
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
