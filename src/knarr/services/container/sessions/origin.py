"""Which web pages may open a session: a browser says in `Origin` where its page is from."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

# The scheme of a page for each scheme under which sessions are reached.
PAGES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


def refusal(
    origin: str | None, host: str | None, forwarded_proto: str | None, base_url: str, allowed: Collection[str]
) -> str | None:
    """Why a connection with these headers is refused; None if it is not.

    Programs that are no browsers send no Origin, and are accepted. Else the origin's host must be the one of
    `Host`, or an allowed one. Its scheme must go with `base_url`'s; where a proxy before us wrote
    X-Forwarded-Proto, that is the page's scheme. Ports do not count: the official client writes
    `http://host:None` if there is none.
    """
    if not origin:
        return None
    try:
        parts = urlsplit(origin)
        name = parts.hostname
    except ValueError:
        return "The Origin is not an address."
    if not name or not parts.scheme:
        return "The Origin has no host."
    if name != _host_name(host) and name not in {allowed_name.lower() for allowed_name in allowed}:
        return "The Origin's host is neither this one nor among [websocket_proxy] allowed_origins."
    scheme = (forwarded_proto or parts.scheme).strip().lower()
    if PAGES.get(scheme) != PAGES[urlsplit(base_url).scheme]:
        return "The Origin's scheme does not go with the address of this session."
    return None


def _host_name(host: str | None) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None
