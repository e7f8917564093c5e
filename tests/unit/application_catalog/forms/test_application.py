"""The object model that Application becomes: templates, functions, headers and ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from knarr.services.application_catalog.forms.faults import BudgetExceeded, CloudUnavailable, ExpressionFault

from .support import SUBJECT, Keys, RecordingCloud, define, wizard

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")

FORMS = """
Forms:
  - app:
      fields:
        - {name: pattern, type: string, initial: 'node-#', required: false}
        - {name: count, type: integer, initial: 2}
        - {name: names, type: databaselist, initial: 'a,b'}
"""


def model(text: str, answers: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The object model of a definition (its sections but for Forms) with the answers given."""
    made = wizard(define(text + FORMS, more.pop("version", "2.4")), **more)
    outcome = made.advance({"app": {}, **(answers or {})}, complete=True)
    assert outcome.errors == ()
    assert outcome.model is not None
    json.dumps(outcome.model, allow_nan=False)
    return outcome.model


def fault(text: str, **more: Any) -> str:
    with pytest.raises(ExpressionFault) as raised:
        model(text, **more)
    return str(raised.value)


def application(properties: str) -> str:
    lines = "".join(f"  {line}\n" for line in properties.strip("\n").splitlines())
    return f"Application:\n  ?:\n    type: com.example.Shop\n{lines}"


class TestValues:
    def test_of_the_forms(self) -> None:
        made = model(application("a: $.app.pattern\nb: $.app.count + 1\nc: $.app.names\nd: $forms.app.count"))
        assert (made["a"], made["b"], made["c"], made["d"]) == ("node-#", 3, ["a", "b"], 2)

    def test_that_are_no_expressions(self) -> None:
        made = model(application("a: word\nb: 1\nc: 1.5\nd: true\ne: null\nf: [x, {g: y}]\nh: '$.app.count'"))
        assert {key: value for key, value in made.items() if key != "?"} == {
            "a": "word",
            "b": 1,
            "c": 1.5,
            "d": True,
            "e": None,
            "f": ["x", {"g": "y"}],
            "h": "$.app.count",
        }

    def test_expressions_as_keys(self) -> None:
        assert model(application("!yaql \"'KEY'.toLower()\": 1"))["key"] == 1

    def test_keys_are_text_as_in_json(self) -> None:
        made = model(application("x: {1: a, 1.5: b}\ny: dict(true => c, null => d)"))
        assert (made["x"], made["y"]) == ({"1": "a", "1.5": "b"}, {"true": "c", "null": "d"})

    @pytest.mark.parametrize(
        ("expression", "value"),
        [
            ("$.app.names.select(concat($, x))", ["ax", "bx"]),
            ("$.app.names[1]", "b"),
            ("dict(a => $.app.count)", {"a": 2}),
            ("$.app.missing", None),
            ("$.app.count > 1 and true", True),
            ("switch($.app.count, $ = 1 => one, $ = 2 => two)", "two"),
            ("$.app.names.len()", 2),
            ("range(0, 3).toList()", [0, 1, 2]),
            ("set(1)", [1]),
        ],
    )
    def test_of_yaql(self, expression: str, value: Any) -> None:
        assert model(application(f"x: {expression}"))["x"] == value

    def test_a_network_or_the_environment_s(self) -> None:
        text = """
Templates:
  custom:
    - ?: {type: com.example.Net}
      id: $.net.x[0]
Application:
  ?: {type: com.example.Shop}
  own: $.net.x[0] = null
  networks: switch($.net.x[0], $=null=>list(), $!=null=>$custom)
Forms:
  - net:
      fields:
        - {name: x, type: network, include_subnets: false}
"""
        from knarr.services.application_catalog.forms.cloud import Network

        made = wizard(define(text), RecordingCloud(network_list=[Network("n1", "net")]))
        auto = made.advance({"net": {"x": [None, None]}}, complete=True).model
        one = made.advance({"net": {"x": ["n1", None]}}, complete=True).model
        assert auto is not None
        assert (auto["own"], auto["networks"]) == (True, [])
        assert one is not None
        assert (one["own"], one["networks"][0]["id"]) == (False, "n1")

    def test_the_whole_as_an_expression(self) -> None:
        text = "Templates:\n  app:\n    ?:\n      type: com.example.Shop\n    x: 1\nApplication: $app\n"
        made = model(text)
        assert (made["?"]["type"], made["?"]["name"], made["x"]) == ("com.example.Shop", "Shop", 1)

    def test_that_is_no_object(self) -> None:
        assert fault("Application: $.app.names\n") == (
            "Application does not give an object: there is no header '?'"
        )


