"""Keys of YAML files that do not say what their authors mean."""

from __future__ import annotations

import yaml

from knarr.services.application_catalog.language.errors import MuranoPlError, Position
from knarr.services.application_catalog.language.source import nodes
from knarr.services.application_catalog.packages.faults import Faults

# How YAML reads words that names are made of.
WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def doubtful_keys(data: bytes, file: str) -> Faults:
    """Keys that stand twice in one mapping: the last one wins, and nobody sees it. And words that YAML takes
    for true, false or nothing, as nobody means them who does not write so. And `{a => b}`, which is a mapping
    within expressions only."""
    faults = Faults()
    try:
        waiting = nodes(data.decode(), file)
    except (MuranoPlError, UnicodeDecodeError):
        return faults  # told by those who read the file
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            _doubtful(node, file, faults)
            waiting += [part for pair in node.value for part in pair]
    return faults


def _doubtful(node: yaml.MappingNode, file: str, faults: Faults) -> None:
    keys: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
            continue
        place = Position(file, key.start_mark.line + 1, key.start_mark.column + 1)
        if key.value in keys:
            faults.note(f"the key {key.value[:80]!r} stands there twice", place)
        elif key.tag.endswith(":bool") and key.value.lower() not in ("true", "false"):
            faults.note(f"the key {key.value} is read as {WORDS[key.value.lower()]}: quote it", place)
        elif not key.style and "=>" in key.value and not value.value:
            left, _, right = key.value[:80].partition("=>")
            told = f"{key.value[:80]!r} is a key without a value here: write {left.strip()}: {right.strip()}"
            faults.note(told, place)
        elif key.tag.endswith(":null") and not key.value:
            faults.note("a key is empty", place)
        keys.add(key.value)
