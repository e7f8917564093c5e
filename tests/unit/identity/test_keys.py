"""The directory of token keys: rotation, other processes, and who may read it."""

import os
import stat
import time

import pytest

from knarr.core.identity import keys
from knarr.core.identity.keys import KeyRing


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state" / "fernet-keys"


def files(directory):
    return sorted(int(path.name) for path in directory.iterdir() if path.name.isdigit())


def test_keys_are_made_once_and_only_their_owner_reads_them(directory):
    text = KeyRing(directory).seal(b"payload")
    assert KeyRing(directory).open(text) == b"payload"
    assert files(directory) == [0, 1]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_foreign_and_damaged_tokens_are_refused(directory, tmp_path):
    ring = KeyRing(directory)
    text = ring.seal(b"payload")
    foreign = KeyRing(tmp_path / "other").seal(b"payload")
    assert ring.open(foreign) is None
    assert ring.open(text[:-4]) is None
    assert ring.open(text[:30] + ("A" if text[30] != "A" else "B") + text[31:]) is None
    for nonsense in ("", "gAAAAA", "é" * 40, "a" * 100_000, "%%%%"):
        assert ring.open(nonsense) is None


def test_a_rotation_keeps_tokens_valid_until_their_key_is_dropped(directory):
    ring = KeyRing(directory, max_active_keys=3)
    text = ring.seal(b"old")
    assert ring.rotate() == 2
    assert files(directory) == [0, 1, 2]
    assert ring.open(text) == b"old"
    ring.rotate()
    assert files(directory) == [0, 2, 3]
    assert ring.open(text) is None


def test_the_staged_key_becomes_the_primary(directory):
    ring = KeyRing(directory)
    staged = (directory / "0").read_bytes()
    number = ring.rotate()
    assert (directory / str(number)).read_bytes() == staged
    assert (directory / "0").read_bytes() != staged


def test_another_process_opens_what_a_fresh_key_sealed(directory):
    here, there = KeyRing(directory), KeyRing(directory)
    there.rotate()
    there.rotate()
    there.rotate()
    assert here.open(there.seal(b"new")) == b"new"


def test_another_process_seals_with_the_new_primary_soon(directory, monkeypatch):
    monkeypatch.setattr(keys, "LOOK_INTERVAL", 0.0)
    here, there = KeyRing(directory, 2), KeyRing(directory, 2)
    before = here.seal(b"x")
    there.rotate()
    assert there.open(before) is None
    assert there.open(here.seal(b"x")) == b"x"


def test_rotation_by_age(directory):
    ring = KeyRing(directory)
    assert not ring.rotate_if_older(3600)
    old = time.time() - 4000
    os.utime(directory / "1", (old, old))
    assert ring.rotate_if_older(3600)
    assert not ring.rotate_if_older(3600)


def test_one_key_alone_is_refused(directory):
    with pytest.raises(ValueError, match="max_active_keys"):
        KeyRing(directory, max_active_keys=1)
