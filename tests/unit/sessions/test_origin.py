"""Which web pages may open a session."""

from __future__ import annotations

import pytest

from knarr.services.container.sessions.origin import refusal

WS, WSS = "ws://proxy:6784/", "wss://proxy:6784/"


@pytest.mark.parametrize(
    ("origin", "host", "forwarded", "base"),
    [
        (None, "proxy:6784", None, WS),
        ("http://proxy", "proxy:6784", None, WS),
        ("http://proxy:None", "proxy", None, WS),
        ("http://proxy:9140", "proxy:6784", None, WS),
        ("http://dashboard", "proxy:6784", None, WS),
        ("http://DashBoard", "proxy:6784", None, WS),
        ("https://proxy", "proxy:6784", None, WSS),
        ("http://proxy", "proxy:6784", "https", WSS),
        ("http://[::1]:80", "[::1]:6784", None, "ws://[::1]:6784/"),
    ],
)
def test_accepted(origin: str | None, host: str, forwarded: str | None, base: str) -> None:
    assert refusal(origin, host, forwarded, base, ["dashboard"]) is None


@pytest.mark.parametrize(
    ("origin", "host", "forwarded", "base", "reason"),
    [
        ("http://evil", "proxy:6784", None, WS, "allowed_origins"),
        ("http://proxy.evil", "proxy:6784", None, WS, "allowed_origins"),
        ("http://proxy", None, None, WS, "allowed_origins"),
        ("https://proxy", "proxy:6784", None, WS, "scheme"),
        ("http://proxy", "proxy:6784", None, WSS, "scheme"),
        ("https://proxy", "proxy:6784", "http", WSS, "scheme"),
        ("file://proxy", "proxy:6784", None, WS, "scheme"),
        ("null", "proxy:6784", None, WS, "no host"),
        ("http://[", "proxy:6784", None, WS, "not an address"),
    ],
)
def test_refused_with_the_reason(
    origin: str, host: str | None, forwarded: str | None, base: str, reason: str
) -> None:
    assert reason in str(refusal(origin, host, forwarded, base, ["dashboard"]))
