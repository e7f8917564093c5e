"""io.murano.test.TestFixture: what tests in packages extend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.language.pythonclass import murano_class

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject

NAME = "io.murano.test.TestFixture"


class AssertionFailed(MuranoPlError):
    """What a test expected did not come."""

    upstream = "testtools.matchers._impl.MismatchError"


@murano_class(NAME)
class TestFixture:
    def __init__(self, this: MuranoObject, session: Session) -> None:
        self._session = session

    def load(self, model: Any) -> MuranoObject:
        """The root object of a model: of `Objects` if it has that, else of the object itself."""
        from knarr.services.application_catalog.language.values import thawed

        described = thawed(model)
        objects = described.get("Objects", described) if isinstance(described, dict) else described
        return self._session.store.load_tree(objects)

    def start_env(self) -> None:
        """As before a deployment: nothing has to be prepared here."""

    def finish_env(self) -> None:
        """As after a deployment: what nobody holds any more is destroyed."""
        self._session.garbage.collect_running()

    def assert_equal(self, expected: Any, observed: Any, message: Any = None) -> None:
        if expected != observed:
            raise _failure(f"{expected!r} was expected, {observed!r} came", message)

    def assert_true(self, expr: Any, message: Any = None) -> None:
        if not expr:
            raise _failure(f"{expr!r} is not true", message)

    def assert_false(self, expr: Any, message: Any = None) -> None:
        if expr:
            raise _failure(f"{expr!r} is not false", message)

    def assert_in(self, needle: Any, haystack: Any, message: Any = None) -> None:
        if needle not in _searched(haystack):
            raise _failure(f"{needle!r} is not in {haystack!r}", message)

    def assert_not_in(self, needle: Any, haystack: Any, message: Any = None) -> None:
        if needle in _searched(haystack):
            raise _failure(f"{needle!r} is in {haystack!r}", message)


def _searched(haystack: Any) -> Any:
    return haystack if isinstance(haystack, Iterable) else ()


def _failure(what: str, message: Any) -> AssertionFailed:
    return AssertionFailed(f"{what}: {message}" if message else what)
