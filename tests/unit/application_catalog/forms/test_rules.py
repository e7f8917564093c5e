"""Rules of fields and forms: required, lengths, ranges, patterns, expressions; and the words for them."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.services.application_catalog.forms.definition import Definition
from knarr.services.application_catalog.forms.faults import ExpressionFault
from knarr.services.application_catalog.language.trials import workers

from .support import answer, define, error_of, value_of, view, with_field, wizard


class TestRequired:
    @pytest.mark.parametrize("given", ["", "  ", None])
    def test_unless_it_says_otherwise(self, given: Any) -> None:
        assert error_of("name: x\ntype: string\nlabel: The name", given) == (
            "required",
            "The name is required",
        )
        assert value_of("name: x\ntype: string\nrequired: false", given) == ""

    def test_in_the_author_s_words(self) -> None:
        spec = "name: x\ntype: string\nerrorMessages: {required: Give it!}"
        assert error_of(spec, "") == ("required", "Give it!")

    def test_may_depend(self) -> None:
        spec = "name: x\ntype: string\nrequired: $.app.x = null"
        assert error_of(spec, "")[0] == "required"


class TestSizes:
    @pytest.mark.parametrize(
        ("kind", "given", "code"),
        [
            ("string", "a", "min_length"),
            ("string", "abcde", "max_length"),
            ("text", "abcde", "max_length"),
            ("integer", 5, "min_length"),
            ("integer", "12345", "max_length"),
            ("databaselist", "abcde", "max_length"),
        ],
    )
    def test_of_text(self, kind: str, given: Any, code: str) -> None:
        assert error_of(f"name: x\ntype: {kind}\nminLength: 2\nmaxLength: 4", given)[0] == code

    def test_at_the_edges(self) -> None:
        for given in ("ab", "abcd"):
            assert value_of("name: x\ntype: string\nminLength: 2\nmaxLength: 4", given) == given

    def test_words(self) -> None:
        assert error_of("name: x\ntype: string\nminLength: 2", "a")[1] == (
            "X must have at least 2 characters (it has 1)"
        )
        spec = "name: x\ntype: string\nmaxLength: 2\nerrorMessages: {maxLength: shorter}"
        assert error_of(spec, "abc") == ("max_length", "shorter")

    @pytest.mark.parametrize(
        ("given", "error"),
        [(1, ("min_value", "X must be at least 2")), (9, ("max_value", "X must be at most 8"))],
    )
    def test_of_numbers(self, given: int, error: tuple[str, str]) -> None:
        assert error_of("name: x\ntype: integer\nminValue: 2\nmaxValue: 8", given) == error

    def test_may_be_evaluated(self) -> None:
        assert error_of("name: x\ntype: integer\nmaxValue: 2 + 3", 6) == ("max_value", "X must be at most 5")

    def test_nothing_has_no_size(self) -> None:
        assert value_of("name: x\ntype: string\nminLength: 5\nrequired: false", "") == ""


class TestPatterns:
    def test_are_searched(self) -> None:
        assert value_of("name: x\ntype: string\nregexpValidator: 'b+'", "abc") == "abc"
        assert error_of("name: x\ntype: string\nregexpValidator: '^b+$'", "abc") == (
            "invalid",
            "X has not the form that is wanted",
        )

    def test_flags(self) -> None:
        assert value_of("name: x\ntype: string\nregexpValidator: '/^abc$/i'", "ABC") == "ABC"
        assert error_of("name: x\ntype: string\nregexpValidator: '/^abc$/'", "ABC")[0] == "invalid"

    def test_in_the_author_s_words(self) -> None:
        spec = "name: x\ntype: string\nregexpValidator: a\nerrorMessages: {invalid: with an a}"
        assert error_of(spec, "b") == ("invalid", "with an a")

    def test_are_hints_for_pages(self) -> None:
        spec = (
            "name: x\ntype: string\nregexpValidator: /a/i\nerrorMessages: {invalid: m}\n"
            "validators: [{expr: {regexpValidator: b}, message: n}]"
        )
        assert [(hint.regex, hint.message) for hint in view(spec).patterns] == [("a", "m"), ("b", "n")]

    def test_of_an_expression(self) -> None:
        spec = "name: x\ntype: string\nregexpValidator: concat('^', 'a+', '$')"
        assert value_of(spec, "aa") == "aa"
        assert error_of(spec, "b")[0] == "invalid"

    def test_on_other_types(self) -> None:
        assert error_of("name: x\ntype: integer\nregexpValidator: '^1'", 23)[0] == "invalid"
        assert error_of("name: x\ntype: databaselist\nregexpValidator: '^a'", "b,a")[0] == "invalid"

    def test_that_backtrack_come_to_an_end(self) -> None:
        code, message = error_of("name: x\ntype: string\nregexpValidator: '^(a+)+$'", "a" * 40 + "b")
        assert code == "invalid"
        assert message.endswith("takes too long on a text of 41 characters")

    def test_after_their_process_was_ended_others_work(self) -> None:
        spec = "name: x\ntype: string\nregexpValidator: '^(a+)+$'"
        assert value_of(spec, "aaaa") == "aaaa"
        assert workers.idle
        for worker in workers.idle:
            worker.process.kill()
            worker.process.wait()
        assert value_of(spec, "aaaaa") == "aaaaa"

    def test_after_one_that_did_not_end_others_work(self) -> None:
        spec = "name: x\ntype: string\nregexpValidator: '^(a+)+$'"
        error_of(spec, "a" * 40 + "b")
        assert value_of(spec, "aaaa") == "aaaa"


class TestFieldValidators:
    SPEC = """
        name: x
        type: integer
        validators:
          - expr: $ > 3
            message: more than three
          - expr: $ mod 2 = 0
            message: even
          - expr: {regexpValidator: '^[0-8]$'}
            message: one digit below nine
    """

    @pytest.mark.parametrize(
        ("given", "message"), [(2, "more than three"), (5, "even"), (10, "one digit below nine")]
    )
    def test_see_the_value(self, given: int, message: str) -> None:
        assert error_of(self.SPEC, given) == ("invalid", message)

    def test_all_hold(self) -> None:
        assert value_of(self.SPEC, 8) == 8

    def test_see_all_answers_as_well(self) -> None:
        definition = define(
            """
            Forms:
              - app:
                  fields:
                    - {name: least, type: integer}
                    - name: most
                      type: integer
                      validators:
                        - expr: $ >= $forms.app.least
                          message: not below the least
            """
        )
        assert wizard(definition).advance({"app": {"least": 2, "most": 2}}).errors == ()
        (error,) = wizard(definition).advance({"app": {"least": 2, "most": 1}}).errors
        assert (error.field, error.message) == ("most", "not below the least")

    def test_without_message(self) -> None:
        assert error_of("name: x\ntype: integer\nvalidators: [{expr: $ > 3}]", 1) == (
            "invalid",
            "X is not valid",
        )

    def test_are_not_asked_about_nothing(self) -> None:
        spec = "name: x\ntype: string\nrequired: false\nvalidators: [{expr: $ = a, message: m}]"
        assert value_of(spec, "") == ""

    def test_that_cannot_judge_say_so(self) -> None:
        code, message = error_of("name: x\ntype: string\nvalidators: [{expr: $ > 3, message: m}]", "abc")
        assert code == "invalid"
        assert message.startswith(
            "this could not be checked: ui.yaml:7: $ > 3 cannot be evaluated: No function"
        )

    def test_explicit_tag(self) -> None:
        assert (
            error_of("name: x\ntype: string\nvalidators: [{expr: !yaql 'false', message: m}]", "a")[1] == "m"
        )


class TestFormValidators:
    RULE = "- expr: $.app.x < 5\n  message: below five"

    def test_see_all_answers(self) -> None:
        assert answer("name: x\ntype: integer", {"x": 4}, validators=self.RULE).errors == ()
        (error,) = answer("name: x\ntype: integer", {"x": 5}, validators=self.RULE).errors
        assert (error.form, error.field, error.code, error.message) == ("app", None, "invalid", "below five")

    def test_come_after_the_fields(self) -> None:
        (error,) = answer("name: x\ntype: integer", {"x": "a"}, validators=self.RULE).errors
        assert error.field == "x"

    def test_several_errors(self) -> None:
        rules = self.RULE + "\n- expr: $.app.x < 3\n  message: below three\n- expr: $.app.x < 9"
        outcome = answer("name: x\ntype: integer", {"x": 9}, validators=rules)
        assert [error.message for error in outcome.errors] == [
            "below five",
            "below three",
            "the answers do not fit together",
        ]

    def test_that_cannot_judge_say_so(self) -> None:
        rule = "- expr: $.other.x < 5\n  message: m"
        (error,) = answer("name: x\ntype: integer", {"x": 5}, validators=rule).errors
        assert error.message == (
            "this could not be checked: ui.yaml:8: $.other.x < 5 cannot be evaluated: "
            "what is before .x is null or has no parts"
        )


class TestEnabled:
    def definition(self) -> Definition:
        return define(
            """
            Forms:
              - app:
                  fields:
                    - {name: auth, type: boolean, initial: false}
                    - {name: user, type: string, minLength: 3, enabled: $.app.auth}
            """
        )

    def test_an_answer_before_decides(self) -> None:
        made = wizard(self.definition())
        on = made.advance({"app": {"auth": True, "user": "a"}})
        off = made.advance({"app": {"auth": False, "user": "a"}})
        assert [error.code for error in on.errors] == ["min_length"]
        assert off.errors == ()
        assert off.data["app"] == {"auth": False, "user": "a"}

    def test_is_shown_with_what_the_form_begins_with(self) -> None:
        form = wizard(self.definition()).start().form
        assert form is not None
        assert [field.enabled for field in form.fields] == [True, False]

    def test_what_is_not_enabled_need_not_be_right(self) -> None:
        assert value_of("name: x\ntype: integer\nenabled: false", "abc") is None
        assert value_of("name: x\ntype: string\nenabled: false", "") == ""


class TestAttributesThatAreShown:
    def test_all(self) -> None:
        shown = view(
            """
            name: unitName
            type: string
            label: Unit
            description: What it is called.
            descriptionTitle: Units
            helpText: Red/Black
            initial: concat(a, b)
            required: false
            hidden: true
            minLength: 1
            maxLength: 9
            widgetMedia: {js: [a/b.js], css: {all: [a/b.css]}}
            widgetAttrs: {class: wide, data-x: y}
            """
        )
        assert (shown.label, shown.description, shown.description_title) == (
            "Unit",
            "What it is called.",
            "Units",
        )
        assert (shown.help_text, shown.value) == ("Red/Black", "ab")
        assert (shown.required, shown.hidden, shown.enabled) == (False, True, True)
        assert (shown.min_length, shown.max_length) == (1, 9)
        assert (shown.media.js, shown.media.css) == (("a/b.js",), {"all": ("a/b.css",)})
        assert shown.widget_attributes == {"class": "wide", "data-x": "y"}

    def test_label_of_the_name(self) -> None:
        shown = view("name: unitNamingPattern\ntype: string")
        assert (shown.label, shown.description_title) == ("Unit naming pattern", "Unit naming pattern")

    def test_expressions_anywhere(self) -> None:
        shown = view(
            """
            name: x
            type: integer
            label: concat('a', 'b')
            hidden: 1 = 1
            required: $ = null
            maxValue: 3 * 4
            """
        )
        assert (shown.label, shown.hidden, shown.required, shown.max_value) == ("ab", True, False, 12)

    def test_of_the_wrong_kind(self) -> None:
        with pytest.raises(ExpressionFault) as raised:
            view("name: x\ntype: integer\nmaxValue: concat(a, b)")
        assert str(raised.value) == ("ui.yaml:7: x: maxValue must be a whole number; concat(a, b) gives 'ab'")

    def test_that_fail(self) -> None:
        with pytest.raises(ExpressionFault) as raised:
            view("name: x\ntype: string\nlabel: Size(GB)")
        assert str(raised.value) == (
            'ui.yaml:7: Size(GB) cannot be evaluated: Unknown function "Size" '
            "(text that is no expression must be quoted)"
        )

    def test_a_message_may_be_an_expression(self) -> None:
        spec = "name: x\ntype: string\nerrorMessages:\n  required: concat('a', 'b')"
        assert error_of(spec, "") == ("required", "ab")
        rule = "- expr: $.app.x = a\n  message: concat('not ', $.app.x)"
        (error,) = answer("name: x\ntype: string", {"x": "b"}, validators=rule).errors
        assert error.message == "not b"

    def test_text_without_expression_is_not_evaluated(self) -> None:
        assert with_field("name: x\ntype: string\nlabel: A/B").forms[0].fields[0].get("label") == "A/B"
