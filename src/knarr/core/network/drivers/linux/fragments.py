"""Pieces of an nftables ruleset as plain data, what the kernel has of them, and the commands from one to
the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

TABLE = "knarr"
FAMILIES = ("bridge", "inet")

DEVICES = ("tap", "brq", "dhc")
"""How names of devices begin that stand in sets."""

Name = tuple[str, str]
"""(family, name of a chain, set or map)."""
Key = tuple[str, ...]
"""An element's key, part by part."""


@dataclass(slots=True)
class Chain:
    """hook:

    the declaration of a base chain ("type filter hook …"), "" for others. rules: expressions, in order.
    """

    hook: str = ""
    rules: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.marks:
            self.marks = tuple(_mark(rule) for rule in self.rules)


@dataclass(slots=True)
class Fragment:
    """A piece of the ruleset that has one owner: chains, sets, and elements of sets (which may be another's).

    sets: declaration, as "type ipv4_addr" or "typeof iifname : ct zone". elements: key to value, "" in a set.
    """

    sets: dict[Name, str] = field(default_factory=dict)
    chains: dict[Name, Chain] = field(default_factory=dict)
    elements: dict[Name, dict[Key, str]] = field(default_factory=dict)

    def add(self, family: str, name: str, key: Key, value: str = "") -> None:
        """Puts an element into a set or map."""
        self.elements.setdefault((family, name), {})[key] = value


def merge(fragments: Iterable[Fragment]) -> Fragment:
    """All of them as one."""
    whole = Fragment()
    for fragment in fragments:
        whole.sets.update(fragment.sets)
        whole.chains.update(fragment.chains)
        for name, elements in fragment.elements.items():
            whole.elements.setdefault(name, {}).update(elements)
    return whole


@dataclass(slots=True)
class Delta:
    """What leads from one state to another.

    narrower: something that may have let packets through goes away.
    """

    commands: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    narrower: bool = False


def delta(old: Fragment, new: Fragment) -> Delta:
    """Commands for one transaction that turns `old` into `new` and leaves alone what is the same in both."""
    result = Delta()
    out = result.commands
    for name in new.sets.keys() - old.sets.keys():
        kind = "map" if " : " in new.sets[name] else "set"
        out.append(f"add {kind} {_at(name)} {{ {new.sets[name]}; }}")
        result.changed.append(f"{kind} {name[1]}")
    _chain_declarations(old, new, result)
    _lost_elements(old, new, result)
    _rules(old, new, result)
    _new_elements(old, new, result)
    # What refers to a chain or set is gone by now: elements and flushed rules.
    for name in old.chains.keys() - new.chains.keys():
        out.append(f"delete chain {_at(name)}")
    for name in old.sets.keys() - new.sets.keys():
        kind = "map" if " : " in old.sets[name] else "set"
        out.append(f"delete {kind} {_at(name)}")
    return result


def _chain_declarations(old: Fragment, new: Fragment, result: Delta) -> None:
    for name, chain in new.chains.items():
        if name not in old.chains:
            declaration = f" {{ {chain.hook}; policy accept; }}" if chain.hook else ""
            result.commands.append(f"add chain {_at(name)}{declaration}")
    for name in old.chains.keys() - new.chains.keys():
        result.commands.append(f"flush chain {_at(name)}")
        result.changed.append(f"chain {name[1]}")
        result.narrower = True


def _rules(old: Fragment, new: Fragment, result: Delta) -> None:
    for name, chain in new.chains.items():
        before = old.chains.get(name)
        if before is not None and before.marks == chain.marks:
            continue
        result.changed.append(f"chain {name[1]}")
        if before is not None:
            result.commands.append(f"flush chain {_at(name)}")
            result.narrower |= bool(set(before.marks) - set(chain.marks))
        for rule, mark in zip(chain.rules, chain.marks, strict=True):
            result.commands.append(f'add rule {_at(name)} {rule} comment "{mark}"')


