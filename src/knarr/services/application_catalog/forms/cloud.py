"""Contracts with the world: what a form offers to choose from, where secrets go, and actions of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Image:
    """An image. `murano_image_info` is the property of that name, JSON `{"title": …, "type": …}`."""

    id: str
    name: str
    status: str = "active"
    murano_image_info: str | None = None
    image_type: str | None = None


@dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor; memory in MiB, disk in GiB."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int


@dataclass(frozen=True, slots=True)
class Zone:
    name: str
    available: bool = True


@dataclass(frozen=True, slots=True)
class Subnet:
    id: str
    cidr: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    id: str
    name: str
    subnets: tuple[Subnet, ...] = ()
    external: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume, or a snapshot of one."""

    id: str
    name: str
    status: str = "available"


@dataclass(frozen=True, slots=True)
class Component:
    """An application that is in the environment already."""

    id: str
    name: str
    class_name: str


@dataclass(frozen=True, slots=True)
class Addable:
    """A package whose application could be added for a field. `class_name` is its main class."""

    package_id: str
    class_name: str
    name: str


class CloudChoices(Protocol):
    """What there is to choose from for the user, in a region (None: the user's).

    Each method may raise CloudUnavailable with a sentence for the user.
    """

    def images(self, region: str | None) -> Iterable[Image]: ...

    def flavors(self, region: str | None) -> Iterable[Flavor]: ...

    def keypairs(self, region: str | None) -> Iterable[str]: ...

    def availability_zones(self, region: str | None) -> Iterable[Zone]: ...

    def networks(self, region: str | None) -> Iterable[Network]:
        """Those of the user's project and shared ones, with their subnets."""
        ...

    def security_groups(self, region: str | None) -> Iterable[str]:
        """Names, or ids of those without a name."""
        ...

    def volumes(self, region: str | None) -> Iterable[Volume]: ...

    def snapshots(self, region: str | None) -> Iterable[Volume]: ...

    def environments(self) -> Iterable[str]:
        """Names of the project's environments: networks that Murano made are called after them."""
        ...

    def components(self, classes: tuple[str, ...]) -> Iterable[Component]:
        """Applications of the environment that are of one of the classes or inherit from it."""
        ...

    def addable(self, classes: tuple[str, ...]) -> Iterable[Addable]:
        """Packages that have one of the classes, or one that inherits from it."""
        ...


class KeyManager(Protocol):
    def store(self, secret: str) -> str:
        """Keep the secret and return its id. May raise CloudUnavailable."""
        ...


class StaticActions(Protocol):
    def __call__(self, class_name: str, method: str, package: str, version: str | None) -> Mapping[str, Any]:
        """What a public static method without arguments returns. May raise CloudUnavailable."""
        ...
