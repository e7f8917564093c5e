"""Brings methods and operators of Python 2 to Python 3, in the syntax tree.

What a value can do is known when the plan runs only, so each of these becomes a call of a helper in `names`,
which does what Python 2 did if the value is one of the kinds in question and leaves it alone otherwise.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from knarr_agent.python2.modules import ATTRIBUTES, MODULES
from knarr_agent.python2.names import NAMES

# Methods that only Python 2 has: who calls one was written for it.
GONE = frozenset(
    ("iteritems", "iterkeys", "itervalues", "viewitems", "viewkeys", "viewvalues", "has_key", "iterlists")
)
_LISTS = frozenset(("keys", "values", "items"))
_HELPED = {"encode": "_py2_encode", "decode": "_py2_decode", "sort": "_py2_sort", "next": "_py2_next"}
# Names that mean something else, or nothing, in Python 3. Those that are in both do not tell.
_TELLING = frozenset(NAMES) - {"map", "filter", "zip", "range", "sorted", "round", "open", "input"}
_DATA_CODECS = ("base64", "hex", "rot13", "zlib", "bz2", "quopri", "uu")
_LIST_METHODS = frozenset(
    ("append", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort")
)
_TELLING_ATTRIBUTES = frozenset((module, name) for module, names in ATTRIBUTES.items() for name in names)


def is_python2(tree: ast.Module) -> bool:
    """Whether a body that Python 3 can read does what only Python 2 could."""
    own = set(_bound(tree))
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    modules = {alias.asname or alias.name: alias.name for node in imports for alias in node.names}
    return _takes_bytes_for_text(tree) or any(
        _is_old_name(node, own)
        or _is_old_attribute(node, caught, modules)
        or _is_old_call(node, own)
        or _is_list(node)
        for node in ast.walk(tree)
    )


def _is_old_name(node: ast.AST, own: set[str]) -> bool:
    """`unicode`, `import urllib2`."""
    if isinstance(node, ast.Name):
        return node.id in _TELLING and node.id not in own
    if isinstance(node, ast.Import):
        return any(alias.name in MODULES for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in MODULES


def _is_old_attribute(node: ast.AST, caught: set[str], modules: Mapping[str, str]) -> bool:
    """`x.iteritems`, `string.letters`, `from itertools import izip`, `error.message`."""
    if isinstance(node, ast.ImportFrom):
        return any((node.module, alias.name) in _TELLING_ATTRIBUTES for alias in node.names)
    if not isinstance(node, ast.Attribute):
        return False
    named = node.value.id if isinstance(node.value, ast.Name) else ""
    return (
        node.attr in GONE
        or (modules.get(named), node.attr) in _TELLING_ATTRIBUTES
        or (node.attr == "message" and named in caught)
    )


def _is_old_call(node: ast.AST, own: set[str]) -> bool:
    """`x.next()`, `x.sort(compare)`, `sorted(x, cmp=…)`, `x.encode("base64")`."""
    if not isinstance(node, ast.Call):
        return False
    if any(word.arg == "cmp" for word in node.keywords):
        return True
    if not isinstance(node.func, ast.Attribute):
        return False
    name, arguments = node.func.attr, node.args
    if name == "next":
        return not arguments and "next" not in own
    if name == "sort":
        return bool(arguments)
    first = arguments[0] if arguments else None
    return name in ("encode", "decode") and isinstance(first, ast.Constant) and first.value in _DATA_CODECS


def _is_list(node: ast.AST) -> bool:
    """`x.keys()[0]`, `map(f, x) + y`, `len(filter(f, x))`: what is a list no more, used as one."""
    if isinstance(node, ast.Subscript):
        return _was_list(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _was_list(node.left) or _was_list(node.right)
    if isinstance(node, ast.Attribute):
        return _was_list(node.value) and node.attr in _LIST_METHODS
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        return any(
            isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and _was_list(one)
            for one in node.args
        )
    return False


def _takes_bytes_for_text(tree: ast.Module) -> bool:
    """Whether output of programs is read without a word on text or bytes, as Python 3 would want it."""
    reads = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("decode", "encode"):
            return False
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            return False
        reads = reads or (isinstance(node, ast.Call) and _reads_output(node))
    return reads


def _reads_output(node: ast.Call) -> bool:
    named = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    words = {word.arg for word in node.keywords}
    if words & {"text", "universal_newlines", "encoding", "capture_output", None}:
        return False
    return named == "check_output" or (named == "Popen" and "stdout" in words)


def _was_list(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in ("map", "filter", "zip")
    return isinstance(node.func, ast.Attribute) and node.func.attr in _LISTS and not node.args


def rewrite(tree: ast.Module) -> ast.Module:
    """The tree with the ways of Python 2."""
    future = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    }
    tree = _Rewriter(division="division" not in future).visit(tree)
    return ast.fix_missing_locations(tree)


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names that the body gives a meaning itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, division: bool) -> None:
        self.division = division

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "unicode" and len(node.args) > 1:
            return _call("_py2_text", node.args, node.keywords, node)
        if not isinstance(node.func, ast.Attribute):
            return node
        name, value = node.func.attr, node.func.value
        if name in GONE:
            return _call("_py2_method", [ast.Constant(name), value, *node.args], node.keywords, node)
        if name in _LISTS and not node.args and not node.keywords:
            return _call("_py2_list", [node], [], node)
        if name in _HELPED:
            return _call(_HELPED[name], [value, *node.args], node.keywords, node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self.division and isinstance(node.op, ast.Div):
            return _call("_py2_divide", [node.left, node.right], [], node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not self.division or not isinstance(node.op, ast.Div):
            return node
        value = ast.parse(ast.unparse(node.target), mode="eval").body
        new = ast.Assign([node.target], _call("_py2_divide", [value, node.value], [], node))
        return ast.copy_location(new, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr == "message" and isinstance(node.ctx, ast.Load):
            return _call("_py2_message", [node.value], [], node)
        return node


def _call(name: str, arguments: list[ast.expr], keywords: list[ast.keyword], at: ast.AST) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), arguments, keywords)
    return ast.copy_location(call, at)
