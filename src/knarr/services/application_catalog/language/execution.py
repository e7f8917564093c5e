"""The run of a model: objects made of it, a method called, garbage collected, and the model written again.

A model has four parts: `Objects` (the root object), `ObjectsCopy` (as it was after the last run: what is
missing from Objects since is destroyed), `Attributes` (rows of
object id, class, name, value) and `SystemData`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from knarr.services.application_catalog.language.garbage import held_by
from knarr.services.application_catalog.language.serializer import Serializer
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.store import SYSTEM, ids_in
from knarr.services.application_catalog.language.values import MuranoObject, thawed

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
        if objects:
            self.root = store.load_tree(objects)
            self.session.garbage.roots.append(self.root)
        if before:
            gone = ids_in(before) - set(store.objects)
            if gone:
                self._load_gone(before, gone)
        self._load_attributes()
        return self.root

    def _load_gone(self, before: Mapping[str, Any], gone: set[str]) -> None:
        """Make the objects that have left the model, so that they can be destroyed. Those that are still
        there stay as they are."""
        for model, owner in _outermost(before, gone, None):
            found = self.session.store.find(owner) if owner else None
            self.session.store.load_part(model, found)

    def _load_attributes(self) -> None:
        for ident, kind, name, value in self.model.get("Attributes") or ():
            one = self.session.store.find(str(ident))
            if one is not None:
                one.attributes[str(kind), str(name)] = value

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
            objects = Serializer(self.session, actions=True).object(self.root)
        return {
            "Objects": objects,
            "ObjectsCopy": copy.deepcopy(objects),
            "Attributes": self._attributes(),
            "SystemData": dict(self.model.get("SystemData") or {}),
        }

    def _attributes(self) -> list[list[Any]]:
        rows = []
        for one in self.session.store.objects.values():
            for (kind, name), value in one.attributes.items():
                rows.append([one.id, kind, name, thawed(value)])
        return sorted(rows, key=lambda row: (row[0], row[1], row[2]))


def _outermost(value: Any, wanted: set[str], owner: str | None) -> list[tuple[Mapping[str, Any], str | None]]:
    """(description, owner's id) of the wanted objects that stand in no other wanted one."""
    found: list[tuple[Mapping[str, Any], str | None]] = []
    if isinstance(value, Mapping):
        header = value.get(SYSTEM)
        ident = str(header["id"]) if isinstance(header, Mapping) and "id" in header else None
        if ident in wanted:
            return [(value, owner)]
        for key, item in value.items():
            if key != SYSTEM:
                found += _outermost(item, wanted, ident or owner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            found += _outermost(item, wanted, owner)
    return found


__all__ = ["Execution", "Model", "held_by"]
