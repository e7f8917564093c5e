"""What fields offer to choose from: lists of the cloud, filtered as each type of field asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms import cloud as contracts
from knarr.services.application_catalog.forms.budget import Budget
from knarr.services.application_catalog.forms.cloud import Addable, CloudChoices, Image, Network
from knarr.services.application_catalog.forms.faults import CloudUnavailable
from knarr.services.application_catalog.forms.patterns import Pattern

AUTO = json.dumps([None, None])
MURANO_GROUP = "murano--"
DOMAIN = "io.murano.windows.ActiveDirectory"
AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list. What is not enabled is shown and cannot be chosen."""

    key: str
    title: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Options:
    """The list of a field: `empty` titles the choice of nothing (None: there is none); `suggested` is chosen
    if the definition does not say; `notice` tells why the list is shorter than it might be."""

    choices: tuple[Choice, ...] = ()
    empty: str | None = None
    suggested: str | None = None
    notice: str = ""
    addable: tuple[Addable, ...] = ()

    def enabled(self, key: str) -> bool:
        return any(choice.key == key and choice.enabled for choice in self.choices)


Read = Mapping[str, Any]


class Chooser:
    """Asks the cloud, each list once for a request."""

    def __init__(self, cloud: CloudChoices | None, budget: Budget) -> None:
        self._cloud = cloud
        self._budget = budget
        self._seen: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def options(
        self, kind: str, attributes: Read, region: str | None, classes: tuple[str, ...] = ()
    ) -> Options | None:
        """The list of a field; None if its type has none. What the cloud does not answer is a notice."""
        if kind == "class":
            make: Callable[[], Options] = lambda: self.components(classes, attributes)  # noqa: E731
        elif kind in LISTS:
            make = lambda: LISTS[kind](self, attributes, region)  # noqa: E731
        else:
            return None
        try:
            return make()
        except CloudUnavailable as error:
            return Options(notice=str(error) or "the cloud does not answer")

    def ask(self, what: str, *args: Any) -> tuple[Any, ...]:
        if self._cloud is None:
            raise CloudUnavailable("no cloud is connected")
        key = (what, *args)
        found = self._seen.get(key)
        if found is None:
            with self._budget.paused():
                found = self._seen[key] = tuple(getattr(self._cloud, what)(*args))
        return found

    # Each type

    def fixed(self, attributes: Read, region: str | None) -> Options:
        rows = attributes.get("choices") or ()
        return Options(tuple(Choice(str(key), str(title)) for key, title in rows))

    def images(self, attributes: Read, region: str | None) -> Options:
        wanted = attributes.get("image_type")
        found, broken = [], 0
        for image in self.ask("images", region):
            if image.image_type == "snapshot" or not image.murano_image_info:
                continue
            info = image_info(image)
            if info is None:
                broken += 1
            elif wanted is None or _of_type(info.get("type"), wanted):
                found.append(_image(image, info))
        found.sort(key=lambda choice: choice.title)
        notice = f"{broken} images have a broken property murano_image_info" if broken else ""
        return Options(tuple(found), "Select an image" if found else "No images available", notice=notice)

    def flavors(self, attributes: Read, region: str | None) -> Options:
        wanted = attributes.get("requirements") or {}
        rows = [flavor for flavor in self.ask("flavors", region) if suits(flavor, wanted)]
        found = tuple(
            sorted((Choice(str(flavor.id), flavor.name) for flavor in rows), key=lambda one: one.title)
        )
        medium = next((choice.key for choice in found if "medium" in choice.title), None)
        notice = "" if found else "No flavor meets the requirements" if wanted else "No flavors available"
        return Options(found, suggested=medium, notice=notice)

    def keypairs(self, attributes: Read, region: str | None) -> Options:
        return Options(_named(self.ask("keypairs", region)), "No key pair")

    def zones(self, attributes: Read, region: str | None) -> Options:
        found = _named(zone.name for zone in self.ask("availability_zones", region) if zone.available)
        return Options(found, None if found else "No availability zones available")

    def security_groups(self, attributes: Read, region: str | None) -> Options:
        names = (name for name in self.ask("security_groups", region) if not name.startswith(MURANO_GROUP))
        return Options(_named(names), "The application's own security group")

    def volumes(self, attributes: Read, region: str | None) -> Options:
        found: list[Choice] = []
        for attribute, what in (("include_volumes", "volumes"), ("include_snapshots", "snapshots")):
            if attributes.get(attribute, True) is not False:
                rows = self.ask(what, region)
                found += [
                    Choice(row.id, row.name or row.id) for row in rows if row.status.lower() == AVAILABLE
                ]
        found.sort(key=lambda choice: choice.title)
        return Options(tuple(found), "Select a volume" if found else "No volumes available")

    def networks(self, attributes: Read, region: str | None) -> Options:
        chosen = attributes.get("filter")
        mode = attributes.get("murano_networks")
        subnets = attributes.get("include_subnets") is not False
        environments = self.ask("environments") if mode else ()
        found = [Choice(AUTO, "Auto")] if attributes.get("allow_auto") is not False else []
        for network in self.ask("networks", region):
            if network.external or (
                isinstance(chosen, Pattern) and not chosen.match(network.name, self._budget.pattern_seconds)
            ):
                continue
            owner = _environment(network, environments)
            if owner is not None and mode == "exclude":
                continue
            title = f"Network of {owner}" if owner is not None else None
            found += _network(network, title, subnets)
        return Options(tuple(found), None if found else "No networks available")

    def domains(self, attributes: Read, region: str | None) -> Options:
        return self.components((DOMAIN,), {"empty_value_message": "Not in a domain", **attributes})

    def components(self, classes: tuple[str, ...], attributes: Read) -> Options:
        rows = self.ask("components", classes)
        found = tuple(Choice(row.id, row.name) for row in rows)
        addable = self.ask("addable", classes)
        title = attributes.get("empty_value_message") or "Select an application"
        notice = "" if addable or found else f"No application in the catalogue is a {' or '.join(classes)}"
        suggested = found[0].key if len(found) == 1 else None
        return Options(found, title, suggested, notice, addable)


