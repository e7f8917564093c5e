"""Objects: made of descriptions, owned, found, initialized, cast, described again."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import (
    AmbiguousName,
    CircularReference,
    ClassNotFound,
    ContractViolation,
    InvalidArguments,
    InvalidInheritance,
    MethodNotFound,
    NotExported,
    ObjectNotFound,
    PackageNotFound,
    PropertyNotFound,
    PropertyWrite,
    Uninitialized,
)
from knarr.services.application_catalog.language.execution import Execution

TREE = """
Name: Node
Properties:
  name: {Contract: $.string()}
  early: {Contract: $.class(Node)}
  child: {Usage: InOut, Contract: $.class(Node)}
  later: {Contract: $.class(Node)}
  friend: {Contract: $.class(Node).notOwned()}
  many: {Contract: [$.class(Node).owned()]}
  total: {Usage: Out, Contract: $.int(), Default: 0}
  secret: {Usage: Runtime, Contract: $.int()}
Methods:
  add:
    Usage: Action
    Arguments: [by: {Contract: $.int().notNull(), Default: 1}]
    Body:
      - $.total: $.total + $by
      - Return: $.total
  hidden: {Body: {Return: 1}}
  adopt:
    Arguments: [model: {Contract: $}]
    Body:
      - $.child: $model
      - Return: $.child
