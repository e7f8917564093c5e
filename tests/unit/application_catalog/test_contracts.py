"""Contracts: what values must be, what they become, and what is said when they do not fit."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import ContractViolation, MuranoPlError


def value_of(make_session, contract, given, **more):
    """What a property with this contract holds after it was given the value."""
    text = f"Name: Thing\nProperties:\n  p:\n    Contract: {contract}\n    Usage: InOut\n" + more.pop(
        "rest", ""
    )
    session = make_session(text)
    root = session.store.load_tree({"?": {"id": "root", "type": "t.Thing"}, "p": given})
    return session.get(root, "p")


@pytest.mark.parametrize(
    ("contract", "given", "wanted"),
    [
        ("$", {"any": ["thing"]}, {"any": ("thing",)}),
        ("$.string()", "text", "text"),
        ("$.string()", 5, "5"),
        ("$.string()", None, None),
        ("$.int()", "12", 12),
        ("$.int()", "-3", -3),
        ("$.int()", 2.9, 2),
        ("$.int()", None, None),
        ("$.bool()", 1, True),
        ("$.bool()", 0, False),
        ("$.bool()", "", False),
        ("$.bool()", None, None),
        ("$.int().notNull().check($ > 0 and $ < 65536)", "80", 80),
        ("$.string().check($ in list(a, b))", "b", "b"),
        ("[]", [1, "x"], (1, "x")),
        ("[]", None, ()),
        ("[$.int()]", ["1", 2], (1, 2)),
        ("[$.int()]", 5, (5,)),
        ("[$.int(), 2]", [1, 2, 3], (1, 2, 3)),
        ("[$.int(), 1, 2]", [1], (1,)),
        ("[$.int(), $.string()]", [1, 2, 3], (1, "2", "3")),
        ("{}", {"k": 1}, {"k": 1}),
        ("{}", None, {}),
        ("{a: $.int(), b: [$.string()]}", {"a": "1", "b": [2]}, {"a": 1, "b": ("2",)}),
        ("{a: $.int()}", {}, {"a": None}),
        ("{$.string().notNull(): $.int().notNull()}", {"x": "1"}, {"x": 1}),
        ("{a: fixed, $.string(): $.int()}", {"a": "fixed", "b": "2"}, {"a": "fixed", "b": 2}),
        ("[{name: $.string(), ports: [$.int()]}]", [{"name": "n"}], ({"name": "n", "ports": ()},)),
    ],
)
def test_values_become_what_the_contract_says(make_session, contract, given, wanted):
    assert value_of(make_session, contract, given) == wanted


@pytest.mark.parametrize(
    ("contract", "given", "word"),
    [
        ("$.string()", {}, "no string"),
        ("$.string()", [], "no string"),
        ("$.int()", "twelve", "no whole number"),
        ("$.int()", {}, "no whole number"),
        ("$.int()", [1], "no whole number"),
        ("$.string().notNull()", None, "null"),
        ("$.int().check($ > 0)", 0, "check"),
        ("$.int().check($ > 0, 'must be positive')", 0, "must be positive"),
        ("[$.int()]", ["x"], "p[0]"),
        ("[$.int(), 2]", [1], "1 items, not 2 or more"),
        ("[$.int(), 1, 2]", [1, 2, 3], "3 items, not 1 to 2"),
        ("[$.int(), $.string()]", [1], "1 items"),
        ("{}", "text", "no dictionary"),
        ("{a: {b: $.int().notNull()}}", {"a": {}}, "p.a.b"),
        ("{a: fixed}", {"a": "other"}, "'other' is not 'fixed'"),
        ("{$.int(): $}", {"x": 1}, "p.x"),
        ("$.class(Thing)", "nobody", "nobody"),
        ("$.class(Thing)", 5, "no object"),
    ],
)
def test_a_violation_says_where_and_what(make_session, contract, given, word):
    with pytest.raises(MuranoPlError) as caught:
        value_of(make_session, contract, given)
    assert word in caught.value.message


def test_a_violation_names_class_and_property(make_session):
    with pytest.raises(ContractViolation) as caught:
        value_of(make_session, "$.int().notNull()", None)
    assert caught.value.message.startswith("[t.Thing.p]")


def test_an_unknown_class_in_a_contract_is_named(make_session):
    with pytest.raises(MuranoPlError, match=r"t\.Nothing"):
        value_of(make_session, "$.class(Nothing)", {})


# Objects under contracts

FAMILY = """
    Name: Child
    Extends: Parent
    ---
    Name: Parent
    Properties:
      size: {Contract: $.int().notNull(), Default: 3}
      owner: {Contract: $.class(Holder)}
    ---
    Name: Holder
    Properties:
      one: {Contract: $.class(Parent)}
      made: {Contract: $}
    ---
    Name: Both
    Properties:
      first: {Contract: $.class(Parent).notNull()}
      second: {Contract: $.class(Holder).notNull()}
    ---
    Name: Strict
    Properties:
      mine: {Contract: $.class(Parent).owned()}
      theirs: {Contract: $.class(Parent).notOwned()}
    ---
    Name: Filled
    Properties:
      one:
        Contract: $.class(Parent, Child)
        Default: {size: 9}
    ---
    Name: Described
    Properties:
      template:
        Contract: $.template(Parent, excludeProperties => [size]).notNull()
    Methods:
      build:
        Arguments:
          - size: {Contract: $.int()}
        Body:
          - $t: $this.template
          - $t.size: $size
          - Return: new($t, $this)
