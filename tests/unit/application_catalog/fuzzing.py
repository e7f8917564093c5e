# ruff: noqa: E501 - tables are read across
"""Makes what the fuzz tests try: changed bytes and texts, random values, expressions and programs."""

from __future__ import annotations

import json
import random
from typing import Any

# Pieces that are put into texts: what the formats know, and what they hopefully refuse.
PIECES = (
    "{", "}", "[", "]", ": ", "- ", "? ", "\n", "  ", "&a ", "*a", "<<: *a", "!yaql ", "!!str ", "!!python/name:os ",
    "|", ">", "'", '"', "#", "---\n", "null", "true", "$", "$this", "$.x", "$.string()", "$.class(Item)", "$.int()",
    "Usage: Static", "Usage: Extension", "Contract: ", "Default: ", "Body: ", "Extends: ", "Name: ", "Methods: ",
    "Properties: ", "Namespaces: ", "Import: ", "Meta: ", "1.4", "0x", "1:2:3", "99999999999999999999", ".inf", ".nan",
    "2001-12-14", "\u00e9", "\u2028", "\x00", "\ud800", "\ufeff", "a.b.c", "../..", "If: $x\nThen: Break", "type: json",
    "range: {min: 5}", "allowed_pattern: (", "constraints: [x]", "get_param: [x]",
)  # fmt: skip


def changed_bytes(chance: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(made))
        kind = chance.randrange(5)
        if kind == 0:
            made[place] = chance.randrange(256)
        elif kind == 1:
            made[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del made[place : place + chance.randint(1, 20)]
        elif kind == 3:
            made[place:place] = chance.randbytes(chance.randint(1, 20))
        else:
            other = chance.randrange(len(made))
            made[place : place + 30] = made[other : other + 30]
        if not made:
            break
    return bytes(made)


def changed_text(chance: random.Random, text: str) -> str:
    for _ in range(chance.randint(1, 5)):
        if not text:
            return text
        place, kind = chance.randrange(len(text)), chance.randrange(6)
        lines = text.split("\n")
        line = chance.randrange(len(lines))
        if kind == 0:
            text = text[:place] + chance.choice(PIECES) + text[place:]
        elif kind == 1:
            text = text[:place] + text[place + chance.randint(1, 10) :]
        elif kind == 2:
            lines.insert(chance.randrange(len(lines)), lines[line])
            text = "\n".join(lines)
        elif kind == 3:
            del lines[line]
            text = "\n".join(lines)
        elif kind == 4:
            before, colon, _ = lines[line].partition(": ")
            lines[line] = before + colon + chance.choice(PIECES)
            text = "\n".join(lines)
        else:
            lines[line] = " " * chance.randint(0, 6) + lines[line].lstrip()
            text = "\n".join(lines)
    return text


SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**63, 10**30, 1.5, float("inf"), "", "a", "main", "5", "$x", "t.Main", "\u00e9" * 3, "x" * 300,
)  # fmt: skip


def random_value(chance: random.Random, depth: int = 3, objects: tuple[str, ...] = ()) -> Any:
    kind = chance.randrange(8)
    if depth == 0 or kind < 4:
        return chance.choice(SCALARS)
    size = chance.randint(0, 4)
    if kind == 4:
        return [random_value(chance, depth - 1, objects) for _ in range(size)]
    made: dict[Any, Any] = {
        chance.choice(("a", "b", "x", "y", "z", "fixed", 5, "?")): random_value(chance, depth - 1, objects)
        for _ in range(size)
    }
    if objects and kind > 5:
        header: dict[str, Any] = {"type": chance.choice(objects)}
        if chance.random() < 0.5:
            header["id"] = chance.choice(("main", "p1", "p2", 7, None))
        if chance.random() < 0.2:
            header[chance.choice(("classVersion", "package", "name", "dependencies", "metadata"))] = (
                random_value(chance, 1)
            )
        made["?"] = header
    return made


