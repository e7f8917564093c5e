"""The way from form to form: each request brings all answers, and nothing is kept in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from knarr.services.application_catalog.forms.faults import CloudUnavailable, ExpressionFault
from knarr.services.application_catalog.forms.reader import of_package
from knarr.services.application_catalog.forms.wizard import Subject, Wizard

from ..conftest import package
from .support import GOOD_PASSWORD, RecordingCloud, define, wizard

SHOP = define(
    """
    Application:
      ?: {type: com.example.Shop}
      title: $.first.title
      size: $.second.size
    Forms:
      - first:
          fields:
            - {name: title, type: string, initial: shop, maxLength: 8}
            - {name: note, type: string, hidden: true, required: false, initial: hello}
      - second:
          fields:
            - {name: size, type: integer, initial: $.first.title.len()}
            - {name: half, type: integer, initial: $.second.size / 2, required: false}
    """
)


class TestSteps:
    def test_one_after_the_other(self) -> None:
        made = wizard(SHOP)
        first = made.start()
        assert first.steps == ("first", "second", "workflowManagement")
        assert first.form is not None
        assert (first.form.name, first.form.index, first.done) == ("first", 0, False)
        second = made.advance({"first": {"title": "ab"}})
        assert second.form is not None
        assert (second.form.name, second.form.index) == ("second", 1)
        third = made.advance({"first": {"title": "ab"}, "second": {}})
        assert third.form is not None
        assert third.form.name == "workflowManagement"
        last = made.advance({"first": {"title": "ab"}, "second": {}, "workflowManagement": {}})
        assert (last.form, last.errors, last.done) == (None, (), True)
        assert last.model is not None
        assert (last.model["title"], last.model["size"]) == ("ab", 2)

    def test_answers_before_are_seen(self) -> None:
        form = wizard(SHOP).advance({"first": {"title": "abcd"}}).form
        assert form is not None
        assert [field.value for field in form.fields] == [4, 2]

    def test_all_at_once(self) -> None:
        answers = {"first": {"title": "abc"}, "second": {"size": 7}, "workflowManagement": {}}
        outcome = wizard(SHOP).advance(answers)
        assert outcome.model is not None
        assert outcome.model["size"] == 7

    def test_what_is_not_answered_begins_with_its_value(self) -> None:
        outcome = wizard(SHOP).advance({}, complete=True)
        assert outcome.data == {
            "first": {"title": "shop", "note": "hello"},
            "second": {"size": 4, "half": 2},
            "workflowManagement": {"application_name": "Shop"},
        }

    def test_what_is_emptied_is_empty(self) -> None:
        outcome = wizard(SHOP).advance({"first": {"note": ""}, "second": {"half": None}}, complete=True)
        assert (outcome.data["first"]["note"], outcome.data["second"]["half"]) == ("", None)

    def test_errors_lead_back(self) -> None:
        outcome = wizard(SHOP).advance({"first": {"title": "too long a title"}, "second": {"size": "x"}})
        assert outcome.form is not None
        assert (outcome.form.name, outcome.form.errors) == ("first", outcome.errors)
        assert [(error.form, error.field, error.code) for error in outcome.errors] == [
            ("first", "title", "max_length")
        ]
        assert outcome.form.fields[0].value == "too long a title"

    def test_all_errors_of_a_form_at_once(self) -> None:
        outcome = wizard(SHOP).advance({"first": {}, "second": {"size": "x", "half": "y"}})
        assert [error.field for error in outcome.errors] == ["size", "half"]

    def test_what_depends_on_a_wrong_answer_is_not_looked_at(self) -> None:
        definition = define(
            """
            Forms:
              - app:
                  fields:
                    - {name: size, type: integer}
                    - {name: more, type: integer, initial: $.app.size + 1, enabled: $.app.size > 2}
            """
        )
        (error,) = wizard(definition).advance({"app": {"size": "x"}}).errors
        assert error.field == "size"

    def test_the_same_request_has_the_same_answer(self) -> None:
        made = wizard(SHOP)
        assert made.advance({"first": {}}) == made.advance({"first": {}})

    def test_without_forms(self) -> None:
        outcome = wizard(define("Forms: []", "2.0")).start()
        assert outcome.steps == ()
        assert outcome.model is not None


def test_many_may_go_at_once() -> None:
    made = wizard(SHOP)
    titles = [f"shop{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = pool.map(lambda title: made.advance({"first": {"title": title}}, complete=True), titles)
        assert [outcome.data["first"]["title"] for outcome in outcomes] == titles


class TestStrangeAnswers:
    @pytest.mark.parametrize(
        ("answers", "error"),
        [
            ([], ("", None, "invalid", "the answers must be a mapping of forms to fields")),
            ("x", ("", None, "invalid", "the answers must be a mapping of forms to fields")),
            ({"frist": {}}, ("frist", None, "unknown", "there is no such form; did you mean 'first'?")),
            ({1: {}}, ("1", None, "unknown", "there is no such form")),
            ({"first": []}, ("first", None, "invalid", "the answers must be a mapping of fields")),
            (
                {"first": {"titel": 1}},
                ("first", "titel", "unknown", "there is no such field; did you mean 'title'?"),
            ),
            (
                {"first": {"title-clone": 1}},
                ("first", "title-clone", "unknown", "there is no such field; did you"),
            ),
        ],
    )
    def test_are_told(self, answers: Any, error: tuple[str, str | None, str, str]) -> None:
        outcome = wizard(SHOP).advance(answers)
        (found,) = outcome.errors
        assert (found.form, found.field, found.code) == error[:3]
        assert found.message.startswith(error[3])
        assert (outcome.form, outcome.done) == (None, False)

    def test_are_not_too_deep(self) -> None:
        deep: Any = "x"
        for _ in range(5000):
            deep = [deep]
        (error,) = wizard(SHOP).advance({"first": {"title": deep}}).errors
        assert error.message == "the answers are nested deeper than 40 levels"

    def test_names_that_cannot_be_written_are_escaped(self) -> None:
        (error,) = wizard(SHOP).advance({"first": {"\ud800": 1}}).errors
        assert error.field == "\\ud800"

    def test_a_form_of_null_is_not_answered(self) -> None:
        form = wizard(SHOP).advance({"first": None}).form
        assert form is not None
        assert form.name == "first"


class TestShownForms:
    def test_are_data_for_json(self) -> None:
        form = wizard(SHOP).start().form
        assert form is not None
        plain = json.loads(json.dumps(form.plain()))
        assert plain["steps"] == ["first", "second", "workflowManagement"]
        assert plain["fields"][0]["value"] == "shop"
        assert plain["errors"] == []

    def test_outcomes_are_data_for_json(self) -> None:
        plain = json.loads(json.dumps(wizard(SHOP).advance({"first": {"title": "a" * 9}}).plain()))
        assert plain["errors"][0]["code"] == "max_length"
        assert plain["model"] is None
        assert "data" not in plain
        done = json.loads(json.dumps(wizard(SHOP).advance({}, complete=True).plain()))
        assert (done["form"], done["model"]["title"]) == (None, "shop")

    @pytest.mark.parametrize("given", [float("nan"), "\ud800", 2**70, object(), b"x"])
    def test_what_json_cannot_say_is_not_shown_again(self, given: Any) -> None:
        form = wizard(SHOP).advance({"first": {}, "second": {"size": given}}).form
        assert form is not None
        assert form.fields[0].value is None

    def test_a_password_has_a_second_input(self) -> None:
        definition = define("Forms:\n  - app:\n      fields: [{name: pw, type: password, label: Secret}]")
        form = wizard(definition).start().form
        assert form is not None
        assert [(field.name, field.label, field.confirms) for field in form.fields] == [
            ("pw", "Secret", None),
            ("pw-clone", "Secret again", "pw"),
        ]
        alone = wizard(definition, confirm=False).start().form
        assert alone is not None
        assert [field.name for field in alone.fields] == ["pw"]

    def test_texts_are_not_markup(self) -> None:
        definition = define(
            "Forms:\n  - app:\n      fields: [{name: a, type: string, label: '<b>&', description: '<i>'}]"
        )
        form = wizard(definition).start().form
        assert form is not None
        assert (form.fields[0].label, form.fields[0].description) == ("<b>&", "<i>")


class TestStaying:
    def test_is_asked_if_wanted(self) -> None:
        form = wizard(SHOP, ask_to_stay=True).advance({"first": {}, "second": {}}).form
        assert form is not None
        assert [field.name for field in form.fields] == ["application_name", "stay_at_the_catalog"]

    def test_is_told(self) -> None:
        made = wizard(SHOP, ask_to_stay=True)
        answers = {"workflowManagement": {"stay_at_the_catalog": True}}
        assert made.advance(answers, complete=True).stay_at_catalog is True
        assert made.advance({}, complete=True).stay_at_catalog is False

    def test_alone_before_2_2(self) -> None:
        made = wizard(define("Forms: []", "2.1"), ask_to_stay=True)
        form = made.start().form
        assert form is not None
        assert [field.name for field in form.fields] == ["stay_at_the_catalog"]


class Actions:
    """Static actions that return what they were made with."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self.called: list[tuple[Any, ...]] = []

    def __call__(self, *call: Any) -> Mapping[str, Any]:
        self.called.append(call)
        if isinstance(self.result, Exception):
            raise self.result
        found: Mapping[str, Any] = self.result
        return found