class TestHeaders:
    def test_of_the_application(self) -> None:
        header = model(application("x: 1"))["?"]
        assert UUID.match(header.pop("id"))
        assert header == {"type": "com.example.Shop", "name": "Shop"}

    def test_keeps_class_version_and_package(self) -> None:
        text = (
            "Application:\n  ?:\n    type: com.example.Shop\n    classVersion: 1.2\n"
            "    package: com.example\n    metadata: {a: $.app.count}\n"
        )
        header = model(text)["?"]
        assert (header["classVersion"], header["package"], header["metadata"]) == (
            "1.2",
            "com.example",
            {"a": 2},
        )

    def test_type_of_an_expression(self) -> None:
        assert model("Application:\n  ?:\n    type: concat('com.example.', Shop)\n")["?"]["type"] == (
            "com.example.Shop"
        )

    def test_type_that_is_none(self) -> None:
        assert (
            fault("Application:\n  ?:\n    type: $.app.missing\n")
            == "the header '?' of an object has no type"
        )

    def test_each_object_has_an_id_of_its_own(self) -> None:
        made = model(
            "Templates:\n  t:\n    ?: {type: a.B, id: fixed}\n"
            + application("a: $t\nb: $t\nc: [$t, {d: $t}]")
        )
        ids = [made["?"], made["a"]["?"], made["b"]["?"], made["c"][0]["?"], made["c"][1]["d"]["?"]]
        assert all(UUID.match(header["id"]) for header in ids)
        assert len({header["id"] for header in ids}) == 5

    def test_two_requests_give_two_objects(self) -> None:
        text = application("x: 1")
        assert model(text)["?"]["id"] != model(text)["?"]["id"]


class TestName:
    def test_of_the_user_s_choice(self) -> None:
        made = model(application("title: name()"), {"workflowManagement": {"application_name": "my-shop"}})
        assert (made["?"]["name"], made["title"]) == ("my-shop", "my-shop")

    def test_is_in_the_answers(self) -> None:
        assert model(application("x: $.workflowManagement.application_name"))["x"] == "Shop"

    @pytest.mark.parametrize("version", ["2.0", "2.1"])
    def test_is_not_asked_for_before_2_2(self, version: str) -> None:
        made = wizard(define(application("title: name()") + FORMS, version))
        assert made.steps == ("app",)
        outcome = made.advance({"app": {}})
        assert outcome.model is not None
        assert outcome.model["title"] is None
        assert "name" not in outcome.model["?"]

    @pytest.mark.parametrize("version", ["2.2", "2.3", "2.4"])
    def test_is_asked_for_since_2_2(self, version: str) -> None:
        made = wizard(define(application("x: 1") + FORMS, version))
        assert made.steps == ("app", "workflowManagement")
        form = made.advance({"app": {}}).form
        assert form is not None
        (field,) = form.fields
        assert (field.name, field.value, field.required) == ("application_name", "Shop", True)

    @pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 256])
    def test_that_is_none(self, name: str) -> None:
        made = wizard(define(application("x: 1") + FORMS))
        outcome = made.advance({"app": {}, "workflowManagement": {"application_name": name}})
        assert [error.field for error in outcome.errors] == ["application_name"]


class TestGenerateHostname:
    def test_of_a_pattern(self) -> None:
        made = model(application("a: generateHostname($.app.pattern, 3)\nb: generateHostname('#-#', 12)"))
        assert (made["a"], made["b"]) == ("node-3", "12-12")

    @pytest.mark.parametrize("empty", ["''", "null"])
    def test_without_pattern_is_short_and_new(self, empty: str) -> None:
        made = model(application(f"a: range(0, 50).select(generateHostname({empty}, 1)).toList()"))
        assert len(set(made["a"])) == 50
        assert all(re.fullmatch(r"[a-z]{5}[a-z0-9]{9,10}", name) for name in made["a"])

    def test_misuse(self) -> None:
        assert "generateHostname" in fault(application("a: generateHostname(1, 2)"))


class TestRepeat:
    def test_counts_from_one(self) -> None:
        text = """
Templates:
  node:
    ?: {type: com.example.Node}
    name: generateHostname($.app.pattern, $index)
"""
        made = model(text + application("nodes: repeat($node, $.app.count)"))
        assert [node["name"] for node in made["nodes"]] == ["node-1", "node-2"]
        assert len({node["?"]["id"] for node in made["nodes"]}) == 2

    def test_with_further_calculation(self) -> None:
        text = "Templates:\n  n: $index + 1\n"
        assert model(text + application("x: repeat($n, $.app.count - 1)"))["x"] == [2]

    def test_in_a_repeated_template(self) -> None:
        text = "Templates:\n  inner: $index * 10\n"
        text += "  outer:\n    a: $index\n    b: repeat($inner, 2)\n    c: $index\n"
        assert model(text + application("x: repeat($outer, 2)"))["x"] == [
            {"a": 1, "b": [10, 20], "c": 1},
            {"a": 2, "b": [10, 20], "c": 2},
        ]

    @pytest.mark.parametrize("times", ["0", "-1"])
    def test_never(self, times: str) -> None:
        assert model(application(f"x: repeat(a, {times})"))["x"] == []

    def test_too_often(self) -> None:
        assert "1000000 times is more than the 10000 that are allowed" in fault(
            application("x: repeat(a, 1000000)")
        )