def random_object(chance: random.Random, kinds: dict[str, Any], depth: int) -> dict[str, Any]:
    """The description of an object of one of the classes, with values for some of its properties."""
    name = chance.choice(sorted(kinds))
    made: dict[str, Any] = {"?": {"type": name}}
    if chance.random() < 0.5:
        made["?"]["id"] = chance.choice(["main", "p1", "p2", "p3", "env"])
    for prop in kinds[name].property_names():
        kind = chance.randrange(10)
        if kind < 3:
            made[prop] = chance.choice(["x", "10.0.0.0/24", "m1", True, 1, None, [], {}])
        elif kind < 5:
            made[prop] = random_object(chance, kinds, depth - 1) if depth else random_value(chance, 1)
    return made


FUNCTIONS = (
    "len", "list", "dict", "range", "select", "where", "join", "split", "format", "replace", "toList", "toDict", "keys",
    "values", "items", "get", "set", "insert", "sum", "max", "min", "first", "last", "orderBy", "groupBy", "zip",
    "repeat", "cycle", "limit", "skip", "generate", "aggregate", "flatten", "any", "all", "contains", "in", "str",
    "int", "float", "bool", "pow", "abs", "round", "shiftBitsLeft", "random", "regex", "matches", "search", "searchAll",
    "datetime", "timespan", "now", "let", "with", "def", "lambda", "call", "switch", "coalesce", "assert", "new",
    "cast", "super", "psuper", "type", "typeinfo", "id", "name", "find", "getAttr", "setAttr", "dump", "require",
    "isObject", "base64encode", "base64decode", "substr", "bind", "patch", "pselect", "randomName", "firstOrDefault",
    "config", "encryptData", "metadata", "helper", "main", "sequence", "toUpper", "trim", "hex", "characters", "class",
    "string", "notNull", "check", "owned", "template", "unpack", "memorize", "merge", "mergeWith", "sliceWhere",
    "splitAt", "indexOf", "reverse", "distinct", "enumerate", "takeWhile", "defaultIfEmpty", "delete", "deleteAll",
    "toSet", "union", "rightSplit", "substring", "escapeRegex", "isString", "examine", "selectCase", "selectAllCases",
)  # fmt: skip
OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "mod",
    "=",
    "!=",
    "<",
    ">",
    "<=",
    "and",
    "or",
    "in",
    "is",
    "=>",
    ".",
    "?.",
    "=~",
    "!~",
    "->",
    ":",
)
ATOMS = (
    "$", "$this", "$x", "$y", "$.a", "$.b", "$.nothing", "null", "true", "0", "1", "-1", "7", "1.5", "100000000000", "''",
    "'a'", "'a,b'", "'(a+)+$'", "'{0}'", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'", "[]", "[1,2,3]", "{}", "{a => 1}",
    "word", ":Main", "std:Object", "no:Thing", "range(5)", "sequence()", "dict(a => 1)",
)  # fmt: skip


def random_expression(chance: random.Random, depth: int) -> str:
    """Something that often is an expression, and sometimes none."""

    def inner() -> str:
        return random_expression(chance, depth - 1)

    kind = chance.randrange(10)
    if depth == 0 or kind < 2:
        return chance.choice(ATOMS)
    if kind < 5:
        arguments = ", ".join(inner() for _ in range(chance.randint(0, 3)))
        return f"{inner()}.{chance.choice(FUNCTIONS)}({arguments})"
    if kind == 5:
        arguments = ", ".join(inner() for _ in range(chance.randint(0, 3)))
        return f"{chance.choice(FUNCTIONS)}({arguments})"
    if kind == 6:
        return f"{inner()}[{inner()}]"
    if kind == 7:
        return f"({inner()})"
    if kind == 8:
        return f"[{inner()}, {inner()}]" if chance.random() < 0.5 else f"{{{inner()} => {inner()}}}"
    return f"{inner()} {chance.choice(OPERATORS)} {inner()}"


