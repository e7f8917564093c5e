"""Reflection, metadata and what is attached where; type objects, extension methods."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import MethodNotFound, MuranoPlError, PropertyWrite
from knarr.services.application_catalog.language.metadata import MetadataFault

SHAPES = """
Name: Shape
Properties:
  name: {Contract: $.string(), Default: shape}
  area: {Usage: Out, Contract: $.int()}
Methods:
  grow:
    Arguments:
      - by: {Contract: $.int().notNull()}
      - more: {Contract: $.int(), Default: 0}
    Body:
      - $.area: $.area + $by
      - Return: $.area
  make:
    Usage: Static
    Body:
      Return: new($this)
---
Name: Circle
Extends: Shape
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("typeinfo(new(Circle)).name", "t.Circle"),
        ("typeinfo(new(Circle)).usage", "Class"),
        ("typeinfo(new(Circle)).version.major", 1),
        ("str(typeinfo(new(Circle)).version)", "1.0.0"),
        ("typeinfo(new(Circle)).ancestors.select($.name)", ("t.Shape", "io.murano.Object")),
        ("typeinfo(new(Circle)).properties.select($.name)", ("name", "area")),
        ("typeinfo(new(Circle)).package.name", "t"),
        ("typeinfo(new(Circle)).type = type(new(Circle))", True),
        ("typeinfo(:Circle).name", "t.Circle"),
        ("typeinfo(new(Circle)).properties.where($.name = name).single().hasDefault", True),
        ("typeinfo(new(Circle)).properties.where($.name = area).single().usage", "Out"),
        ("typeinfo(new(Circle)).properties.where($.name = area).single().declaringType.name", "t.Shape"),
        ("typeinfo(:Shape).methods.where($.name = grow).single().arguments.select($.name)", ("by", "more")),
        (
            "typeinfo(:Shape).methods.where($.name = grow).single().arguments.select($.hasDefault)",
            (False, True),
        ),
        ("typeinfo(:Shape).methods.where($.name = make).single().usage", "Static"),
        (
            "typeinfo(:Shape).methods.where($.name = grow).single().arguments.first().declaringMethod.name",
            "grow",
        ),
        ("typeinfo(:Shape).cardinality", "One"),
    ],
)
def test_types_tell_of_themselves(run, expression: str, value) -> None:
    assert run(f"- Return: {expression}", classes=SHAPES) == value


def test_properties_are_read_and_written_through_reflection(run) -> None:
    body = """
    - $one: new(Circle)
    - $area: typeinfo($one).properties.where($.name = area).single()
    - $area.setValue($one, 7)
    - Return: [$area.getValue($one), $one.area]
    """
    assert run(body, classes=SHAPES) == (7, 7)


def test_methods_are_invoked_through_reflection(run) -> None:
    body = """
    - $one: new(Circle, area => 1)
    - $grow: typeinfo($one).methods.where($.name = grow).single()
    - Return: list($grow.invoke($one, 2), $grow.invoke($one, by => 3))
    """
    assert run(body, classes=SHAPES) == (3, 6)


def test_what_reflection_has_not(run) -> None:
    with pytest.raises(MuranoPlError, match="has no member colour"):
        run("- Return: typeinfo(:Shape).colour", classes=SHAPES)
    with pytest.raises(PropertyWrite, match="name"):
        run("- typeinfo(:Shape).properties.first().setValue(new(Shape), 1)", classes=SHAPES)


# Static members and type objects


def test_static_members_are_reached_by_type_and_by_object(run) -> None:
    classes = """
    Name: Counter
    Properties:
      count: {Usage: Static, Contract: $.int(), Default: 0}
    Methods:
      next:
        Usage: Static
        Body:
          - $.count: $.count + 1
          - Return: $.count
    """
    body = """
    - $values: list(:Counter.next(), new(Counter).next(), type('t.Counter').next())
    - Return:
      - $values
      - new(Counter).count
      - type(new(Counter)) = :Counter
      - new(Counter) is Counter
      - (1 is Counter)
    """
    assert run(body, classes=classes) == ((1, 2, 3), 3, True, True, False)
    with pytest.raises(MethodNotFound, match=r"t\.Counter has no method missing"):
        run("- :Counter.missing()", classes=classes)


