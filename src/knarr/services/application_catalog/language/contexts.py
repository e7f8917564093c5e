"""Contexts of expressions that remember what functions there are.

The layers below a class's code never change; what is put on top of them for a call holds variables, and
seldom functions. So the functions of a name are looked up once for each class.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.model import MuranoType
    from knarr.services.application_catalog.language.session import Session


@dataclass(frozen=True, slots=True)
class Home:
    """Whose code a context is for, so that nobody has to look for it in the layers below."""

    session: Session
    kind: MuranoType
    engine: Any


@functools.cache
def _layer() -> Any:
    """The class of contexts from the class's code upwards."""
    from yaql.language import contexts
    from yaql.language.utils import NO_VALUE

    from knarr.services.application_catalog.language.overloads import Overloads, caller

    class Layer(contexts.Context):
        def __init__(self, parent_context: Any = None, data: Any = NO_VALUE, convention: Any = None) -> None:
            super().__init__(parent_context, data, convention)
            # The lowest of these layers; None once one of them has functions of its own.
            inherited = type(parent_context) is Layer
            self.base: Layer | None = parent_context.base if inherited else self
            self.known: dict[tuple[str, bool], Any] = {}
            self.limits = getattr(parent_context, "limits", None)
            # What is evaluated here, the same for all layers of a class; see Home.
            self.home: Home | None = getattr(parent_context, "home", None)

        def register_function(self, spec: Any, *args: Any, **kwargs: Any) -> None:
            super().register_function(spec, *args, **kwargs)
            self.base = None

        def __call__(
            self,
            name: str,
            engine: Any,
            receiver: Any = NO_VALUE,
            data_context: Any = None,
            use_convention: bool = False,
            function_filter: Any = None,
        ) -> Any:
            # Calls within one expression are steps of the session as well: see guards.
            if self.limits is not None:
                self.limits.step()
            found = None
            if self.base is not None and not use_convention and function_filter is None:
                key = (name, receiver is NO_VALUE)
                found = self.base.known.get(key)
                if found is None:
                    found = self.base.known[key] = Overloads(name, self._levels(*key))
            if found is None or not found.levels:
                return super().__call__(name, engine, receiver, data_context, use_convention, function_filter)
            return caller(found, receiver, self if data_context is None else data_context, engine)

        def _levels(self, name: str, function: bool) -> Any:
            return self.collect_functions(
                name, lambda fd, context: fd.is_function if function else fd.is_method
            )

        def get_data(self, name: str, default: Any = None, ask_parent: bool = True) -> Any:
            key = name if name[:1] == "$" != name else self._normalize_name(name)
            context: Any = self
            while True:
                data = getattr(context, "_data", None)
                if data is None:  # a context of another kind, or none
                    return default if context is None else context.get_data(name, default)
                if key in data:
                    return data[key]
                if not ask_parent:
                    return default
                context = context._parent_context

        __getitem__ = get_data

        def put(self, values: Mapping[str, Any]) -> None:
            """Set variables, which are named as YAQL keeps them: `$1` and not `$`."""
            self._data.update(values)

    return Layer


def remembering(below: Any, home: Home | None = None) -> Any:
    """A context on top of others, whose own functions do not change any more."""
    made = _layer()(below)
    made.base = made
    made.home = home or made.home
    return made
