"""JSON schemas of classes and model builders."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import ClassNotFound, PackageNotFound
from knarr.services.application_catalog.language.schemas import schemas


def schema_of(make_session, contract: str, **more) -> dict:
    lines = [f"    {name}: {value}" for name, value in {"Contract": contract, **more}.items()]
    session = make_session("\n".join(["Name: Main", "Properties:", "  it:", *lines, "---", "Name: Other"]))
    return schemas(session, "t.Main")[""]["properties"]["it"]


@pytest.mark.parametrize(
    ("contract", "schema"),
    [
        ("$", {}),
        ("$.string()", {"type": ["string", "null"]}),
        ("$.string().notNull()", {"type": "string"}),
        ("$.notNull().string()", {"type": "string"}),
        ("$.int()", {"type": ["integer", "null"]}),
        ("$.bool().notNull()", {"type": "boolean"}),
        ("$.class(Other)", {"type": ["muranoObject", "null"], "muranoType": "t.Other"}),
        (
            "$.class(std:Object).notNull().owned()",
            {"type": "muranoObject", "muranoType": "io.murano.Object", "owned": True},
        ),
        (
            "$.class(Other).notOwned()",
            {"type": ["muranoObject", "null"], "muranoType": "t.Other", "owned": False},
        ),
        (
            "$.template(Other, excludeProperties => [a]).notNull()",
            {"type": "muranoObject", "muranoType": "t.Other", "owned": True, "excludedProperties": ["a"]},
        ),
        ("[]", {"type": "array"}),
        ("[$.int()]", {"type": "array", "items": {"type": ["integer", "null"]}}),
        ("[$.int().notNull(), 1, 3]", {"type": "array", "items": {"type": "integer"}}),
        (
            "[$.int().notNull(), $.string().notNull()]",
            {
                "type": "array",
                "items": [{"type": "integer"}, {"type": "string"}],
                "additionalItems": {"type": "string"},
            },
        ),
        (
            "{a: $.int().notNull(), b: [$]}",
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {}}},
                "additionalProperties": False,
            },
        ),
        (
            "{$.string(): $.int().notNull()}",
            {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}},
        ),
    ],
)
def test_contracts_become_types(make_session, contract: str, schema: dict) -> None:
    assert schema_of(make_session, contract) == schema


@pytest.mark.parametrize(
    ("predicate", "known"),
    [
        ("$ > 1", {"minimum": 1, "exclusiveMinimum": True}),
        ("$ >= 1 + 1", {"minimum": 2, "exclusiveMinimum": False}),
        ("$ < 5", {"maximum": 5, "exclusiveMaximum": True}),
        ("5 > $", {"maximum": 5, "exclusiveMaximum": True}),
        ("1 <= $", {"minimum": 1, "exclusiveMinimum": False}),
        (
            "$ > 1 and $ <= 9",
            {"minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
        ),
        ("$ in [1, 2]", {"enum": [1, 2]}),
        ("$ < $ + 1", {}),
        ("$ = 1 or $ = 2", {}),
        ("$ < $this.other", {}),
    ],
)
def test_checks_tell_what_a_schema_can_say(make_session, predicate: str, known: dict) -> None:
    found = schema_of(make_session, f"$.int().notNull().check({predicate})")
    assert found == {"type": "integer", **known}


def test_a_pattern_is_told(make_session) -> None:
    found = schema_of(make_session, "$.string().notNull().check($.matches(`^a+$`))".replace("`", "'"))
    assert found == {"type": "string", "pattern": "^a+$"}


def test_defaults_are_told_and_computed_ones_if_they_can_be(make_session) -> None:
    assert schema_of(make_session, "$.int()", Default="7")["default"] == 7
    assert schema_of(make_session, "$.int()", Default="$this.other") == {"type": ["integer", "null"]}
    assert schema_of(make_session, "[$]", Default="[1, {a: b}]")["default"] == [1, {"a": "b"}]


def test_only_what_is_asked_for_stands_in_a_class_s_schema(make_session) -> None:
    session = make_session("""
        Name: Base
        Properties:
          inherited: {Contract: $.int()}
        ---
        Name: Main
        Extends: Base
        Properties:
          given: {Contract: $.int()}
          both: {Usage: InOut, Contract: $.int()}
          told: {Usage: Out, Contract: $.int()}
          kept: {Usage: Runtime, Contract: $.int()}
          shared: {Usage: Static, Contract: $.int()}
    """)
    found = schemas(session, "t.Main")
    assert set(found) == {""}
    assert set(found[""]["properties"]) == {"inherited", "given", "both"}
    assert found[""]["additionalProperties"] is False
    assert found[""]["type"] == "object"
    assert found[""]["$schema"] == "http://json-schema.org/draft-04/schema#"


def test_classes_and_packages_that_are_not_there(make_session) -> None:
    session = make_session("Name: Main")
    with pytest.raises(PackageNotFound, match=r"t\.Nothing"):
        schemas(session, "t.Nothing")
    with pytest.raises(ClassNotFound, match=r"t\.Nothing"):
        schemas(session, "t.Nothing", package="t")
    with pytest.raises(PackageNotFound, match="9"):
        schemas(session, "t.Main", version="9")


# With the metadata of the core library

FORM = """
Namespaces: {=: t, meta: io.murano.metadata, forms: io.murano.metadata.forms}
Name: Base
Meta:
  - forms:Section: {name: general, title: General, index: 0}
  - forms:Section: {name: more, title: More}
