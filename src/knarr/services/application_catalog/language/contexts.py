"""Contexts of expressions that remember what functions there are.

The layers below a class's code never change; what is put on top of them for a call holds variables, and
seldom functions. So the functions of a name are looked up once for each class.
"""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def _layer() -> Any:
    """The class of contexts from the class's code upwards."""
    from yaql.language import contexts, runner
    from yaql.language.exceptions import WrappedException
    from yaql.language.utils import NO_VALUE, limit_memory_usage

    class Layer(contexts.Context):
        def __init__(self, parent_context: Any = None, data: Any = NO_VALUE, convention: Any = None) -> None:
            super().__init__(parent_context, data, convention)
            # The lowest of these layers; None once one of them has functions of its own.
            inherited = isinstance(parent_context, Layer)
            self.base: Layer | None = parent_context.base if inherited else self
            self.known: dict[tuple[str, bool], Any] = {}
            self.limits = getattr(parent_context, "limits", None)

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
            plain = super().__call__(name, engine, receiver, data_context, use_convention, function_filter)
            if self.base is None or use_convention or function_filter is not None:
                return plain
            key = (name, receiver is NO_VALUE)
            found = self.base.known.get(key)
            if found is None:
                found = self.base.known[key] = self._overloads(*key)
            if not found:
                return plain
            where = self if data_context is None else data_context

            def call(*args: Any, **kwargs: Any) -> Any:
                delegate = runner.choose_overload(name, found, engine, receiver, where, args, kwargs)
                try:
                    result = delegate()
                except StopIteration as error:
                    raise WrappedException(error) from error
                limit_memory_usage(engine, (1, result))
                return result

            return call

        def _overloads(self, name: str, function: bool) -> Any:
            return self.collect_functions(
                name, lambda fd, context: fd.is_function if function else fd.is_method
            )

        def get_data(self, name: str, default: Any = None, ask_parent: bool = True) -> Any:
            key = self._normalize_name(name)
            context: Any = self
            while isinstance(context, contexts.Context):
                if key in context._data:
                    return context._data[key]
                if not ask_parent:
                    return default
                context = context.parent
            return default if context is None else context.get_data(name, default)

    return Layer


def remembering(below: Any) -> Any:
    """A context on top of others, whose own functions do not change any more."""
    made = _layer()(below)
    made.base = made
    return made