LISTS: dict[str, Callable[[Chooser, Read, str | None], Options]] = {
    "choice": Chooser.fixed,
    "image": Chooser.images,
    "flavor": Chooser.flavors,
    "keypair": Chooser.keypairs,
    "azone": Chooser.zones,
    "zone": Chooser.zones,
    "network": Chooser.networks,
    "securitygroup": Chooser.security_groups,
    "volume": Chooser.volumes,
    "domain": Chooser.domains,
}


def image_info(image: Image) -> Mapping[str, Any] | None:
    """What the property murano_image_info says; None if it is not what it should be."""
    try:
        found = json.loads(image.murano_image_info or "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def suits(flavor: contracts.Flavor, wanted: Mapping[str, Any]) -> bool:
    """Whether a flavor has at least, and at most, what is asked for."""
    having = {"vcpus": flavor.vcpus, "disk": flavor.disk, "memory_mb": flavor.ram}
    return all(
        having[name] >= wanted.get(f"min_{name}", 0)
        and having[name] <= wanted.get(f"max_{name}", having[name])
        for name in having
    )


def _of_type(having: Any, wanted: str) -> bool:
    """`linux` takes linux and linux.ubuntu."""
    return isinstance(having, str) and (having == wanted or having.startswith(f"{wanted}."))


def _image(image: Image, info: Mapping[str, Any]) -> Choice:
    title = str(info.get("title") or image.name or image.id)
    if image.status == "active":
        return Choice(image.id, title)
    return Choice(image.id, f"{title} ({image.status})", enabled=False)


def _named(names: Iterable[str]) -> tuple[Choice, ...]:
    return tuple(Choice(name, name) for name in sorted(names))


def _environment(network: Network, environments: tuple[str, ...]) -> str | None:
    """The environment that a network was made for: its name begins with the environment's."""
    if len(network.subnets) != 1:
        return None
    return next((name for name in environments if network.name.startswith(f"{name}-network")), None)


def _network(network: Network, title: str | None, subnets: bool) -> list[Choice]:
    if not subnets:
        return [Choice(json.dumps([network.id, None]), title or network.name or network.id)]
    return [
        Choice(json.dumps([network.id, subnet.id]), title or _subnet(network, subnet))
        for subnet in network.subnets
    ]


def _subnet(network: Network, subnet: contracts.Subnet) -> str:
    name = f" ({subnet.name})" if subnet.name else ""
    return f"{network.name or network.id}: {subnet.cidr}{name}"
