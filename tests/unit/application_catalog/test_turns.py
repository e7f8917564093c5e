"""Jobs side by side: in the thread that is there, and in others once all before them wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from knarr.services.application_catalog.language.turns import Turns


def among(turns: Turns, meanwhile: Callable[[], Any] = lambda: None) -> tuple[Callable[[], int], Any]:
    """A job that waits for a moment, and what tells the most that ever waited at once."""
    count = {"now": 0, "most": 0}

    def job() -> int:
        count["now"] += 1
        count["most"] = max(count["most"], count["now"])
        with turns.waiting():
            time.sleep(0.02)
        meanwhile()
        count["now"] -= 1
        return threading.get_ident()

    return job, count


def test_what_waits_for_nothing_needs_no_thread() -> None:
    turns = Turns()
    began: list[int] = []
    idents = turns.side_by_side([lambda n=n: (began.append(n), threading.get_ident())[1] for n in range(50)])
    assert set(idents) == {threading.get_ident()}
    assert began == list(range(50))


def test_what_waits_is_waited_for_at_once() -> None:
    turns = Turns()
    together = threading.Barrier(20, timeout=20)

    def job() -> int:
        with turns.waiting():
            together.wait()  # comes back once all twenty are here
        return threading.get_ident()

    assert len(set(turns.side_by_side([job] * 20))) == 20
    turns.close()


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_than_were_asked_for_run_at_once(most: int) -> None:
    turns = Turns()
    job, count = among(turns)
    assert len(turns.side_by_side([job] * 12, most)) == 12
    assert count["most"] == most
    turns.close()


def test_between_two_waits_nobody_else_runs() -> None:
    turns = Turns()
    seen = {"value": 0}

    def step() -> None:
        before = seen["value"]
        time.sleep(0.001)  # not a wait of the language: the turn is kept
        seen["value"] = before + 1

    job, _ = among(turns, step)
    turns.side_by_side([job] * 30)
    assert seen["value"] == 30
    turns.close()


def test_jobs_of_jobs_are_waited_for() -> None:
    turns = Turns()
    job, count = among(turns)

    def outer() -> int:
        return len(turns.side_by_side([job] * 4))

    assert turns.side_by_side([outer] * 4) == [4, 4, 4, 4]
    assert count["most"] > 4
    turns.close()


def test_the_first_error_comes_once_all_have_ended() -> None:
    turns = Turns()
    ended: list[int] = []

    def job(number: int) -> None:
        with turns.waiting():
            time.sleep(0.01 * (5 - number))
        ended.append(number)
        if number in (1, 3):
            raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        turns.side_by_side([lambda n=n: job(n) for n in range(5)])
    assert sorted(ended) == [0, 1, 2, 3, 4]
    # and the turn was given back
    assert turns.side_by_side([lambda: 7]) == [7]
    turns.close()


def test_threads_go_when_the_session_ends() -> None:
    turns = Turns()
    job, _ = among(turns)
    idents = set(turns.side_by_side([job] * 5)) - {threading.get_ident()}
    assert idents
    turns.close()
    end = time.monotonic() + 10
    while idents & {thread.ident for thread in threading.enumerate()}:
        assert time.monotonic() < end
        time.sleep(0.01)
