"""What the code that runs holds: objects in variables of methods and in values on their way."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from yaql.language.contexts import ContextBase

from knarr.services.application_catalog.language.values import MuranoObject, Reference


def held_by_running_code() -> Iterator[MuranoObject]:
    """Objects that methods in the midst of their work can still reach, in all threads of the process.

    Methods are functions of the interpreter on Python's stack: what they hold is in the variables of these.
    A value that is held without need lives until the next collection.
    """
    frames: list[FrameType | None] = list(sys._current_frames().values())
    seen: set[int] = set()
    for top in frames:
        frame = top
        while frame is not None:
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
        elif isinstance(one, ContextBase):
            if id(one) not in seen:
                seen.add(id(one))
                waiting += [getattr(one, "_data", None), one.parent]
        elif isinstance(one, (tuple, list, Mapping)) and id(one) not in seen:
            seen.add(id(one))
            waiting += one.values() if isinstance(one, Mapping) else one
