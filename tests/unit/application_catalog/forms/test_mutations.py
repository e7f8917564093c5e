"""Whatever is done to a definition or to answers ends well or in one of the library's errors, and soon."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from knarr.services.application_catalog.forms.budget import Allowance
from knarr.services.application_catalog.forms.cloud import Component, Flavor, Image, Network, Subnet, Zone
from knarr.services.application_catalog.forms.faults import DefinitionFault
from knarr.services.application_catalog.forms.reader import read
from knarr.services.application_catalog.forms.wizard import Services, Wizard

from .support import SUBJECT, Keys, RecordingCloud
from .test_legacy import CLUSTER

ALL = """Version: 2.4
Parameters:
  sizes: {s: Small, l: Large}
  two: 1 + 1
Templates:
  node:
    ?:
      type: com.example.Node
    name: generateHostname($.app.pattern, $index)
    flavor: $.host.flavor
  shared:
    ?:
      type: com.example.Disk
    size: $.app.count * 10
Application:
  ?:
    type: com.example.Shop
    classVersion: 1.2
  nodes: repeat($node, $.app.count)
  disks:
    - ref(shared)
    - ref(shared)
    - ref(shared, other)
  secret: encryptData($.app.password)
  title: name()
  names: $.app.databases.select(concat($, '-', $.toUpper()))
  network: $.host.network[0]
Forms:
  - app:
      fields:
        - name: pattern
          type: string
          initial: node-#
          regexpValidator: '^[\\w#-]+$'
          maxLength: 30
        - name: count
          type: integer
          initial: $two
          minValue: 1
          maxValue: 5
          validators:
            - expr: $ mod 2 = 0
              message: must be even
        - name: password
          type: password
          initial: Sesame-42!
          confirmInput: false
        - name: size
          type: choice
          choices: $sizes
          initial: s
        - name: databases
          type: databaselist
          initial: a, b
          errorMessages:
            invalid: no names
        - name: ip
          type: clusterip
          required: false
      validators:
        - expr: $.app.count < 2 or '#' in $.app.pattern
          message: a number is needed
  - host:
      region: north
      fields:
        - name: flavor
          type: flavor
          requirements: {min_vcpus: 1, min_disk: $.app.count}
        - name: image
          type: image
          imageType: linux
          initial: i
        - name: zone
          type: azone
          initial: nova
        - name: network
          type: network
          murano_networks: translate
          initial: ['n', 's']
        - name: target
          type: [com.example.Host, com.example.Other]
          required: false
          enabled: $.app.count > 1
          widgetMedia: {js: [a/b.js], css: {all: [c.css]}}
"""

PIECES = (
    "$",
    "$.app",
    "$.app.count + 1",
    "repeat($node, 3)",
    "ref(node)",
    "!yaql '1'",
    "&a",
    "*a",
    "<<: *a",
    "null",
    "true",
    "-1",
    "1e9",
    "[]",
    "{}",
    "? x",
    "'",
    '"',
    "- ",
    ": ",
    "{YAQL: $}",
    "!!python/name:os.system",
    "\x00",
    "\u2028",
    "name: x",
    "type: table",
    "\t",
    "%YAML 1.1",
    "9" * 30,
    "(" * 50,
)
ALLOWANCE = Allowance(seconds=2.0, calls=20_000, values=20_000, pattern_seconds=0.2)
VALUES: tuple[Any, ...] = (
    None,
    "",
    "a",
    "Sesame-42!",
    0,
    -1,
    3,
    2**70,
    1.5,
    float("nan"),
    True,
    [],
    ["n", "s"],
    [None, None],
    {},
    {"?": {"type": "com.example.Host"}},
    {"a": [1, {"b": None}]},
    "a" * 5000,
    "\ud800",
    "\0",
    "10.0.0.1",
    "a,b",
)


def cloud() -> RecordingCloud:
    return RecordingCloud(
        image_list=[Image("i", "image", murano_image_info='{"type": "linux"}')],
        flavor_list=[Flavor("1", "m1.medium", 8, 8192, 80)],
        zone_list=[Zone("nova")],
        network_list=[Network("n", "net", (Subnet("s", "10.0.0.0/24"),))],
        component_list=[Component("c", "host", "com.example.Host")],
    )


def through(text: str, answers: Any, parameters: Any = None) -> bool:
    """Whether all went well to an object model that JSON can say. Only the library's errors may be raised."""
    try:
        definition = read(text, "ui.yaml")
        made = Wizard(definition, SUBJECT, Services(cloud(), Keys()), ALLOWANCE, confirm=False)
        made.start()
        outcome = made.advance(answers, parameters, complete=True)
    except DefinitionFault as fault:
        assert str(fault)
        return False
    assert outcome.done or outcome.errors
    json.dumps(outcome.plain(), allow_nan=False, ensure_ascii=False).encode()
    return outcome.done


def replaced_line(lines: list[str], chance: random.Random) -> None:
    index = chance.randrange(len(lines))
    indent = len(lines[index]) - len(lines[index].lstrip())
    key, colon, _ = lines[index].partition(":")
    lines[index] = f"{key}{colon} {chance.choice(PIECES)}" if colon else " " * indent + chance.choice(PIECES)


def dropped_line(lines: list[str], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines))]


def doubled_line(lines: list[str], chance: random.Random) -> None:
    index = chance.randrange(len(lines))
    lines.insert(index, lines[index])


def moved_line(lines: list[str], chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))


def indented_line(lines: list[str], chance: random.Random) -> None:
    index = chance.randrange(len(lines))
    lines[index] = lines[index][2:] if chance.random() < 0.5 else "  " + lines[index]


def broken_text(lines: list[str], chance: random.Random) -> None:
    index = chance.randrange(len(lines))
    at = chance.randrange(len(lines[index]) + 1)
    lines[index] = lines[index][:at] + chance.choice(PIECES) + lines[index][at:]


MUTATIONS: tuple[Callable[[list[str], random.Random], None], ...] = (
    replaced_line,
    dropped_line,
    doubled_line,
    moved_line,
    indented_line,
    broken_text,
)


def test_the_whole_definition_works() -> None:
    assert through(ALL, {})


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("source", [ALL, CLUSTER], ids=["latest", "first"])
def test_changed_definitions(source: str, seed: int) -> None:
    chance = random.Random(f"definitions {seed}")
    for _ in range(25):
        lines = source.strip("\n").splitlines()
        for _ in range(chance.choice((1, 1, 2, 4))):
            chance.choice(MUTATIONS)(lines, chance)
        through("\n".join(lines), {})


@pytest.mark.parametrize("seed", range(8))
def test_strange_answers(seed: int) -> None:
    chance = random.Random(f"answers {seed}")
    forms = {
        "app": ("pattern", "count", "password", "size", "databases", "ip", "other"),
        "host": ("flavor", "image", "zone", "network", "target"),
        "workflowManagement": ("application_name",),
    }
    for _ in range(25):
        answers: Any = {
            form: {name: chance.choice(VALUES) for name in names if chance.random() < 0.3}
            for form, names in forms.items()
            if chance.random() < 0.8
        }
        if chance.random() < 0.1:
            answers[chance.choice(list(forms))] = chance.choice(VALUES)
        parameters = {"two": chance.choice(VALUES)} if chance.random() < 0.2 else None
        through(ALL, answers, parameters)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_each_value_in_each_field(value: Any) -> None:
    definition = read(ALL, "ui.yaml")
    for form in definition.forms:
        for field in form.fields:
            through(ALL, {form.name: {field.name: value}})
