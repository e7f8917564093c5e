"""Short ways of evaluation give what the long ones give; formats, turns of threads, what is written how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from yaql.language.utils import NO_VALUE

from knarr.services.application_catalog.language import functions, quick
from knarr.services.application_catalog.language.contexts import remembering
from knarr.services.application_catalog.language.dialect import OPTIONS, dialect
from knarr.services.application_catalog.language.errors import InvalidArguments, MuranoPlError
from knarr.services.application_catalog.language.guards import GuardedContext
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.source import Expression, Position
from knarr.services.application_catalog.language.values import frozen

DATA = {"a": 1, "b": {"c": [1, 2, {"d": None}]}, "t": "text", "n": None, "rows": [{"k": 1}, {"k": 2}]}

EXPRESSIONS = [
    "$.a",
    "$.b.c",
    "$.b.c[0]",
    "$.b.c[-1].d",
    "$.rows.k",
    "$.rows.k.sum()",
    "$.missing",
    "$.n.x",
    "$.n?.x",
    "$.b?.c",
    "$.t.toUpper()",
    "$.t.len()",
    "$.b.get(c)",
    "$.b.get(x)",
    "$.b.get(x, 3)",
    "$.rows.get(k)",
    "$.a = 1",
    "$.a != 1",
    "$.n = null",
    "$.a = '1'",
    "$.b = $.b",
    "$.b.c = [1]",
    "true = 1",
    "$.a and $.n",
    "$.n or $.t",
    "not $.n",
    "$.a + 1",
    "$.t + 'x'",
    "$.t + 1",
    "$.rows + [1]",
    "true + 1",
    "1.5 + 1",
    "len($.t)",
    "len($.b)",
    "len($.rows)",
    "len(1)",
    "len($.rows.where($.k > 1))",
    "coalesce($.n, $.t)",
    "coalesce($.n)",
    "coalesce(, $.t)",
    "[1, $.a, [$.n]]",
    "list($.a, $.n)",
    "list()",
    "list($.rows.select($.k), [range(2)], $.t)",
    "{x => $.a}",
    "$.b[c]",
    "$.b[x]",
    "$.b[x, 7]",
    "$.t[0]",
    "$.rows[5]",
    "$.rows.select($.k + 1)",
    "$.rows.where($.k = 2).first()",
    "$.rows.where($.k = 9).first()",
    "$.rows.first().k.str()",
    "switch($.a = 1 => yes, true => no)",
    "'{0}-{1}'.format($.a, $.t)",
    "$nothing",
    "$nothing.x",
    "id(null)",
    "$.a.id()",
    "nothing()",
    "$.a < 2",
    "$.a >= 1.5",
    "$.t > 'sun'",
    "$.t <= 1",
    "true < 2",
    "$.n > 1",
    "$.a in [1, 2]",
    "$.t in [$.n]",
    "'ex' in $.t",
    "$.a in $.b",
    "$.a in 3",
    "$.rows.select($.k).where($ > 1).toList()",
    "$.b.keys().where($ = c)",
    "$.b.items().select($[0])",
    "$.b.values().len()",
]


@dataclass(frozen=True)
class Failed:
    names: tuple[str, ...]
    words: str


def outcome(expression: str, compiled: Any, remember: bool = False) -> Any:
    """The value, or what went wrong."""
    session = Session(None)  # type: ignore[arg-type]
    context = session.type_context(None)
    context = (remembering(context) if remember else context).create_child_context()
    context["$"] = frozen(DATA)
    try:
        return session.evaluate(Expression(expression, compiled, Position("t", 1)), context)
    except MuranoPlError as error:
        return Failed(error.names, str(error))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_short_ways_lead_where_long_ones_do(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short = dialect().parse(expression)
    engine = dialect().engine.copy(OPTIONS)
    monkeypatch.setattr(quick, "quickened", lambda tree: tree)
    long = engine(expression).expression
    assert type(short) is not type(long) or expression in UNCHANGED
    shortly, at_length = outcome(expression, short), outcome(expression, long)
    if isinstance(at_length, Failed):
        assert shortly.names == at_length.names  # the words may tell more of where it went wrong
    else:
        assert shortly == at_length


UNCHANGED = {
    "coalesce(, $.t)",
    "{x => $.a}",
    "switch($.a = 1 => yes, true => no)",
    "nothing()",
    "$.b[x, 7]",
}


# One look at a name's functions for each number of arguments leads where YAQL's many do.
CALLS = [
    "$.t.toUpper()",
    "$.t.toUpper(1)",
    "$.a.toUpper()",
    "$.t.nothing()",
    "toUpper($.t)",
    "$.t.substring(1)",
    "$.t.substring(1, 2)",
    "$.t.substring(start => 1)",
    "$.t.substring(1, length => 2)",
    "$.t.substring(1, start => 2)",
    "$.t.substring(x => 2)",
    "$.t.substring(a)",
    "$.t.substring(1, , 2)",
    "$.t.substring()",
    "$.t.split(x)",
    "$.t.replace(t, u)",
    "$.t.replace({t => u})",
    "$.t.replace(t, u, count => 1)",
    "$.t.trim(t)",
    "$.t.trim(null)",
    "$.t.join([a, b])",
    "[a, b].join('-')",
    "[a, 1].join('-')",
    "list(1, $.a, [2])",
    "list()",
    "dict(a => 1, b => $.a)",
    "dict([[a, 1]])",
    "dict(1)",
    "set(1, 1)",
    "$.b.set(x, 1)",
    "$.b.set({x => 1})",
    "$.b.set(x => 1)",
    "$.b.keys()",
    "$.b.keys(1)",
    "$.rows.select($.k)",
    "$.rows.select($.k, 1)",
    "$.rows.where($.k > 1).select($.k * 2)",
    "$.rows.orderBy($.k)",
    "$.rows.orderByDescending($.k).first()",
    "$.rows.toDict($.k, $)",
    "$.rows.aggregate($1 + $2.k, 0)",
    "$.rows.zip([1, 2])",
    "$.rows.groupBy($.k)",
    "[].first()",
    "[].first(1)",
    "$.n.select($)",
    "$.a.select($)",
    "int($.t)",
    "int($.n)",
    "int('7')",
    "int()",
    "int(1, 2)",
    "max(1, 2)",
    "max(1, x)",
    "max(1)",
    "abs(-$.a)",
    "-$.t",
    "not $.a",
    "let(x => 1) -> $x",
    "let(1, 2) -> $1 + $2",
    "def(double, $ * 2) -> double(4)",
    "$.rows.any($.k = 2)",
    "$.rows.all()",
    "$.rows.len()",
    "range(3).toList()",
    "range(3000).toList()",
    "isString($.t)",
    "isString()",
    "regex('a+').matches(caat)",
    "regex('(').matches(a)",
    "random() < 1",
    "call(len, [$.rows], {})",
    "$.rows.call(len, [], {})",
    "assert($.a, $ = 1)",
    "$.a.assert($ = 2)",
    "switch($.a = 1 => yes, true => no)",
    "$.a.switch($ = 2 => yes)",
    "datetime(2026, 1, 2).year",
    "datetime(2026)",
    "timespan(days => 1).hours",
    "timespan(1)",
]


@pytest.mark.parametrize("expression", CALLS)
def test_functions_are_chosen_as_yaql_chooses_them(expression: str) -> None:
    compiled = dialect().parse(expression)
    assert outcome(expression, compiled, remember=True) == outcome(expression, compiled)


@pytest.mark.parametrize("expression", CALLS)
def test_the_old_dialect_chooses_in_the_same_way(expression: str) -> None:
    old = dialect(legacy=True)
    compiled = old.parse(expression)

    def evaluated(context: Any) -> Any:
        context["$"] = frozen(DATA)
        try:
            return frozen(compiled(NO_VALUE, context, old.engine))
        except Exception as error:
            return type(error), str(error)

    below = GuardedContext(functions.layer(old), Limits())
    assert evaluated(remembering(below).create_child_context()) == evaluated(below.create_child_context())


# Formats


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("format('{0} {1}', a, 2)", "a 2"),
        ("'{x}{0}'.format(1, x => 2)", "21"),
        ("'{0:>5}|{0:<3}|{1:.2f}'.format(7, 1.5)", "    7|7  |1.50"),
        ("'{0}'.format(null)", "None"),
        ("'{{}}'.format()", "{}"),
    ],
)
def test_formats(expression: str, text: str) -> None:
    assert outcome(expression, dialect().parse(expression)) == text


@pytest.mark.parametrize(
    "text", ["{0.__class__}", "{0[a]}", "{0:>100000}", "{0:{1}}", "{1}", "{x}", "{", "{0!z}"]
)
def test_formats_that_lead_astray(text: str) -> None:
    from knarr.services.application_catalog.language.toolbox import format_text

    with pytest.raises(InvalidArguments, match="format:"):
        format_text(text, 1)


# Macros


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        ("$name", "N"),
        ("$other", "$other"),
        ("text $name", "text $name"),
        ("$http://{name}:{port}/", "http://N:80/"),
        (["$port", {"$name": "$flag"}], (80, {"N": True})),
        (7, 7),
    ],
)
def test_macros_are_bound(value: Any, bound: Any) -> None:
    from knarr.services.application_catalog.language.toolbox import bind

    assert bind(value, {"name": "N", "port": 80, "flag": True}) == bound


# Turns

COUNTER = """
Name: Main
Properties:
  seen: {Usage: Runtime, Contract: $.int(), Default: 0}
  other: {Usage: Runtime, Contract: $.int(), Default: 0}
