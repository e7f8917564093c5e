"""`status_detail`: how long it has been up, how and when it ended."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from knarr.services.container import states
from knarr.services.container.views import status_detail

NOW = datetime(2026, 6, 1, 12)


@pytest.mark.parametrize(
    ("status", "health", "words"),
    [
        (states.RUNNING, None, "Up 5 mins"),
        (states.RUNNING, "starting", "Up 5 mins (starting)"),
        (states.RUNNING, "unhealthy", "Up 5 mins (unhealthy)"),
        (states.PAUSED, None, "Up 5 mins (paused)"),
        (states.STOPPED, None, "Exited(3) 2 hours ago"),
        (states.CREATED, None, "Created"),
        (states.RESTARTING, None, "Restarting"),
        (states.DEAD, None, "Dead"),
        (states.ERROR, None, "(error)"),
        (states.CREATING, None, None),
        (states.REBUILDING, None, None),
        (states.DELETING, None, None),
        (states.DELETED, None, None),
        (states.UNKNOWN, None, None),
    ],
)
def test_each_status_has_its_words(status: str, health: str | None, words: str | None) -> None:
    started, finished = NOW - timedelta(minutes=5), NOW - timedelta(hours=2)
    assert status_detail(status, started, finished, 3, health, NOW) == words
