"""What the engine itself is asked: GC and StackTrace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.contexts import session_of
from knarr.services.application_catalog.language.errors import InvalidArguments
from knarr.services.application_catalog.language.pythonclass import murano_class
from knarr.services.application_catalog.language.values import Reference, frozen

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.garbage import Garbage
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject


@murano_class("io.murano.system.GC")
class GC:
    """Garbage collection."""

    def __init__(self, this: MuranoObject, session: Session) -> None: ...

    @staticmethod
    def collect(context: Any) -> None:
        """Destroy what nothing holds, variables of the methods that run among it."""
        _garbage(context).collect_running()

    @staticmethod
    def is_destroyed(object: Any) -> bool:
        """Whether its destruction is over. It may still be looked at."""
        return _real(object).destroyed

    @staticmethod
    def is_doomed(object: Any) -> bool:
        """Whether it is to be destroyed in the collection that goes on, or was."""
        one = _real(object)
        return one.doomed or one.destroyed

    @staticmethod
    def subscribe_destruction(publisher: Any, subscriber: Any, context: Any, handler: Any = None) -> None:
        """Have the subscriber's method `handler` called before the publisher is destroyed; without one, have
        the publisher destroyed first if both are."""
        _garbage(context).subscribe(_real(publisher), _real(subscriber), handler)

    @staticmethod
    def unsubscribe_destruction(publisher: Any, subscriber: Any, context: Any, handler: Any = None) -> None:
        _garbage(context).unsubscribe(_real(publisher), _real(subscriber), handler)


def _garbage(context: Any) -> Garbage:
    found: Garbage = session_of(context).garbage
    return found


def _real(value: Any) -> MuranoObject:
    if not isinstance(value, Reference):
        raise InvalidArguments(f"an object is needed, not {value!r}")
    return value.real


@murano_class("io.murano.StackTrace")
class StackTrace:
    """Where the code is, or where an exception came from. `new(std:StackTrace)` is where its caller is."""

    def __init__(self, this: MuranoObject, session: Session, include_native_frames: bool = True) -> None:
        self._this = this
        if not this.values.get("frames"):
            this.values["frames"] = frozen(
                [
                    {
                        "instruction": None,
                        "location": _location(method.position),
                        "methodName": method.name,
                        "typeName": method.declared_by.name,
                    }
                    for method in session.calls.stack()
                    if include_native_frames or method.python is None
                ]
            )

    def to_string(self, prefix: str = "") -> str:
        """One frame in two lines, the innermost last, each line after the prefix."""
        lines: list[str] = []
        for frame in self._this.values["frames"]:
            place = frame["location"]
            where = f'File "{place["file"]}", line {place["line"]}' if place else "File <unknown>"
            lines.append(f"{prefix}{where} in method {frame['methodName']} of type {frame['typeName']}")
            if frame["instruction"]:
                lines.append(f"{prefix}    {frame['instruction']}")
        return "\n".join(lines)


def _location(position: Any) -> Any:
    if position is None:
        return None
    return {"file": position.file, "line": position.line, "column": position.column}
