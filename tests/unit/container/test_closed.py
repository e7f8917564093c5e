"""Which repositories are closed, and to whom, as notes in the state folder say it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from knarr.services.container import closed

PRIVATE = "reg.example.org/team/box"
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def host(tmp_path: Path) -> Any:
    return SimpleNamespace(state_dir=tmp_path)


def test_a_repository_is_open_until_credentials_brought_something_of_it(host: Any) -> None:
    assert closed.is_open(host, f"{PRIVATE}:1", None)
    with closed.pulling(host, f"{PRIVATE}:1", "row"):
        assert not closed.is_open(host, f"{PRIVATE}:1", None)
    assert closed.is_open(host, f"{PRIVATE}:1", "row")
    assert not closed.is_open(host, f"{PRIVATE}:1", "other")
    assert not closed.is_open(host, f"{PRIVATE}:1", None)
    assert closed.is_open(host, f"{PRIVATE}2:1", None)


@pytest.mark.parametrize(
    ("pulled", "asked"),
    [
        (f"{PRIVATE}:1", f"{PRIVATE}:2"),
        (f"{PRIVATE}:1", PRIVATE),
        (f"{PRIVATE}:1", f"{PRIVATE}@{DIGEST}"),
        (f"{PRIVATE}:1", f"{PRIVATE}:1@{DIGEST}"),
        ("reg.example.org:5000/box", f"reg.example.org:5000/box@{DIGEST}"),
        ("team/box:1", "docker.io/team/box:1"),
        ("team/box:1", "index.docker.io/team/box:1"),
        ("box", "docker.io/library/box"),
    ],
)
def test_it_is_closed_under_all_its_names(host: Any, pulled: str, asked: str) -> None:
    closed.opened(host, pulled, "row")
    assert not closed.is_open(host, asked, None)


def test_what_is_given_without_credentials_is_open_again(host: Any) -> None:
    closed.opened(host, PRIVATE, "row")
    with closed.pulling(host, PRIVATE, None):
        pass
    assert closed.is_open(host, PRIVATE, None)


def test_a_pull_that_fails_closes_nothing_that_was_open(host: Any) -> None:
    with pytest.raises(OSError, match="away"), closed.pulling(host, "box:no-such-tag", "row"):
        raise OSError("away")
    assert closed.is_open(host, "box:latest", None)


def test_a_pull_that_fails_opens_nothing_that_somebody_pulled_meanwhile(host: Any) -> None:
    with pytest.raises(OSError, match="away"), closed.pulling(host, PRIVATE, "other"):
        closed.opened(host, PRIVATE, "row")
        raise OSError("away")
    assert not closed.is_open(host, PRIVATE, None)
    assert not closed.is_open(host, PRIVATE, "other")
