"""Brings methods and operators of Python 2 to Python 3, in the syntax tree.

What a value can do is known when the plan runs only, so each of these becomes a call of a helper in `names`, which
does what Python 2 did if the value is one of the kinds in question and leaves it alone otherwise.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from knarr_agent.python2.modules import ATTRIBUTES, MODULES
from knarr_agent.python2.names import NAMES

# Methods that only Python 2 has: who calls one was written for it.
GONE = frozenset(
    ("iteritems", "iterkeys", "itervalues", "viewitems", "viewkeys", "viewvalues", "has_key", "iterlists")
)
_LISTS = frozenset(("keys", "values", "items"))
_HELPED = {"encode": "__py2_encode", "decode": "__py2_decode", "sort": "__py2_sort", "next": "__py2_next"}
# Names that mean something else, or nothing, in Python 3. Those that are in both do not tell.
_TELLING = frozenset(NAMES) - {"map", "filter", "zip", "range", "sorted", "round", "open", "input"}
_TELLING_ATTRIBUTES = frozenset((module, name) for module, names in ATTRIBUTES.items() for name in names)


def is_python2(tree: ast.Module) -> bool:
    """Whether a body that Python 3 can read uses what only Python 2 had."""
    own = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    } | set(_bound(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _TELLING and node.id not in own:
            return True
        if isinstance(node, ast.Attribute) and node.attr in GONE:
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in _TELLING_ATTRIBUTES:
                return True
        if isinstance(node, ast.Import) and any(alias.name in MODULES for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            return True
    return False


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
    """Names of functions, classes, parameters and imports."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, division: bool) -> None:
        self.division = division

    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802  the name is given
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "unicode" and len(node.args) > 1:
            return _call("__py2_text", node.args, node.keywords, node)
        if not isinstance(node.func, ast.Attribute):
            return node
        name, value = node.func.attr, node.func.value
        if name in GONE:
            return _call("__py2_method", [ast.Constant(name), value, *node.args], node.keywords, node)
        if name in _LISTS and not node.args and not node.keywords:
            return _call("__py2_list", [node], [], node)
        if name in _HELPED:
            return _call(_HELPED[name], [value, *node.args], node.keywords, node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:  # noqa: N802
        self.generic_visit(node)
        if self.division and isinstance(node.op, ast.Div):
            return _call("__py2_divide", [node.left, node.right], [], node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:  # noqa: N802
        self.generic_visit(node)
        if not self.division or not isinstance(node.op, ast.Div):
            return node
        value = ast.parse(ast.unparse(node.target), mode="eval").body
        new = ast.Assign([node.target], _call("__py2_divide", [value, node.value], [], node))
        return ast.copy_location(new, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:  # noqa: N802
        self.generic_visit(node)
        if node.attr == "message" and isinstance(node.ctx, ast.Load):
            return _call("__py2_message", [node.value], [], node)
        return node


def _call(name: str, arguments: list[ast.expr], keywords: list[ast.keyword], at: ast.AST) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), arguments, keywords)
    return ast.copy_location(call, at)  # type: ignore[type-var]