class TestParameters:
    TEXT = """
        Parameters:
          one: 1
          two: $one + 1
          host: generateHostname('', 1)
        ParametersSource: {source}
        Application:
          ?: {{type: com.example.Shop}}
          two: $two
          host: $host
          more: $more
        Forms:
          - app:
              fields:
                - {{name: x, type: integer, initial: $two}}
    """

    def text(self, source: str = "com.example.Tool.defaults") -> str:
        import textwrap

        return textwrap.dedent(self.TEXT.format(source=source))

    def test_are_seen_by_forms_and_application(self) -> None:
        made = wizard(define(self.text()), actions=Actions({"more": [1]}))
        outcome = made.start()
        assert outcome.form is not None
        assert outcome.form.fields[0].value == 2
        assert outcome.parameters["more"] == [1]
        done = made.advance({}, complete=True)
        assert done.model is not None
        assert (done.model["two"], done.model["more"]) == (2, [1])

    def test_are_evaluated_once_if_they_are_brought_again(self) -> None:
        actions = Actions({"more": 1})
        made = wizard(define(self.text()), actions=actions)
        kept = json.loads(json.dumps(made.start().parameters))
        outcome = made.advance({}, kept, complete=True)
        assert outcome.model is not None
        assert outcome.model["host"] == kept["host"]
        assert len(actions.called) == 1

    def test_of_the_method_come_before_those_of_the_file(self) -> None:
        outcome = wizard(define(self.text()), actions=Actions({"one": 5})).start()
        assert (outcome.parameters["one"], outcome.parameters["two"]) == (5, 6)

    @pytest.mark.parametrize(
        ("source", "class_name"),
        [("com.example.Tool.defaults", "com.example.Tool"), ("defaults", "com.example.Shop")],
    )
    def test_the_method_is_called(self, source: str, class_name: str) -> None:
        actions = Actions({})
        wizard(define(self.text(source)), actions=actions).start()
        assert actions.called == [(class_name, "defaults", "com.example.Shop", "1.2.0")]

    def test_values_of_the_method_are_no_expressions(self) -> None:
        outcome = wizard(define(self.text()), actions=Actions({"more": "$one + 1"})).start()
        assert outcome.parameters["more"] == "$one + 1"

    @pytest.mark.parametrize("name", ["", "1a", "_a", "a-b", "forms", "?service", 5])
    def test_names_that_cannot_be_written_are_left_out(self, name: Any) -> None:
        made = wizard(define(self.text()), actions=Actions({name: 1, "more": 2}))
        assert name not in made.start().parameters
        assert name not in made.advance({}, {name: 1, "one": 1}).parameters

    @pytest.mark.parametrize(
        ("actions", "words"),
        [
            (None, "ParametersSource: static actions cannot be called here"),
            (Actions([1]), "com.example.Tool.defaults must return a mapping"),
            (Actions(CloudUnavailable("it broke")), "com.example.Tool.defaults failed: it broke"),
        ],
    )
    def test_a_method_that_gives_none(self, actions: Any, words: str) -> None:
        with pytest.raises(ExpressionFault) as raised:
            wizard(define(self.text()), actions=actions).start()
        assert str(raised.value).startswith("ui.yaml:6: ")
        assert words in str(raised.value)

    def test_nothing_is_no_parameters(self) -> None:
        assert "more" not in wizard(define(self.text()), actions=Actions(None)).start().parameters

    @pytest.mark.parametrize("kept", [[1], "x", 5])
    def test_that_are_none(self, kept: Any) -> None:
        with pytest.raises(ExpressionFault, match="parameters must be a mapping"):
            wizard(SHOP).advance({}, kept)

    def test_one_that_fails(self) -> None:
        with pytest.raises(ExpressionFault, match=r"ui.yaml:2: \$b.c cannot be evaluated"):
            wizard(define("Parameters: {a: $b.c}\nForms: []")).start()