EXTENSIONS = """
Name: Numbers
Methods:
  mul:
    Usage: Extension
    Arguments:
      - self: {Contract: $.int().notNull()}
      - by: {Contract: $.int().notNull()}
    Body:
      Return: $self * $by
  named:
    Usage: Extension
    Arguments:
      - self: {Contract: $.class(Thing).notNull()}
    Body:
      Return: $self.name
---
Name: Thing
Properties: {name: {Contract: $.string(), Default: thing}}
---
Name: User
Import: [Numbers]
Methods:
  use:
    Body:
      Return: list(2.mul(3), 2.mul(by => 5), new(Thing).named(), :Numbers.mul(2, 2))
"""


def test_extension_methods_are_there_where_they_are_imported(run) -> None:
    assert run("- Return: new(User).use()", classes=EXTENSIONS) == (6, 10, "thing", 4)
    with pytest.raises(MuranoPlError, match="mul"):
        run("- Return: 2.mul(3)", classes=EXTENSIONS)


def test_extension_methods_are_not_called_on_instances_of_their_class(run) -> None:
    with pytest.raises(MethodNotFound, match="mul"):
        run("- Return: new(Numbers).mul(2, 3)", classes=EXTENSIONS)


# Metadata

META = """
Name: Note
Usage: Meta
Cardinality: Many
Inherited: true
Properties: {text: {Contract: $.string().notNull()}}
---
Name: Mark
Usage: Meta
Applies: [Type, Method]
Properties: {level: {Contract: $.int(), Default: 1}}
---
Name: Kept
Usage: Meta
Inherited: true
Properties: {value: {Contract: $.string()}}
---
Name: Base
Meta:
  - Note: {text: base}
  - Mark: {level: 2}
  - Kept: {value: old}
Properties:
  size:
    Contract: $.int()
    Meta: {Note: {text: about size}}
Methods:
  act:
    Meta: [Mark, Note: {text: about act}]
    Arguments:
      - what:
          Contract: $
          Meta:
            Note: {text: about what}
---
Name: Derived
Extends: Base
Meta:
  - Note: {text: derived}
  - Kept: {value: new}
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("typeinfo(:Base).meta.where($ is Note).select($.text)", ("base",)),
        ("typeinfo(:Derived).meta.where($ is Note).select($.text)", ("derived", "base")),
        ("typeinfo(:Derived).meta.where($ is Mark).len()", 0),
        ("typeinfo(:Base).meta.where($ is Mark).single().level", 2),
        ("typeinfo(:Derived).meta.where($ is Kept).select($.value)", ("new",)),
        ("typeinfo(:Derived).properties.single().meta.select($.text)", ("about size",)),
        ("typeinfo(:Base).methods.single().meta.where($ is Mark).single().level", 1),
        ("typeinfo(:Base).methods.single().arguments.single().meta.single().text", "about what"),
    ],
)
def test_metadata_is_attached_and_inherited(run, expression: str, value) -> None:
    assert run(f"- Return: {expression}", classes=META) == value


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ("{Mark: {}, Note: {text: x}}", None),
        ("[Mark, Mark]", "once only"),
        ("{Base: {}}", "no metadata class"),
        ("{Note: {}}", "text.*null is not allowed"),
        ("{Nowhere: {}}", "Nowhere"),
    ],
)
def test_metadata_that_may_not_be(run, meta: str, words: str | None) -> None:
    classes = META + f"---\nName: Case\nMeta: {meta}\n"
    body = "- Return: typeinfo(:Case).meta.len()"
    if words is None:
        assert run(body, classes=classes) == 2
        return
    with pytest.raises(MuranoPlError, match=words):
        run(body, classes=classes)


def test_metadata_stays_where_it_applies(run) -> None:
    classes = META + "---\nName: Case\nProperties:\n  a: {Contract: $, Meta: {Mark: {}}}\n"
    with pytest.raises(MetadataFault, match="may be attached to Type, Method, not to Property"):
        run("- Return: typeinfo(:Case).properties.single().meta", classes=classes)
