"""The words in which Zun tells how long something has been so."""

from __future__ import annotations

from datetime import datetime

# (seconds of the unit, its name): the first that fits at least once is told
UNITS = ((86400, "day"), (3600, "hour"), (60, "min"))


def span(since: datetime | None, now: datetime) -> str:
    """``3 hours``, ``1 min``, ``20 seconds``; "" without a beginning."""
    if since is None:
        return ""
    passed = now - since
    seconds = max(0, passed.days * 86400 + passed.seconds)
    for unit, name in UNITS:
        if seconds >= unit:
            return f"{seconds // unit} {name}{'s' if seconds // unit > 1 else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def up(since: datetime | None, now: datetime) -> str:
    return f"Up {span(since, now)}".strip()


def exited(code: int, since: datetime | None, now: datetime) -> str:
    return f"Exited({code}) {span(since, now)} ago" if since else f"Exited({code})"