Properties:
  size:
    Contract: $.int().notNull()
    Meta:
      - forms:Position: {section: general, index: 1}
      - meta:HelpText: {text: In GiB}
---
Namespaces: {=: t, meta: io.murano.metadata, forms: io.murano.metadata.forms}
Name: Main
Extends: Base
Meta:
  - meta:Title: {text: The main one}
  - meta:Description: {text: Does it all}
  - forms:Section: {name: own, title: Own, index: 1}
Properties:
  name:
    Contract: $.string().notNull()
    Meta:
      - meta:Title: {text: Name}
      - forms:Position: {section: own, index: 0}
  secret:
    Contract: $.string()
    Meta: {forms:Hidden: {visible: false}}
Methods:
  fromSize:
    Usage: Static
    Scope: Public
    Meta: {meta:ModelBuilder: {enabled: true}}
    Arguments:
      - size:
          Contract: $.int().notNull().check($ > 0)
          Default: 1
          Meta: {meta:Title: {text: Size}}
    Body: {Return: null}
  disabled:
    Usage: Static
    Scope: Public
    Meta: {meta:ModelBuilder: {enabled: false}}
  hidden:
    Usage: Static
    Meta: {meta:ModelBuilder: {enabled: true}}
"""
CLASSES = {
    "Title": "text: {Contract: $.string().notNull()}",
    "Description": "text: {Contract: $.string().notNull()}",
    "HelpText": "text: {Contract: $.string().notNull()}",
    "ModelBuilder": "enabled: {Contract: $.bool().notNull(), Default: true}",
}
FORMS = {
    "Section": "name: {Contract: $.string()}, title: {Contract: $.string()}, index: {Contract: $.int()}",
    "Position": "section: {Contract: $.string()}, index: {Contract: $.int()}",
    "Hidden": "visible: {Contract: $.bool().notNull(), Default: false}",
}


@pytest.fixture
def form():
    """The schemas of t.Main."""
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.packages.catalogue import Catalogue

    from .conftest import CORE, of_classes, package

    documents = []
    names = []
    for space, rows in (("io.murano.metadata", CLASSES), ("io.murano.metadata.forms", FORMS)):
        for name, properties in rows.items():
            names.append(f"{space}.{name}")
            many = "Many" if name == "Section" else "One"
            documents.append(
                f"Namespaces: {{=: {space}}}\nName: {name}\nUsage: Meta\nCardinality: {many}\n"
                f"Inherited: true\nProperties: {{{properties}}}\n"
            )
    core = dict(CORE)
    listed = ", ".join(f"{name}: meta.yaml" for name in names)
    core["manifest.yaml"] = core["manifest.yaml"].replace("Classes: {", f"Classes: {{{listed}, ")
    core["Classes/meta.yaml"] = "---\n".join(documents)
    return schemas(Session(Catalogue([package(core), package(of_classes(FORM))])), "t.Main")


def test_texts_become_hints(form) -> None:
    whole = form[""]
    assert (whole["title"], whole["description"]) == ("The main one", "Does it all")
    assert whole["properties"]["name"]["title"] == "Name"
    assert whole["properties"]["size"]["helpText"] == "In GiB"
    assert whole["properties"]["secret"]["visible"] is False


def test_sections_of_ancestors_come_first(form) -> None:
    assert form[""]["formSections"] == {
        "general": {"title": "General", "index": 0},
        "own": {"title": "Own", "index": 1},
        "more": {"title": "More"},
    }


def test_positions_are_ranked_over_the_hierarchy(form) -> None:
    properties = form[""]["properties"]
    assert properties["size"]["formSection"] == "general"
    # Three classes: (index + 1) * 3 less the distance of the class that says it
    assert properties["size"]["formIndex"] == 2 * 3 - 1
    assert properties["name"]["formIndex"] == 1 * 3 - 0


def test_model_builders_that_are_public_and_enabled_have_schemas(form) -> None:
    assert set(form) == {"", "fromSize"}
    assert form["fromSize"]["properties"] == {
        "size": {
            "type": "integer",
            "minimum": 0,
            "exclusiveMinimum": True,
            "default": 1,
            "title": "Size",
        }
    }
