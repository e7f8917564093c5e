"""The run of a model: objects made of it, a method called, garbage collected, and the model written again.

A model has four parts: `Objects` (the root object), `ObjectsCopy` (as it was after the last run: what is
missing from Objects since is destroyed), `Attributes` (rows of
object id, class, name, value) and `SystemData`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from knarr.services.application_catalog.language.garbage import held_by
from knarr.services.application_catalog.language.serializer import Serializer
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.store import SYSTEM
from knarr.services.application_catalog.language.values import MuranoObject, frozen, thawed

Model = dict[str, Any]


class Execution:
    """One run of one model in a session."""

    def __init__(self, session: Session, model: Mapping[str, Any]) -> None:
        self.session = session
        self.model = model
        self.root: MuranoObject | None = None

    def load(self) -> MuranoObject | None:
        """The root object; None if the model has none (all of it is to be destroyed)."""
        store = self.session.store
        objects, before = self.model.get("Objects"), self.model.get("ObjectsCopy")
        self._keep_attributes()
        if objects:
            self.root = store.load_tree(objects)
            self.session.garbage.roots.append(self.root)
        if before:
            self._load_gone(before)
        return self.root

    def _load_gone(self, before: Mapping[str, Any]) -> None:
        """Make the objects that have left the model, so that they can be destroyed. Those that are still
        there stay as they are."""
        store = self.session.store
        for model, owner in list(self._outermost(before, None)):
            store.load_part(model, store.find(owner) if owner else None)

    def _outermost(self, value: Any, owner: str | None) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        """(description, owner's id) of objects that are gone and stand in no other such one. Templates are
        no objects."""
        if isinstance(value, (list, tuple)):
            for item in value:
                yield from self._outermost(item, owner)
        if not isinstance(value, Mapping):
            return
        header, kind = value.get(SYSTEM), None
        if isinstance(header, Mapping) and header.get("id") and header.get("type"):
            there = self.session.store.find(str(header["id"]))
            if there is None:
                yield value, owner
                return
            owner, kind = there.id, there.kind
        for key, item in value.items():
            declared = kind.find_property(str(key)) if kind is not None else None
            if key != SYSTEM and not (declared is not None and declared.holds_templates):
                yield from self._outermost(item, owner)

    def _keep_attributes(self) -> None:
        """Attributes are there when `.init` runs."""
        for ident, kind, name, value in self.model.get("Attributes") or ():
            kept = self.session.store.attributes.setdefault(str(ident), {})
            kept[str(kind), str(name)] = frozen(value)

    def run(self, name: str, **arguments: Any) -> Any:
        """Call a method of the root."""
        return self.session.calls.invoke(self.root, name, (), arguments)

    def act(self, ident: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a public method of the object of that id, as from outside."""
        return self.session.calls.invoke_action(self.session.store.require(ident), name, arguments)

    def collect(self) -> list[MuranoObject]:
        """Destroy what the model and the root do not hold any more."""
        return self.session.garbage.collect()

    def finish(self) -> Model:
        """The model as it is now, once all that goes on in the background has ended."""
        self.session.finish()
        objects = None
        if self.root is not None and not self.root.destroyed:
            objects = Serializer(self.session, actions=True).model(self.root)
        return {
            "Objects": objects,
            "ObjectsCopy": thawed(objects),
            "Attributes": self._attributes(),
            "SystemData": dict(self.model.get("SystemData") or {}),
        }

    def _attributes(self) -> list[list[Any]]:
        rows = []
        for one in self.session.store.objects.values():
            for (kind, name), value in one.attributes.items():
                rows.append([one.id, kind, name, thawed(value)])
        return sorted(rows, key=lambda row: (row[0], row[1], row[2]))


__all__ = ["Execution", "Model", "held_by"]
