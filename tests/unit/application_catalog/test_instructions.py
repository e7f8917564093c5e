"""Instructions: assignments, control structures, exceptions."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import (
    InvalidLhs,
    LimitReached,
    MuranoPlError,
    SyntaxFault,
    Thrown,
)
from knarr.services.application_catalog.language.limits import Limits


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("- $x: 1\n- Return: $x + 1", 2),
        ("- $x: [1, 2, 3]\n- $x[0]: 9\n- Return: $x", (9, 2, 3)),
        ("- $x: [1, 2]\n- $x[-1]: 9\n- Return: $x", (1, 9)),
        ("- $x: {}\n- $x.a: 1\n- $x['b']: 2\n- Return: $x", {"a": 1, "b": 2}),
        ("- $x: {a: {b: [1, {c: 2}]}}\n- $x.a.b[1].c: 3\n- Return: $x.a.b[1].c", 3),
        ("- $y: 5\n- $x: {k: [$y, text], $y: v}\n- Return: $x", {"k": (5, "text"), 5: "v"}),
        ("- $x: '$y'\n- Return: $x", "$y"),
        ("Return: 7", 7),
        ("- 1 + 1", None),
    ],
)
def test_assignments_change_what_they_name(run, body, wanted):
    assert run(body) == wanted


def test_an_assigned_structure_leaves_what_it_came_from_alone(run):
    assert run("- $a: {k: 1}\n- $b: $a\n- $b.k: 2\n- Return: [$a.k, $b.k]") == (1, 2)


@pytest.mark.parametrize("target", ["$x + 1", "foo()", "$this", "$", "$x.foo()", "$x[0]", "$n.k"])
def test_what_cannot_be_assigned_is_refused(run, target):
    with pytest.raises(InvalidLhs):
        run(f"- $x: [1]\n- $n: 5\n- $x: []\n- {target}: 5")


LOOPS = """
- $seen: []
- For: i
  In: range(10)
  Do:
    - If: $i = 2
      Then: Continue
    - If: $i = 5
      Then:
        - Break
      Else:
        - $seen: $seen.append($i)
- Return: $seen
"""


def test_loops_break_and_go_on(run):
    assert run(LOOPS) == (0, 1, 3, 4)


def test_a_return_in_a_loop_ends_the_method(run):
    assert run("- For: i\n  In: [1, 2]\n  Do:\n    - Return: $i\n- Return: never") == 1


def test_while_and_repeat(run):
    body = "- $n: 0\n- While: $n < 3\n  Do: [$n: $n + 1]\n- Repeat: $n\n  Do:\n    $n: $n * 2\n- Return: $n"
    assert run(body) == 24


def test_for_over_nothing_and_over_no_list(run):
    assert run("- For: i\n  In: null\n  Do: [Return: 1]\n- Return: 2") == 2
    with pytest.raises(MuranoPlError, match="In needs a list"):
        run("- For: i\n  In: text\n  Do: [Return: 1]")


@pytest.mark.parametrize(("value", "wanted"), [("1", "one"), ("'1'", "text"), ("3", "other")])
def test_match_takes_the_case_of_the_value_and_its_type(run, value, wanted):
    body = f"""
    - Match:
        1: [Return: one]
        '1': [Return: text]
      Value: {value}
      Default: [Return: other]
    """
    assert run(body) == wanted


def test_switch_runs_every_case_that_holds(run):
    body = """
    - $x: []
    - Switch:
        $x.len() = 0: [$x: $x.append(a)]
        $x.len() >= 0: [$x: $x.append(b)]
        $x.len() > 9: [$x: $x.append(c)]
      Default: [$x: $x.append(d)]
    - Return: $x
    """
    assert run(body) == ("a", "b")
    assert run("- Switch:\n    false = true: [Return: 1]\n  Default: [Return: 2]") == 2


def test_parallel_runs_all_and_hands_errors_on(run):
    properties = "p: {Contract: {$.string(): $.int()}, Usage: Runtime}"
    body = """
    - Parallel:
        - $.p.a: 1
        - $.p.b: 2
      Limit: 1
    - Return: $.p
    """
    assert run(body, properties=properties) == {"a": 1, "b": 2}
    with pytest.raises(Thrown, match="boom"):
        run("- Parallel:\n    - Throw: Bad\n      Message: boom\n    - sleep(0)")


# Exceptions

TRY = """
- $log: []
- Try:
    - $log: $log.append(tried)
    - {throw}
  Catch:
    - With: Other
      Do: [$log: $log.append(other)]
    - With: [Unused, Mine]
      As: e
      Do:
        - $log: $log.append($e.message)
  Else: [$log: $log.append(else)]
  Finally: [$log: $log.append(finally)]
