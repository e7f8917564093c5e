"""Password hashes."""

import time

import pytest

from knarr.core.identity.passwords import Passwords


@pytest.fixture
def passwords():
    return Passwords(4)


def test_only_the_same_password_matches(passwords):
    hashed = passwords.hash("correct horse")
    assert passwords.check("correct horse", hashed)
    assert not passwords.check("correct horse ", hashed)
    assert not passwords.check("", hashed)


def test_the_hash_tells_nothing_and_differs_each_time(passwords):
    first, second = passwords.hash("correct horse"), passwords.hash("correct horse")
    assert first != second
    assert "horse" not in first


@pytest.mark.parametrize("password", ["a" * 72, "nul\0here", "pässwörd ☃", "\udcff", "x" * 4000])
def test_every_character_counts(passwords, password):
    hashed = passwords.hash(password)
    assert passwords.check(password, hashed)
    assert not passwords.check(password + "!", hashed)


def test_nobody_takes_as_long_as_a_wrong_password():
    passwords = Passwords(10)
    hashed = passwords.hash("right")
    passwords.check("wrong", None)

    def seconds(against):
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            assert not passwords.check("wrong", against)
            times.append(time.perf_counter() - begun)
        return min(times)

    assert seconds(None) > seconds(hashed) / 2


def test_the_rounds_are_those_that_were_asked_for():
    assert Passwords(5).hash("x").startswith("$2b$05$")
    assert Passwords(1).rounds == 4
