"""The embedded identity service: Keystone's v3 API, in process.

What stands where: `tokens` (the payload in a token), `keys` (the keys that seal it), `authentication` and
`scoping` (what a login asks for), `grants` (who has which role where), `issuing` (from those to a token's
body), `backend` (the cache that every service's token check goes through), `changes` (what makes that cache
forget).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knarr.kernel.service import Service


def service() -> Service:
    """The identity service, as the entry point `knarr.services` names it."""
    from knarr.core.identity.definition import build

    return build()
