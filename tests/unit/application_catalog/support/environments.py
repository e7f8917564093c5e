"""Environments written in tests, on the real core library."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from knarr.services.application_catalog.language.execution import Execution
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.language.session import Session
from knarr.services.application_catalog.language.values import MuranoObject
from knarr.services.application_catalog.library import core_packages
from knarr.services.application_catalog.packages.catalogue import Catalogue
from knarr.services.application_catalog.packages.package import ApplicationPackage

from .cloud import Cloud

NETWORK = {"?": {"type": "io.murano.resources.NeutronNetwork", "id": "net"}, "name": "env-network"}


class World:
    """One environment in one cloud: loaded, deployed, and loaded again of what was left."""

    def __init__(
        self,
        *packages: ApplicationPackage,
        cloud: Cloud | None = None,
        limits: Limits | None = None,
        configs: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.cloud = cloud or Cloud()
        self.packages = packages
        self.configs = configs
        self.limits = limits
        self.session: Session
        self.execution: Execution
        self.model: dict[str, Any] = {}

    def load(
        self, *applications: Mapping[str, Any], network: Mapping[str, Any] | None = NETWORK, **more: Any
    ) -> MuranoObject:
        """An environment with these applications."""
        environment = {
            "?": {"type": "io.murano.Environment", "id": "env"},
            "name": "testing",
            "defaultNetworks": {"environment": network, "flat": None},
            "applications": list(applications),
            **more,
        }
        return self.open({"Objects": environment})

    def open(self, model: dict[str, Any]) -> MuranoObject:
        loader = Catalogue([*core_packages(), *self.packages])
        limits = self.limits or Limits(seconds=60)
        self.session = Session(loader, limits, self.cloud, configs=self.configs)
        self.execution = Execution(self.session, model)
        root = self.execution.load()
        assert root is not None or not model.get("Objects")
        return root  # type: ignore[return-value]

    def object(self, ident: str) -> MuranoObject:
        return self.session.store.require(ident)

    def call(self, ident: str, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.session.call(self.object(ident), name, *args, **kwargs)

    def deploy(self) -> dict[str, Any]:
        """Deploy, collect garbage, finish; the model that is left."""
        if self.execution.root is not None:
            self.execution.run("deploy")
        self.execution.collect()
        self.model = self.execution.finish()
        return self.model

    def again(self, **changes: Any) -> MuranoObject:
        """A new session of the model that is left, with other values in the environment."""
        return self.open({**self.model, "Objects": {**self.model["Objects"], **changes}})

    def abolish(self) -> dict[str, Any]:
        """Everything destroyed."""
        self.open({**self.model, "Objects": None})
        return self.deploy()


HEADER = """
Namespaces:
  =: t
  std: io.murano
  res: io.murano.resources
  sys: io.murano.system
  conf: io.murano.configuration
  apps: io.murano.applications
"""

# An application that owns whatever a test needs, and deploys the machines among it.
HOLDER = """
Name: Holder
Extends: std:Application
Properties:
  servers: {Contract: [$.class(res:Instance)]}
  things: {Contract: [$.class(std:Object)]}
Methods:
  deploy:
    Body:
      - $.servers.pselect($.deploy())
"""


def written(text: str) -> ApplicationPackage:
    """A package `t` with these classes, and Holder."""
    from ..conftest import of_classes, package

    files = of_classes(HEADER + HOLDER + "---\n" + textwrap.dedent(text) if text else HEADER + HOLDER)
    manifest = str(files["manifest.yaml"]) + "\n        Require: {io.murano.applications: '*'}\n"
    return package({**files, "manifest.yaml": manifest})


def holder(*servers: Mapping[str, Any], things: tuple[Mapping[str, Any], ...] = ()) -> dict[str, Any]:
    return {"?": {"type": "t.Holder", "id": "app"}, "servers": list(servers), "things": list(things)}


def machine(name: str, kind: str = "LinuxInstance", **more: Any) -> dict[str, Any]:
    """A machine; its id is its name."""
    given = {"?": {"type": f"io.murano.resources.{kind}", "id": name}, "name": name, "flavor": "m1.small"}
    return {**given, **({} if "blockDevices" in more else {"image": "ubuntu"}), **more}


def of(kind: str, ident: str, **properties: Any) -> dict[str, Any]:
    """An object of a class of the core library."""
    return {"?": {"type": f"io.murano.{kind}", "id": ident}, **properties}
