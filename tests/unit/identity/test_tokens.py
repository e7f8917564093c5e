"""What a token carries survives the journey, and nothing else gets in."""

from datetime import datetime, timedelta

import pytest

from knarr.core.identity import tokens
from knarr.core.identity.keys import KeyRing

USER = "0123456789abcdef0123456789abcdef"
PROJECT = "fedcba9876543210fedcba9876543210"
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456)


def make(**changes):
    values = {
        "user_id": USER,
        "methods": ["password"],
        "scope": tokens.PROJECT,
        "scope_id": PROJECT,
        "issued_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return tokens.make(**{**values, **changes})


@pytest.fixture
def ring(tmp_path):
    return KeyRing(tmp_path / "keys")


def test_everything_comes_back(ring):
    token = make(methods=["password", "token"], trust_id="t1", application_credential_id=PROJECT)
    opened = tokens.decode(ring.open(ring.seal(tokens.encode(token))))
    assert opened == token
    assert (opened.user, opened.target) == (USER, PROJECT)
    assert (opened.trust, opened.application_credential) == ("t1", PROJECT)
    assert opened.method_names == ["password", "token"]
    assert opened.issued_at == NOW
    assert opened.expires_at - opened.issued_at == timedelta(hours=1)


@pytest.mark.parametrize("ident", ["default", "F" * 32, "0123456789abcdef", "\x01" * 16, "ünïcode", "a" * 64])
def test_ids_that_are_not_32_hex_digits_come_back_as_well(ident):
    assert tokens.decode(tokens.encode(make(scope_id=ident))).target == ident


def test_a_token_is_at_most_255_characters_long(ring):
    assert len(ring.seal(tokens.encode(make()))) <= 255


def test_each_token_has_an_audit_id_of_its_own():
    first, second = make().audit_ids, make().audit_ids
    assert len(first) == len(second) == 1
    assert first != second


def test_a_token_made_from_another_names_the_first_of_the_chain():
    first = make()
    second = make(chain=first.audit_ids[-1])
    assert second.audit_ids[1:] == first.audit_ids


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x93\x01\x02\x03", b"not a token at all"])
def test_other_payloads_are_no_tokens(payload):
    assert tokens.decode(payload) is None


def test_times_are_written_as_upstream_does():
    assert tokens.stamp(NOW) == "2026-03-01T12:00:00.123456Z"
