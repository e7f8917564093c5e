"""Destruction: what is collected, in which order, who is told, and what stays for the next run."""

from __future__ import annotations

import logging

import pytest

from knarr.services.application_catalog.language.errors import InvalidArguments, ObjectDestroyed
from knarr.services.application_catalog.language.execution import Execution
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.values import TypeObject
from knarr.services.application_catalog.library import core_packages
from knarr.services.application_catalog.packages.catalogue import Catalogue

from .conftest import of_classes, package

CLASSES = """
Name: Base
Properties:
  name: {Contract: $.string()}
Methods:
  .destroy:
    Body: :Log.add(concat('base ', $.name))
---
Name: Node
Extends: Base
Properties:
  children: {Usage: InOut, Contract: [$.class(Node)]}
  friend: {Usage: InOut, Contract: $.class(Node)}
  bad: {Contract: $.bool(), Default: false}
Methods:
  .destroy:
    Body:
      - :Log.add($.name)
      - If: $.bad
        Then:
          Throw: Broken
  onGone:
    Arguments: [publisher: {Contract: $.class(Node)}]
    Body: :Log.add(concat($.name, ' heard of ', $publisher.name))
  use:
    Arguments: [other: {Contract: $}]
    Body: {Return: $other.name}
  make:
    Body:
      - $one: new(Node, $this, name => made)
      - Return: $one.name
---
Name: Log
Properties:
  lines: {Usage: Static, Contract: [$.string()], Default: []}
Methods:
  add:
    Usage: Static
    Arguments: [line: {Contract: $.string()}]
    Body:
      - $.lines: $.lines + [$line]
  all:
    Usage: Static
    Body: {Return: $.lines}
"""


def node(ident: str, **more) -> dict:
    return {"?": {"id": ident, "type": "t.Node"}, "name": ident, **more}


@pytest.fixture
def make(make_session):
    """make(Objects, ObjectsCopy) -> an execution that is loaded."""

    def begin(objects=None, copy=None) -> Execution:
        execution = Execution(make_session(CLASSES), {"Objects": objects, "ObjectsCopy": copy})
        execution.load()
        return execution

    return begin


def log(execution: Execution) -> tuple[str, ...]:
    kind = execution.session.find_type("t.Log")
    return execution.session.call(TypeObject.of(kind), "all")


def test_what_the_root_holds_stays(make) -> None:
    execution = make(node("a", children=[node("b")], friend=node("c")))
    assert execution.collect() == []
    assert log(execution) == ()


def test_what_was_made_and_let_go_is_destroyed(make) -> None:
    execution = make(node("a"))
    execution.run("make")
    assert [one.values["name"] for one in execution.collect()] == ["made"]
    assert log(execution) == ("made", "base made")


def test_children_go_before_their_owners_and_classes_from_the_derived_one_up(make) -> None:
    execution = make(None, node("a", children=[node("b", children=[node("c")])]))
    execution.collect()
    assert log(execution) == ("c", "base c", "b", "base b", "a", "base a")
    assert execution.finish()["Objects"] is None


def test_what_a_destruction_raises_is_logged_and_ends_nothing(make, caplog) -> None:
    execution = make(node("a"), node("a", children=[node("b", bad=True)]))
    with caplog.at_level(logging.WARNING):
        execution.collect()
    assert log(execution) == ("b", "base b")
    assert "Broken" in caplog.text and "all.yaml" in caplog.text


def test_the_destroyed_cannot_be_called_but_looked_at_by_those_who_still_know_them(make) -> None:
    execution = make(node("a", children=[node("b")]))
    root = execution.root
    (child,) = root.values["children"]
    execution.session.garbage.destroy([child])
    assert execution.session.call(root, "use", child) == "b"
    with pytest.raises(ObjectDestroyed, match="was destroyed"):
        execution.session.call(child, "make")


def test_who_subscribed_is_told_before_and_outlives_whom_it_needs(make) -> None:
    execution = make(None, node("a", children=[node("b"), node("c", friend="b")]))
    store, garbage = execution.session.store, execution.session.garbage
    garbage.subscribe(store.require("b"), store.require("c"), "onGone")
    execution.collect()
    lines = log(execution)
    assert lines.index("c heard of b") < lines.index("b") < lines.index("c")


def test_a_subscription_is_there_once_and_is_taken_back(make) -> None:
    execution = make(node("a", children=[node("b")]))
    store, garbage = execution.session.store, execution.session.garbage
    a, b = store.require("a"), store.require("b")
    garbage.subscribe(b, a, "onGone")
    garbage.subscribe(b, a, "onGone")
    assert len(b.dependencies) == 1
    garbage.unsubscribe(b, a, "onGone")
    garbage.unsubscribe(b, a, "onGone")
    assert b.dependencies == []
    with pytest.raises(InvalidArguments, match="no method nowhere"):
        garbage.subscribe(b, a, "nowhere")


def test_subscriptions_last_from_run_to_run(make, make_session) -> None:
    first = make(node("a", children=[node("b")]))
    store = first.session.store
    first.session.garbage.subscribe(store.require("b"), store.require("a"), "onGone")
    after = first.finish()
    header = after["Objects"]["children"][0]["?"]
    assert header["dependencies"] == {"onDestruction": [{"subscriber": "a", "handler": "onGone"}]}

    after["Objects"]["children"] = []
    second = Execution(make_session(CLASSES), after)
    second.load()
    second.collect()
    assert log(second) == ("a heard of b", "b", "base b")


RUNNING = """
    Namespaces: {=: t, std: io.murano, sys: io.murano.system}
    Name: Main
    Methods:
      .init:
        Body:
          - $.gone: []
      note:
        Arguments:
          - name: {Contract: $.string()}
        Body:
          - $.gone: $.gone + [$name]
      main:
        Body:
          - $kept: new(Node, $this, name => kept, next => new(Node, $this, name => next))
          - $lost: new(Node, $this, name => lost)
          - $lost: null
          - $listed: new(Node, $this, name => listed)
          - $list: [{node: $listed}]
          - $listed: null
          - For: i
            In: [1]
            Do:
              - $inLoop: new(Node, $this, name => loop)
              - new(Node, $this, name => own).collect()
              - $kept.below($list)
          - Return: !yaql "[$.gone, $kept.next.name, $list[0].node.name, $inLoop.name]"
    ---
    Name: Node
    Properties:
      name: {Contract: $.string()}
      next: {Contract: $.class(Node)}
    Methods:
      collect:
        Body:
          - sys:GC.collect()
          - Return: $.name
      below:
        Arguments:
          - list: {Contract: $}
        Body:
          - sys:GC.collect()
      .destroy:
        Body:
          - $.find(Main).note($.name)
"""


def test_methods_that_run_keep_what_they_hold_in_variables() -> None:
    session = Session(Catalogue([*core_packages(), package(of_classes(RUNNING))]))
    root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
    session.garbage.roots.append(root)
    # The one that collects is not collected itself, but by the next collection.
    assert session.call(root, "main") == (("lost", "own"), "next", "listed", "loop")
