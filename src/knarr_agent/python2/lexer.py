"""Cuts Python 2 source into tokens, of which nothing is lost: their texts, joined, are the source again.

The tokenizers of Python 3 refuse what this is for (`0777`, `10L`, backticks), each version in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

SPACE, COMMENT, NEWLINE = "space", "comment", "newline"
NAME, NUMBER, STRING, OPERATOR = "name", "number", "string", "operator"
CODE = "code"  # what a translation has put in; several tokens, perhaps


class Token(NamedTuple):
    kind: str
    text: str

    @property
    def significant(self) -> bool:
        return self.kind not in (SPACE, COMMENT, NEWLINE)


_PREFIX = r"(?:[uU][rR]?|[bB][rR]?|[rR][bB]?|[fF][rR]?|[rR][fF])?"
_STRINGS = "|".join(
    (
        r"'''(?:[^\\]|\\.)*?'''",
        r'"""(?:[^\\]|\\.)*?"""',
        r"'(?:[^'\\\n]|\\.)*'",
        r'"(?:[^"\\\n]|\\.)*"',
    )
)
_NUMBERS = "|".join(
    (
        r"0[xX][0-9a-fA-F]+[lL]?",
        r"0[oO][0-7]+[lL]?",
        r"0[bB][01]+[lL]?",
        r"(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?[jJ]?",
        r"\d+[eE][+-]?\d+[jJ]?",
        r"\d+[lLjJ]?",
    )
)
_OPERATORS = r"<>|<<=|>>=|\*\*=|//=|->|[-+*/%&|^=<>!]=|<<|>>|\*\*|//|[-+*/%&|^~<>=()\[\]{},:.;@`!$?]"
_KINDS = (
    (SPACE, r"(?:[ \t\f]|\\\r?\n)+"),
    (COMMENT, r"#[^\n]*"),
    (NEWLINE, r"\r?\n"),
    (STRING, f"{_PREFIX}(?:{_STRINGS})"),
    (NUMBER, _NUMBERS),
    (NAME, r"[^\W\d]\w*"),
    (OPERATOR, _OPERATORS),
)
_TOKENS = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS), re.DOTALL)


def tokens(source: str) -> Iterator[Token]:
    """The source's tokens. Raises SyntaxError for what can be none, like a string without an end."""
    at = 0
    while at < len(source):
        found = _TOKENS.match(source, at)
        if found is None:
            line = source.count("\n", 0, at) + 1
            text = source.splitlines()[line - 1]
            raise SyntaxError("this is no Python", ("Body", line, None, text))
        yield Token(found.lastgroup or OPERATOR, found[0])
        at = found.end()


def logical_lines(source: str) -> Iterator[list[Token]]:
    """The tokens of each logical line, which ends with a newline where no bracket is open."""
    line: list[Token] = []
    depth = 0
    for token in tokens(source):
        line.append(token)
        depth = max(0, depth + nesting(token))
        if token.kind == NEWLINE and depth == 0:
            yield line
            line = []
    if line:
        yield line


def nesting(token: Token) -> int:
    """How much deeper brackets are after this token."""
    if token.kind != OPERATOR:
        return 0
    return (token.text in "([{") - (token.text in ")]}")


def joined(line: list[Token]) -> str:
    return "".join(token.text for token in line)
