"""Turns: as many requests at once as there are turns, none of them for those who wait for their clients."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

from knarr.kernel.errors import ServiceUnavailable
from knarr.kernel.turns import Turns


class SlowBody(io.BytesIO):
    """A body that comes when `sent` is set."""

    def __init__(self) -> None:
        super().__init__(b"body")
        self.asked, self.sent = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.asked.set()
        assert self.sent.wait(10)
        return super().read(size)


def app(environ: dict[str, Any], start_response: Any) -> Any:
    return [environ["wsgi.input"].read()]


def call(turns: Turns, body: io.BytesIO) -> Any:
    return turns({"wsgi.input": body}, None)


def test_a_request_that_waits_for_its_body_keeps_no_turn() -> None:
    turns, slow, answers = Turns(app, 1), SlowBody(), []
    waiting = threading.Thread(target=lambda: answers.extend(call(turns, slow)))
    waiting.start()
    assert slow.asked.wait(10)
    assert call(turns, io.BytesIO(b"fast")) == [b"fast"]
    slow.sent.set()
    waiting.join(10)
    assert answers == [b"body"]


def test_where_too_many_wait_the_next_is_told_so_and_others_are_served() -> None:
    turns, slow = Turns(app, 2, patient=1), SlowBody()
    waiting = threading.Thread(target=call, args=(turns, slow))
    waiting.start()
    assert slow.asked.wait(10)
    with pytest.raises(ServiceUnavailable):
        call(turns, io.BytesIO(b"fast"))
    slow.sent.set()
    waiting.join(10)
    assert call(turns, io.BytesIO(b"fast")) == [b"fast"]


def test_an_answer_in_pieces_is_counted_until_it_is_closed_and_keeps_no_turn() -> None:
    pieces = iter([b"one", b"two"])
    turns = Turns(lambda environ, start_response: pieces, 1, patient=1)
    answer: Any = call(turns, io.BytesIO())
    assert next(answer) == b"one"
    assert turns.turns.acquire(blocking=False)
    assert not turns.patient.acquire(blocking=False)
    answer.close()
    answer.close()
    assert turns.patient.acquire(blocking=False)
    assert not turns.patient.acquire(blocking=False)
