"""Definitions written in the tests, and a cloud that answers from lists and notes what it was asked."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from knarr.services.application_catalog.forms.budget import Allowance
from knarr.services.application_catalog.forms.cloud import (
    Addable,
    Component,
    Flavor,
    Image,
    Network,
    Volume,
    Zone,
)
from knarr.services.application_catalog.forms.definition import Definition
from knarr.services.application_catalog.forms.faults import CloudUnavailable
from knarr.services.application_catalog.forms.model import FieldView
from knarr.services.application_catalog.forms.reader import read
from knarr.services.application_catalog.forms.wizard import Outcome, Services, Subject, Wizard

SUBJECT = Subject("com.example.Shop", "1.2.0")
APPLICATION = "Application:\n  ?: {type: com.example.Shop}\n"
GOOD_PASSWORD = "Sesame-42!"


@dataclass
class RecordingCloud:
    """Has what it was made with; `asked` are the calls, `down` the methods that fail."""

    image_list: Iterable[Image] = ()
    flavor_list: Iterable[Flavor] = ()
    keypair_list: Iterable[str] = ()
    zone_list: Iterable[Zone] = ()
    network_list: Iterable[Network] = ()
    group_list: Iterable[str] = ()
    volume_list: Iterable[Volume] = ()
    snapshot_list: Iterable[Volume] = ()
    environment_list: Iterable[str] = ()
    component_list: Iterable[Component] = ()
    addable_list: Iterable[Addable] = ()
    down: tuple[str, ...] = ()
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def _note(self, *call: Any) -> None:
        self.asked.append(call)
        if call[0] in self.down:
            raise CloudUnavailable(f"no answer about {call[0]}")

    def images(self, region: str | None) -> Iterable[Image]:
        self._note("images", region)
        return self.image_list

    def flavors(self, region: str | None) -> Iterable[Flavor]:
        self._note("flavors", region)
        return self.flavor_list

    def keypairs(self, region: str | None) -> Iterable[str]:
        self._note("keypairs", region)
        return self.keypair_list

    def availability_zones(self, region: str | None) -> Iterable[Zone]:
        self._note("availability_zones", region)
        return self.zone_list

    def networks(self, region: str | None) -> Iterable[Network]:
        self._note("networks", region)
        return self.network_list

    def security_groups(self, region: str | None) -> Iterable[str]:
        self._note("security_groups", region)
        return self.group_list

    def volumes(self, region: str | None) -> Iterable[Volume]:
        self._note("volumes", region)
        return self.volume_list

    def snapshots(self, region: str | None) -> Iterable[Volume]:
        self._note("snapshots", region)
        return self.snapshot_list

    def environments(self) -> Iterable[str]:
        self._note("environments")
        return self.environment_list

    def components(self, classes: tuple[str, ...]) -> Iterable[Component]:
        self._note("components", classes)
        return self.component_list

    def addable(self, classes: tuple[str, ...]) -> Iterable[Addable]:
        self._note("addable", classes)
        return self.addable_list


class Keys:
    """A key manager that keeps secrets in a list."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def store(self, secret: str) -> str:
        self.kept.append(secret)
        return f"key-{len(self.kept)}"


def define(text: str, version: str | None = "2.4") -> Definition:
    """The definition in a text, with a version and an Application if it has none itself."""
    text = textwrap.dedent(text).lstrip("\n")
    if version is not None and not text.startswith("Version"):
        text = f"Version: {version}\n{text}"
    if "pplication:" not in text and not text.startswith(("Version: 1", "forms", "Version: '1")):
        text += f"\n{APPLICATION}"
    return read(text, "ui.yaml")


def with_field(spec: str, version: str = "2.4", validators: str = "") -> Definition:
    """A definition with one form `app` that has one field."""
    lines = textwrap.indent(textwrap.dedent(spec).strip("\n"), " " * 10).strip()
    text = f"Forms:\n  - app:\n      fields:\n        - {lines}\n"
    if validators:
        text += (
            "      validators:\n" + textwrap.indent(textwrap.dedent(validators).strip("\n"), " " * 8) + "\n"
        )
    return define(text, version)


def wizard(definition: Definition, cloud: RecordingCloud | None = None, **more: Any) -> Wizard:
    services = Services(cloud, more.pop("keys", None), more.pop("actions", None))
    allowance: Allowance | None = more.pop("allowance", None)
    return Wizard(definition, SUBJECT, services, allowance, **more)


def answer(spec: str, given: Mapping[str, Any], cloud: RecordingCloud | None = None, **more: Any) -> Outcome:
    """What comes of answers to a form with one field; passwords need no second input."""
    version = more.pop("version", "2.4")
    validators = more.pop("validators", "")
    made = wizard(with_field(spec, version, validators), cloud, confirm=more.pop("confirm", False), **more)
    return made.advance({"app": given})


def value_of(spec: str, given: Any, cloud: RecordingCloud | None = None, **more: Any) -> Any:
    """The value that a field called `x` makes of an answer."""
    outcome = answer(spec, {"x": given}, cloud, **more)
    assert outcome.errors == ()
    return outcome.data["app"]["x"]


def error_of(spec: str, given: Any, cloud: RecordingCloud | None = None, **more: Any) -> tuple[str, str]:
    """The code and message of the one thing that is wrong with an answer to a field `x`."""
    outcome = answer(spec, {"x": given}, cloud, **more)
    (error,) = outcome.errors
    assert (error.form, error.field) == ("app", "x")
    return error.code, error.message


def view(spec: str, cloud: RecordingCloud | None = None, **more: Any) -> FieldView:
    """How the first field is shown at first."""
    version = more.pop("version", "2.4")
    form = wizard(with_field(spec, version), cloud, **more).start().form
    assert form is not None
    return form.fields[0]


def titles(shown: FieldView) -> list[str]:
    assert shown.choices is not None
    return [choice.title for choice in shown.choices]


def keys(shown: FieldView) -> list[str]:
    assert shown.choices is not None
    return [choice.key for choice in shown.choices]
