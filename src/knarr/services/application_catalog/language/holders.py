"""What the code that runs holds: objects in variables of methods and in values on their way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from yaql.language.contexts import ContextBase
from yaql.language.utils import FrozenDict

from knarr.services.application_catalog.language.values import MuranoObject, Reference

# Whose variables are looked at: the interpreter, the core library and YAQL. What else runs in the process
# (of a server, say) holds no objects, and is left alone.
INTERPRETER = ("knarr.services.application_catalog.", "yaql.")


def held_by_running_code() -> Iterator[MuranoObject]:
    """Objects that methods in the midst of their work can still reach, in all threads.

    Methods are functions of the interpreter on Python's stack: what they hold is in the variables of these.
    A value that is held without need lives until the next collection.
    """
    seen: set[int] = set()
    for top in sys._current_frames().values():
        frame: FrameType | None = top
        while frame is not None:
            if str(frame.f_globals.get("__name__", "")).startswith(INTERPRETER):
                for value in list(frame.f_locals.values()):
                    yield from _objects(value, seen)
            frame = frame.f_back


def _objects(value: Any, seen: set[int]) -> Iterator[MuranoObject]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Reference):
            yield one.real
        elif isinstance(one, MuranoObject):
            yield one
        elif id(one) in seen:
            continue
        elif isinstance(one, ContextBase):
            seen.add(id(one))
            waiting += [getattr(one, "_data", None), one.parent]
        elif isinstance(one, (tuple, list, dict, frozenset, FrozenDict)):
            seen.add(id(one))
            waiting += one.values() if isinstance(one, (dict, FrozenDict)) else one
