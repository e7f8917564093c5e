"""YAML files of packages: plain data with expressions, and the line that each came from.

A plain scalar that is more than a word and can be parsed is an expression; quoted text and text with the
tag !!str never is, and `!yaql` makes one of any scalar. Files are hostile until read: depth, size and the
number of values (aliases included) are bounded, and no tag makes an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from knarr.services.application_catalog.language.errors import Position, SyntaxFault

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PREFIX = "tag:yaml.org,2002:"
YAQL_TAG = "!yaql"
DEEPEST = 64
MOST_VALUES = 200_000
LONGEST = 4 * 1024 * 1024
BODY_DEPTH = 3
_WORDS = re.compile(r"[\s\w.:]*\Z")


class Expression:
    """A YAQL expression with its place. `compiled` is what the dialect's parser made of it; `steps` keeps
    what the expression is as a contract."""

    __slots__ = ("compiled", "position", "steps", "text")

    def __init__(self, text: str, compiled: Any, position: Position) -> None:
        self.text = text
        self.compiled = compiled
        self.position = position
        self.steps: Any = None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class Mapped(dict[Any, Any]):
    """A mapping of a file, with the place where it begins and those of its keys."""

    __slots__ = ("keys_at", "position")

    def __init__(self, position: Position) -> None:
        super().__init__()
        self.position = position
        self.keys_at: dict[Any, Position] = {}


class Deferred:
    """A part of a file that is built when it is looked at: bodies of methods, most of which never run.

    `compiled` keeps what was made of it.
    """

    __slots__ = ("_build", "_built", "compiled")

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build: Callable[[], Any] | None = build
        self._built: Any = None
        self.compiled: Any = None

    def built(self) -> Any:
        """Raises SyntaxFault."""
        if self._build is not None:
            self._built = self._build()
            self._build = None
        return self._built


Parse = Callable[[str], Any]
"""Turns the text of an expression into something that can be evaluated; raises ValueError if it is none."""


def documents(text: str, file: str, parse: Parse, deferring: bool = False) -> list[Any]:
    """The documents of a YAML file. With `deferring`, bodies of methods are built when they are looked at.

    Raises SyntaxFault with the line of what is wrong.
    """
    builder = _Builder(file, parse, text, deferring)
    return [builder.build(node, 0) for node in nodes(text, file)]


def plain(text: str, file: str) -> Any:
    """The data of a YAML file that has no expressions: a template, a plan. Dates stay texts.

    Raises SyntaxFault.
    """
    found = documents(text, file, no_expression)
    if len(found) > 1:
        raise SyntaxFault("the file has more than one document", Position(file, 1))
    return found[0] if found else None


def misread(name: Any) -> str:
    """What to tell an author whose name YAML takes for something else; nothing if it is text."""
    if isinstance(name, str):
        return ""
    if isinstance(name, (list, Mapped)):
        return f"a name is text, not a {'list' if isinstance(name, list) else 'mapping'}"
    word = f"the expression {name.text[:64]}" if isinstance(name, Expression) else json.dumps(name)
    return f"a name is read as {word}: numbers and words like yes, no, on, off, null must be quoted"


def no_expression(text: str) -> Any:
    """The parser of files that have no expressions."""
    raise ValueError("there are no expressions here")


def nodes(text: str, file: str) -> list[Any]:
    """The nodes of a YAML file's documents, nested within bounds. Raises SyntaxFault.

    The parser's own composer recurses in C and takes the process with it when it is led too deep: depth is
    counted on the events before.
    """
    if len(text) > LONGEST:
        raise SyntaxFault(f"the file is larger than {LONGEST // 1024 // 1024} MiB", Position(file, 1))
    try:
        _count_depth(text, file)
        return [node for node in yaml.compose_all(text, Loader=LOADER) if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        told = f"invalid YAML: {error.problem}{_hint(str(error.problem))}"
        raise SyntaxFault(told, Position(file, line, column)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SyntaxFault(f"invalid YAML: {str(error)[:200]}", Position(file, 1)) from None


# What authors of expressions trip over, by the parser's words for it.
HINTS = {
    "mapping values are not allowed": "text or an expression with ': ' in it must be quoted, the latter as "
    '!yaql "…"',
    "did not find expected ',' or": "between [ ] or { }, expressions with brackets or commas must be written "
    'as !yaql "…", or stand on lines of their own',
    "cannot start any token": "text that begins with this character must be quoted",
    "undefined alias": "text that begins with * must be quoted",
}


def _hint(problem: str) -> str:
    return next((f" ({hint})" for words, hint in HINTS.items() if words in problem), "")


def _count_depth(text: str, file: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                mark: Any = event.start_mark
                place = Position(file, mark.line + 1, mark.column + 1)
                raise SyntaxFault(f"nested deeper than {DEEPEST} levels", place)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    def __init__(self, file: str, parse: Parse, source: str, deferring: bool) -> None:
        self.file = file
        self.parse = parse
        self.source = source
        self.deferring = deferring
        self.count = 0

    def at(self, node: Any) -> Position:
        return Position(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def build(self, node: Any, depth: int) -> Any:
        self.count += 1
        if self.count > MOST_VALUES:
            raise SyntaxFault(f"more than {MOST_VALUES} values: an alias is used too often", self.at(node))
        if depth > DEEPEST:
            raise SyntaxFault(f"nested deeper than {DEEPEST} levels", self.at(node))
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if isinstance(node, yaml.SequenceNode):
            self.plain(node, "seq")
            return [self.build(item, depth + 1) for item in node.value]
        return self.mapping(node, depth)

    def mapping(self, node: Any, depth: int) -> Mapped:
        self.plain(node, "map")
        built = Mapped(self.at(node))
        for key_node, value_node in node.value:
            if key_node.tag == PREFIX + "merge":
                self.merge(built, self.build(value_node, depth + 1), key_node)
                continue
            key = self.build(key_node, depth + 1)
            try:
                hash(key)
            except TypeError:
                raise SyntaxFault("a key must be a scalar", self.at(key_node)) from None
            built[key] = self.value(key, value_node, depth + 1)
            built.keys_at[key] = self.at(key_node)
        return built

    def value(self, key: Any, node: Any, depth: int) -> Any:
        """What stands under a key. Document, section, method, Body: there it can wait."""
        is_body = self.deferring and key == "Body" and depth == BODY_DEPTH
        if is_body and isinstance(node, yaml.CollectionNode):
            return Deferred(lambda: self.build(node, depth))
        return self.build(node, depth)

    def merge(self, built: Mapped, others: Any, node: Any) -> None:
        for other in others if isinstance(others, list) else [others]:
            if not isinstance(other, Mapped):
                raise SyntaxFault("only mappings can be merged by '<<'", self.at(node))
            for key, value in other.items():
                if key not in built:
                    built[key] = value
                    built.keys_at[key] = other.keys_at[key]

    def plain(self, node: Any, kind: str) -> None:
        if node.tag not in (PREFIX + kind, "!"):
            raise SyntaxFault(f"the tag {node.tag[:64]} is not allowed", self.at(node))

    def scalar(self, node: Any) -> Any:
        tag, text = node.tag, node.value
        if tag == YAQL_TAG:
            return self.expression(text, node)
        make = SCALARS.get(tag.removeprefix(PREFIX)) if tag.startswith(PREFIX) else None
        if make is None:
            raise SyntaxFault(f"the tag {tag[:64]} is not allowed", self.at(node))
        try:
            value = make(text)
        except ValueError:
            raise SyntaxFault(f"{text[:64]!r} is not what its tag says", self.at(node)) from None
        plain = not node.style and isinstance(value, str)
        # An explicit !!str of plain text looks like an implicit one, but for where the value begins.
        if not plain or _WORDS.match(text) or self.source[node.start_mark.index] == "!":
            return value
        try:
            return Expression(text, self.parse(text), self.at(node))
        except ValueError:
            return value

    def expression(self, text: str, node: Any) -> Expression:
        try:
            return Expression(text, self.parse(text), self.at(node))
        except ValueError as error:
            raise SyntaxFault(f"{text[:128]!r} is no YAQL expression: {error}", self.at(node)) from None


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if len(digits) > 400:
        raise ValueError("too long")
    for prefix, base in (("0x", 16), ("0b", 2), ("0o", 8)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    if ":" in digits:
        value = 0
        for part in digits.split(":"):
            value = value * 60 + int(part)
        return sign * value
    return sign * (int(digits, 8) if len(digits) > 1 and digits.startswith("0") else int(digits))


def _real(text: str) -> float:
    word = text.replace("_", "").lower()
    if word.lstrip("+-") == ".inf":
        return float("-inf") if word.startswith("-") else float("inf")
    return float("nan") if word == ".nan" else float(word)


def _truth(text: str) -> bool:
    return text.lower() in ("true", "yes", "on")


SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "value": str,
    "timestamp": str,
    "int": _integer,
    "float": _real,
    "bool": _truth,
    "null": lambda text: None,
}
