"""What the documentation for authors says is so: its example works, and it names all that there is."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from knarr.services.application_catalog.forms.attributes import ATTRIBUTES, TYPES, camel
from knarr.services.application_catalog.forms.reader import SECTIONS, VERSIONS, read

from .support import wizard

TEXT = (Path(__file__).parents[4] / "docs" / "application-forms.md").read_text()


def example() -> str:
    lines = TEXT.split("\n\n")
    return textwrap.dedent(next(block for block in lines if block.startswith("    Version:")))


def test_the_example_works() -> None:
    definition = read(example(), "ui.yaml")
    assert definition.warnings == ()
    made = wizard(definition)
    outcome = made.advance({"app": {"title": "My shop", "count": 2}}, complete=True)
    assert outcome.model is not None
    assert [node["name"] for node in outcome.model["nodes"]] == ["shop-1", "shop-2"]
    wrong = made.advance({"app": {"title": "My shop", "pattern": "shop", "count": 2}})
    assert [error.message for error in wrong.errors] == [
        "With several nodes, the pattern needs a '#' for their numbers"
    ]


@pytest.mark.parametrize(
    "name", [*TYPES, *SECTIONS, "generateHostname", "repeat", "name", "ref", "encryptData"]
)
def test_names_all(name: str) -> None:
    assert re.search(rf"`{name}\b", TEXT)


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_names_all_attributes(name: str) -> None:
    assert f"`{camel(name)}`" in TEXT or f"`{name}`" in TEXT


@pytest.mark.parametrize("version", VERSIONS)
def test_names_all_versions(version: tuple[int, int]) -> None:
    assert f"| {version[0]}.{version[1]} |" in TEXT
