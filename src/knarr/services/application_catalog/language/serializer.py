"""Objects as descriptions again: inline where they are owned, by their id everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.model import WRITTEN_TO_MODEL, MuranoType, Property
from knarr.services.application_catalog.language.values import PLAIN, MuranoObject, Reference, TypeObject

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

SERIALIZE = "io.murano.metadata.engine.Serialize"
COPY = "copy"
TITLE = "io.murano.metadata.Title"


class DumpMode(StrEnum):
    """What the header of an object has: `Serializable` type names as text; `Inline` types as objects in the
    header; `Mixed` the short form with the type object as key."""

    SERIALIZABLE = "Serializable"
    INLINE = "Inline"
    MIXED = "Mixed"


class Serializer:
    """One pass over objects: each is written out once, at its owner."""

    def __init__(
        self,
        session: Session,
        mode: DumpMode = DumpMode.SERIALIZABLE,
        keep_ids: bool = True,
        actions: bool = False,
    ) -> None:
        self.session = session
        self.mode = mode
        self.keep_ids = keep_ids
        self.actions = actions
        self.written: set[str] = set()
        self._headers: list[dict[str, Any]] = []

    def model(self, root: MuranoObject) -> dict[Any, Any]:
        """The description of the root of a model. Subscriptions of objects that are not in it are left."""
        described = self.object(root)
        for header in self._headers:
            rows = [
                row for row in header["dependencies"]["onDestruction"] if row["subscriber"] in self.written
            ]
            if rows:
                header["dependencies"] = {"onDestruction": rows}
            else:
                del header["dependencies"]
        return described

    def object(self, one: MuranoObject) -> dict[Any, Any]:
        """The description of an object with everything that it owns."""
        self.written.add(one.id)
        properties: dict[Any, Any] = {}
        for name, way in _written(one.kind):
            if name in one.values:
                properties[name] = self.value(one.values[name], one, way)
        header = self._header(one)
        if self.mode is DumpMode.MIXED:
            header.pop("type")
            header.pop("classVersion", None)
            return {TypeObject.of(one.kind): properties, **header}
        return {"?": header, **properties}

    def _header(self, one: MuranoObject) -> dict[str, Any]:
        header: dict[str, Any] = dict(one.system)
        header.pop("error", None)
        kind = one.kind
        if self.mode is DumpMode.SERIALIZABLE:
            header |= {"type": kind.name, "classVersion": str(kind.version), "package": kind.package.name}
        else:
            header["type"] = TypeObject.of(kind)
        if self.keep_ids:
            header["id"] = one.id
        header["name"] = one.name
        if one.metadata is not None:
            header["metadata"] = self.value(one.metadata, one)
        if one.dependencies:
            header["dependencies"] = {"onDestruction": [dict(row) for row in one.dependencies]}
            self._headers.append(header)
        if one.destroyed:
            header["destroyed"] = True
        if self.actions:
            header["_actions"] = actions(one)
        return header

    def value(self, value: Any, owner: MuranoObject, way: str | None = None) -> Any:
        """`way` is what Serialize asks for: copy (written out wherever it stands) or reference (its id)."""
        if type(value) in PLAIN:
            return value
        if isinstance(value, Reference):
            real = value.real
            inline = real.owner is owner if way is None else way == COPY
            return self.object(real) if inline and real.id not in self.written else real.id
        if isinstance(value, TypeObject):
            return value if self.mode is not DumpMode.SERIALIZABLE else value.kind.name
        if isinstance(value, Mapping):
            return {self.value(key, owner, way): self.value(item, owner, way) for key, item in value.items()}
        if isinstance(value, (tuple, list, frozenset)):
            return [self.value(item, owner, way) for item in value]
        return value


def _written(kind: MuranoType) -> tuple[tuple[str, str | None], ...]:
    """The properties of a class that stand in a model, each with its `way`."""
    found: tuple[tuple[str, str | None], ...] | None = kind.cache.get("written")
    if found is None:
        declared = ((name, kind.find_property(name)) for name in kind.property_names())
        found = kind.cache["written"] = tuple(
            (name, _way(one)) for name, one in declared if one is not None and one.usage in WRITTEN_TO_MODEL
        )
    return found


def _way(declared: Property) -> str | None:
    """What Serialize says of a property, or of what it redefines."""
    for kind in declared.declared_by.mro:
        same = kind.properties.get(declared.name)
        for entry in same.meta if same is not None else ():
            if entry.type_name == SERIALIZE:
                return str(entry.values.get("as"))
    return None


def actions(one: MuranoObject) -> dict[str, dict[str, Any]]:
    """The public methods of an object as the model tells them."""
    return {
        f"{one.id}_{name}": {"name": name, "title": title, "enabled": True}
        for name, title in _actions(one.kind)
    }


def _actions(kind: MuranoType) -> tuple[tuple[str, str], ...]:
    """(name, title) of what can be called from outside."""
    found: tuple[tuple[str, str], ...] | None = kind.cache.get("actions")
    if found is None:
        found = kind.cache["actions"] = tuple(
            (name, _title(method.meta) or name)
            for name, method in sorted(kind.all_methods().items())
            if method.is_public and not method.is_static
        )
    return found


def _title(meta: Any) -> str | None:
    return next((str(row.values.get("text")) for row in meta if row.type_name == TITLE), None)


__all__ = ["DumpMode", "MuranoType", "Serializer", "actions"]
