"""Other services: workflows, metadata definitions, users and projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.contexts import session_of
from knarr.services.application_catalog.language.pythonclass import murano_class
from knarr.services.application_catalog.language.values import frozen, thawed
from knarr.services.application_catalog.library.outside import (
    Metadefs,
    OutsideFault,
    Workflows,
    outside,
)
from knarr.services.application_catalog.library.python.owners import ENVIRONMENT, owner_of
from knarr.services.application_catalog.library.python.owners import region_name as region_of

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject

# What a workflow's output has beside what the workflow itself gives
INTERNAL_OUTPUTS = ("openstack", "__execution", "task")
TIMEOUT = 600.0
USER, PROJECT = "io.murano.User", "io.murano.Project"
HIDDEN = {
    USER: ("links", "enabled", "default_project_id"),
    PROJECT: ("links", "parent_id", "enabled"),
}
FIELDS = {USER: "email", PROJECT: "description"}


class MistralError(OutsideFault):
    upstream = "murano.engine.system.workflowclient.MistralError"


@murano_class("io.murano.system.MistralClient")
class MistralClient:
    def __init__(self, this: MuranoObject, session: Session, region_name: str | None = None) -> None:
        self._session = session
        environment = owner_of(this, ENVIRONMENT)
        usual = environment.values.get("region") if environment is not None else None
        self._region = region_name or usual or ""

    @property
    def _workflows(self) -> Workflows:
        return outside(self._session).workflows(self._region)

    def upload(self, definition: str) -> None:
        """Make workflows of a definition in YAML."""
        self._workflows.upload(definition)

    def run(self, name: str, timeout: Any = None, inputs: Any = None, params: Any = None) -> Any:
        """Run a workflow and give its output (600 seconds); with a timeout of 0 its execution's id at once.

        Raises MistralError if it fails or takes longer.
        """
        ident = self._workflows.start(name, thawed(inputs or {}), thawed(params or {}))
        if timeout == 0:
            return ident
        with self._session.turns.waiting():
            seconds = TIMEOUT if timeout is None else float(timeout)
            state = self._workflows.ended(ident, seconds, self._session.limits)
        if state.state == "ERROR":
            raise MistralError(
                f"Mistral execution completed with ERROR. Execution id: {ident}. Output: {state.output}"
            )
        if state.state != "SUCCESS":
            raise MistralError(f"Mistral run timed out. Execution id: {ident}.")
        return frozen({key: value for key, value in state.output.items() if key not in INTERNAL_OUTPUTS})


@murano_class("io.murano.system.MetadefBrowser")
class MetadefBrowser:
    """Definitions of metadata, kept once read unless `cache` is false."""

    def __init__(
        self, this: MuranoObject, session: Session, region_name: str | None = None, cache: bool = True
    ) -> None:
        self._session = session
        self._region = region_of(this, region_name)
        self._cache = cache
        self._namespaces: dict[str, Any] = {}
        self._objects: dict[str, Any] = {}

    @property
    def _metadefs(self) -> Metadefs:
        return outside(self._session).metadefs(self._region)

    def get_namespaces(self, resource_type: str) -> Any:
        """Namespaces whose metadata may stand at resources of the type."""
        if not self._cache or resource_type not in self._namespaces:
            self._namespaces[resource_type] = frozen(self._metadefs.namespaces(resource_type))
        return self._namespaces[resource_type]

    def get_objects(self, namespace: str) -> Any:
        if not self._cache or namespace not in self._objects:
            self._objects[namespace] = frozen(self._metadefs.objects(namespace))
        return self._objects[namespace]


@murano_class(USER)
class User:
    def __init__(self, this: MuranoObject, session: Session) -> None: ...

    @staticmethod
    def get_current(context: Any) -> Any:
        """Who runs the session."""
        around = outside(session_of(context))
        return _described(context, USER, around.identity.user(around.who.user))

    @staticmethod
    def get_environment_owner(context: Any) -> Any:
        """Who made the environment."""
        around = outside(session_of(context))
        return _described(context, USER, around.identity.user(around.who.owner_user))


@murano_class(PROJECT)
class Project:
    def __init__(self, this: MuranoObject, session: Session) -> None: ...

    @staticmethod
    def get_current(context: Any) -> Any:
        around = outside(session_of(context))
        return _described(context, PROJECT, around.identity.project(around.who.project))

    @staticmethod
    def get_environment_owner(context: Any) -> Any:
        around = outside(session_of(context))
        return _described(context, PROJECT, around.identity.project(around.who.owner_project))


def _described(context: Any, class_name: str, told: Mapping[str, Any]) -> Any:
    """An object of what the identity API tells; what has no property of its own is in `extra`."""
    rest = {key: value for key, value in told.items() if key not in HIDDEN[class_name]}
    own = FIELDS[class_name]
    model = {
        "?": {"type": class_name},
        "id": rest.pop("id"),
        "name": rest.pop("name"),
        "domain": rest.pop("domain_id", "Default"),
        own: rest.pop(own, None),
    }
    return session_of(context).store.load(model | {"extra": rest}, None, None, None)