Methods:
  add:
    Body:
      - $before: $.seen
      - sleep(0.002)
      - $.seen: $before + 1
  addAtOnce:
    Meta: {sync:Synchronize: {onThis: false}}
    Body:
      - $before: $.other
      - sleep(0.05)
      - $.other: $before + 1
  touch:
    Body:
      - $.seen: $.seen + 1
  again:
    Arguments: [depth: {Contract: $.int()}]
    Body:
      - If: $depth > 0
        Then:
          - list(1, 2).pselect($this.again($depth - 1))
      - Return: $depth
  main:
    Body:
      - range(0, 10).pselect($this.add())
      - range(0, 5).pselect($this.addAtOnce())
      - range(0, 200).pselect($this.touch())
      - $.again(3)
      - Return: [$.seen, $.other]
"""


def test_a_method_of_an_object_is_entered_by_one_thread_at_a_time(make_session: Any) -> None:
    text = "Namespaces: {=: t, std: io.murano, sync: io.murano.metadata.engine}\n" + COUNTER
    session = make_session(text)
    root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
    # `addAtOnce` lets all in: each of them saw what was before any.
    assert session.call(root, "main") == (210, 1)


# What is written how

HOLDERS = """
Namespaces: {=: t, std: io.murano, meta: io.murano.metadata.engine}
Name: Item
---
Name: Main
Properties:
  owned: {Contract: $.class(Item)}
  asReference: {Contract: $.class(Item), Meta: {meta:Serialize: {as: reference}}}
  asCopy: {Contract: $.class(Item), Meta: {meta:Serialize: {as: copy}}}
  elsewhere: {Contract: $.class(Main)}
"""


def test_a_property_says_how_it_is_written(make_session: Any) -> None:
    from knarr.services.application_catalog.language.serializer import Serializer

    session = make_session(HOLDERS)
    item = {"?": {"type": "t.Item", "id": "i"}}
    inner = {"?": {"type": "t.Main", "id": "inner"}, "owned": {"?": {"type": "t.Item", "id": "o"}}}
    root = session.store.load_tree(
        {"?": {"type": "t.Main", "id": "m"}, "asReference": item, "asCopy": "o", "elsewhere": inner}
    )
    written = Serializer(session).model(root)
    assert written["asReference"] == "i"
    assert written["asCopy"]["?"]["id"] == "o"
    assert written["elsewhere"]["owned"] == "o"