"""


@pytest.fixture
def load(make_session):
    def make(kind, **values):
        session = make_session(FAMILY)
        return session, session.store.load_tree({"?": {"id": "root", "type": f"t.{kind}"}, **values})

    return make


def test_a_description_becomes_an_owned_object_of_its_type(load):
    _, root = load("Holder", one={"?": {"id": "c", "type": "t.Child"}, "size": "4"})
    child = root.values["one"]
    assert (child.id, child.kind.name, child.owner) == ("c", "t.Child", root)
    assert child.values["size"] == 4


def test_a_plain_dictionary_becomes_an_object_of_the_contract_s_class(load):
    _, root = load("Holder", one={"size": 5})
    assert (root.values["one"].kind.name, root.values["one"].values["size"]) == ("t.Parent", 5)


def test_an_id_refers_to_an_object_that_stands_later(load):
    later = {"?": {"id": "later", "type": "t.Parent"}, "owner": "inner"}
    inner = {"?": {"id": "inner", "type": "t.Holder"}, "one": later}
    _, root = load("Both", first="later", second=inner)
    assert root.values["first"] is root.values["second"].values["one"]
    assert root.values["first"].owner.id == "inner"


def test_an_object_of_another_class_is_refused(load):
    with pytest.raises(ContractViolation, match=r"no t\.Parent"):
        load("Holder", one={"?": {"type": "t.Holder"}})


def test_ownership_is_checked(load):
    with pytest.raises(ContractViolation, match="is owned by"):
        load("Strict", theirs={"?": {"id": "x", "type": "t.Parent"}})


def test_a_default_class_is_made_with_the_defaults_of_the_property(load):
    _, root = load("Filled")
    assert (root.values["one"].kind.name, root.values["one"].values["size"]) == ("t.Child", 9)
    _, root = load("Filled", one={"size": 1})
    assert root.values["one"].values["size"] == 1


def test_a_template_stays_a_description_until_it_is_used(load):
    session, root = load("Described", template={"?": {"type": "t.Child"}})
    assert root.values["template"]["?"]["type"] == "t.Child"
    one, two = (session.call(root, "build", size) for size in (1, 2))
    assert (one.values["size"], two.values["size"]) == (1, 2)
    assert one.id != two.id
    assert one.owner is root
    with pytest.raises(ContractViolation, match=r"no t\.Parent"):
        load("Described", template={"?": {"type": "t.Holder"}})
