"""Contexts of expressions that remember what functions there are.

The layers below a class's code never change; what is put on top of them for a call holds variables, and
seldom functions. So the functions of a name are looked up once for each class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yaql.language import contexts
from yaql.language.utils import NO_VALUE

from knarr.services.application_catalog.language.overloads import Overloads, calling

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.limits import Limits
    from knarr.services.application_catalog.language.model import MuranoType
    from knarr.services.application_catalog.language.session import Session


@dataclass(frozen=True, slots=True)
class Home:
    """Whose code a context is for, so that nobody has to look for it in the layers below."""

    session: Session
    kind: MuranoType
    engine: Any


def session_of(context: Any) -> Session:
    """The session that an expression is evaluated in."""
    home = getattr(context, "home", None)
    found: Session = context["$?session"] if home is None else home.session
    return found


def caller(context: Any) -> Any:
    """The class whose code is evaluated; None outside of all."""
    home = getattr(context, "home", None)
    return context["$?type"] if home is None else home.kind


class Layer(contexts.Context):
    """A context from a class's code upwards."""

    def __init__(self, parent_context: Any = None, data: Any = NO_VALUE, convention: Any = None) -> None:
        # As YAQL's does it, but that the collections of functions come with the first one: most have none.
        self._parent_context = parent_context
        self._convention = convention or (parent_context.convention if parent_context else None)
        self._functions = _NO_FUNCTIONS
        self._exclusive_funcs = _NO_NAMES
        self._data = {} if data is NO_VALUE else {"$1": data}
        # The lowest of these layers; None once one of them has functions of its own.
        self.base: Layer | None
        self.known: dict[tuple[str, bool, bool], Overloads]
        self.limits: Limits | None
        self.home: Home | None
        if type(parent_context) is Layer:
            self.base, self.limits, self.home = (
                parent_context.base,
                parent_context.limits,
                parent_context.home,
            )
        else:
            self.base, self.limits = self, getattr(parent_context, "limits", None)
            self.home = None
            self.known = {}

    def register_function(self, spec: Any, *args: Any, **kwargs: Any) -> None:
        if self._functions is _NO_FUNCTIONS:
            self._functions, self._exclusive_funcs = {}, set()
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
        base, found = self.base, None
        if base is not None and function_filter is None:
            key = (name, receiver is NO_VALUE, use_convention)
            found = base.known.get(key)
            if found is None:
                found = base.known[key] = Overloads(name, self._levels(*key))
        if found is None or not found.levels:
            return super().__call__(name, engine, receiver, data_context, use_convention, function_filter)
        return calling(found, receiver, self if data_context is None else data_context, engine)

    def _levels(self, name: str, function: bool, use_convention: bool) -> Any:
        """The functions (or methods) of a name; `use_convention` for one that is written as in Python."""

        def wanted(definition: Any, _: Any) -> bool:
            return bool(definition.is_function if function else definition.is_method)

        return self.collect_functions(name, wanted, use_convention)

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


_NO_FUNCTIONS: dict[str, Any] = {}
_NO_NAMES: set[str] = set()


def remembering(below: Any, home: Home | None = None) -> Any:
    """A context on top of others, whose own functions do not change any more."""
    made = Layer(below)
    made.base, made.known = made, {}
    made.home = home or made.home
    return made
