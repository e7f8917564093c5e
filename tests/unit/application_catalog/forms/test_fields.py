"""What each type of field makes of an answer, and what it does not take."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.services.application_catalog.forms.cloud import (
    Addable,
    Component,
    Flavor,
    Image,
    Network,
    Subnet,
    Volume,
    Zone,
)

from .support import GOOD_PASSWORD, RecordingCloud, answer, error_of, value_of, view

CLOUD = RecordingCloud(
    image_list=[
        Image("i1", "raw", murano_image_info='{"title": "Ubuntu", "type": "linux.ubuntu"}'),
        Image("i2", "queued", "queued", '{"title": "New", "type": "linux"}'),
    ],
    flavor_list=[Flavor("f1", "m1.small", 1, 512, 5), Flavor("f2", "m1.medium", 2, 2048, 20)],
    keypair_list=["mine"],
    network_list=[Network("n1", "private", (Subnet("s1", "10.0.0.0/24"),))],
    component_list=[Component("c1", "Tomcat", "com.example.Tomcat")],
    addable_list=[Addable("p1", "com.example.Tomcat", "Tomcat")],
)


def spec(kind: str, more: str = "") -> str:
    return f"name: x\ntype: {kind}\n{more}"


class TestText:
    @pytest.mark.parametrize("kind", ["string", "text"])
    def test_is_kept_without_spaces_around(self, kind: str) -> None:
        assert value_of(spec(kind), "  a b ") == "a b"

    @pytest.mark.parametrize("kind", ["string", "text"])
    def test_numbers_become_text(self, kind: str) -> None:
        assert value_of(spec(kind), 5) == "5"

    def test_lines_stay(self) -> None:
        assert value_of(spec("text"), "a\nb") == "a\nb"

    @pytest.mark.parametrize("given", [[], ["a"], {}, True])
    def test_is_no_structure(self, given: Any) -> None:
        assert error_of(spec("string"), given) == ("invalid", "X: text is wanted here")

    @pytest.mark.parametrize("given", ["a\0b", "\ud800"])
    def test_must_be_storable(self, given: str) -> None:
        assert error_of(spec("text"), given) == (
            "invalid",
            "X: the text has characters that cannot be stored",
        )

    def test_has_an_end(self) -> None:
        code, message = error_of(spec("text"), "a" * 1_100_000)
        assert (code, message) == ("max_length", "X: the text is longer than 1048576 characters")

    def test_nothing_is_empty_text(self) -> None:
        assert value_of(spec("string", "required: false"), None) == ""

    def test_widgets(self) -> None:
        assert (view(spec("string")).widget, view(spec("text")).widget) == ("text", "textarea")


class TestInteger:
    @pytest.mark.parametrize(
        ("given", "value"), [(5, 5), ("5", 5), (" -7 ", -7), ("+2", 2), ("3.0", 3), (4.0, 4), ("12.", 12)]
    )
    def test_is_a_number(self, given: Any, value: int) -> None:
        assert value_of(spec("integer"), given) == value

    @pytest.mark.parametrize("given", ["a", "1.5", "0x10", "1e3", "١", "1_000"])
    def test_is_no_other_text(self, given: str) -> None:
        assert error_of(spec("integer"), given) == ("invalid", f"X: {given!r} is no whole number")

    @pytest.mark.parametrize("given", [True, 1.5, [1], {"a": 1}, float("nan")])
    def test_is_nothing_else(self, given: Any) -> None:
        assert error_of(spec("integer"), given) == ("invalid", "X: a whole number is wanted here")

    @pytest.mark.parametrize("given", [2**63, str(2**63), "9" * 20])
    def test_is_not_too_large(self, given: Any) -> None:
        assert error_of(spec("integer"), given) == ("invalid", "X: the number is too large")

    def test_nothing_is_null(self) -> None:
        assert value_of(spec("integer", "required: false"), "") is None

    def test_nought_is_something(self) -> None:
        assert value_of(spec("integer"), 0) == 0


@pytest.mark.parametrize("kind", ["boolean", "floatingip"])
class TestBoolean:
    @pytest.mark.parametrize("given", [True, "true", "on", "1", "Yes", 1])
    def test_true(self, kind: str, given: Any) -> None:
        assert value_of(spec(kind), given) is True

    @pytest.mark.parametrize("given", [False, "false", "off", "0", "No", "", None, 0])
    def test_false(self, kind: str, given: Any) -> None:
        assert value_of(spec(kind), given) is False

    @pytest.mark.parametrize("given", ["perhaps", 2, [True], {}])
    def test_neither(self, kind: str, given: Any) -> None:
        code, message = error_of(spec(kind), given)
        assert code == "invalid"
        assert message.endswith("is neither true nor false")

    def test_is_never_required(self, kind: str) -> None:
        assert value_of(spec(kind, "required: true"), False) is False
        assert view(spec(kind)).required is False

    def test_is_a_checkbox(self, kind: str) -> None:
        assert view(spec(kind, "initial: true")).value is True


class TestPassword:
    def test_strong(self) -> None:
        assert value_of(spec("password"), GOOD_PASSWORD) == GOOD_PASSWORD

    @pytest.mark.parametrize("given", ["sesame-42!", "SESAME-42!", "Sesame-xy!", "Sesame42xx", "Sesame 42x"])
    def test_weak(self, given: str) -> None:
        code, message = error_of(spec("password", "label: Secret"), given)
        assert code == "invalid"
        assert message.startswith(
            "Secret: a password needs a lower-case and an upper-case letter, a digit and a"
        )

    @pytest.mark.parametrize("sign", "!@#$%^&*()_+|\\/.,~?><:{}-")
    def test_any_special_character_will_do(self, sign: str) -> None:
        assert value_of(spec("password"), f"Sesame42{sign}") == f"Sesame42{sign}"

    def test_has_seven_to_255_characters(self) -> None:
        assert error_of(spec("password"), "Se-42!")[1] == "X must have at least 7 characters (it has 6)"
        assert error_of(spec("password"), "Se-42!" + "a" * 250)[0] == "max_length"

    def test_spaces_belong_to_it(self) -> None:
        assert value_of(spec("password"), f" {GOOD_PASSWORD} ") == f" {GOOD_PASSWORD} "

    @pytest.mark.parametrize(
        "rule",
        [
            "regexpValidator: '^[a-z]{3,}$'",
            "validators: [{expr: {regexpValidator: '^[a-z]{3,}$'}, message: m}]",
            "validators: [{expr: $.len() > 2, message: m}]",
        ],
    )
    def test_an_author_s_rules_take_the_place(self, rule: str) -> None:
        assert value_of(spec("password", rule), "abc") == "abc"
        assert error_of(spec("password", rule), "1")[0] == "invalid"

    def test_lengths_of_the_author(self) -> None:
        assert value_of(spec("password", "minLength: 4"), "Se-4") == "Se-4"

    def test_is_given_twice(self) -> None:
        good = answer(spec("password"), {"x": GOOD_PASSWORD, "x-clone": GOOD_PASSWORD}, confirm=True)
        assert good.errors == ()
        assert good.data["app"] == {"x": GOOD_PASSWORD}

    @pytest.mark.parametrize(
        ("second", "code", "message"),
        [
            ({}, "required", "X must be given twice"),
            ({"x-clone": ""}, "required", "X must be given twice"),
            ({"x-clone": "other"}, "mismatch", "the two inputs of X are not the same"),
        ],
    )
    def test_the_second_is_missing_or_another(self, second: dict[str, str], code: str, message: str) -> None:
        (error,) = answer(spec("password"), {"x": GOOD_PASSWORD, **second}, confirm=True).errors
        assert (error.field, error.code, error.message) == ("x-clone", code, message)

    @pytest.mark.parametrize("more", ["confirmInput: false", "required: false", "enabled: false"])
    def test_the_second_is_not_wanted(self, more: str) -> None:
        assert answer(spec("password", more), {"x": GOOD_PASSWORD}, confirm=True).errors == ()

    def test_is_never_shown_again(self) -> None:
        outcome = answer(spec("password"), {"x": GOOD_PASSWORD, "x-clone": "other"}, confirm=True)
        assert outcome.form is not None
        assert [(one.name, one.value, one.confirms) for one in outcome.form.fields] == [
            ("x", None, None),
            ("x-clone", None, "x"),
        ]
        assert GOOD_PASSWORD not in repr(outcome)

    def test_tells_its_rule(self) -> None:
        shown = view(spec("password"))
        assert (shown.min_length, shown.max_length) == (7, 255)
        assert shown.help_text.startswith("A password needs")
        assert view(spec("password", "regexpValidator: a")).help_text == "Enter a password"
        assert view(spec("password", "regexpValidator: a")).min_length is None


class TestClusterIp:
    def test_is_an_address(self) -> None:
        assert value_of(spec("clusterip"), " 10.0.0.4 ") == "10.0.0.4"

    @pytest.mark.parametrize("given", ["10.0.0", "10.0.0.256", "::1", "10.0.0.4/24", "host", "010.0.0.1"])
    def test_is_nothing_else(self, given: str) -> None:
        assert error_of(spec("clusterip"), given) == ("invalid", f"X: {given!r} is no IPv4 address")

    def test_may_be_left_out(self) -> None:
        assert value_of(spec("clusterip", "required: false"), "") == ""


class TestDatabaseList:
    def test_names_with_commas_between(self) -> None:
        assert value_of(spec("databaselist"), "a, _b ,c$d#e@f1") == ["a", "_b", "c$d#e@f1"]

    def test_a_list(self) -> None:
        assert value_of(spec("databaselist"), ["a", "b"]) == ["a", "b"]

    @pytest.mark.parametrize("given", ["1a", "a,,b", "a-b", "a b", ["a", ""], "^a"])
    def test_wrong_names(self, given: Any) -> None:
        code, message = error_of(spec("databaselist"), given)
        assert code == "invalid"
        assert "is no name of a database: it begins with a letter or '_'" in message

    def test_nothing(self) -> None:
        assert value_of(spec("databaselist", "required: false"), " ") == []
        assert error_of(spec("databaselist"), "")[0] == "required"


class TestChoice:
    CHOICES = spec("choice", "choices: [[a, First], [1, Second]]")

    def test_a_key(self) -> None:
        assert value_of(self.CHOICES, "a") == "a"

    def test_is_text_whatever_the_file_says(self) -> None:
        assert value_of(self.CHOICES, 1) == "1"

    @pytest.mark.parametrize("given", ["First", "b", ["a"], {"a": 1}])
    def test_nothing_else(self, given: Any) -> None:
        assert error_of(self.CHOICES, given)[0] == "invalid_choice"

    def test_nothing(self) -> None:
        assert error_of(self.CHOICES, "") == ("required", "X is required")
        assert value_of(self.CHOICES + "\nrequired: false", "") == ""


class TestImage:
    def test_by_id(self) -> None:
        assert value_of(spec("image"), "i1", CLOUD) == "i1"

    @pytest.mark.parametrize("given", ["Ubuntu", "i2", "i3"])
    def test_one_that_is_shown_and_active(self, given: str) -> None:
        assert error_of(spec("image"), given, CLOUD) == (
            "invalid_choice",
            f"X: {given!r} is none of the choices",
        )


class TestFlavor:
    @pytest.mark.parametrize("given", ["f1", "m1.small"])
    def test_becomes_its_name(self, given: str) -> None:
        assert value_of(spec("flavor"), given, CLOUD) == "m1.small"

    def test_must_meet_the_requirements(self) -> None:
        assert error_of(spec("flavor", "requirements: {min_vcpus: 2}"), "f1", CLOUD) == (
            "invalid_choice",
            "X: 'f1' is none of the flavors that can be chosen",
        )

    def test_nothing(self) -> None:
        assert value_of(spec("flavor", "required: false"), "", CLOUD) == ""
        assert error_of(spec("flavor"), ["f1"], CLOUD)[0] == "invalid_choice"


class TestKeypair:
    def test_by_name(self) -> None:
        assert value_of(spec("keypair"), "mine", CLOUD) == "mine"

    def test_nothing(self) -> None:
        assert value_of(spec("keypair", "required: false"), "", CLOUD) == ""
        assert error_of(spec("keypair"), "", CLOUD) == ("required", "X is required")
        assert error_of(spec("keypair"), "other", CLOUD)[0] == "invalid_choice"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("azone", "nova", "down"),
        ("zone", "nova", "down"),
        ("securitygroup", "web", "murano--x"),
        ("volume", "v1", "v2"),
        ("volume", "s1", "data"),
    ],
)
def test_what_is_listed_can_be_chosen(kind: str, good: str, bad: str) -> None:
    cloud = RecordingCloud(
        zone_list=[Zone("nova"), Zone("down", available=False)],
        group_list=["web", "murano--x"],
        volume_list=[Volume("v1", "data"), Volume("v2", "used", "in-use")],
        snapshot_list=[Volume("s1", "backup")],
    )
    assert value_of(spec(kind), good, cloud) == good
    assert error_of(spec(kind), bad, cloud)[0] == "invalid_choice"
    assert error_of(spec(kind), "", cloud)[0] == "required"
    assert value_of(spec(kind, "required: false"), "", cloud) == ""


class TestNetwork:
    @pytest.mark.parametrize("given", [["n1", "s1"], '["n1", "s1"]', "('n1', 's1')"])
    def test_is_a_pair(self, given: Any) -> None:
        assert value_of(spec("network"), given, CLOUD) == ["n1", "s1"]

    @pytest.mark.parametrize("given", [[None, None], "[null, null]", "(None, None)"])
    def test_auto_is_a_pair_of_nothing(self, given: Any) -> None:
        assert value_of(spec("network"), given, CLOUD) == [None, None]

    @pytest.mark.parametrize(
        "given",
        ["n1", ["n1"], ["n1", "s2"], ["n1", None], [1, 2], "[", "(" * 400, "__import__('os')", {"n1": 1}],
    )
    def test_nothing_else(self, given: Any) -> None:
        assert error_of(spec("network"), given, CLOUD)[0] == "invalid_choice"

    def test_no_auto(self) -> None:
        assert error_of(spec("network", "allow_auto: false"), [None, None], CLOUD)[0] == "invalid_choice"
        assert error_of(spec("network", "allow_auto: false"), "", CLOUD)[0] == "required"

    def test_without_any_the_application_decides(self) -> None:
        assert value_of(spec("network", "allow_auto: false"), "", RecordingCloud()) == [None, None]


@pytest.mark.parametrize("kind", ["com.example.Tomcat", "[com.example.Tomcat, com.example.Jetty]", "domain"])
class TestComponent:
    def test_one_that_is_there(self, kind: str) -> None:
        assert value_of(spec(kind), "c1", CLOUD) == "c1"

    def test_a_new_one(self, kind: str) -> None:
        model = {"?": {"type": "com.example.Tomcat"}, "port": 80}
        assert value_of(spec(kind), model, CLOUD) == model

    @pytest.mark.parametrize(
        "given", ["c2", {"?": {"type": "com.example.Other"}}, {"?": "x"}, {"a": 1}, ["c1"]]
    )
    def test_nothing_else(self, kind: str, given: Any) -> None:
        assert error_of(spec(kind), given, CLOUD)[0] == "invalid_choice"

    def test_nothing_is_null(self, kind: str) -> None:
        assert value_of(spec(kind, "required: false"), "", CLOUD) is None
        assert error_of(spec(kind), "", CLOUD) == ("required", "X is required")