- Return: $log
"""


def test_the_first_catch_that_fits_is_taken(run):
    thrown = run(TRY.replace("{throw}", "{Throw: Mine, Message: sorry}"))
    assert thrown == ("tried", "sorry", "finally")


def test_else_runs_without_an_exception_and_finally_always(run):
    assert run(TRY.replace("{throw}", "$x: 1")) == ("tried", "else", "finally")


def test_what_nobody_catches_goes_on_with_its_trace(run):
    with pytest.raises(Thrown) as caught:
        run(TRY.replace("{throw}", "{Throw: Stranger, Message: hello}"))
    assert caught.value.names == ("t.Stranger",)
    trace = caught.value.trace()
    assert "method main of type t.Main" in trace
    assert "all.yaml" in trace


def test_an_exception_carries_its_cause_and_extra_and_can_be_thrown_again(run):
    body = """
    - Try:
        - Try:
            - Throw: First
              Message: one
          Catch:
            - As: e
              Do:
                - Throw: Second
                  Message: two
                  Cause: $e
                  Extra: {k: 1}
      Catch:
        - With: Second
          As: f
          Do:
            - $x: $f.extra.k
            - Try: [Rethrow]
              Catch:
                - With: Second
                  Do: [Return: [$x, again]]
    """
    assert run(body) == (1, "again")


def test_errors_of_the_language_and_of_expressions_can_be_caught_by_name(run):
    catch = "  Catch:\n    - With: '{name}'\n      Do: [Return: caught]"
    for instruction, name in (
        ("- $.nothing()", "murano.dsl.exceptions.NoMethodFound"),
        ("- $x: $.nothing", "murano.dsl.exceptions.PropertyAccessError"),
        ("- $x: 1 / 0", "builtins.ZeroDivisionError"),
        ("- $x: 1 / 0", "builtins.ArithmeticError"),
    ):
        body = f"- Try:\n    {instruction}\n" + catch.format(name=name)
        assert run(body) == "caught", instruction


def test_what_a_catch_assigns_stays(run):
    body = """
    - $x: before
    - Try: [{Throw: Mine}]
      Catch:
        - As: e
          Do: [$x: after]
    - Return: [$x, $e]
    """
    assert run(body) == ("after", None)


# What is no instruction


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("- If: true", "'Then'"),
        ("- While: true", "'Do'"),
        ("- For: i\n  Do: []", "'In'"),
        ("- If: true\n  Then: []\n  Otherwise: []", "'Otherwise'"),
        ("- Nothing: 1", "Nothing"),
        ("- some words", "some words"),
        ("- 5", "5"),
        ("- $x: 1\n  $y: 2", "alone"),
        ("- Throw:", "name"),
        ("- Match: 5\n  Value: 1", "mapping"),
        ("- Try: []\n  Catch:\n    - Unknown: 1", "With, As and Do"),
    ],
)
def test_an_instruction_that_is_none_is_told_with_its_line(run, body, word):
    with pytest.raises(SyntaxFault) as caught:
        run(body)
    assert word in str(caught.value)
    assert "all.yaml:" in str(caught.value)


# Limits


def test_a_session_ends_at_its_limits(make_session):
    text = "Name: Main\nMethods:\n  main:\n    Body:\n      - While: true\n        Do: []\n"
    for limits in (Limits(steps=1000), Limits(seconds=0.05)):
        session = make_session(text, limits=limits)
        root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
        with pytest.raises(LimitReached):
            session.call(root, "main")


def test_endless_recursion_ends(run):
    with pytest.raises(LimitReached, match="deeper"):
        run("- Return: $.main()")


def test_no_catch_takes_a_limit(make_session):
    text = """
    Name: Main
    Methods:
      main:
        Body:
          - Try:
              - While: true
                Do: []
            Catch:
              - Do: [Return: caught]
    """
    session = make_session(text, limits=Limits(steps=1000))
    root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
    with pytest.raises(LimitReached):
        session.call(root, "main")


def test_a_session_can_be_cancelled(make_session):
    import threading

    session = make_session("Name: Main\nMethods:\n  main:\n    Body:\n      - sleep(60)\n")
    root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
    threading.Timer(0.1, session.limits.cancel).start()
    with pytest.raises(LimitReached, match="cancelled"):
        session.call(root, "main")
