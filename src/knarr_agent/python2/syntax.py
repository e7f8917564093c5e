"""Brings the syntax of Python 2 to that of Python 3, token by token.

`print` and `exec` statements, `except X, e`, `raise X, "…"`, backticks, `<>`, octal and long numbers, `ur''`,
and parameters that are tuples. Lines keep their numbers, but for those after the last of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from knarr_agent.python2.lexer import (
    CODE,
    COMMENT,
    NAME,
    NEWLINE,
    NUMBER,
    OPERATOR,
    SPACE,
    STRING,
    Token,
    joined,
    logical_lines,
    nesting,
)

_COMPOUND = {"if", "elif", "else", "while", "for", "try", "except", "finally", "with", "def", "class"}
_OCTAL = re.compile(r"0([0-7]+)[lL]?")

Line = list[Token]


def translate(source: str) -> str:
    """The source for Python 3. What is not known stays, to be refused by the compiler. Raises SyntaxError."""
    text = source if source.endswith("\n") else source + "\n"
    keeps_print = (
        re.search(r"^\s*from\s+__future__\s+import\b.*\bprint_function\b", text, re.MULTILINE) is not None
    )
    statements = {name: rule for name, rule in _STATEMENTS.items() if not (keeps_print and name == "print")}
    lines, unpacking = [], ""
    for line in logical_lines(text):
        tokens = _lambdas(_backticks([_simple(token) for token in line]))
        if unpacking and any(token.significant for token in tokens):
            indent = tokens[0].text if tokens[0].kind == SPACE else ""
            lines.append(f"{indent}{unpacking}; " if _is_simple(tokens) else f"{indent}{unpacking}\n")
            tokens = tokens[1:] if indent and _is_simple(tokens) else tokens
            unpacking = ""
        if not unpacking:
            tokens, unpacking = _handler(tokens) if _first(tokens) == "except" else _definition(tokens)
        lines.append(joined(_line(tokens, statements)))
    return "".join(lines)


def _is_simple(line: Line) -> bool:
    """Whether another statement may stand before this one in the same line."""
    return _first(line) not in _COMPOUND and _first(line) != "@"


def _first(line: Line) -> str:
    return next((token.text for token in line if token.significant), "")


def _simple(token: Token) -> Token:
    """Tokens that are wrong by themselves."""
    if token.kind == OPERATOR and token.text == "<>":
        return Token(OPERATOR, "!=")
    if token.kind == NUMBER:
        octal = _OCTAL.fullmatch(token.text)
        if octal:
            return Token(NUMBER, f"0o{octal[1]}")
        if token.text[-1] in "lL":
            return Token(NUMBER, token.text[:-1])
    if token.kind == STRING and token.text[:2].lower() == "ur":
        return Token(STRING, _raw_unicode(token.text[2:]))
    if token.kind == STRING and token.text[0] in "\"'":
        return Token(STRING, re.sub(r"\\(.)", _of_bytes, token.text, flags=re.DOTALL))
    return token


def _of_bytes(escape: re.Match[str]) -> str:
    """`\\u`, `\\U` and `\\N` are no escapes in strings that are bytes: `'C:\\Users'` is a path."""
    return "\\" + escape[0] if escape[1] in "uUN" else escape[0]


def _raw_unicode(quoted: str) -> str:
    """A raw string that may still name characters by \\uXXXX."""
    if "\\u" not in quoted and "\\U" not in quoted:
        return "r" + quoted
    return re.sub(
        r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|['\"])?",
        lambda found: "\\\\\\" + found[1] if found[1] in ("'", '"') else (found[0] if found[1] else "\\\\"),
        quoted,
    )


def _backticks(line: Line) -> Line:
    """`x` is repr(x)."""
    result, opened = [], False
    for token in line:
        if token == (OPERATOR, "`"):
            result += [Token(OPERATOR, ")")] if opened else [Token(NAME, "repr"), Token(OPERATOR, "(")]
            opened = not opened
        else:
            result.append(token)
    return result


def _line(line: Line, statements: dict[str, Callable[[Line], Line]]) -> Line:
    """Each of the line's statements."""
    result: Line = []
    for part in _parts(line):
        start = next((index for index, token in enumerate(part) if token.significant), len(part))
        end = len(part)
        while end > start and not part[end - 1].significant:
            end -= 1
        rule = statements.get(part[start].text) if start < end and part[start].kind == NAME else None
        result += [*part[:start], *rule(part[start:end]), *part[end:]] if rule else part
    return result


