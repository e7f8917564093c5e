"""Calls to a host and announcements to whoever listens."""

from __future__ import annotations

import threading
import time

import pytest

from knarr.kernel import logs
from knarr.kernel.bus import LocalBus, RemoteError
from knarr.kernel.errors import NotFound, ServiceUnavailable


@pytest.fixture
def bus():
    bus = LocalBus()
    yield bus
    bus.close()


def test_a_call_brings_the_result(bus):
    bus.serve("h1", {"container.top": lambda ident, args: {"ident": ident, "args": args}})
    bus.serve("h1", {"container.logs": lambda: "text"})
    assert bus.call("h1", "container.top", ident="c", args=("a", "b")) == {"ident": "c", "args": ["a", "b"]}
    assert bus.call("h1", "container.logs") == "text"


def test_errors_travel(bus):
    def missing():
        raise NotFound("There is no container c.", code="ContainerNotFound")

    def broken():
        raise OSError("socket closed")

    bus.serve("h1", {"container.missing": missing, "container.broken": broken})
    with pytest.raises(NotFound, match="no container c") as error:
        bus.call("h1", "container.missing")
    assert error.value.code == "ContainerNotFound"
    with pytest.raises(RemoteError, match=r"container\.broken failed: socket closed"):
        bus.call("h1", "container.broken")


def test_a_host_that_is_not_there_or_does_not_answer_is_unavailable(bus):
    bus.serve("h1", {"container.slow": lambda: time.sleep(1)})
    with pytest.raises(ServiceUnavailable, match="h2 is not reachable"):
        bus.call("h2", "container.slow")
    with pytest.raises(ServiceUnavailable, match=r"does not offer container\.fast"):
        bus.call("h1", "container.fast")
    with pytest.raises(ServiceUnavailable, match=r"within 0\.05 seconds"):
        bus.call("h1", "container.slow", timeout=0.05)


def test_what_could_not_cross_a_wire_is_refused_in_memory_too(bus):
    bus.serve("h1", {"container.take": lambda what: None, "container.give": lambda: object()})
    with pytest.raises(TypeError):
        bus.call("h1", "container.take", what=object())
    with pytest.raises(RemoteError):
        bus.call("h1", "container.give")


def test_calls_run_side_by_side_and_carry_the_request_id(bus):
    together = threading.Barrier(8)

    def meet():
        together.wait(5)
        return logs.request_id.get()

    bus.serve("h1", {"container.meet": meet})
    answers = []

    def ask(n):
        with logs.request(f"req-{n}"):
            answers.append((f"req-{n}", bus.call("h1", "container.meet")))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(answers) == 8
    assert all(asked == answered for asked, answered in answers)


def test_a_cast_does_not_wait(bus):
    go_on, done = threading.Event(), threading.Event()

    def sync():
        go_on.wait(5)
        done.set()

    bus.serve("h1", {"container.sync": sync})
    bus.cast("h1", "container.sync")
    assert not done.is_set()
    go_on.set()
    assert done.wait(5)


def test_all_subscribers_hear_and_one_that_fails_harms_nobody(bus):
    heard = []

    def fail(payload):
        raise OSError("deaf")

    bus.subscribe("topic", fail)
    end = bus.subscribe("topic", heard.append)
    bus.publish("topic", {"n": 1})
    bus.publish("other", {"n": 2})
    end()
    bus.publish("topic", {"n": 3})
    assert heard == [{"n": 1}]
