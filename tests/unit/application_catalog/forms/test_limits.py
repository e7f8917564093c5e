"""Definitions of strangers cannot take the time or memory of others: all ends in an error with a place."""

from __future__ import annotations

import gc
import sys
import time

import pytest

from knarr.services.application_catalog.forms.budget import Allowance
from knarr.services.application_catalog.forms.faults import BudgetExceeded, DefinitionFault, ExpressionFault

from .support import define, wizard

TIGHT = Allowance(seconds=2.0, pattern_seconds=0.3)


def fault(expression: str, allowance: Allowance = TIGHT, sections: str = "") -> ExpressionFault:
    text = f"{sections}Application:\n  ?: {{type: a.B}}\n  x: !yaql |-\n    {expression}\nForms: []"
    with pytest.raises(ExpressionFault) as raised:
        wizard(define(text, "2.0"), allowance=allowance).start()
    assert raised.value.position is not None
    return raised.value


@pytest.mark.parametrize(
    "expression",
    [
        "pow(9, 999999999)",
        "pow(pow(2, 4000), 4000)",
        "shiftBitsLeft(1, 1000000000)",
        "range(0, 9000).aggregate($1 * $1 + 3, 3)",
        "('a' * 900000).replace(a, 'b' * 900000)",
        "('a' * 900000).replace({a => 'b' * 900000})",
        "range(0, 9999).select('a' * 900000).join(',')",
        "','.join(range(0, 9999).select('a' * 900000))",
        "concat('a' * 900000, 'a' * 900000)",
        "regex('a').replace('a' * 900000, 'b' * 900000)",
        "regex('a').replaceBy('a' * 9000, 'x' * 900000)",
        "range(1000000000000)",
        "range(0, 300).select(range(0, 1000))",
        "regex('(a+)+$').matches('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' =~ '(a+)+$'",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' !~ '(a+)+$'",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('(a+)+$')",
        "regex('(a+)+$').search('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')",
        "regex('(a+)+$').searchAll('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')",
        "regex('(a+)+$').split('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')",
        "regex('(a+)+$').replace('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', '')",
        "regex('a' * 5000)",
        "'a' =~ ('a' * 5000)",
    ],
)
def test_runaway_functions(expression: str) -> None:
    began = time.monotonic()
    assert isinstance(fault(expression), BudgetExceeded)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'a' * int(10000000)", "a value takes more than 1000000 bytes"),
        ("range(0, 1000000).toList()", "a collection has more than 10000 values"),
        ("0.range().toList()", "a collection has more than 10000 values"),
        ("int('9' * 5000)", "cannot be evaluated"),
    ],
)
def test_yaql_s_own_limits(expression: str, words: str) -> None:
    assert words in str(fault(expression))


def test_loops_in_loops() -> None:
    expression = (
        "range(0, 1000).select(range(0, 1000).select(range(0, 1000).select($ + 1).sum()).sum()).sum()"
    )
    began = time.monotonic()
    assert isinstance(fault(expression, Allowance(seconds=0.5)), BudgetExceeded)
    assert time.monotonic() - began < 5


def test_calls_are_counted() -> None:
    told = fault("range(0, 9000).select($ + $).sum()", Allowance(seconds=60, calls=1000))
    assert "call more than 1000 functions" in str(told)


@pytest.mark.parametrize("depth", [1000, 10_000])
@pytest.mark.parametrize(
    "expression",
    ["def(f, f()) -> f()", "def(f, [1, 2].select(f()).sum()) -> f()", "(" * 7000 + "1" + ")" * 7000],
)
def test_recursion(expression: str, depth: int) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, depth))  # a session of the language raises it for the whole process
    try:
        fault(expression)
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    "templates",
    [
        "  t: $t\n",
        "  t: {a: $t}\n",
        "  t: [$u]\n  u: [$t]\n",
        "  t: repeat($t, 1)\n",
        "  t: [ref(t)]\n",
        "  t: {a: $u}\n  u: repeat($t, 2)\n",
    ],
)
def test_templates_of_themselves(templates: str) -> None:
    assert isinstance(fault("$t", sections=f"Templates:\n{templates}"), BudgetExceeded)


def test_templates_that_explode() -> None:
    lines = "  t0: [x, x, x, x, x, x, x, x, x, x]\n"
    lines += "".join(f"  t{n}: [{', '.join([f'$t{n - 1}'] * 10)}]\n" for n in range(1, 10))
    told = fault("$t9", sections=f"Templates:\n{lines}")
    assert "make more than 100000 values" in str(told)


def test_repeats_that_explode() -> None:
    templates = "Templates:\n  a: repeat(x, 1000)\n  b: repeat($a, 1000)\n"
    assert isinstance(fault("repeat($b, 1000)", sections=templates), BudgetExceeded)


def test_the_time_of_the_cloud_is_not_the_definition_s() -> None:
    class Slow:
        def store(self, secret: str) -> str:
            time.sleep(0.3)
            return "kept"

    text = "Application:\n  ?: {type: a.B}\n  x: encryptData(a)\n  y: range(0, 50).select($ + 1)\nForms: []"
    outcome = wizard(define(text, "2.0"), keys=Slow(), allowance=Allowance(seconds=0.25)).start()
    assert outcome.model is not None
    assert outcome.model["x"] == "kept"


def test_reading_again_and_again_keeps_nothing() -> None:
    text = "Forms: []\nTemplates:\n  t: some text, that is no expression\n  u: $.a.b.c +"
    define(text)

    def grown() -> int:
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(50):
            define(text)
        gc.collect()
        return len(gc.get_objects()) - before

    # What threads of other tests make in between is not of the reading: what it kept would show each time.
    assert min(grown() for _ in range(5)) < 50


def test_long_expressions_are_refused() -> None:
    with pytest.raises(DefinitionFault, match="an expression may have 16384 characters"):
        define("Forms: []\nParameters:\n  a: !yaql '" + "1 + " * 5000 + "1'")


@pytest.mark.parametrize(
    "expression",
    ["str(a).upper", "concat(a, b).count", "name().upper()", "now().max", "$.items().isdisjoint([])"],
)
def test_nothing_of_python_is_reachable(expression: str) -> None:
    fault(expression)


def test_members_of_python_are_no_keys() -> None:
    text = "Application:\n  ?: {type: a.B}\n  x: $.items\nForms: []"
    outcome = wizard(define(text, "2.0")).start()
    assert outcome.model is not None
    assert outcome.model["x"] is None