class Program:
    """A class with methods of random instructions. It is written as JSON, which YAML reads, and has tags for
    the expressions in it put there afterwards."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def text(self) -> str:
        names = ["main", "helper", ".init", ".destroy", "other"]
        methods = {name: self.method() for name in names if self.chance.random() < 0.8}
        usages = ["In", "Out", "InOut", "Const", "Runtime", "Static", "Config"]
        properties = {
            name: {"Contract": self.value(2), "Usage": self.chance.choice(usages), "Default": self.value(1)}
            for name in "ab"
            if self.chance.random() < 0.6
        }
        content = {"Extends": self.chance.choice(["std:Object", "std:Environment", "Main", "Helper"])}
        if self.chance.random() < 0.7:
            content.pop("Extends")
        content |= {"Properties": properties, "Methods": methods}
        body = "\n".join(f"{key}: {self.written(value)}" for key, value in content.items())
        helper = f"Name: Helper\nMethods: {self.written({'helper': self.method()})}"
        return f"Name: Main\n{body}\n---\n{helper}\n"

    def written(self, value: Any) -> str:
        """As YAML, in which `["!", text]` is an expression."""
        if isinstance(value, dict):
            pairs = (f"? {self.written(key)} : {self.written(item)}" for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, tuple):
            return f"!yaql {json.dumps(value[0])}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.written, value)) + "]"
        return json.dumps(value)

    def method(self) -> dict[str, Any]:
        made: dict[str, Any] = {"Body": self.block(3)}
        if self.chance.random() < 0.3:
            made["Arguments"] = [{"x": {"Contract": self.value(1), "Default": self.value(1)}}]
        if self.chance.random() < 0.2:
            made["Usage"] = self.chance.choice(["Runtime", "Static", "Action", "Extension"])
        return made

    def block(self, depth: int) -> Any:
        return [self.instruction(depth) for _ in range(self.chance.randint(1, 3))]

    def expression(self, depth: int = 2) -> tuple[str]:
        return (random_expression(self.chance, depth),)

    def value(self, depth: int) -> Any:
        kind = self.chance.randrange(6)
        if depth == 0 or kind < 3:
            return self.expression()
        if kind == 3:
            return [self.value(depth - 1) for _ in range(self.chance.randint(0, 3))]
        if kind == 4:
            return {
                self.chance.choice(["a", "b"]): self.value(depth - 1),
                self.expression(1): self.value(depth - 1),
            }
        return self.chance.choice(["text", 5, None, True, 1.5])

    def instruction(self, depth: int) -> Any:
        chance, value, block = self.chance, self.value, self.block
        if depth == 0 or chance.random() < 0.4:
            target = chance.choice(
                ["$x", "$y", "$.a", "$.p", "$x[0]", "$x.k", "$this.b", "$x.a[1].c", "$x.f()", "5"]
            )
            return {(target,): value(2)} if chance.random() < 0.7 else self.expression(3)
        down = depth - 1
        made = [
            lambda: {"If": value(1), "Then": block(down), "Else": block(down)},
            lambda: {"While": value(1), "Do": block(down)},
            lambda: {"For": chance.choice(["x", "y", 5]), "In": value(1), "Do": block(down)},
            lambda: {"Repeat": value(1), "Do": block(down)},
            lambda: {"Match": {"a": block(down), 1: block(down)}, "Value": value(1), "Default": block(down)},
            lambda: {"Switch": {self.expression(1): block(down)}, "Default": block(down)},
            lambda: {"Parallel": block(down), "Limit": value(1)},
            lambda: {
                "Try": block(down),
                "Catch": [{"With": chance.choice(["Broken", "std:X", None]), "As": "e", "Do": block(down)}],
                "Else": block(down),
                "Finally": block(down),
            },
            lambda: {
                "Throw": chance.choice(["Broken", ["A", "B"], 5]),
                "Message": value(1),
                "Extra": value(1),
            },
            lambda: {"Return": value(2)},
            lambda: {"Break": None},
            lambda: {"Rethrow": None},
            lambda: {"Do": block(down)},
            lambda: chance.choice(["Break", "Continue", "Return", "word", None, 5, [], {}]),
            lambda: block(down),
            lambda: {chance.choice(["If", "Nothing", "Catch", "Value"]): value(1)},
        ]
        return chance.choice(made)()