def _parts(line: Line) -> list[Line]:
    """The line, cut after each semicolon and after the colon of a compound statement; these stand alone."""
    parts: list[Line] = [[]]
    depth = 0
    colons = 1 if _first(line) in _COMPOUND else 0
    for token in line:
        depth += nesting(token)
        if depth == 0 and token == (NAME, "lambda"):
            colons += bool(colons)
        if depth == 0 and token.kind == OPERATOR and (token.text == ";" or (token.text == ":" and colons)):
            if token.text == ":":
                colons -= 1
            if token.text == ";" or colons == 0:
                parts += [[token], []]
                continue
        parts[-1].append(token)
    return parts


def _print(statement: Line) -> Line:
    rest = _stripped(statement[1:])
    if not rest:
        return [*statement[:1], *_code("()")]
    if rest[0].text in ("=", ".", ","):
        return statement
    options = ""
    if rest[0].text == ">>":
        to, *others = _split(rest[1:])
        rest = _stripped(_with_commas(others))
        options = f"file={joined(_stripped(to))}"
    if rest and rest[-1].text == ",":
        rest = _stripped(rest[:-1])
        options = ", ".join(filter(None, ["end=' '", options]))
    separator = ", " if rest and options else ""
    return [*statement[:1], *_code("("), *rest, *_code(f"{separator}{options})")]


def _exec(statement: Line) -> Line:
    """`exec code in globals, locals`."""
    rest = _stripped(statement[1:])
    if _is_one_bracket(rest):
        return statement
    at = _find(rest, "in")
    if at is None:
        return [*statement[:1], *_code("("), *rest, *_code(")")]
    return [
        *statement[:1],
        *_code("("),
        *_stripped(rest[:at]),
        *_code(", "),
        *_stripped(rest[at + 1 :]),
        *_code(")"),
    ]


def _except(statement: Line) -> Line:
    """`except X, e`. What follows the colon is a statement of its own."""
    kind, *names = _split(statement[1:])
    if len(names) != 1:
        return statement
    return [*statement[:1], *kind, *_code(" as "), *_stripped(names[0])]


def _raise(statement: Line) -> Line:
    """`raise X, value, traceback`."""
    kind, *others = _split(statement[1:])
    if not others:
        return statement
    return [
        *statement[:1],
        *_code(" _py2_exception("),
        *_stripped(kind),
        *_code(", "),
        *_with_commas(others),
        *_code(")"),
    ]


_STATEMENTS: dict[str, Callable[[Line], Line]] = {
    "print": _print,
    "exec": _exec,
    "except": _except,
    "raise": _raise,
}


def _lambdas(line: Line) -> Line:
    """`lambda (a, b): e` is a function of one parameter that calls another with its parts."""
    for index in range(len(line) - 1, -1, -1):
        if line[index] != (NAME, "lambda"):
            continue
        colon = _find(line[index:], ":")
        if colon is None:
            continue
        parameters = line[index + 1 : index + colon]
        if not any(
            token.text == "(" and _is_parameter(parameters, at) for at, token in enumerate(parameters)
        ):
            continue
        end = _end_of_expression(line, index + colon + 1)
        outer, inner, call = _flattened(parameters)
        body = _stripped(line[index + colon + 1 : end])
        tail = line[index + colon + 1 : end][len(_rstripped(line[index + colon + 1 : end])) :]
        code = f"lambda {outer}: (lambda {inner}: "
        line = [*line[:index], *_code(code), *body, *_code(f")({call})"), *tail, *line[end:]]
    return line


def _definition(line: Line) -> tuple[Line, str]:
    """A `def` without tuples among its parameters, and the assignment that its body has to begin with."""
    start = next((index for index, token in enumerate(line) if token.significant), None)
    if start is None or line[start] != (NAME, "def"):
        return line, ""
    opening = next((at for at, token in enumerate(line) if token.text == "("), None)
    if opening is None:
        return line, ""
    closing = _matching(line, opening)
    parameters = line[opening + 1 : closing]
    if not any(token.text == "(" and _is_parameter(parameters, at) for at, token in enumerate(parameters)):
        return line, ""
    names, assignments = [], []
    for number, part in enumerate(_split(parameters)):
        stripped = _stripped(part)
        if stripped and stripped[0].text == "(":
            end = _matching(stripped, 0)
            names.append(f"_py2_tuple{number}{joined(stripped[end + 1 :])}")
            assignments.append(f"{joined(stripped[: end + 1])} = _py2_tuple{number}")
        else:
            names.append(joined(part).strip())
    assignment = "; ".join(assignments)
    new = [*line[: opening + 1], *_code(", ".join(names)), *line[closing:]]
    colon = _find(new[start:], ":")
    rest = new[start + colon + 1 :] if colon is not None else []
    if any(token.significant for token in rest) and colon is not None:
        return [*new[: start + colon + 1], *_code(f" {assignment};"), *rest], ""
    return new, assignment


