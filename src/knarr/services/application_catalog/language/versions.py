"""Versions of packages and the ranges that name them: SemVer, pip-like ranges, partial versions."""

from __future__ import annotations

import functools
from typing import Any

from semantic_version import SimpleSpec, Version

from knarr.services.application_catalog.language.errors import InvalidVersion

ZERO = Version("0.0.0")
ANY = "0"


def version(value: Any) -> Version:
    """The version that a manifest says: `1`, `1.2`, `1.2.3-dev+build`. Raises InvalidVersion."""
    if value is None or value == "":
        return ZERO
    text = str(value).strip()
    try:
        return Version.coerce(text)
    except ValueError:
        raise InvalidVersion(f"{text[:64]!r} is no version: use MAJOR.MINOR.PATCH") from None


class Spec:
    """A range of versions. `0` and nothing at all mean every version below 1, as upstream reads them."""

    __slots__ = ("_spec", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._spec = _simple(text)

    def __contains__(self, candidate: Version) -> bool:
        # A version with a suffix counts for its range as well: packages under work are found.
        return self._spec.match(candidate) or self._spec.match(candidate.truncate())

    def __repr__(self) -> str:
        return f"Spec({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


@functools.lru_cache(maxsize=4096)
def spec(value: Any = None) -> Spec:
    """The range that a requirement says. A version stands for itself. Raises InvalidVersion."""
    text = "" if value is None else str(value).strip()
    return Spec(text or ANY)


def _simple(text: str) -> SimpleSpec:
    parts = [part.strip().replace(" ", "") for part in text.split(",") if part.strip()]
    clauses = [part if part[0] in "<>=!~^*" else f"=={part}" for part in parts]
    try:
        return SimpleSpec(",".join(_partial(clause) for clause in clauses))
    except ValueError:
        raise InvalidVersion(
            f"{text[:64]!r} is no range of versions: use e.g. 1.2, ==1.2.3 or >=1.0,<2"
        ) from None


def _partial(clause: str) -> str:
    """`==1` as the range it means; a lone `=` is the same as two."""
    if clause.startswith("=") and not clause.startswith("=="):
        return "=" + clause
    return clause
