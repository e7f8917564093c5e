"""What a session may use: nothing that a program says runs without end or takes the process with it."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from contextlib import suppress

import pytest

from knarr.services.application_catalog.language import dialect as dialects
from knarr.services.application_catalog.language import patterns, trials
from knarr.services.application_catalog.language.dialect import dialect
from knarr.services.application_catalog.language.errors import (
    Cancelled,
    InvalidArguments,
    LimitReached,
    MuranoPlError,
    SyntaxFault,
)
from knarr.services.application_catalog.language.limits import Limits

MAIN = "Name: Main\nMethods:\n  main:\n    Body:\n    - Return: !yaql |-\n        "


def evaluate(make_session, expression, **limits):
    session = make_session(MAIN + expression, limits=Limits(**{"seconds": 20, **limits}))
    root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
    return session.call(root, "main")


@pytest.mark.parametrize(
    "expression",
    [
        "pow(2, 1000000000)",
        "pow(3, 10, pow(2, 100000))",
        "shiftBitsLeft(1, 100000000000)",
        "pow(2, 700000) * pow(2, 700000)",
        "range(1000000000000)",
        "range(0, 1000000000000).len()",
        "sequence().len()",
        "[sequence()]",
        "list(sequence())",
        "[1] * 2000000000",
        "2000000000 * [1]",
        "(['a' * 20000] * 2000).join('')",
        "('a' * 100000).replace('a', 'b' * 100000)",
        "('a' * 40 + '!').matches('(a+)+$')",
        "('a' * 40 + '!') =~ '(a|aa)*$'",
        "('a' * 40 + '!') =~ '(a?){40}b'",
        "('a' * 20) =~ '(a?){40}b'",
        "('a' * 1000000) =~ 'a*b'",
        "regex('.*.*.*=').search('a' * 5000)",
        "('a' * 5000).split(regex('(.*)*='))",
        "(" * 16000 + "1" + ")" * 16000,
        "1" + "+1" * 12000,
        "def(f, f()) -> f()",
    ],
)  # fmt: skip
def test_an_expression_ends_at_the_limits(make_session, expression, monkeypatch):
    monkeypatch.setattr(patterns, "SECONDS", 0.4)
    with pytest.raises((LimitReached, SyntaxFault)):
        evaluate(make_session, expression)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("pow(2, 100)", 2**100),
        ("pow(2.0, 3)", 8.0),
        ("pow(3, 4, 5)", 1),
        ("shiftBitsLeft(1, 4)", 16),
        ("3 * 4", 12),
        ("3 * 1.5", 4.5),
        ("'ab' * 2", "abab"),
        ("[1, 2] * 2", (1, 2, 1, 2)),
        ("2 * [1]", (1, 1)),
        ("range(3)", (0, 1, 2)),
        ("range(5, 2, -1)", (5, 4, 3)),
        ("sequence(1, 2).limit(3)", (1, 3, 5)),
        ("range(7).len()", 7),
        ("[1, 2].len()", 2),
        ("[1, 'a'].join('-')", "1-a"),
        ("'-'.join([1, 'a'])", "1-a"),
        ("'aaa'.replace('a', 'bb', 2)", "bbbba"),
        ("'www.some-long-name.example.org' =~ '^([a-z-]+[.])+[a-z]+$'", True),
        ("'x' !~ 'y'", True),
        ("regex('a(.)').search('xab', $2.value)", "b"),
        ("regex('a.').replace('xab', 'q')", "xq"),
        ("'a1b2'.split(regex('[0-9]'))", ("a", "b", "")),
        ("'a1'.replaceBy(regex('[0-9]'), 'z')", "az"),
    ],
)
def test_functions_with_limits_do_what_they_did(make_session, expression, wanted):
    assert evaluate(make_session, expression) == wanted


@pytest.mark.parametrize(
    ("expression", "told"),
    [("'x' =~ '('", "is no regular expression"), ("'x' =~ ('a' * 5000)", "4096 characters at most")],
)
def test_what_is_no_regular_expression(make_session, expression, told):
    with pytest.raises(InvalidArguments, match=told):
        evaluate(make_session, expression)


LAMBDAS = "range(2000).select(range(2000).select(range(2000).sum()).sum()).sum()"


def test_calls_within_one_expression_are_counted(make_session):
    with pytest.raises(LimitReached, match="more than 5000 instructions"):
        evaluate(make_session, LAMBDAS, steps=5000)


def test_time_ends_within_one_expression(make_session):
    with pytest.raises(LimitReached, match="longer than 0"):
        evaluate(make_session, LAMBDAS, seconds=0.05)


def test_a_session_is_cancelled_within_one_expression(make_session):
    limits = Limits()
    session = make_session(MAIN + LAMBDAS, limits=limits)
    root = session.store.load_tree({"?": {"id": "main", "type": "t.Main"}})
    threading.Timer(0.05, limits.cancel).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        session.call(root, "main")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 100_000 + "a", "{a: " * 50_000, "? " * 50_000, "a: &x [*x]"]
)
def test_files_that_are_nested_too_deeply_do_not_take_the_process(make_session, text):
    with pytest.raises(SyntaxFault, match="nested deeper than 64"):
        make_session(f"Name: Main\n---\n{text}").find_type("t.Main")


def test_aliases_of_aliases_are_not_written_out(make_session):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(SyntaxFault, match="an alias is used too often"):
        make_session("Name: Main\n---\n" + "\n".join(lines)).find_type("t.Main")


def test_an_expression_has_a_length(make_session):
    with pytest.raises(SyntaxFault, match="32768 characters at most"):
        evaluate(make_session, "1" + " + 1" * 10_000)


@pytest.mark.parametrize("pattern", ["a*", "[a-z]+[0-9]", "(?:abc)+", "a{2}b{3}"])
def test_simple_patterns_need_no_trial(pattern, monkeypatch):
    monkeypatch.setattr(trials.workers, "ends", lambda *args: pytest.fail("was tried"))
    patterns.tried(pattern, 0, "a" * 2000)


def test_a_pattern_that_takes_its_time_does_not_keep_others_waiting():
    """Those of other sessions have processes of their own."""
    hostile = threading.Thread(target=_refused, args=("(a+)+$", "a" * 40 + "!", 1.0))
    hostile.start()
    begun = time.monotonic()
    for number in range(3):
        patterns.tried("(?:[a-z]+[.])+", 0, f"www.example{number}.org")
    assert time.monotonic() - begun < 0.8
    assert hostile.is_alive()
    hostile.join()
    assert len(trials.workers.idle) <= trials.KEPT


def _refused(pattern, text, seconds):
    with pytest.raises(LimitReached, match="takes too long on a text of 41 characters"):
        patterns.tried(pattern, 0, text, seconds)


def test_a_process_of_another_is_left_alone(monkeypatch):
    """After a fork, both would read the answers of one."""
    patterns.tried("(?:[a-z]+[.])+", 0, "www.example.com")
    theirs = trials.workers.idle[-1]
    monkeypatch.setattr(theirs, "_owner", 1)
    patterns.tried("(?:[a-z]+[.])+", 0, "www.example.net")
    assert not theirs.has_ended
    assert theirs not in trials.workers.idle
    theirs.stop()


def test_errors_keep_their_place(make_session):
    with pytest.raises(MuranoPlError) as caught:
        evaluate(make_session, "sequence().len()")
    assert caught.value.position.line == 6


@pytest.mark.parametrize("first", ["'aaaa'", "[1, 2, 3]"])
def test_what_doubles_in_a_loop_ends(run, first):
    with pytest.raises(MuranoPlError, match=r"too much memory|exceeds|more than"):
        run(f"- $x: {first}\n- Repeat: 60\n  Do:\n    - $x: $x + $x\n")


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("text", ["prose that is none.", "$.a + "])
def test_what_cannot_be_parsed_keeps_nothing_of_those_who_tried(legacy, text):
    class Mine:
        pass

    def attempt():
        mine = Mine()
        with suppress(ValueError):
            dialect(legacy).parse(text)
            pytest.fail("was parsed")
        return weakref.ref(mine)

    attempt()
    left = attempt()
    gc.collect()
    assert left() is None


def test_what_is_remembered_of_expressions_is_bounded(monkeypatch):
    monkeypatch.setattr(dialects, "MOST_CHARACTERS", 2000)
    of = dialect()
    first = of.parse("1 + 1")
    assert of.parse("1 + 1") is first
    for number in range(100):
        of.parse(f"$.{'a' * 100}{number}")
    assert sum(map(len, of._parsed)) < 2200
