"""Access rules: the routes to which a token of an application credential may be confined.

A rule names a service (its type), a method and a path. In the path `*` and `{name}` stand for one segment and
`**` for any number of them, as in keystonemiddleware. The path is the one below the service's prefix
(`/v1/containers`), or with it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

# WSGI environments of requests that a service of this process makes on somebody's behalf have this key, which
# nothing on the wire can set. Only what the user asked for itself is held to the rules.
ON_BEHALF = "knarr.on_behalf"

_WILD = re.compile(r"(\*\*|\*|{[^}]*})")

# Who was told a token may always have it checked.
_ALWAYS = ("identity", "GET", "/v3/auth/tokens")


def permitted(
    token: dict[str, Any], types: Sequence[str], method: str, prefix: str, path: str, on_behalf: bool
) -> bool:
    """Whether the token of this v3 body may make the request: always, unless it has access rules."""
    rules = (token.get("application_credential") or {}).get("access_rules")
    if rules is None or on_behalf:
        return True
    if (types[0], method, path) == _ALWAYS:
        return True
    return any(
        rule["method"] == method
        and rule["service"] in types
        and any(_pattern(rule["path"]).fullmatch(form) for form in (path, prefix + path))
        for rule in rules
    )


@functools.lru_cache(1024)
def _pattern(path: str) -> re.Pattern[str]:
    parts = _WILD.split(path)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if part == "**":
        return ".*"
    return "[^/]+" if part == "*" or part.startswith("{") else re.escape(part)