class TestRef:
    TEMPLATES = """
Templates:
  server:
    ?: {type: com.example.Server}
    host: generateHostname('', 1)
"""

    def test_is_one_object(self) -> None:
        made = model(self.TEMPLATES + application("a: ref(server)\nb: {c: ref(server)}\nd: ref(server)"))
        assert made["a"]["?"]["type"] == "com.example.Server"
        assert made["b"]["c"] == made["d"] == made["a"]["?"]["id"]
        assert UUID.match(made["d"])

    def test_several_of_a_template(self) -> None:
        made = model(
            self.TEMPLATES + application("a: ref(server, one)\nb: ref(server, two)\nc: ref(server, one)")
        )
        assert made["a"]["?"]["id"] != made["b"]["?"]["id"]
        assert made["c"] == made["a"]["?"]["id"]

    def test_the_id_or_the_object_whatever_use_it_is(self) -> None:
        made = model(
            self.TEMPLATES
            + application("a: ref(server, one, true)\nb: ref(server, one, false)\nc: ref(server, one)")
        )
        assert made["a"] == made["c"] == made["b"]["?"]["id"]
        assert made["b"]["host"]

    def test_of_templates_in_templates(self) -> None:
        text = self.TEMPLATES + "  part:\n    ?: {type: com.example.Part}\n    at: ref(server)\n"
        made = model(text + application("parts: repeat($part, 3)"))
        first, second, third = (part["at"] for part in made["parts"])
        assert first["?"]["id"] == second == third

    def test_of_what_is_not_there(self) -> None:
        assert fault(self.TEMPLATES + application("a: ref(sever)")) == (
            "ui.yaml:9: ref(sever): ref: there is no template 'sever' (known: server); did you mean 'server'?"
        )

    def test_of_what_is_no_object(self) -> None:
        assert "ref: the template 't' is no object: it has no header '?'" in fault(
            "Templates:\n  t: {a: 1}\n" + application("a: ref(t)")
        )

    def test_of_itself(self) -> None:
        text = "Templates:\n  t:\n    ?: {type: a.B}\n    self: ref(t)\n"
        with pytest.raises(BudgetExceeded):
            model(text + application("a: ref(t)"))


class TestEncryptData:
    def test_keeps_the_secret_elsewhere(self) -> None:
        keys = Keys()
        made = model(application("a: encryptData($.app.pattern)"), keys=keys)
        assert (made["a"], keys.kept) == ("key-1", ["node-#"])

    def test_without_key_manager(self) -> None:
        assert fault(application("a: encryptData(x)")).endswith("encryptData: this cloud has no key manager")

    def test_that_does_not_answer(self) -> None:
        class Broken:
            def store(self, secret: str) -> str:
                raise CloudUnavailable("the key manager is away")

        assert fault(application("a: encryptData(x)"), keys=Broken()).endswith("the key manager is away")


class TestFailures:
    @pytest.mark.parametrize(
        ("expression", "words"),
        [
            ("$.get(nothing).here", "what is before .here is null or has no parts"),
            ("unknown(1)", 'Unknown function "unknown" (text that is no expression must be quoted)'),
            ("$.app.count + a", "(is something null on the way, or of another type?)"),
            ("generateHostname('x-#', $index)", "($index is there in what repeat makes only)"),
            ("1 / ($.app.count - 2)", "division"),
            ("regex(a)", "a value of the kind Pattern cannot be part of the result"),
            ("float('nan')", "nan is no number that JSON has"),
            ("9223372036854775807 + $.app.count", "a whole number is larger than 64 bits hold"),
            ("dict([[1], 2])", "a key must be a scalar"),
        ],
    )
    def test_have_place_and_words(self, expression: str, words: str) -> None:
        told = fault(application(f"x: {expression}"))
        assert told.startswith("ui.yaml:5: ")
        assert words in told

    def test_secrets_of_the_user_are_not_told(self) -> None:
        text = application("x: $.app.pw + 1") + FORMS + "        - {name: pw, type: password}\n"
        with pytest.raises(ExpressionFault) as raised:
            wizard(define(text), confirm=False).advance({"app": {"pw": "Sesame-42!"}}, complete=True)
        assert "Sesame" not in str(raised.value)


def test_the_subject_of_the_tests_has_a_short_name() -> None:
    assert SUBJECT.full_name.endswith(".Shop")
