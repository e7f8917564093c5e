"""What authors of packages are told: class, method, file, line and instruction, in words of their own."""

from __future__ import annotations

import textwrap

import pytest

from knarr.services.application_catalog.language.errors import MuranoPlError

TEXT = """\
Namespaces: {=: t, std: io.murano}
Name: Main
Properties:
  late: {Contract: $.int(), Usage: Out}
Methods:
  main:
    Body:
      - $x: {a: 1, secret: swordfish}
      - INSTRUCTION
  take:
    Arguments:
      - number: {Contract: $.int().notNull()}
---
Name: Other
Properties:
  size:
    Contract: $.int().check($ > 3, 'too small')
"""


MODEL = """\
Namespaces: {=: t, std: io.murano}
Name: Main
Properties:
  one: {Contract: $.class(Other)}
  many:
    Contract: [$.class(Other), 0, 2]
  map:
    Contract:
      a: $.int()
---
Name: Other
Properties:
  size: {Contract: $.int()}
  other: {Contract: $.class(Other)}
"""


def failure(make_session, instruction: str) -> MuranoPlError:
    session = make_session(
        TEXT.replace("INSTRUCTION", textwrap.dedent(instruction).replace("\n", "\n        "))
    )
    root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
    with pytest.raises(MuranoPlError) as caught:
        session.call(root, "main")
    return caught.value


@pytest.mark.parametrize(
    ("instruction", "told"),
    [
        ("$y: $x.b", "there is no key 'b'"),
        ("$y: $x.a.b", "what is before .b is null or has no b"),
        ("$y: $x.a + text", "the operator + does not take these values"),
        ("$y: -$x", "the operator - does not take these values"),
        ("$y: $x.a[0]", "what is before [ ] is null or has no such items"),
        ("$y: $z.size()", "method size of null is not there"),
        ("$y: $x.secret.size()", "method size of what is before it is not there"),
        ("$y: $x.secret.toUpper(1)", "method toUpper of what is before it takes no such arguments"),
        ("$y: $.late.size()", "method size of null is not there"),
    ],
)  # fmt: skip
def test_expressions_that_fail(make_session, instruction, told):
    error = failure(make_session, instruction)
    assert str(error) == f"Classes/all.yaml:9: {told}"
    assert error.trace().splitlines()[:2] == [
        '  File "Classes/all.yaml", line 9 in method main of type t.Main',
        f"    {instruction}",
    ]
    assert "swordfish" not in error.trace()


@pytest.mark.parametrize(
    ("instruction", "message", "frames"),
    [
        # The message says where the contract is, the trace where the value came from.
        ("$.late: text", "4: [t.Main.late] 'text' is no whole number", ["9 in method main"]),
        ("$y: new(Other, size => 2)", "17: [t.Other.size] too small", ["9 in method main"]),
        (
            "$.take(null)",
            "12: [t.Main.take(number)] null is not allowed here",
            ["9 in method main", "12 in method take"],
        ),
    ],
)
def test_values_that_contracts_refuse(make_session, instruction, message, frames):
    error = failure(make_session, instruction)
    assert str(error) == f"Classes/all.yaml:{message}"
    lines = [line for line in error.trace().splitlines() if line.startswith("  File")]
    assert lines == [f'  File "Classes/all.yaml", line {frame} of type t.Main' for frame in frames]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"one": "gone"}, "4: [t.Main.one] there is no object with the id 'gone'"),
        ({"one": {"?": {"type": "t.Lost"}}}, "4: [t.Main.one] class t.Lost is neither in package t nor"),
        ({"one": {"other": "gone"}}, "14: [t.Other.other] there is no object with the id 'gone'"),
        ({"many": ["gone"]}, "6: [t.Main.many[0]] there is no object with the id 'gone'"),
        ({"one": {"size": "x"}}, "13: [t.Other.size] 'x' is no whole number"),
        ({"map": [1]}, "9: [t.Main.map] [1] is no dictionary"),
        ({"many": [1, 2, 3]}, "6: [t.Main.many] the list has 3 items, not 0 to 2"),
    ],
)  # fmt: skip
def test_models_that_do_not_fit(make_session, model, told):
    session = make_session(MODEL)
    with pytest.raises(MuranoPlError) as caught:
        session.store.load_tree({"?": {"id": "main", "type": "t.Main"}, **model})
    assert str(caught.value).startswith(f"Classes/all.yaml:{told}")


def test_instructions_are_told_in_a_line(make_session):
    error = failure(make_session, "If: $x.a = 1 and\n    $x.b\nThen: []")
    assert "    If: $x.a = 1 and $x.b" in error.trace().splitlines()


@pytest.mark.parametrize(
    ("target", "made"),
    [
        ("$x.b.c", {"a": 1, "b": {"c": 5}}),
        ("$x.b[c].d.e", {"a": 1, "b": {"c": {"d": {"e": 5}}}}),
    ],
)
def test_mappings_are_made_on_the_way_to_a_key(run, target, made):
    assert run(f"- $x: {{a: 1}}\n- {target}: 5\n- Return: {target[:2]}\n") == made
