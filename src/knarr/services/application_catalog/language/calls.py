"""Members of objects: properties read and written, methods found, their arguments bound, and called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yaql.language.exceptions import ArgumentException
from yaql.language.utils import NO_VALUE as YAQL_NO_VALUE

from knarr.services.application_catalog.language.contracts import Check
from knarr.services.application_catalog.language.errors import (
    Foreign,
    InvalidArguments,
    LimitReached,
    MethodNotFound,
    MuranoPlError,
    NotExported,
    ObjectDestroyed,
    PropertyNotFound,
    PropertyWrite,
    Uninitialized,
)
from knarr.services.application_catalog.language.machine import compiled
from knarr.services.application_catalog.language.model import (
    WRITABLE,
    Argument,
    ArgumentUsage,
    Method,
    MuranoType,
    Property,
    PropertyUsage,
)
from knarr.services.application_catalog.language.pythonclass import RECEIVER
from knarr.services.application_catalog.language.values import (
    NO_VALUE,
    MuranoObject,
    Reference,
    TypeObject,
    frozen,
)

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

# Stands in for a method: (method, target, args, kwargs, the original as a function without arguments)
Mock = Callable[[Method, Any, Sequence[Any], Mapping[str, Any], Callable[[], Any]], Any]

METHOD = "$?method"
CALLER_RULES = frozenset({".init", ".destroy"})


class Calls:
    """The calls of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._local = threading.local()

    # Properties

    def get(self, target: Any, name: str, caller: MuranoType | None) -> Any:
        """A property's value as the code of `caller` sees it. Raises PropertyNotFound or Uninitialized."""
        if isinstance(target, TypeObject):
            return self._get_static(target.kind, name)
        real, view = target.real, target.view
        declared = view.find_property(name)
        if declared is None:
            return self._get_private(real, name, caller)
        if declared.usage is PropertyUsage.STATIC:
            return self._get_static(declared.declared_by, name)
        if declared.usage is PropertyUsage.CONFIG:
            return self._get_config(declared)
        if name not in real.values:
            raise Uninitialized(f"property {name} of {real!r} has no value yet")
        return real.values[name]

    def _get_private(self, real: MuranoObject, name: str, caller: MuranoType | None) -> Any:
        if caller is not None and (caller, name) in real.private:
            return real.private[caller, name]
        if caller is not None and caller in real.kind.mro:
            raise Uninitialized(f"property {name} of {real!r} is neither declared nor set by {caller.name}")
        raise PropertyNotFound(f"{real.kind.name} has no property {name}")

    def _get_static(self, kind: MuranoType, name: str) -> Any:
        declared = kind.find_property(name)
        if declared is None or declared.usage not in (PropertyUsage.STATIC, PropertyUsage.CONFIG):
            raise PropertyNotFound(f"{kind.name} has no static property {name}")
        if declared.usage is PropertyUsage.CONFIG:
            return self._get_config(declared)
        key = (declared.declared_by, name)
        if key not in self.session.statics:
            this = TypeObject.of(declared.declared_by)
            self.session.statics[key] = self.default(declared, this)
        return self.session.statics[key]

    def _get_config(self, declared: Property) -> Any:
        key = (declared.declared_by, declared.name)
        if key not in self.session.statics:
            given = self.session.configs.get(declared.declared_by.name, {}).get(declared.name, NO_VALUE)
            this = TypeObject.of(declared.declared_by)
            self.session.statics[key] = (
                self.default(declared, this) if given is NO_VALUE else self.checked(declared, given, this)
            )
        return self.session.statics[key]

    def set(self, target: Any, name: str, value: Any, caller: MuranoType | None) -> None:
        """Assign a property, checked by every declaration of it. Raises PropertyWrite."""
        if isinstance(target, TypeObject):
            self._set_static(target.kind, name, value)
            return
        real, view = target.real, target.view
        declared = view.find_property(name)
        if declared is None:
            if caller is None or caller not in real.kind.mro:
                raise PropertyNotFound(f"{real.kind.name} has no property {name}")
            real.private[caller, name] = value
            return
        if declared.usage in (PropertyUsage.STATIC, PropertyUsage.CONFIG):
            self._set_static(declared.declared_by, name, value)
            return
        if declared.usage not in WRITABLE and caller is not None:
            raise PropertyWrite(
                f"property {name} of {real.kind.name} has the usage {declared.usage} and cannot be assigned"
            )
        for one in real.kind.declarations(name):
            value = self.checked(one, value, real)
        real.values[name] = value

    def _set_static(self, kind: MuranoType, name: str, value: Any) -> None:
        declared = kind.find_property(name)
        if declared is None or declared.usage not in (PropertyUsage.STATIC, PropertyUsage.CONFIG):
            raise PropertyWrite(f"{kind.name} has no static property {name} that could be assigned")
        this = TypeObject.of(declared.declared_by)
        key = (declared.declared_by, name)
        self.session.statics[key] = self.checked(declared, value, this)

    def checked(self, declared: Property, value: Any, this: Any) -> Any:
        """The value as the declaration's contract wants it."""
        usual = declared.default if declared.has_default else None
        if isinstance(usual, Mapping):
            usual = self.session.evaluate(usual, self._context(declared.declared_by, this))
        check = Check(self.session, declared.declared_by, this, default=usual)
        return check.apply(declared.contract, value, f"{declared.declared_by.name}.{declared.name}")

    def default(self, declared: Property, this: Any) -> Any:
        """The value of a property that is given none."""
        if not declared.has_default:
            return self.checked(declared, NO_VALUE, this)
        value = self.session.evaluate(declared.default, self._context(declared.declared_by, this))
        return self.checked(declared, value, this)

    def _context(self, kind: MuranoType, this: Any) -> Any:
        context = self.session.type_context(kind).create_child_context()
        context["$"] = context["$this"] = this
        return context

    # Methods

    def invoke(
        self,
        target: Any,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        caller: MuranoType | None = None,
    ) -> Any:
        """Call the method of that name. Raises MethodNotFound."""
        method = self.find(target, name)
        if method is None:
            raise MethodNotFound(f"{describe(target)} has no method {name}")
        return self.call(method, target, args, kwargs)

    def invoke_action(self, target: Any, name: str, kwargs: Mapping[str, Any]) -> Any:
        """Call a method as from outside. Raises NotExported for one that is not public."""
        method = self.find(target, name)
        if method is None or not method.is_public:
            raise NotExported(f"{describe(target)} has no public method {name}")
        return self.call(method, target, (), kwargs)

    def find(self, target: Any, name: str) -> Method | None:
        """The method that a call of this name on the target means."""
        kind = target.kind if isinstance(target, TypeObject) else target.view
        found: Method | None = kind.find_method(name)
        if found is None:
            return None
        if isinstance(target, TypeObject):
            return found if found.is_static else None
        return None if found.usage.value == "Extension" else found

    def call(self, method: Method, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call this very method: its arguments bound by their contracts, its body executed."""
        mock = self._mock(method, target) if self.session.mocks else None
        if mock is not None:
            return mock(method, target, args, kwargs, lambda: self._call(method, target, args, kwargs))
        return self._call(method, target, args, kwargs)

    def _mock(self, method: Method, target: Any) -> Mock | None:
        """What stands in for the method: for this object, or for its class or an ancestor of it."""
        mocks = self.session.mocks
        if isinstance(target, Reference) and (target.real, method.name) in mocks:
            return mocks[target.real, method.name]
        kind = target.real.kind if isinstance(target, Reference) else target.kind
        for one in kind.mro:
            if (one, method.name) in mocks and method.declared_by in one.mro:
                return mocks[one, method.name]
        return None

    def _call(self, method: Method, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        this = self._this(method, target)
        depth = getattr(self._local, "depth", 0)
        limit = self.session.limits.depth
        if limit is not None and depth >= limit:
            raise LimitReached(f"calls are nested deeper than {limit}")
        self.session.limits.step()
        before = getattr(self._local, "stack", None)
        self._local.depth = depth + 1
        self._local.stack = (method, before)
        try:
            if method.python is not None:
                token = RECEIVER.set(target)
                try:
                    return frozen(self._call_python(method, this, args, kwargs))
                finally:
                    RECEIVER.reset(token)
            context = self.session.type_context(method.declared_by).create_child_context()
            values = self.bind(method, this, args, kwargs)
            context.put({"$1": this, "$this": this, METHOD: method})
            context.put({"$" + name: value for name, value in values.items()})
            with self.session.turns.entered(method, this, values):
                return compiled(method).run(self.session, context)
        except MuranoPlError as error:
            error.leaves(method.declared_by.name, method.name)
            raise
        finally:
            self._local.depth = depth
            self._local.stack = before

    def stack(self) -> list[Method]:
        """The methods that this thread is in, the outermost first."""
        found: list[Method] = []
        entry = getattr(self._local, "stack", None)
        while entry is not None:
            found.insert(0, entry[0])
            entry = entry[1]
        return found

    def _this(self, method: Method, target: Any) -> Any:
        if method.is_static:
            return TypeObject.of(method.declared_by)
        if not isinstance(target, Reference):
            raise MethodNotFound(f"method {method.name} needs an object, not {describe(target)}")
        real = target.real
        if real.destroyed:
            raise ObjectDestroyed(f"{real!r} was destroyed: its methods cannot be called any more")
        return real

    def _call_python(self, method: Method, this: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        context = self.session.type_context(method.declared_by).create_child_context()
        context.put({"$1": this, "$this": this, METHOD: method})
        engine = self.session.engine(self.session.dialect_of(method.declared_by))
        receiver = YAQL_NO_VALUE
        if not method.is_static:
            receiver = self.session.store.python_of(this.real, method.declared_by)
        try:
            given = [frozen(value) for value in args]
            named = {key: frozen(value) for key, value in kwargs.items()}
            return frozen(method.python(engine, context, receiver)(*given, **named))
        except MuranoPlError:
            raise
        except ArgumentException as error:
            raise InvalidArguments(f"{method.declared_by.name}.{method.name}: {error}") from None
        except RecursionError:
            raise LimitReached("calls are nested too deeply") from None
        except Exception as error:
            raise Foreign(error) from error

    # Arguments

    def bind(
        self, method: Method, this: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The values of a method's arguments by name. Raises InvalidArguments."""
        where = f"{method.declared_by.name}.{method.name}"
        rest, named = list(args), dict(kwargs)
        values: dict[str, Any] = {}
        for argument in method.arguments:
            if argument.usage is ArgumentUsage.VAR_ARGS:
                values[argument.name] = tuple(
                    self._bound(method, this, argument, value, f"[{n}]") for n, value in enumerate(rest)
                )
                rest = []
            elif argument.usage is ArgumentUsage.KW_ARGS:
                values[argument.name] = frozen(
                    {
                        key: self._bound(method, this, argument, value, f".{key}")
                        for key, value in named.items()
                    }
                )
                named = {}
            else:
                given = self._given(argument, rest, named)
                values[argument.name] = self._bound(method, this, argument, given, "")
        if rest:
            twice = [argument.name for argument in method.arguments if argument.name in kwargs]
            if twice and len(args) <= len(method.arguments):
                raise InvalidArguments(f"{where}: {', '.join(twice)} is given by name and by its place")
            most = sum(a.usage is ArgumentUsage.STANDARD for a in method.arguments)
            raise InvalidArguments(f"{where} takes {most} arguments at most, {len(args)} were given")
        if named:
            raise InvalidArguments(f"{where} has no argument {', '.join(sorted(map(str, named)))}")
        return values

    def _given(self, argument: Argument, rest: list[Any], named: dict[str, Any]) -> Any:
        """What an argument is given. Upstream leaves it to the contract to refuse one that is missing."""
        if argument.name in named:
            return named.pop(argument.name)
        if rest:
            return rest.pop(0)
        return NO_VALUE

    def _bound(self, method: Method, this: Any, argument: Argument, value: Any, part: str) -> Any:
        kind = method.declared_by
        if value is NO_VALUE and argument.has_default:
            value = self.session.evaluate(argument.default, self._context(kind, this))
        owner = this if isinstance(this, Reference) else TypeObject.of(kind)
        check = Check(self.session, kind, owner)
        return check.apply(argument.contract, value, f"{kind.name}.{method.name}({argument.name}{part})")


def describe(target: Any) -> str:
    """What a target is, for a sentence."""
    if isinstance(target, Reference):
        return target.real.kind.name
    if isinstance(target, TypeObject):
        return f"type {target.kind.name}"
    return repr(target)[:80]