"""


def model(ident: str, **properties) -> dict:
    return {"?": {"id": ident, "type": "t.Node"}, **properties}


@pytest.fixture
def loaded(make_session):
    """loaded(model) -> (session, root)"""

    def load(given: dict, text: str = TREE):
        session = make_session(text)
        return session, session.store.load_tree(given)

    return load


def test_what_is_written_inside_is_owned(loaded) -> None:
    _, root = loaded(model("a", child=model("b", many=[model("c")])))
    child = root.values["child"]
    assert child.owner is root
    assert child.values["many"][0].owner is child
    assert child.values["many"][0].owned_by(root)


def test_references_may_come_before_what_they_mean(loaded) -> None:
    _, root = loaded(model("a", early="c", child=model("b", many=[model("c")])))
    assert root.values["early"] is root.values["child"].values["many"][0]


def test_a_reference_to_nothing(loaded) -> None:
    with pytest.raises(ObjectNotFound, match="'nowhere'"):
        loaded(model("a", friend="nowhere"))


def test_what_must_not_be_owned_is_refused_inline(loaded) -> None:
    with pytest.raises(ContractViolation, match=r"t\.Node\.friend.*is owned by"):
        loaded(model("a", friend=model("b")))


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({}, ContractViolation, "the key '\\?'"),
        ({"?": {"id": "a"}}, ContractViolation, "needs a type"),
        ({"?": {"id": "a", "type": "t.Nothing"}}, PackageNotFound, "t.Nothing"),
        ({"?": {"id": "a", "type": "t.Node", "package": "u"}}, PackageNotFound, "u"),
        ({"?": {"id": "a", "type": "t.Nothing", "package": "t"}}, ClassNotFound, "t.Nothing"),
        ({"?": {"id": "a", "type": "t.Node", "classVersion": "3"}}, PackageNotFound, "3"),
        ({"?": {"id": "a", "type": "t.Node"}, "name": [1]}, ContractViolation, "t.Node.name.*no string"),
        ({"?": {"id": "a", "type": "t.Node"}, "many": ["b"]}, ObjectNotFound, "'b'"),
        ({"?": {"id": "a", "type": "t.Node"}, "child": 7}, ContractViolation, "t.Node.child.*no object"),
        ({"?": []}, ContractViolation, "must be a mapping"),
    ],
)
def test_descriptions_that_are_wrong_say_where(loaded, given, error, text) -> None:
    with pytest.raises(error, match=text):
        loaded(given)


def test_types_can_be_named_with_version_and_package(loaded) -> None:
    _, root = loaded({"?": {"id": "a", "type": "t.Node/1.0.0@t"}})
    assert str(root.kind.version) == "1.0.0"


def test_objects_may_be_made_by_assignment(loaded) -> None:
    session, root = loaded(model("a"))
    child = session.call(root, "adopt", {"?": {"type": "t.Node"}, "name": "new"})
    assert (child.owner, child.values["name"]) == (root, "new")


# Properties and methods


def test_usages_decide_what_is_read_and_written(make_session) -> None:
    session = make_session("""
        Name: Main
        Properties:
          given: {Contract: $.int()}
          fixed: {Usage: Const, Contract: $.int()}
          told: {Usage: Out, Contract: $.int()}
          both: {Usage: InOut, Contract: $.int()}
          kept: {Usage: Runtime, Contract: $.int()}
        Methods:
          set:
            Arguments: [name: {Contract: $}]
            Body:
              - Match: {given: [$.given: 9], fixed: [$.fixed: 9], told: [$.told: 9],
                        both: [$.both: 9], kept: [$.kept: 9]}
                Value: $name
    """)
    everything = {"given": 1, "fixed": 2, "told": 3, "both": 4, "kept": 5}
    root = session.store.load_tree({"?": {"id": "a", "type": "t.Main"}, **everything})
    assert root.values == {**everything, "kept": None}
    for name in ("told", "both", "kept"):
        session.call(root, "set", name)
        assert session.get(root, name) == 9
    for name in ("given", "fixed"):
        with pytest.raises(PropertyWrite, match=f"{name}.*usage"):
            session.call(root, "set", name)


def test_what_is_not_declared_belongs_to_the_class_that_sets_it(make_session) -> None:
    session = make_session("""
        Name: Base
        Methods:
          set: {Body: {$.hidden: base}}
          get: {Body: {Return: $.hidden}}
        ---
        Name: Main
        Extends: Base
        Methods:
          setOwn: {Body: {$.hidden: main}}
          getOwn: {Body: {Return: $.hidden}}
        ---
        Name: Stranger
        Methods:
          peek:
            Arguments: [other: {Contract: $}]
            Body: {Return: $other.hidden}
    """)
    one = session.store.load_tree({"?": {"type": "t.Main"}})
    with pytest.raises(Uninitialized, match="hidden"):
        session.call(one, "getOwn")
    session.call(one, "set")
    session.call(one, "setOwn")
    assert session.call(one, "get") == "base"
    assert session.call(one, "getOwn") == "main"
    with pytest.raises(PropertyNotFound, match="hidden"):
        session.call(session.store.load_tree({"?": {"type": "t.Stranger"}}), "peek", one)


def test_a_property_satisfies_every_declaration(make_session) -> None:
    text = """
        Name: Base
        Properties: {size: {Contract: $.int().check($ < 10)}}
        ---
        Name: Main
        Extends: Base
        Properties: {size: {Contract: $.int().check($ > 1)}}
    """
    make = lambda size: make_session(text).store.load_tree({"?": {"type": "t.Main"}, "size": size})  # noqa: E731
    assert make("5").values["size"] == 5
    for size in (1, 10):
        with pytest.raises(ContractViolation, match="size"):
            make(size)


def test_defaults_may_need_each_other_but_not_in_a_circle(make_session) -> None:
    session = make_session("""
        Name: Main
        Properties:
          c: {Contract: $.int(), Default: $.b + 1}
          b: {Contract: $.int(), Default: $.a + 1}
          a: {Contract: $.int(), Default: 1}
        ---
        Name: Round
        Properties:
          a: {Contract: $.int(), Default: $.b}
          b: {Contract: $.int(), Default: $.a}
    """)
    assert session.store.load_tree({"?": {"type": "t.Main"}}).values == {"a": 1, "b": 2, "c": 3}
    with pytest.raises(CircularReference, match="a, b"):
        session.store.load_tree({"?": {"type": "t.Round"}})


def test_actions_are_called_from_outside_and_others_are_not(loaded) -> None:
    session, root = loaded(model("a"))
    run = Execution(session, {"Objects": None})
    assert run.act("a", "add", {"by": 3}) == 3
    for name in ("hidden", "nowhere"):
        with pytest.raises(NotExported, match=name):
            run.act("a", name, {})
    with pytest.raises(ObjectNotFound):
        run.act("b", "add", {})
    with pytest.raises(ContractViolation, match=r"add\(by\)"):
        run.act("a", "add", {"by": None})
    with pytest.raises(InvalidArguments, match="no argument to"):
        run.act("a", "add", {"to": 1})
    assert session.get(root, "total") == 3


def test_initializers_run_from_the_root_down_after_all_values_are_there(make_session) -> None:
    session = make_session("""
        Name: Base
        Properties:
          log: {Usage: Runtime, Contract: [$.string()], Default: []}
          part: {Contract: $.class(Part)}
        Methods:
          .init:
            Body:
              - $.log: $.log + [concat(base, ' ', $.part.name)]
        ---
        Name: Main
        Extends: Base
        Methods:
          initialize:
            Arguments: [extra: {Contract: $.string(), Default: none}]
            Body:
              - $.log: $.log + [$extra]
        ---
        Name: Part
        Properties: {name: {Contract: $.string()}}
    """)
    part = {"?": {"type": "t.Part"}, "name": "p"}
    one = session.store.load_tree({"?": {"type": "t.Main"}, "part": part, "extra": "given"})
    assert one.values["log"] == ("base p", "given")


def test_inheritance_orders_classes_and_finds_the_nearest_method(make_session) -> None:
    session = make_session("""
        Name: A
        Methods: {who: {Body: {Return: [a]}}}
        ---
        Name: B
        Extends: A
        Methods:
          who:
            Body:
              Return: $.super($.who()).flatten() + [b]
        ---
        Name: C
        Extends: A
        Methods:
          who:
            Body:
              Return: $.super($.who()).flatten() + [c]
        ---
        Name: D
        Extends: [B, C]
        Methods:
          who:
            Body:
              Return: $.super($.who())
          asA:
            Body:
              Return: $.cast(A).who()
        ---
        Name: E
        Extends: [B, C]
    """)
    d = session.store.load_tree({"?": {"type": "t.D"}})
    assert [kind.name for kind in d.kind.mro] == ["t.D", "t.B", "t.C", "t.A", "io.murano.Object"]
    assert session.call(d, "who") == (("a", "b"), ("a", "c"))
    assert session.call(d, "asA") == ("a",)
    with pytest.raises(AmbiguousName, match=r"t\.B, t\.C"):
        session.call(session.store.load_tree({"?": {"type": "t.E"}}), "who")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("Name: A\nExtends: A", InvalidInheritance, "t.A -> t.A"),
        ("Name: A\nExtends: B\n---\nName: B\nExtends: A", InvalidInheritance, "extends itself"),
        ("Name: A\nExtends: Nowhere", ClassNotFound, "t.Nowhere"),
        ("Name: A\nExtends: no:Where", ClassNotFound, "prefix 'no'"),
    ],
)
def test_inheritance_that_cannot_be(make_session, text: str, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        make_session(text).store.load_tree({"?": {"type": "t.A"}})


def test_calls_that_cannot_be_name_what_is_wrong(run) -> None:
    classes = """
        Name: Other
        Methods:
          two:
            Arguments: [a: {Contract: $.int()}, b: {Contract: $.int(), Default: 2}]
            Body:
              Return: $a + $b
          needy:
            Arguments: [a: {Contract: $.int().notNull()}]
          easy:
            Arguments: [a: {Contract: $.int()}]
            Body: {Return: $a}
    """
    assert run("- Return: new(Other).two(b => 5, a => 1)", classes=classes) == 6
    assert run("- Return: new(Other).easy()", classes=classes) is None
    for call, error, words in (
        ("new(Other).needy()", ContractViolation, r"needy\(a\).*null is not allowed"),
        ("new(Other).two(1, 2, 3)", InvalidArguments, "2 arguments at most, 3"),
        ("new(Other).two(1, c => 3)", InvalidArguments, "no argument c"),
        ("new(Other).two(x)", ContractViolation, r"two\(a\).*whole number"),
        ("new(Other).three()", MethodNotFound, "three"),
        ("new(Nowhere)", ClassNotFound, "t.Nowhere"),
        ("new(Other).size", PropertyNotFound, "size"),
    ):
        with pytest.raises(error, match=words):
            run(f"- Return: {call}", classes=classes)


# There and back


def test_a_model_comes_back_as_it_was(make_session) -> None:
    given = {
        "Objects": model("a", name="root", child=model("b", name="inner"), later="b", many=[model("c")]),
        "Attributes": [["b", "t.Node", "seen", [1, {"x": None}]]],
        "SystemData": {"kept": True},
    }
    execution = Execution(make_session(TREE), given)
    execution.load()
    after = execution.finish()
    objects = after["Objects"]
    assert objects["later"] == "b"
    assert objects["child"]["name"] == "inner"
    assert objects["?"]["classVersion"] == "1.0.0"
    assert objects["?"]["package"] == "t"
    assert objects["?"]["_actions"] == {"a_add": {"name": "add", "title": "add", "enabled": True}}
    assert after["ObjectsCopy"] == objects
    assert after["Attributes"] == given["Attributes"]
    assert after["SystemData"] == {"kept": True}
    again = Execution(make_session(TREE), after)
    again.load()
    assert again.finish() == after


def test_what_is_kept_between_runs_are_properties_and_not_what_is_runtime(make_session) -> None:
    first = Execution(make_session(TREE), {"Objects": model("a", name="n")})
    first.load()
    first.act("a", "add", {"by": 5})
    after = first.finish()
    assert after["Objects"]["total"] == 5
    assert "secret" not in after["Objects"]


def test_what_has_left_the_model_is_destroyed(make_session) -> None:
    text = (
        TREE
        + """
  .destroy:
    Body: :Log.add($.name)
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
    )
    session = make_session(text)
    copy = model("a", name="root", child=model("b", name="gone", many=[model("c", name="deep")]))
    execution = Execution(session, {"Objects": model("a", name="root"), "ObjectsCopy": copy})
    execution.load()
    execution.collect()
    from knarr.services.application_catalog.language.values import TypeObject

    log = TypeObject.of(session.find_type("t.Log"))
    assert session.call(log, "all") == ("deep", "gone")
    assert "child" in execution.finish()["Objects"]
    assert execution.finish()["Objects"]["child"] is None


INITIALIZERS = """
Name: Main
Properties:
  child: {Contract: $.class(Child).notNull()}
  seen: {Contract: $, Usage: Out}
Methods:
  .init:
    Body:
      - $.seen: $.child.ready
---
Name: Child
Properties:
  ready: {Contract: $, Usage: Out}
Methods:
  .init:
    Body:
      - $.part: new(Part)
      - $.ready: $.part.ready
---
Name: Part
Properties:
  ready: {Contract: $, Usage: Out}
Methods:
  .init:
    Body:
      - $.ready: true
"""


def test_an_initializer_that_makes_objects_is_not_overtaken_by_its_owner(make_session):
    session = make_session(INITIALIZERS)
    model = {"?": {"id": "main", "type": "t.Main"}, "child": {"?": {"type": "t.Child"}}}
    assert session.get(session.store.load_tree(model), "seen") is True