def _handler(line: Line) -> tuple[Line, str]:
    """An `except X, (a, b)` that gives the error a name, and the assignment of its parts."""
    colon = _find(line, ":")
    start = next(index for index, token in enumerate(line) if token.significant)
    if colon is None:
        return line, ""
    head = line[start + 1 : colon]
    comma, as_ = _find(head, ","), _find(head, "as")
    at = comma if comma is not None else as_
    target = _stripped(head[at + 1 :]) if at is not None else []
    if at is None or not target or target[0].text not in ("(", "["):
        return line, ""
    assignment = f"{joined(target)} = _py2_error.args"
    new = [*line[: start + 1], *_rstripped(head[:at]), *_code(" as _py2_error"), line[colon]]
    rest = line[colon + 1 :]
    if any(token.significant for token in rest):
        return [*new, *_code(f" {assignment};"), *rest], ""
    return [*new, *rest], assignment


def _flattened(parameters: Line) -> tuple[str, str, str]:
    """Parameters of the outer function, of the inner one, and arguments of the call of the inner one."""
    outer, inner, call = [], [], []
    for number, part in enumerate(_split(parameters)):
        stripped = _stripped(part)
        if stripped and stripped[0].text == "(":
            end = _matching(stripped, 0)
            name = f"_py2_tuple{number}"
            outer.append(name + joined(stripped[end + 1 :]))
            inner.append(joined(stripped[1:end]).rstrip().rstrip(","))
            call.append(f"*{name}")
        else:
            text = joined(stripped)
            name = text.partition("=")[0].strip()
            outer.append(text)
            inner.append(name)
            call.append(name)
    return ", ".join(outer), ", ".join(inner), ", ".join(call)


def _is_parameter(parameters: Line, at: int) -> bool:
    """Whether the bracket at this place stands for a parameter, rather than in a default value."""
    before = [token for token in parameters[:at] if token.significant]
    depth = sum(map(nesting, before))
    return depth == 0 and (not before or before[-1].text == ",")


def _code(text: str) -> Line:
    """Text that needs no further look."""
    return [Token(CODE, text)] if text else []


def _stripped(line: Line) -> Line:
    line = _rstripped(line)
    start = next((index for index, token in enumerate(line) if token.kind != SPACE), 0)
    return line[start:] if line else line


def _rstripped(line: Line) -> Line:
    end = len(line)
    while end and line[end - 1].kind in (SPACE, NEWLINE, COMMENT):
        end -= 1
    return line[:end]


def _split(line: Line) -> list[Line]:
    """The parts between the commas."""
    parts: list[Line] = [[]]
    depth = 0
    for token in line:
        depth += nesting(token)
        if depth == 0 and token.text == "," and token.kind == OPERATOR:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _with_commas(parts: list[Line]) -> Line:
    line: Line = []
    for index, part in enumerate(parts):
        line += [*([Token(OPERATOR, ",")] if index else []), *part]
    return line


def _find(line: Line, text: str) -> int | None:
    """Where the text stands outside of brackets. A colon is the lambda's own, not one of a lambda inside."""
    depth = inner = 0
    for index, token in enumerate(line):
        depth += nesting(token)
        if depth == 0 and text == ":" and index and token == (NAME, "lambda"):
            inner += 1
        if depth == 0 and token.text == text and token.kind != STRING:
            if not inner:
                return index
            inner -= 1
    return None


def _end_of_expression(line: Line, start: int) -> int:
    depth = inner = 0
    for index in range(start, len(line)):
        token = line[index]
        if token.kind == NAME and token.text == "lambda" and depth == 0:
            inner += 1
        ends = token.kind == NEWLINE or (
            token.kind == OPERATOR and token.text in (",", ";", ")", "]", "}", ":")
        )
        if ends and depth == 0:
            if token.text == ":" and inner:
                inner -= 1
                continue
            return index
        depth += nesting(token)
    return len(line)


def _matching(line: Line, opening: int) -> int:
    """Where the bracket that opens here is closed."""
    depth = 0
    for index in range(opening, len(line)):
        depth += nesting(line[index])
        if depth == 0:
            return index
    return len(line) - 1


def _is_one_bracket(line: Line) -> bool:
    """Whether this is one pair of parentheses with something in it: a call, in both Pythons."""
    return bool(line) and line[0].text == "(" and _matching(line, 0) == len(line) - 1
