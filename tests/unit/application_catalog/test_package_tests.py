"""Tests that stand in packages, run: fixtures, assertions and mocks."""

from __future__ import annotations

import pytest

from knarr.services.application_catalog.language.errors import PackageNotFound
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.package import ApplicationPackage
from knarr.services.application_catalog.testing.fixture import TestFixture as Fixture
from knarr.services.application_catalog.testing.runner import PackageTests

from .conftest import CORE, archive, of_classes, package

FIXTURE = """
Namespaces: {=: io.murano.test}
Name: TestFixture
"""

APPLICATION = """
Namespaces: {=: t, std: io.murano, test: io.murano.test}
Name: Machine
Methods:
  boot:
    Arguments:
      - image: {Contract: $.string()}
      - size: {Contract: $.int(), Default: 1}
    Body:
      Return: $image + ' ' + str($size)
---
Name: Big
Extends: Machine
---
Name: MachineTest
Extends: test:TestFixture
Methods:
  initialize:
    Body:
      $.seen: []
"""


@pytest.fixture
def tests_of():
    """tests_of(methods of the test class) -> the PackageTests of a package with them."""
    core = dict(CORE)
    core["manifest.yaml"] = core["manifest.yaml"].replace(
        "Classes: {", "Classes: {io.murano.test.TestFixture: test.yaml, "
    )
    core["Classes/test.yaml"] = FIXTURE
    library = ApplicationPackage.open(archive(core), python={"io.murano.test.TestFixture": Fixture})

    def make(methods: str, **options) -> PackageTests:
        body = APPLICATION + "\n".join("  " + line for line in methods.strip("\n").splitlines())
        return PackageTests(Catalogue([library, package(of_classes(body))]), "t", **options)

    return make


def only(tests: PackageTests):
    """The outcome of the one test."""
    (case,) = tests.cases()
    return tests.run(case)


def test_methods_named_test_are_the_tests(tests_of) -> None:
    tests = tests_of("testOne: {Body: []}\ntest_two: {Body: []}\ntesting: {Body: []}\nhelper: {Body: []}")
    assert [str(case) for case in tests.cases()] == ["t.MachineTest.testOne", "t.MachineTest.test_two"]


@pytest.mark.parametrize("wanted", ["testOne", "t.MachineTest.testOne"])
def test_some_can_be_chosen(tests_of, wanted: str) -> None:
    tests = tests_of("testOne: {Body: []}\ntestTwo: {Body: []}")
    assert [case.method for case in tests.cases([wanted])] == ["testOne"]
    assert len(tests.cases(["t.MachineTest"])) == 2


def test_a_package_that_is_not_there(tests_of) -> None:
    with pytest.raises(PackageNotFound, match="nowhere"):
        PackageTests(tests_of("testOne: {Body: []}")._loader, "nowhere")


@pytest.mark.parametrize(
    "assertion",
    [
        "$.assertEqual(2, 1 + 1)",
        "$.assertEqual([1, {a => 2}], [1, {a => 2}])",
        "$.assertTrue(1 < 2)",
        "$.assertFalse(1 > 2)",
        "$.assertIn(1, [1, 2])",
        "$.assertNotIn(3, [1, 2])",
        "$.assertIn('a', {a => 1})",
    ],
)
def test_assertions_that_hold(tests_of, assertion: str) -> None:
    assert only(tests_of(f"testIt:\n  Body:\n    - {assertion}")).passed


@pytest.mark.parametrize(
    ("assertion", "message"),
    [
        ("$.assertEqual(2, 1)", "2 was expected, 1 came"),
        ("$.assertEqual(2, 1, why)", "2 was expected, 1 came: why"),
        ("$.assertTrue(false)", "False is not true"),
        ("$.assertFalse(true)", "True is not false"),
        ("$.assertIn(3, [1, 2])", "3 is not in (1, 2)"),
        ("$.assertNotIn(1, [1, 2])", "1 is in (1, 2)"),
    ],
)
def test_assertions_that_fail_tell_what_came(tests_of, assertion: str, message: str) -> None:
    outcome = only(tests_of(f"testIt:\n  Body:\n    - {assertion}"))
    assert not outcome.passed
    assert outcome.fault == message
    assert "testIt" in outcome.trace and "all.yaml" in outcome.trace


def test_each_test_has_its_own_fixture_set_up_and_torn_down(tests_of) -> None:
    tests = tests_of("""
setUp: {Body: {$.ready: $.seen}}
testOne:
  Body:
    - $.assertEqual([], $.ready)
    - $.seen: [1]
testTwo:
  Body:
    - $.assertEqual([], $.seen)
    - $.seen: [2]
tearDown:
  Body: $.assertEqual(1, len($.seen))
""")
    assert [tests.run(case).fault for case in tests.cases()] == [None, None]