def _lost_elements(old: Fragment, new: Fragment, result: Delta) -> None:
    for name, elements in old.elements.items():
        wanted = new.elements.get(name, {})
        lost = {key: value for key, value in elements.items() if wanted.get(key) != value}
        if lost:
            result.commands.append(f"delete element {_at(name)} {{ {_keys(lost)} }}")
            result.changed.append(f"elements of {name[1]}")
            result.narrower = True


def _new_elements(old: Fragment, new: Fragment, result: Delta) -> None:
    for name, elements in new.elements.items():
        have = old.elements.get(name, {})
        fresh = {key: value for key, value in elements.items() if have.get(key) != value}
        if fresh:
            result.commands.append(f"add element {_at(name)} {{ {_keys(fresh, values=True)} }}")
            result.changed.append(f"elements of {name[1]}")


def read(objects: Iterable[dict[str, Any]]) -> Fragment:
    """The state of a table from nftables' JSON listing."""
    found = Fragment()
    for entry in objects:
        ((kind, body),) = entry.items()
        if kind in ("set", "map"):
            _read_set(found, kind, body)
        elif kind == "chain":
            found.chains[body["family"], body["name"]] = Chain("hook" if "hook" in body else "")
        elif kind == "rule":
            chain = found.chains[body["family"], body["chain"]]
            chain.marks += (body.get("comment", "?"),)
    return found


def _read_set(found: Fragment, kind: str, body: dict[str, Any]) -> None:
    name = (body["family"], body["name"])
    found.sets[name] = "a : b" if kind == "map" else "a"
    elements = found.elements.setdefault(name, {})
    for element in body.get("elem", ()):
        key, value = element if kind == "map" else (element, None)
        parts = key["concat"] if isinstance(key, dict) and "concat" in key else [key]
        elements[tuple(str(part) for part in parts)] = _value(value)


def _value(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, dict):
        return str(value)
    if "concat" in value:
        return " . ".join(map(str, value["concat"]))
    ((verdict, body),) = value.items()
    return f"{verdict} {body['target']}" if body else str(verdict)


def _at(name: Name) -> str:
    return f"{name[0]} {TABLE} {name[1]}"


def _keys(elements: dict[Key, str], values: bool = False) -> str:
    texts = []
    for key, value in elements.items():
        # Device names are quoted, for they may look like anything; addresses may not be.
        text = " . ".join(f'"{part}"' if part.startswith(DEVICES) else part for part in key)
        texts.append(f"{text} : {value}" if values and value else text)
    return ", ".join(texts)


def _mark(rule: str) -> str:
    """Stands in a rule's comment, so that a rule which somebody changed or added is recognised without
    comparing it.
    """
    return "knarr " + hashlib.sha256(rule.encode()).hexdigest()[:16]


def restrict(kernel: Fragment, old: Fragment, new: Fragment) -> Fragment:
    """The part of `kernel` that an owner has a say on, who had `old` and wants `new`."""
    part = Fragment()
    part.sets = {name: kernel.sets[name] for name in old.sets.keys() | new.sets.keys() if name in kernel.sets}
    chains = old.chains.keys() | new.chains.keys()
    part.chains = {name: kernel.chains[name] for name in chains if name in kernel.chains}
    for name in old.elements.keys() | new.elements.keys():
        have = kernel.elements.get(name, {})
        if name in part.sets:  # whoever declares a set owns all that is in it
            part.elements[name] = dict(have)
            continue
        keys = old.elements.get(name, {}).keys() | new.elements.get(name, {}).keys()
        part.elements[name] = {key: have[key] for key in keys if key in have}
    return part


def replace(kernel: Fragment, part: Fragment, new: Fragment) -> None:
    """Writes into `kernel` that `part` of it has become `new`."""
    for name in part.sets:
        kernel.sets.pop(name, None)
    for name in part.chains:
        kernel.chains.pop(name, None)
    for name, gone in part.elements.items():
        have = kernel.elements.get(name, {})
        for key in gone:
            have.pop(key, None)
    kernel.sets.update(new.sets)
    kernel.chains.update(new.chains)
    for name, fresh in new.elements.items():
        kernel.elements.setdefault(name, {}).update(fresh)
