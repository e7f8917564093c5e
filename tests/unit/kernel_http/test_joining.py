"""Services that join while the first ones are served already."""

from __future__ import annotations

import threading

import pytest

from knarr.kernel.mount import Gate
from knarr.kernel.service import Service
from knarr.kernel.services import Services


def service(kind):
    return Service(
        name=kind,
        type=kind,
        prefix=f"/{kind}",
        title=kind,
        routes=(),
        policies=(),
        error_body=lambda error, request_id: {},
    )


def in_a_thread(fn):
    found = []
    thread = threading.Thread(target=lambda: found.append(fn()), daemon=True)
    thread.start()
    return thread, found


def test_a_service_that_is_there_is_had_at_once():
    services = Services([service("first")], more=True)
    assert services["first"].type == "first"
    assert [one.type for one in services.known()] == ["first"]


def test_who_asks_for_all_waits_for_the_rest():
    services = Services([service("first")], more=True)
    thread, found = in_a_thread(lambda: list(services))
    thread.join(0.05)
    assert thread.is_alive()
    services.complete([service("second")])
    thread.join(5)
    assert found == [["first", "second"]]


def test_an_unknown_service_is_unknown_once_all_are_there():
    services = Services([service("first")], more=False)
    with pytest.raises(KeyError):
        services["second"]
    assert "second" not in services


def test_requests_to_a_ready_service_pass_and_others_wait_until_all_are_ready():
    passed = []

    def app(environ, start_response):
        passed.append(environ["PATH_INFO"])
        return [b""]

    gate = Gate(app, ["/first"])
    gate({"PATH_INFO": "//first/v1"}, None)
    thread, _ = in_a_thread(lambda: gate({"PATH_INFO": "/second/v1"}, None))
    thread.join(0.05)
    assert passed == ["//first/v1"]
    gate.open()
    thread.join(5)
    assert passed == ["//first/v1", "/second/v1"]
