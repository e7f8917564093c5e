"""A session: packages, objects and a budget, and the evaluation of expressions in the right context.

Contexts are layered: the dialect's standard functions, those of the language, the session, the class whose
code runs (its extension methods and those that it imports), the method with its variables.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from yaql.language.utils import NO_VALUE as YAQL_NO_VALUE

from knarr.services.application_catalog.language import functions
from knarr.services.application_catalog.language.calls import Calls, Mock
from knarr.services.application_catalog.language.contexts import Home, remembering
from knarr.services.application_catalog.language.contracts import ContractType
from knarr.services.application_catalog.language.contracts import functions as contract_functions
from knarr.services.application_catalog.language.dialect import Dialect, dialect, is_legacy
from knarr.services.application_catalog.language.errors import Foreign, LimitReached, MuranoPlError
from knarr.services.application_catalog.language.garbage import Garbage
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.model import (
    READ_FROM_MODEL,
    MethodUsage,
    MuranoType,
    PackageLoader,
    Property,
)
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.language.store import ObjectStore
from knarr.services.application_catalog.language.turns import Turns
from knarr.services.application_catalog.language.values import PLAIN, MuranoObject, TypeObject, frozen
from knarr.services.application_catalog.language.versions import Spec, spec

SESSION = "$?session"
PYTHON_DEPTH = 10_000
TYPE = "$?type"


class Session:
    """One execution. `services` is what the core library reaches the world through; the language does not
    look at it. `configs` are the values of properties with the usage Config, by class name; `functions` are
    definitions of functions beyond those of the language."""

    def __init__(
        self,
        loader: PackageLoader,
        limits: Limits | None = None,
        services: Any = None,
        configs: Mapping[str, Mapping[str, Any]] | None = None,
        options: Mapping[str, Any] | None = None,
        functions: Iterable[Any] = (),
    ) -> None:
        # A call of MuranoPL takes a dozen of Python's; the session's own limit ends it long before.
        sys.setrecursionlimit(max(sys.getrecursionlimit(), PYTHON_DEPTH))
        self.loader = loader
        self.limits = limits or Limits()
        self.services = services
        self.configs = dict(configs or {})
        self.options = dict(options or {})
        self.store = ObjectStore(self)
        self.calls = Calls(self)
        self.garbage = Garbage(self)
        self.turns = Turns()
        self.functions = tuple(functions)
        self.statics: dict[tuple[MuranoType, str], Any] = {}
        self.mocks: dict[tuple[Any, str], Mock] = {}
        self.metadata: dict[Any, tuple[Any, ...]] = {}
        self._finishers: list[Callable[[], None]] = []
        self._contexts: dict[tuple[Any, ...], Any] = {}
        self._engines: dict[str, Any] = {}
        self._mutex = threading.RLock()

    def on_finish(self, finisher: Callable[[], None]) -> None:
        """Have this called when the session ends."""
        self._finishers.append(finisher)

    def finish(self) -> None:
        """Do what was put off to the end, the latest first. What it raises comes after all was done."""
        fault: MuranoPlError | None = None
        while self._finishers:
            try:
                self._finishers.pop()()
            except MuranoPlError as error:
                fault = fault or error
        self.turns.close()
        if fault is not None:
            raise fault

    # Expressions

    def evaluate(self, value: Any, context: Any) -> Any:
        """The value of an expression, or of a structure with expressions in it, frozen.

        Raises MuranoPlError; what Python or YAQL raise becomes Foreign.
        """
        if isinstance(value, Expression):
            return self.run(value, context, frozen)
        if type(value) in PLAIN:
            return value
        if isinstance(value, Mapping):
            return frozen(
                {self.evaluate(key, context): self.evaluate(item, context) for key, item in value.items()}
            )
        if isinstance(value, (list, tuple)):
            return tuple(self.evaluate(item, context) for item in value)
        return value

    def run(
        self, expression: Expression, context: Any, then: Callable[[Any], Any] = lambda value: value
    ) -> Any:
        """As `evaluate`, for an expression alone. `then` is done with the value, which may be lazy: what
        that raises is the expression's error as well."""
        home: Home | None = getattr(context, "home", None)
        engine = self.engine(self.dialect_of(context[TYPE])) if home is None else home.engine
        try:
            return then(expression.compiled(YAQL_NO_VALUE, context, engine))
        except MuranoPlError as error:
            error.passes(expression.position)
            raise
        except RecursionError:
            raise LimitReached("the expression is nested too deeply", expression.position) from None
        except Exception as error:
            raise Foreign(getattr(error, "wrapped", error), expression.position) from error

    def dialect_of(self, kind: MuranoType | None) -> Dialect:
        return dialect(kind is not None and is_legacy(kind.package.format_version))

    def engine(self, of: Dialect) -> Any:
        found = self._engines.get(of.name)
        if found is None:
            made = of.engine.copy(self.options) if self.options else of.engine
            found = self._engines.setdefault(of.name, made)
        return found

    # Contexts

    def type_context(self, kind: MuranoType | None, contract: bool = False) -> Any:
        """The context in which code of the class (or its contracts) is evaluated."""
        key = (kind, contract)
        found = self._contexts.get(key)
        if found is None:
            with self._mutex:
                found = self._contexts.get(key)
                if found is None:
                    found = self._contexts[key] = self._make_context(kind, contract)
        return found

    def _guarded(self, below: Any) -> Any:
        from knarr.services.application_catalog.language.guards import GuardedContext

        return GuardedContext(below, self.limits)

    def _make_context(self, kind: MuranoType | None, contract: bool) -> Any:
        if contract:
            context = self.type_context(kind).create_child_context()
            for definition in contract_functions():
                context.register_function(definition)
            return remembering(context)
        of = self.dialect_of(kind)
        context = self._guarded(functions.layer(of))
        context[SESSION] = self
        for definition in self.functions:
            context.register_function(definition)
        if kind is None:
            return context
        imported = [kind.package.find_class(name) for name in kind.imports]
        for layer in (*reversed(imported), kind):
            definitions = list(self._extensions(layer))
            if definitions:
                context = context.create_child_context()
                for definition in definitions:
                    context.register_function(definition)
        context = remembering(context, Home(self, kind, self.engine(of)))
        context[TYPE] = kind
        return context

    def _extensions(self, kind: MuranoType) -> Iterable[Any]:
        """The extension methods of a class as functions of YAQL's."""
        for method in kind.all_methods().values():
            if method.usage is not MethodUsage.EXTENSION:
                continue
            if method.python is not None:
                yield method.python
                continue
            taker = ContractType(self, method.declared_by, method.arguments[0].contract)
            yield functions.extension(self, method, taker)

    # Types

    def resolve_type(self, name: Any, within: MuranoType | None, version: Any = None) -> MuranoType:
        """The type that a name or type object means in the code of a class. Raises ClassNotFound."""
        if isinstance(name, TypeObject):
            return name.kind
        text = str(name)
        wanted = None if version is None else spec(version)
        if within is None:
            return self.find_type(text, wanted)
        return within.package.find_class(within.namespaces.resolve(text), wanted)

    def find_type(self, name: str, wanted: Spec | None = None) -> MuranoType:
        """A class by its full name, of whatever package has it. Raises PackageNotFound or ClassNotFound."""
        return self.loader.load_class_package(name, wanted or spec("*")).find_class(name)

    def requirement(self, within: MuranoType, of: MuranoType) -> Spec | None:
        """The versions of a type's package that the code of a class can live with; None for all."""
        return within.package.requirements.get(of.package.name)

    def input_properties(self, kind: MuranoType) -> list[Property]:
        """The properties that an object's description may have."""
        found = (kind.find_property(name) for name in kind.property_names())
        return [prop for prop in found if prop is not None and prop.usage in READ_FROM_MODEL]

    # Objects

    def call(self, target: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of an object (or a static one of a type) as code of nobody would."""
        return self.calls.invoke(target, name, args, kwargs)

    def get(self, target: MuranoObject, name: str) -> Any:
        """The value of a declared property."""
        return self.calls.get(target, name, None)
