"""Classes of a package: every mistake in their files, as far as it can be seen without executing them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from knarr.services.application_catalog.forms.faults import Warned
from knarr.services.application_catalog.language import functions, machine, source
from knarr.services.application_catalog.language.classfile import read_types
from knarr.services.application_catalog.language.dialect import dialect, is_legacy
from knarr.services.application_catalog.language.errors import MuranoPlError, Position, SyntaxFault
from knarr.services.application_catalog.language.model import (
    WRITABLE,
    Method,
    MethodScope,
    MuranoType,
    Package,
)
from knarr.services.application_catalog.language.pythonclass import attach
from knarr.services.application_catalog.language.source import Expression, Mapped, documents
from knarr.services.application_catalog.packages import check_plans
from knarr.services.application_catalog.packages.check_bodies import Row, ends, rows, wrong_target
from knarr.services.application_catalog.packages.check_meta import wrong_metadata
from knarr.services.application_catalog.packages.check_names import Names, expressions, nodes, wrong_names
from knarr.services.application_catalog.packages.faults import Faults
from knarr.services.application_catalog.packages.package import CLASSES, RESOURCES, ApplicationPackage

SECTIONS = ("Properties", "Methods", "Workflow")
MOST_MISTAKES = 200
# A plain text that was meant as an expression: a variable in it, not in the middle of a word.
MEANT = re.compile(r"(?:^|[^\w$\\])\$(?:\w|\.\w|\[)")
WORD = re.compile(r"\.?[^\W\d]\w*\Z")
PROSE = frozenset({"Message", "text"})
THIS = ("$", "$this")
READERS = frozenset({"yaml", "json", "string"})
SCOPES_SINCE = "1.4"


class ClassChecker:
    """Reads the class files of a package one by one, then looks at all classes together."""

    def __init__(
        self,
        of: ApplicationPackage,
        package: Package,
        names: Names,
        faults: Faults,
        warnings: list[Warned],
    ) -> None:
        self.source = of
        self.package = package
        self.names = names
        self.faults = faults
        self.warnings = warnings
        self.dialect = dialect(is_legacy(package.format_version))
        self.found: dict[str, MuranoType] = {}
        self._documents: dict[str, Mapped] = {}
        self.lost: set[str] = set()  # parts of classes that could not be read

    # Reading

    def read(self, file: str) -> None:
        """Note what keeps the classes of a file from being read; keep what can be read of them."""
        name = CLASSES + file
        try:
            text = self.source.files.read(name).decode()
        except UnicodeDecodeError:
            self.faults.note("the file is not UTF-8", Position(name, 1))
            return
        with self.faults.taken():
            content = documents(text, name, self.dialect.parse)
            self.faults += self._broken_expressions(text, name)
            if not content:
                self.faults.note("there is no class in this file", Position(name, 1))
            self._types(content, name)
        wanted = [one for one, its in self.source.manifest.classes.items() if its == file]
        for class_name in wanted:
            if class_name not in self.found and not any(
                f.position and f.position.file == name for f in self.faults
            ):
                self.faults.note(f"the file has no class {class_name}", Position(name, 1))

    def _types(self, content: list[Any], file: str) -> None:
        spaces: Any = None
        for document in content:
            if not isinstance(document, Mapped):
                self.faults.note("a class is a mapping with the keys Name, Methods, …", Position(file, 1))
                continue
            if "Namespaces" in document:
                spaces = document["Namespaces"]
            elif spaces is not None:
                document["Namespaces"] = spaces
                document.keys_at["Namespaces"] = document.position
            for kind in self._recovered(document, file):
                self.found[kind.name] = kind
                self._documents[kind.name] = document
                self.names.add(kind.name)

    def _recovered(self, document: Mapped, file: str) -> list[MuranoType]:
        """The type of a document, without those of its parts that are wrong."""
        for _ in range(MOST_MISTAKES):
            try:
                return read_types(self.package, [document], file)
            except SyntaxFault as error:
                self.faults.note(error.message, error.position or document.position)
                lost = _cut(document, error.position)
                if lost is None:
                    return []
                self.lost.add(lost)
            except MuranoPlError as error:
                # A prefix that is not declared, somewhere in the keys that name classes.
                key = next((one for one in ("Extends", "Import", "Meta") if one in document), None)
                place = error.position or document.keys_at.get(key, document.position)
                self.faults.note(error.message, place)
                if key is None:
                    return []
                del document[key]
        return []

    def _broken_expressions(self, text: str, file: str) -> Faults:
        """Plain texts that were meant as expressions and cannot be parsed: they would be used as texts."""
        faults = Faults()
        for node in source.nodes(text, file):
            for scalar in _plain_scalars(node):
                if not MEANT.search(scalar.value):
                    continue
                try:
                    self.dialect.parse(scalar.value)
                except ValueError as error:
                    place = Position(file, scalar.start_mark.line + 1, scalar.start_mark.column + 1)
                    faults.note(f"{scalar.value[:80]!r} is no expression: {str(error)[:200]}", place)
        return faults

    # Checking

    def check(self) -> None:
        for kind in self.found.values():
            if kind.name in self.source.python:
                attach(kind, self.source.python[kind.name])
            self.package.register(kind)
        for kind in self.found.values():
            self._names(kind)
            self._order(kind)
            self._words(kind)
            for prop in kind.properties.values():
                self._contract(prop.contract, prop.position)
                self._expressions([prop.contract, prop.default], kind)
            for method in kind.methods.values():
                self._method(kind, method)

    def _names(self, kind: MuranoType) -> None:
        for what, listed in (("Extends", kind.parent_names), ("Import", kind.imports)):
            for name in listed:
                if not self.names.has(name):
                    self.faults.note(f"{what}: there is no class {name}", self._place(kind, what))
        attached = [(kind.meta, "Type"), *((one.meta, "Property") for one in kind.properties.values())]
        for method in kind.methods.values():
            attached.append((method.meta, "Method"))
            attached += [(one.meta, "Argument") for one in method.arguments]
        for entries, target in attached:
            self.faults += wrong_metadata(entries, target, self.package, self.names)

    def _words(self, kind: MuranoType) -> None:
        for what, members in (("property", kind.properties), ("method", kind.methods)):
            for name, member in members.items():
                if not WORD.match(name):
                    told = f"{what} {name!r} cannot be named in expressions: it must be one word"
                    self.warnings.append(Warned(told, member.position))

    def _place(self, kind: MuranoType, key: str) -> Position | None:
        return self._documents[kind.name].keys_at.get(key, kind.position)

    def _order(self, kind: MuranoType) -> None:
        if self._is_known(kind):
            try:
                _ = kind.mro
            except SyntaxFault as error:
                # Own files were read before: this one is of another package.
                self.faults.note(f"an ancestor cannot be read: {error}", self._place(kind, "Extends"))
            except MuranoPlError as error:
                self.faults.note(error.message, self._place(kind, "Extends"))

    def _is_known(self, kind: MuranoType, path: tuple[str, ...] = ()) -> bool:
        """Whether all ancestors are at hand."""
        for name in kind.parent_names:
            if name in self.found:
                if name not in path and not self._is_known(self.found[name], (*path, name)):
                    return False
            elif name in self.names.own or not self.names.knows(name):
                return False
        return True

    def _method(self, kind: MuranoType, method: Method) -> None:
        for argument in method.arguments:
            self._contract(argument.contract, argument.position)
            self._expressions([argument.contract, argument.default], kind)
        self._expressions(method.body, kind)
        if method.scope is MethodScope.PUBLIC and self.package.format_version < SCOPES_SINCE:
            self.faults.note(
                f"method {method.name}: Scope is of the format {SCOPES_SINCE}; this package has "
                f"{self.package.format_version} and needs `Usage: Action`",
                method.position,
            )
        body = method.body if isinstance(method.body, list) else [method.body]
        for row in body:
            with self.faults.taken():
                machine.block(row, method.position)
        for row in rows(method.body, method.position):
            self._row(kind, method, row)

    def _contract(self, contract: Any, place: Position | None) -> None:
        """A contract in quotes allows one value only: its own text."""
        waiting = [contract]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Mapped):
                waiting += [*one, *one.values()]
            elif isinstance(one, list):
                waiting += one
            elif isinstance(one, str) and MEANT.search(one):
                self.faults.note(f"the contract {one[:64]!r} is in quotes, which make it text", place)

    def _row(self, kind: MuranoType, method: Method, row: Row) -> None:
        if row.after_end:
            self.faults.note(f"this is never executed: {row.after_end} stands before it", row.position)
        word = ends(row.data)
        if word in ("Break", "Continue") and not row.in_loop:
            self.faults.note(f"{word} stands in no loop", row.position)
        if word == "Rethrow" and not row.in_catch:
            self.faults.note("Rethrow stands in no Catch", row.position)
        if isinstance(row.data, Mapped) and len(row.data) == 1:
            target = next(iter(row.data))
            if isinstance(target, Expression):
                self._assignment(kind, target)
        if isinstance(row.data, Expression):
            self._call(kind, method, row.data)

    def _assignment(self, kind: MuranoType, target: Expression) -> None:
        from yaql.language import expressions as ast

        told = wrong_target(target)
        if told:
            self.faults.note(told, target.position)
        node = target.compiled
        if not (isinstance(node, ast.BinaryOperator) and node.operator == "."):
            return
        owner, name = node.args
        is_own = isinstance(owner, ast.GetContextValue) and owner.path.value in THIS
        if is_own and isinstance(name, ast.KeywordConstant) and self._can_tell(kind):
            declared = kind.find_property(name.value)
            if declared is not None and declared.usage not in WRITABLE:
                self.faults.note(
                    f"property {name.value} has the usage {declared.usage} and cannot be assigned",
                    target.position,
                )

    def _call(self, kind: MuranoType, method: Method, expression: Expression) -> None:
        """A call of this object's own method that no class has."""
        from yaql.language import expressions as ast

        node = expression.compiled
        if not (isinstance(node, ast.BinaryOperator) and node.operator == "." and self._can_tell(kind)):
            return
        owner, call = node.args
        if not (isinstance(owner, ast.GetContextValue) and owner.path.value in THIS):
            return
        if kind.imports or not isinstance(call, ast.Function) or isinstance(call, ast.BinaryOperator):
            return
        there = call.name in self.lost or kind.find_method(call.name) or self._is_function(call.name)
        if not there:
            self.faults.note(f"{kind.name} has no method {call.name}", expression.position)

    def _can_tell(self, kind: MuranoType) -> bool:
        """Whether members of the class can be looked up."""
        try:
            return self._is_known(kind) and bool(kind.mro)
        except MuranoPlError:
            return False

    def _is_function(self, name: str) -> bool:
        return bool(functions.layer(self.dialect).collect_functions(name))

    def _expressions(self, data: Any, kind: MuranoType) -> None:
        for expression in expressions(data):
            for told in wrong_names(expression, kind, self.names):
                self.faults.note(told, expression.position)
            self._resources(expression)

    def _resources(self, expression: Expression) -> None:
        """Files that are read by `$resources.yaml('name')`."""
        from yaql.language import expressions as ast

        for node in nodes(expression.compiled):
            if not (isinstance(node, ast.BinaryOperator) and node.operator == "."):
                continue
            call = node.args[1]
            if not isinstance(call, ast.Function) or call.name not in READERS or len(call.args) != 1:
                continue
            [name] = call.args
            if not isinstance(name, ast.Constant) or isinstance(name, ast.KeywordConstant):
                continue
            if not isinstance(name.value, str):
                continue
            if RESOURCES + name.value not in self.source.files.names():
                self.faults.note(f"the package has no file {RESOURCES}{name.value}", expression.position)
            elif call.name == "yaml":
                check_plans.check(self.source, name.value, self.faults, self.warnings)


def _cut(document: Mapped, where: Position | None) -> str | None:
    """Take the part out of a class in which the place is, and give its key. None if there is no such part."""
    if where is None:
        return None
    parts = [
        (document.keys_at.get(key), document, key) for key in document if key not in ("Name", "Namespaces")
    ]
    for section in SECTIONS:
        entries = document.get(section)
        if isinstance(entries, Mapped):
            parts += [(entries.keys_at.get(key), entries, key) for key in entries]
    before = [
        part for part in parts if part[0] and (part[0].line, part[0].column) <= (where.line, where.column)
    ]
    if not before:
        return None
    _, within, key = max(before, key=lambda part: (part[0].line, part[0].column) if part[0] else (0, 0))
    del within[key]
    return str(key)


def _plain_scalars(node: Any) -> Iterator[yaml.ScalarNode]:
    """Unquoted texts of a file that expressions may stand in."""
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.ScalarNode):
            if not one.style and one.tag.endswith(":str"):
                yield one
        elif isinstance(one, yaml.SequenceNode):
            waiting += one.value
        elif isinstance(one, yaml.MappingNode):
            waiting += [key for key, _ in one.value]
            waiting += [value for key, value in one.value if str(key.value) not in PROSE]
