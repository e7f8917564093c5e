"""Definitions of version 1.0: how they write expressions, tables, and objects made of fields."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from knarr.services.application_catalog.forms.definition import Definition
from knarr.services.application_catalog.forms.faults import DefinitionFault
from knarr.services.application_catalog.forms.reader import read
from knarr.services.application_catalog.forms.wizard import Outcome

from .support import GOOD_PASSWORD, wizard

CLUSTER = """
    name: Cluster
    type: sqlCluster
    description: A cluster.
    unitTemplates:
      - {isMaster: true, name: 'node-#'}
      - isMaster: false
        name: 'node-#'
        secret: {YAQL: $.service.secret}
    forms:
      - service:
          fields:
            - {name: title, type: string, hidden: true, required: false, attributeNames: false}
            - {name: name, type: string, attributeNames: [name, domain], widgetAttrs: {class: wide}}
            - {name: external, type: boolean, required: false}
            - {name: user, type: string, enabled: {YAQL: $.service.external}}
            - {name: secret, type: password, attributeNames: false}
            - {name: count, type: instance, minValue: 1, maxValue: 4, initial: 3, attributeNames: units}
          validators:
            - expr: {YAQL: $.service.count < 4 or $.service.external}
              message: external from four
"""


def old(text: str) -> Definition:
    return read(textwrap.dedent(text), "ui.yaml")


def through(definition: Definition, **answers: Any) -> Outcome:
    return wizard(definition, confirm=False).advance(answers, complete=True)


class TestObjects:
    def test_of_the_fields(self) -> None:
        outcome = through(old(CLUSTER), service={"name": "db", "secret": GOOD_PASSWORD})
        assert outcome.errors == ()
        assert outcome.model is not None
        header = outcome.model.pop("?")
        assert header["type"] == "sqlCluster"
        assert outcome.model == {
            "name": "db",
            "domain": "db",
            "external": False,
            "user": "",
            "units": [
                {"isMaster": True, "name": "node-1"},
                {"isMaster": False, "name": "node-2", "secret": GOOD_PASSWORD},
                {"isMaster": False, "name": "node-3", "secret": GOOD_PASSWORD},
            ],
        }

    def test_type_of_the_package(self) -> None:
        outcome = through(old("forms:\n  - a:\n      fields: [{name: x, type: integer}]"), a={"x": 1})
        assert outcome.model is not None
        assert (outcome.model["?"]["type"], outcome.model["x"]) == ("com.example.Shop", 1)

    def test_with_an_application(self) -> None:
        text = """
            Version: 1.0
            Application:
              ?: {type: a.B}
              y: {YAQL: $.a.x + 1}
            Forms:
              - a:
                  fields: [{name: x, type: integer}]
        """
        outcome = through(old(text), a={"x": 1})
        assert outcome.model is not None
        assert outcome.model["y"] == 2

    def test_no_name_is_asked_for(self) -> None:
        assert wizard(old(CLUSTER)).steps == ("service",)


class TestRules:
    def test_count(self) -> None:
        given = {"name": "db", "secret": GOOD_PASSWORD}
        assert through(old(CLUSTER), service={**given, "count": 5}).errors[0].code == "max_value"
        assert through(old(CLUSTER), service={**given, "count": 4}).errors[0].message == "external from four"

    def test_enabled(self) -> None:
        outcome = through(old(CLUSTER), service={"name": "a", "secret": GOOD_PASSWORD, "external": True})
        assert [(error.field, error.code) for error in outcome.errors] == [("user", "required")]

    def test_a_wrong_expression(self) -> None:
        with pytest.raises(DefinitionFault, match=r"ui.yaml:3: YAQL: '1 \+' is no expression"):
            old("forms:\n  - a:\n      fields: [{name: x, type: string, enabled: {YAQL: '1 +'}}]")

    def test_wrong_templates(self) -> None:
        with pytest.raises(DefinitionFault, match="unitTemplates is a list of mappings"):
            old("forms: []\nunitTemplates: [a]")


class TestTables:
    TEXT = """
        type: t
        unitTemplates: [{role: first}, {role: rest}]
        forms:
          - a:
              fields:
                - name: nodes
                  type: table
                  attributeNames: units
                  columns:
                    - {columnName: name, columnType: label, title: Node}
                    - {columnName: isSync, columnType: checkbox}
                    - {columnName: isMaster, columnType: radio}
                  minValue: 2
                  maxValue: 3
                  maxSync: 1
    """

    @staticmethod
    def row(name: str, sync: bool = False, master: bool = False) -> dict[str, Any]:
        return {"name": name, "isSync": sync, "isMaster": master}

    def test_rows_are_units(self) -> None:
        outcome = through(old(self.TEXT), a={"nodes": [self.row("x", True, True), {"name": "y"}]})
        assert outcome.model is not None
        assert outcome.model["units"] == [
            {"role": "first", "name": "x", "isSync": True, "isMaster": True},
            {"role": "rest", "name": "y", "isSync": False, "isMaster": False},
        ]

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([], "Nodes is required"),
            ([{"name": "x", "isMaster": True}], "Nodes must be at least 2"),
            ([{"name": "x"}, {"name": "y"}], "Nodes: exactly one row must have isMaster"),
            ([{"isSync": True, "isMaster": True}, {"isSync": True}], "Nodes: at most 1 rows may have isSync"),
            ([{"port": 1}], "Nodes: the table has no column 'port'"),
            ("x", "Nodes: a list of at most 1000 rows is wanted here"),
            ([1], "Nodes: a list of at most 1000 rows is wanted here"),
        ],
    )
    def test_wrong_rows(self, rows: Any, message: str) -> None:
        (error,) = through(old(self.TEXT), a={"nodes": rows}).errors
        assert error.message == message

    def test_is_shown_with_columns(self) -> None:
        form = wizard(old(self.TEXT)).start().form
        assert form is not None
        assert (form.fields[0].widget, len(form.fields[0].columns)) == ("table", 3)

    @pytest.mark.parametrize("columns", ["a", "[a]", "[{columnName: x}]", "[{columnName: x, columnType: y}]"])
    def test_wrong_columns(self, columns: str) -> None:
        with pytest.raises(DefinitionFault, match="columns"):
            old(f"type: t\nforms:\n  - a:\n      fields: [{{name: x, type: table, columns: {columns}}}]")
