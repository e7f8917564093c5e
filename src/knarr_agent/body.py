"""Runs the body of a plan: Python statements, of which `return` ends the plan with a value."""

from __future__ import annotations

import ast
import builtins
import linecache
import sys
import textwrap
import traceback
import types
from collections.abc import Callable, Mapping
from typing import Any

from knarr_agent.bunch import Bunch
from knarr_agent.errors import AgentError, MalformedPlan, RunFailed, ScriptError

FILE = "Body"  # as tracebacks name it
_MAIN = "__execution_plan_main"
DIALECTS = ("auto", "always", "never")


def run(body: str, parameters: Mapping[str, Any], scripts: Mapping[str, Any], python2: str = "auto") -> Any:
    """What the body returns. `python2` says when it is read as Python 2: `auto` looks for signs of it.

    Raises MalformedPlan for what is no Python, AgentError for what a script raised, RunFailed for the rest.
    """
    tree, is_old = parse(body, python2)
    scope: dict[str, Any] = {
        "__name__": "__main__",
        "__builtins__": _builtins(is_old),
        "args": Bunch(_deep(parameters)),
        **scripts,
    }
    lines = textwrap.dedent(body).splitlines(keepends=True)
    linecache.cache[FILE] = (len(body), None, lines, FILE)
    try:
        code = compile(_wrapped(tree), FILE, "exec")
    except (SyntaxError, RecursionError) as error:
        raise MalformedPlan(_syntax(error), "Body") from error
    try:
        exec(code, scope)  # noqa: S102  running it is what an agent is for
        return scope[_MAIN]()
    except AgentError:
        raise
    except SystemExit as error:
        raise RunFailed(f"Body ended the program with exit({error.code!r}); it has to return") from error
    except Exception as error:
        raise RunFailed(str(error) or type(error).__name__, _details(error)) from error


def parse(body: str, python2: str = "auto") -> tuple[ast.Module, bool]:
    """The body's tree for Python 3, and whether it was Python 2. Raises MalformedPlan with the line."""
    from knarr_agent.python2 import rewriting

    source = _dedented(body)
    try:
        if python2 == "always":
            return rewriting.rewrite(_from_python2(source)), True
        tree = ast.parse(source, FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if python2 != "auto" or not isinstance(error, SyntaxError):
            raise MalformedPlan(_syntax(error), "Body") from error
        try:
            return rewriting.rewrite(_from_python2(source)), True
        except (SyntaxError, ValueError, RecursionError, MemoryError) as second:
            raise MalformedPlan(_syntax(second), "Body") from second
    if python2 == "auto" and rewriting.is_python2(tree):
        return rewriting.rewrite(tree), True
    return tree, False


def _from_python2(source: str) -> ast.Module:
    from knarr_agent.python2 import syntax

    return ast.parse(syntax.translate(source), FILE)


def _dedented(body: str) -> str:
    """Without the indentation that all lines share; tabs in it count four, as they always did here."""
    lines = []
    for line in body.replace("\r\n", "\n").split("\n"):
        rest = line.lstrip(" \t")
        lines.append(line[: len(line) - len(rest)].expandtabs(4) + rest)
    return textwrap.dedent("\n".join(lines))


def _wrapped(tree: ast.Module) -> ast.Module:
    """The body as a function. Imports that only a module may hold stay outside."""
    outside = [node for node in tree.body if isinstance(node, ast.ImportFrom) and _is_for_modules(node)]
    inside = [node for node in tree.body if node not in outside]
    shell = ast.parse(f"def {_MAIN}():\n    pass\n", FILE)
    function = shell.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.body = inside or function.body
    known = [node for node in outside if node.module != "__future__" or node.names[0].name == "annotations"]
    return ast.Module([*known, function], tree.type_ignores)


def _is_for_modules(node: ast.ImportFrom) -> bool:
    return node.module == "__future__" or node.names[0].name == "*"


def _builtins(is_old: bool) -> dict[str, Any]:
    scope = dict(vars(builtins))
    plain: Callable[..., Any] = builtins.__import__
    if is_old:
        from knarr_agent.python2 import modules, names

        scope |= names.NAMES | names.HELPERS
        plain = modules.importer(plain)
    scope["__import__"] = _with_agent_modules(plain)
    return scope


def _with_agent_modules(plain: Callable[..., Any]) -> Callable[..., Any]:
    """An `__import__` for which the modules that plans import of their agent are there."""
    package, exceptions, bunch = (
        types.ModuleType(name) for name in ("muranoagent", "muranoagent.exceptions", "bunch")
    )
    vars(exceptions).update(AgentException=AgentError, CustomException=ScriptError)
    vars(bunch).update(Bunch=Bunch)
    vars(package).update(exceptions=exceptions, bunch=bunch, __path__=[])
    own = {
        "muranoagent": package,
        "muranoagent.exceptions": exceptions,
        "muranoagent.bunch": bunch,
        "bunch": bunch,
    }

    def import_(name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0) -> Any:
        if level == 0 and name in own:
            return own[name] if wanted else own[name.partition(".")[0]]
        return plain(name, scope, local, wanted, level)

    return import_


def _deep(value: Any) -> Any:
    """Mappings with attributes at every depth: `args.server.name` is `args['server']['name']`."""
    if isinstance(value, Mapping):
        return Bunch({key: _deep(item) for key, item in value.items()})
    return [_deep(item) for item in value] if isinstance(value, list) else value


def _syntax(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        line = f"line {error.lineno}: " if error.lineno else ""
        text = f": {error.text.strip()[:200]}" if error.text else ""
        return f"{line}{error.msg}{text}"
    return "it is nested too deeply" if isinstance(error, (RecursionError, MemoryError)) else str(error)


def _details(error: BaseException) -> dict[str, Any]:
    """For the answer's AdditionalInfo: what it was, and where in the body."""
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if frame.filename == FILE]
    return {
        "type": type(error).__name__,
        "traceback": [f"line {frame.lineno}: {(frame.line or '').strip()}" for frame in frames],
    }
