"""Dictionaries whose keys can be read as attributes: `args.appName`, `result.stdout`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Bunch(dict[str, Any]):
    """A dictionary with attributes, and with the methods that plans written for Python 2 ask of one."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(sorted(map(str, self))) or "none"
            raise AttributeError(f"there is no {name!r} here; there are: {known}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def has_key(self, key: Any) -> bool:
        return key in self

    def iteritems(self) -> Iterator[tuple[str, Any]]:
        return iter(self.items())

    def iterkeys(self) -> Iterator[str]:
        return iter(self.keys())

    def itervalues(self) -> Iterator[Any]:
        return iter(self.values())