def test_of_a_package() -> None:
    manifest = "Format: 1.4\nType: Application\nFullName: com.example.Kiosk\nVersion: 2.1.0\n"
    files = {
        "manifest.yaml": manifest + "UI: f.yaml\n",
        "UI/f.yaml": "Application:\n  ?: {type: com.example.Kiosk}\nForms: []\n",
    }
    opened = package(files)
    definition = of_package(opened)
    assert definition is not None
    assert definition.file == "UI/f.yaml"
    assert Subject.of(opened) == Subject("com.example.Kiosk", "2.1.0")
    outcome = Wizard(definition, Subject.of(opened)).advance({}, complete=True)
    assert outcome.model is not None
    assert outcome.model["?"]["name"] == "Kiosk"


def test_of_a_package_without_one() -> None:
    manifest = "Format: 1.4\nType: Library\nFullName: com.example.Lib\nVersion: 1.0.0\n"
    assert of_package(package({"manifest.yaml": manifest})) is None


def test_a_password_gets_into_the_model_and_nowhere_else() -> None:
    definition = define(
        """
        Application:
          ?: {type: com.example.Shop}
          secret: $.app.pw
        Forms:
          - app:
              fields: [{name: pw, type: password}]
        """
    )
    answers = {"app": {"pw": GOOD_PASSWORD, "pw-clone": GOOD_PASSWORD}}
    outcome = wizard(definition, RecordingCloud()).advance(answers, complete=True)
    assert outcome.model is not None
    assert outcome.model["secret"] == GOOD_PASSWORD
    assert GOOD_PASSWORD not in repr(outcome)