def test_a_failing_tear_down_does_not_hide_the_test(tests_of) -> None:
    outcome = only(
        tests_of("testIt: {Body: $.assertTrue(false)}\ntearDown: {Body: {Throw: Other, Message: later}}")
    )
    assert outcome.fault == "False is not true"


def test_a_tear_down_that_fails_fails_the_test(tests_of) -> None:
    outcome = only(tests_of("testIt: {Body: []}\ntearDown: {Body: {Throw: Other, Message: later}}"))
    assert outcome.fault == "later"


def test_a_test_that_never_ends_is_ended(tests_of) -> None:
    outcome = only(tests_of("testIt: {Body: {While: true, Do: []}}", seconds=0.2))
    assert "longer than 0.2 seconds" in outcome.fault


# Mocks


def test_a_method_of_the_test_stands_in_for_a_class_s(tests_of) -> None:
    assert (
        only(
            tests_of("""
standIn:
  Arguments:
    - image: {Contract: $}
    - size: {Contract: $, Default: 7}
  Body:
    - $.seen: $.seen + [$image]
    - Return: concat(mock, ' ', str($size))
testIt:
  Body:
    - inject(:Machine, boot, $this, standIn)
    - $.assertEqual('mock 7', new(:Machine).boot(linux))
    - $.assertEqual('mock 2', new(:Big).boot(image => bsd, size => 2))
    - $.assertEqual([linux, bsd], $.seen)
""")
        ).fault
        is None
    )


def test_a_class_can_be_named_by_text(tests_of) -> None:
    outcome = only(
        tests_of("""
testIt:
  Body:
    - inject('t.Machine', boot, nothing)
    - $.assertEqual(nothing, new(:Machine).boot(linux))
""")
    )
    assert outcome.passed, outcome.fault


def test_one_object_can_be_mocked_alone(tests_of) -> None:
    outcome = only(
        tests_of("""
testIt:
  Body:
    - $one: new(:Machine)
    - inject($one, boot, mocked)
    - $.assertEqual(mocked, $one.boot(linux))
    - $.assertEqual('linux 1', new(:Machine).boot(linux))
""")
    )
    assert outcome.passed, outcome.fault


def test_an_expression_sees_the_test_and_the_original(tests_of) -> None:
    outcome = only(
        tests_of("""
testIt:
  Body:
    - $.prefix: was
    - inject(:Machine, boot, $.prefix + ' ' + originalMethod())
    - $.assertEqual('was linux 3', new(:Machine).boot(linux, 3))
""")
    )
    assert outcome.passed, outcome.fault


def test_an_expression_reaches_the_arguments_of_the_original(tests_of) -> None:
    outcome = only(
        tests_of("""
note:
  Arguments: [what: {Contract: $}]
  Body:
    - $.seen: $.seen + [$what]
testIt:
  Body:
    - inject(:Machine, boot, withOriginal(i => $image, s => $size) -> $.note([$i, $s]))
    - new(:Machine).boot(linux)
    - $.assertEqual([[linux, 1]], $.seen)
""")
    )
    assert outcome.passed, outcome.fault


def test_a_subclass_s_mock_leaves_its_parent_alone(tests_of) -> None:
    outcome = only(
        tests_of("""
testIt:
  Body:
    - inject(:Big, boot, big)
    - $.assertEqual(big, new(:Big).boot(linux))
    - $.assertEqual('linux 1', new(:Machine).boot(linux))
""")
    )
    assert outcome.passed, outcome.fault


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("inject(:Machine, fly, 1)", "inject: t.Machine has no method fly"),
        ("inject(:Machine, boot, $this, nowhere)", "inject: t.MachineTest has no method nowhere"),
        ("inject('t.Nothing', boot, 1)", "t.Nothing"),
        ("withOriginal(a => $b)", "withOriginal belongs into the expression of an inject"),
    ],
)
def test_mocks_that_cannot_be(tests_of, call: str, message: str) -> None:
    outcome = only(tests_of(f"testIt:\n  Body:\n    - {call}"))
    assert not outcome.passed and message in outcome.fault


def test_models_are_loaded(tests_of) -> None:
    outcome = only(
        tests_of("""
testIt:
  Body:
    - $env: $.load({Objects => {'?' => {type => 'io.murano.Environment', id => e}, name => here}})
    - $.assertEqual(here, $env.name)
    - $.assertEqual(there, $.load({'?' => {type => 'io.murano.Environment'}, name => there}).name)
""")
    )
    assert outcome.passed, outcome.fault
