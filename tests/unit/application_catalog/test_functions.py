"""Functions of the language and of its toolbox, in both dialects."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import (
    ContractViolation,
    Foreign,
    InvalidArguments,
    LimitReached,
    MethodNotFound,
    MuranoPlError,
    ObjectNotFound,
)
from knarr.services.application_catalog.language.limits import Limits

THINGS = """
Name: Thing
Properties:
  name: {Contract: $.string(), Default: thing}
  part: {Contract: $.class(Thing).owned()}
Methods:
  outer: {Body: {Return: $.find(Main)}}
  say:
    Arguments:
      - what: {Contract: $.string()}
      - rest: {Usage: VarArgs, Contract: $.int()}
      - more: {Usage: KwArgs, Contract: $.string()}
    Body:
      Return: [$what, $rest, $more]
  tell:
    Arguments:
      - what: {Contract: $.string()}
    Body:
      Return: $what
---
Name: Special
Extends: Thing
Properties:
  name: {Contract: $.string(), Default: special}
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$.id()", "main"),
        ("id($)", "main"),
        ("id(null)", None),
        ("isObject($)", True),
        ("isObject(1)", False),
        ("new(Thing).name", "thing"),
        ("new(Thing, name => other).name", "other"),
        ("new('t.Thing', {name => dict}).name", "dict"),
        ("new(:Thing, null, name => x).name", "x"),
        ("new({'?' => {type => 't.Thing', id => i9}, name => model}).id()", "i9"),
        ("new({:Thing => {name => short}}).name", "short"),
        ("new({:Thing => {name => short}, id => i7, name => n}).name()", "n"),
        ("new(Special).cast(Thing) is Thing", True),
        ("new(Special).cast(Thing) = new(Special)", False),
        ("new(Thing).say(a)", ("a", (), {})),
        ("new(Thing).say(a, 1, '2')", ("a", (1, 2), {})),
        ("new(Thing).say(a, 1, x => 2)", ("a", (1,), {"x": "2"})),
        ("new(Thing).call(say, [a, 1], {y => z})", ("a", (1,), {"y": "z"})),
        ("call(new(Thing), say, [], {what => w})", ("w", (), {})),
        ("$.find(Thing)", None),
        ("new(Thing, $this).outer() = $this", True),
        ("new(Thing, part => {name => p}).part.find(Thing).name", "thing"),
        ("type(null)", None),
        ("type($) = type('t.Main')", True),
        ("$.setAttr(key, [1]) or $.getAttr(key)", (1,)),
        ("$.getAttr(missing, 5)", 5),
        ("$.setAttr(key, 1, 't.Thing') or $.getAttr(key, none)", "none"),
        ("$.setAttr(key, 1, 't.Thing') or $.getAttr(key, none, 't.Thing')", 1),
        ("$.setAttr(key, 1) or $.setAttr(key, null) or $.getAttr(key, gone)", "gone"),
        ("null?.name", None),
        ("new(Thing)?.name", "thing"),
        ("require(5)", 5),
        ("base64encode(hallo)", "aGFsbG8="),
        ("base64decode('aGFsbG8=')", "hallo"),
        ("hallo.substr(1)", "allo"),
        ("substr(hallo, 1, 2)", "al"),
        ("bind('$pre-{b}', {a => 1, b => x})", "pre-x"),
        ("bind({x => ['$a', 'a$a', '$c']}, {a => {b => 1}})", {"x": ({"b": 1}, "a$a", "$c")}),
        ("[3, 1].firstOrDefault()", 3),
        ("[].firstOrDefault(no)", "no"),
        ("[1, 2, 3].pselect($ * 2)", (2, 4, 6)),
        ("{a => [1]}.patch([{op => add, path => '/a/-', value => 2}])", {"a": (1, 2)}),
        ("{a => 1}.patch({op => remove, path => '/a'})", {}),
        ("{a => {'b/c' => 1}}.patch({op => replace, path => '/a/b~1c', value => 2})", {"a": {"b/c": 2}}),
        ("len(randomName())", 16),
        ("new(Thing).dump()['?'].type", "t.Thing"),
        ("new(Thing).dump(Inline)['?'].type = :Thing", True),
        ("new(Thing).dump(Mixed).get(:Thing).name", "thing"),
    ],
)
def test_functions(run, expression: str, value) -> None:
    assert run(f"- Return: ({expression})", classes=THINGS) == value


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        ("require(null)", ContractViolation, "required"),
        ("new(Thing).cast(Special)", ContractViolation, "no t.Special"),
        ("new(Thing).dump(Upside)", InvalidArguments, "Serializable, Inline, Mixed"),
        ("new({'?' => {type => 't.Nothing'}})", MuranoPlError, "t.Nothing"),
        ("new({a => 1})", ContractViolation, "needs a type"),
        ("new(Thing, part => nowhere)", ObjectNotFound, "nowhere"),
        ("new(Thing, name => [])", ContractViolation, "t.Thing.name"),
        ("base64decode('?')", InvalidArguments, "not base64"),
        ("{}.patch({op => move, path => '/a'})", InvalidArguments, "add, replace or remove"),
        ("{}.patch({op => remove, path => '/a'})", InvalidArguments, "nothing at '/a'"),
        ("{}.patch({op => add, path => 'a'})", InvalidArguments, "JSON pointer"),
        ("new(Thing).tell(a, what => b)", InvalidArguments, "what is given by name and by its place"),
        ("new(Thing).tell(a, b)", InvalidArguments, "takes 1 arguments at most, 2 were given"),
        (":Thing.tell(a)", MethodNotFound, "t.Thing.tell is no static method"),
        (":Thing.nosuch(a)", MethodNotFound, "t.Thing has no method nosuch"),
        ("config(a, b)", InvalidArguments, "connected to a cloud"),
        ("encryptData(a)", InvalidArguments, "connected to a cloud"),
        ("1 / 0", Foreign, "zero"),
        ("nosuch(1)", Foreign, "nosuch"),
        ("range(0, 100000).len()", MuranoPlError, "2000"),
    ],
)
def test_functions_that_cannot_do_it_say_why(run, expression: str, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        run(f"- Return: ({expression})", classes=THINGS)


def test_an_expression_cannot_eat_the_memory_or_go_on_for_ever(run, make_session) -> None:
    with pytest.raises(MuranoPlError, match=r"[Mm]emory"):
        run("- Return: range(0, 30).aggregate($1 + $1, 'xxxxxxxx')")
    session = make_session(
        """
        Name: Main
        Methods:
          main:
            Body:
              Return: range(0, 1500).select(range(0, 1500).select($ * 2).sum()).sum()
    """,
        limits=Limits(seconds=0.3),
    )
    with pytest.raises(LimitReached, match=r"longer than 0\.3 seconds"):
        session.call(session.store.load_tree({"?": {"type": "t.Main"}}), "main")


# YAQL 0.2, for packages of formats 1.0 and 1.1


@pytest.fixture
def run_old(make_session):
    """As `run`, in a package of format 1.0."""

    def call(expression: str):
        session = make_session(
            f"Name: Main\nMethods:\n  main:\n    Body:\n      - Return: ({expression})\n---\n{THINGS}", "1.0"
        )
        return session.call(session.store.load_tree({"?": {"id": "main", "type": "t.Main"}}), "main")

    return call


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("new(Thing).name", "thing"),
        ("new(Thing, name => x).name", "x"),
        ("$.id()", "main"),
        ("range(1, 4)[$ > 1]", (2, 3)),
        ("[4, 5][0]", 4),
        ("{a => 1}.a", 1),
        ("dict(a => 1).a", 1),
        ("list(1, 2)", (1, 2)),
        ("[1, 2].select($ + 1)", (2, 3)),
        ("'{0}-{1}'.format(a, 1)", "a-1"),
        ("new(Thing).say(a, 1, x => 2)", ("a", (1,), {"x": "2"})),
        ("[{a => 1}, {a => 2}].a", (1, 2)),
        ("{a => 1}.get(b)", None),
        ("int('7') + 1", 8),
    ],
)
def test_the_old_dialect(run_old, expression: str, value) -> None:
    assert run_old(expression) == value
