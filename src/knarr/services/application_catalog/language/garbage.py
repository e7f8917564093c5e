"""Destruction: objects that nothing holds any more, in the right order, and who wants to know of it.

Owned objects go before their owners, publishers before those that subscribed to their destruction. Each
object's `.destroy` runs for every class from the derived one to the root. What they raise is reported and
ends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import InvalidArguments, LimitReached, MuranoPlError
from knarr.services.application_catalog.language.holders import held_by_running_code
from knarr.services.application_catalog.language.values import PLAIN, MuranoObject, Reference

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

LOG = logging.getLogger(__name__)


def reachable(roots: Iterable[MuranoObject]) -> set[MuranoObject]:
    """Everything that the roots hold, directly or not, owners included."""
    found: set[MuranoObject] = set()
    todo = list(roots)
    while todo:
        one = todo.pop()
        if one in found:
            continue
        found.add(one)
        if one.owner is not None:
            todo.append(one.owner)
        todo += [held for held in held_by(one) if held not in found]
    return found


def held_by(one: MuranoObject) -> list[MuranoObject]:
    """What the object's properties refer to."""
    found: list[MuranoObject] = []
    todo: list[Any] = [*one.values.values(), *one.private.values()]
    while todo:
        value = todo.pop()
        if type(value) in PLAIN:
            continue
        if isinstance(value, Reference):
            found.append(value.real)
        elif isinstance(value, Mapping):
            todo += value.keys()
            todo += value.values()
        elif isinstance(value, (tuple, list, frozenset)):
            todo += value
    return found


class Garbage:
    """The garbage collection of a session. `roots` are what is held from outside."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.roots: list[MuranoObject] = []

    def collect_running(self) -> list[MuranoObject]:
        """As `collect`, for code that goes on: what its methods hold in variables stays."""
        return self.collect(held_by_running_code())

    def collect(self, running: Iterable[MuranoObject] = ()) -> list[MuranoObject]:
        """Destroy what nothing holds; the objects in the order in which they went."""
        held = reachable([*self.roots, *running])
        doomed = [one for one in self.session.store.objects.values() if one not in held]
        return self.destroy(doomed)

    def destroy(self, doomed: Iterable[MuranoObject]) -> list[MuranoObject]:
        """Destroy these objects, in an order that their owners and subscriptions allow."""
        going = [one for one in doomed if not one.destroyed]
        for one in going:
            one.doomed = True
        order = self._order(going)
        for one in order:
            self._notify(one)
            self._destroy(one)
        for one in order:
            self.session.store.forget(one)
        return order

    def _order(self, going: list[MuranoObject]) -> list[MuranoObject]:
        """Each object after those that must go before it; circles are cut anywhere."""
        before: dict[MuranoObject, list[MuranoObject]] = {one: [] for one in going}
        for one in going:
            if one.owner in before:
                before[one.owner].append(one)
            for row in one.dependencies:
                subscriber = self.session.store.find(str(row.get("subscriber")))
                if subscriber is not None and subscriber in before and subscriber is not one:
                    before[subscriber].append(one)
        order: list[MuranoObject] = []
        seen: set[MuranoObject] = set()

        def visit(one: MuranoObject) -> None:
            if one in seen:
                return
            seen.add(one)
            for other in before[one]:
                visit(other)
            order.append(one)

        for one in going:
            visit(one)
        return order

    def _notify(self, one: MuranoObject) -> None:
        """Call the handlers of those that subscribed to the destruction."""
        for row in one.dependencies:
            subscriber = self.session.store.find(str(row.get("subscriber")))
            handler = row.get("handler")
            if subscriber is None or subscriber.destroyed or not handler:
                continue
            self._quietly(subscriber, str(handler), (one,))

    def _destroy(self, one: MuranoObject) -> None:
        for kind in one.kind.mro:
            method = kind.methods.get(".destroy")
            if method is not None:
                try:
                    self.session.calls.call(method, one, (), {})
                except LimitReached:
                    raise
                except MuranoPlError as error:
                    LOG.warning("the destruction of %r failed in %s: %s", one, kind.name, error.trace())
        one.destroyed = True

    def _quietly(self, target: MuranoObject, name: str, args: tuple[Any, ...]) -> None:
        try:
            self.session.calls.invoke(target, name, args, {})
        except LimitReached:
            raise
        except MuranoPlError as error:
            LOG.warning("%s of %r failed: %s", name, target, error.trace())

    # Subscriptions

    def subscribe(self, publisher: MuranoObject, subscriber: MuranoObject, handler: str | None) -> None:
        """Have the subscriber told of the publisher's destruction, once. Raises InvalidArguments."""
        if handler and subscriber.kind.find_method(handler) is None:
            raise InvalidArguments(f"{subscriber.kind.name} has no method {handler} to handle a destruction")
        if self._row(publisher, subscriber, handler) is None:
            publisher.dependencies.append({"subscriber": subscriber.id, "handler": handler})

    def unsubscribe(self, publisher: MuranoObject, subscriber: MuranoObject, handler: str | None) -> None:
        """Take a subscription back; one that is not there is no error."""
        row = self._row(publisher, subscriber, handler)
        if row is not None:
            publisher.dependencies.remove(row)

    def _row(
        self, publisher: MuranoObject, subscriber: MuranoObject, handler: str | None
    ) -> dict[str, Any] | None:
        for row in publisher.dependencies:
            if row.get("subscriber") == subscriber.id and row.get("handler") == handler:
                return row
        return None
