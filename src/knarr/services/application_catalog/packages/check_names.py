"""Names of classes in a package: those that nobody has, and expressions that name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from knarr.services.application_catalog.language.errors import ClassNotFound
from knarr.services.application_catalog.language.model import CORE, MuranoType
from knarr.services.application_catalog.language.source import Expression
from knarr.services.application_catalog.packages.package import ApplicationPackage

# Functions whose first argument names a class, as a word or a text.
OF_CLASSES = frozenset({"class", "template", "new", "cast"})


class Names:
    """Which classes a package can see: its own and those of packages that it requires."""

    def __init__(self, package: ApplicationPackage, others: Iterable[ApplicationPackage]) -> None:
        self.own = _classes(package)
        self._seen = set(self.own)
        self._complete = True
        self.required: list[str] = []
        at_hand = list(others)
        self._elsewhere = {name for one in at_hand for name in _classes(one)}
        for name, versions in package.manifest.require.items():
            found = [
                one for one in at_hand if one.manifest.full_name == name and one.manifest.version in versions
            ]
            if not found:
                self._complete = False
            else:
                self.required.append(name)
            for one in found:
                self._seen |= _classes(one)

    def add(self, name: str) -> None:
        """A class in a file of the package that the manifest does not name: a helper of the others."""
        self.own.add(name)
        self._seen.add(name)

    def trust(self) -> None:
        """Take it that classes that are not at hand are there: what else has them cannot be seen."""
        self._complete = False

    def has(self, name: str) -> bool:
        """Whether the class is there, as far as can be told."""
        return name in self._seen or not (self._complete or self._must_be_own(name))

    def is_somewhere(self, name: str) -> bool:
        """As `has`, for names that need not be of a required package: the catalogue finds them."""
        return self.has(name) or name in self._elsewhere

    def knows(self, name: str) -> bool:
        """Whether the class is at hand."""
        return name in self._seen

    def shares_namespace(self, name: str) -> bool:
        """Whether classes at hand are in the namespace of that name."""
        space = name.rpartition(".")[0]
        return any(one.rpartition(".")[0] == space for one in self._seen)

    def _must_be_own(self, name: str) -> bool:
        """Whether the name is of a namespace that only this package uses."""
        space = name.rpartition(".")[0]
        return (
            bool(space)
            and not space.startswith(CORE)
            and any(one.rpartition(".")[0] == space for one in self.own)
        )


def _classes(package: ApplicationPackage) -> set[str]:
    if package.is_hot:
        return {package.manifest.full_name}
    return {*package.manifest.classes, *package.python}


def wrong_names(expression: Expression, kind: MuranoType, names: Names) -> Iterator[str]:
    """What is wrong with the names of classes in an expression."""
    for text in class_names(expression.compiled):
        try:
            full = kind.namespaces.resolve(text)
        except ClassNotFound as error:
            yield error.message
            continue
        if not names.has(full):
            yield f"there is no class {full}"


def class_names(node: Any) -> Iterator[str]:
    """The names of classes that an expression says, as it says them."""
    from yaql.language import expressions as ast

    for one in nodes(node):
        if isinstance(one, ast.BinaryOperator) and one.operator == ":":
            prefix, name = one.args
            if isinstance(prefix, ast.KeywordConstant) and isinstance(name, ast.KeywordConstant):
                yield f"{prefix.value}:{name.value}"
        elif isinstance(one, ast.UnaryOperator) and one.operator == ":":
            if isinstance(one.args[0], ast.KeywordConstant):
                yield f":{one.args[0].value}"
        elif isinstance(one, ast.Function) and one.name in OF_CLASSES and one.args:
            first = one.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def nodes(root: Any) -> Iterator[Any]:
    """All nodes of a syntax tree, from the top."""
    from yaql.language import expressions as ast

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.Expression):
            continue
        yield node
        if isinstance(node, ast.Statement):
            waiting.append(node.expression)
        elif isinstance(node, ast.Function):
            waiting += node.args
        elif isinstance(node, ast.Wrap):
            waiting.append(node.expr)
        elif isinstance(node, ast.MappingRuleExpression):
            waiting += (node.source, node.destination)


def expressions(value: Any) -> Iterator[Expression]:
    """All expressions in data of a file."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Expression):
            yield one
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
