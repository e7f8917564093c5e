"""What goes wrong in MuranoPL, with the names under which `Catch` knows it.

Every error tells its author what was expected; the interpreter adds the stack of MuranoPL calls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

LONGEST_INSTRUCTION = 200
# How YAQL names what an expression means by a sign, in its messages.
_PROPERTY = re.compile(r'Unknown function "#property#(.+)"')
_METHOD = re.compile(r'(Unknown|No) method "(.+?)" for receiver (None\b)?')
_OPERATOR = re.compile(r'(?:No|Unknown) function "#(?:unary_)?operator_(.+?)"')
_INDEX = re.compile(r'(?:No|Unknown) function "#indexer"')


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file of a package; lines and columns from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry of a stack trace."""

    position: Position | None
    class_name: str = ""
    method: str = ""
    instruction: str = ""

    def __str__(self) -> str:
        where = f'File "{self.position.file}", line {self.position.line}' if self.position else "File ?"
        what = f" in method {self.method} of type {self.class_name}" if self.method else ""
        text = f"\n    {self.instruction}" if self.instruction else ""
        return f"{where}{what}{text}"


class MuranoPlError(Exception):
    """The family. `names` are what `Catch: {With: …}` may call it; `frames` is filled on its way out. `path`
    is where a value stands that a contract did not take, `Class.property.key[0]`, once that is known."""

    upstream: ClassVar[str] = "murano.dsl.exceptions.DslException"
    path: str | None = None

    def __init__(self, message: str = "", position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        # Where it is on its way out: at what place of the method that it passes
        self.here: Position | None = position
        self.instruction = ""
        self.frames: list[Frame] = []

    def passes(self, position: Position | None, instruction: str = "") -> None:
        """It comes by this place, and this instruction."""
        self.position = self.position or position
        self.here = self.here or position
        self.instruction = self.instruction or " ".join(instruction.split())[:LONGEST_INSTRUCTION]

    def leaves(self, class_name: str, method: str) -> None:
        """It leaves the method."""
        here = self.here if self.here or self.frames else self.position
        self.frames.insert(0, Frame(here, class_name, method, self.instruction))
        self.here, self.instruction = None, ""

    @property
    def names(self) -> tuple[str, ...]:
        found = [str(vars(kind)["upstream"]) for kind in type(self).__mro__ if "upstream" in vars(kind)]
        return tuple(dict.fromkeys(found))

    def __str__(self) -> str:
        return f"{self.position}: {self.message}" if self.position else self.message

    def trace(self) -> str:
        """The whole story: where it came from, innermost last, and what it was."""
        lines = [f"  {frame}" for frame in self.frames]
        return "\n".join([*lines, f"{self.names[0]}: {self.message}"])


class SyntaxFault(MuranoPlError):
    """A file that is no class, or an instruction that is none."""

    upstream = "murano.dsl.exceptions.DslSyntaxError"


class ContractViolation(MuranoPlError):
    """A value that a contract refuses."""

    upstream = "murano.dsl.exceptions.ContractViolationException"


class ContractSyntax(SyntaxFault):
    upstream = "murano.dsl.exceptions.DslContractSyntaxError"


class ClassNotFound(MuranoPlError):
    upstream = "murano.dsl.exceptions.NoClassFound"


class PackageNotFound(MuranoPlError):
    upstream = "murano.dsl.exceptions.NoPackageFound"


class MethodNotFound(MuranoPlError):
    upstream = "murano.dsl.exceptions.NoMethodFound"


class PropertyNotFound(MuranoPlError):
    upstream = "murano.dsl.exceptions.NoPropertyFound"


class PropertyAccess(MuranoPlError):
    upstream = "murano.dsl.exceptions.PropertyAccessError"


class PropertyWrite(PropertyAccess):
    upstream = "murano.dsl.exceptions.NoWriteAccessError"


class PropertyRead(PropertyAccess):
    upstream = "murano.dsl.exceptions.PropertyReadError"


class Uninitialized(PropertyAccess):
    """A property that is read before it has a value."""

    upstream = "murano.dsl.exceptions.UninitializedPropertyAccessError"


class AmbiguousName(MuranoPlError):
    upstream = "murano.dsl.exceptions.AmbiguousMethodName"


class InvalidLhs(MuranoPlError):
    upstream = "murano.dsl.exceptions.InvalidLhsTargetException"


class CircularReference(MuranoPlError):
    upstream = "murano.dsl.exceptions.CircularExpressionDependenciesError"


class InvalidInheritance(MuranoPlError):
    upstream = "murano.dsl.exceptions.InvalidInheritanceError"


class ObjectNotFound(MuranoPlError):
    upstream = "murano.dsl.exceptions.NoObjectFoundError"


class ObjectDestroyed(MuranoPlError):
    upstream = "murano.dsl.exceptions.ObjectDestroyedError"


class InvalidArguments(MuranoPlError):
    upstream = "murano.dsl.exceptions.InvalidArgumentsError"


class InvalidVersion(MuranoPlError, ValueError):
    """What should be a version or a range of them, and is none."""

    upstream = "murano.dsl.exceptions.InvalidVersion"


class NotExported(MethodNotFound):
    upstream = "murano.dsl.exceptions.MethodNotExposed"


class LimitReached(MuranoPlError):
    """Time, iterations or memory ran out. No `Catch` takes it."""

    upstream = "murano.dsl.exceptions.LimitReached"


class Cancelled(LimitReached):
    upstream = "murano.dsl.exceptions.Cancelled"


class Thrown(MuranoPlError):
    """What `Throw` raises: names of the author's choice, a message, a cause and anything else."""

    def __init__(
        self,
        names: tuple[str, ...],
        message: str = "",
        extra: Any = None,
        cause: MuranoPlError | None = None,
        position: Position | None = None,
    ) -> None:
        super().__init__(message, position)
        self._names = names
        self.extra = extra
        self.cause = cause

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def trace(self) -> str:
        own = super().trace()
        return f"{own}\nCaused by:\n{self.cause.trace()}" if self.cause else own


class Foreign(MuranoPlError):
    """An exception of Python or YAQL, met while an expression was evaluated."""

    def __init__(self, original: BaseException, position: Position | None = None) -> None:
        super().__init__(_told(original), position)
        self.original = original

    @property
    def names(self) -> tuple[str, ...]:
        found: list[str] = []
        for kind in type(self.original).__mro__[:-1]:
            found.append(f"{kind.__module__}.{kind.__name__}")
            if kind.__module__ == "builtins":
                found.append(kind.__name__)
        return tuple(found)


def _told(original: BaseException) -> str:
    """What an exception says, for people who know neither Python nor how YAQL calls its functions."""
    text = str(original) or type(original).__name__
    if isinstance(original, KeyError) and original.args:
        return f"there is no key {original.args[0]!r}"
    if found := _METHOD.match(text):
        # The value itself is not told: it may be secret.
        receiver = "null" if found.group(3) else "what is before it"
        lacks = "takes no such arguments" if found.group(1) == "No" else "is not there"
        return f"method {found.group(2)} of {receiver} {lacks}"
    if found := _PROPERTY.match(text):
        return f"what is before .{found.group(1)} is null or has no {found.group(1)}"
    if found := _OPERATOR.match(text):
        return f"the operator {found.group(1)} does not take these values"
    return "what is before [ ] is null or has no such items" if _INDEX.match(text) else text
