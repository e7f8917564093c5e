"""What the core library reaches the world through: contracts behind which the services of a cloud stand.

`Session.services` is an Outside. Everything is of one project and, where a region is named, of one region
("" is the usual one). Resources are told as the services' own APIs tell them. What goes wrong is an
OutsideFault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from knarr.services.application_catalog.language.errors import MuranoPlError
from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.plans.signing import Signer
from knarr_agent.transports import Transport

# Options of the configuration that the library asks for, by section, with upstream's defaults.
OPTIONS: dict[str, dict[str, Any]] = {
    "DEFAULT": {"home_region": None, "file_server": ""},
    "engine": {
        "agent_source": "murano-agent",
        "agent_timeout": 3600,
        "disable_murano_agent": False,
        "packages_cache": None,
    },
    "heat": {"stack_tags": ["murano"]},
    "networking": {
        "max_environments": 250,
        "max_hosts": 250,
        "env_ip_template": "10.0.0.0",
        "default_dns": [],
        "external_network": "ext-net",
        "router_name": "murano-default-router",
        "create_router": True,
    },
    "rabbitmq": {
        "host": "localhost",
        "port": 5672,
        "login": "guest",
        "password": "guest",
        "virtual_host": "/",
        "ssl": False,
        "insecure": False,
        "ca_certs": "",
    },
}


class OutsideFault(MuranoPlError):
    """A service that refused, failed or is not there. `Catch` knows subclasses by their `upstream`."""

    upstream = "builtins.Exception"


class Busy(OutsideFault):
    """Something else goes on with the resource: to be tried again."""

    upstream = "heatclient.exc.HTTPConflict"


class Absent(OutsideFault):
    """The resource is not there."""

    upstream = "heatclient.exc.HTTPNotFound"


@dataclass(frozen=True)
class StackRequest:
    """What a stack is to become. `files` are texts by the names under which the template or the environment
    refers to them. Requests share what did not change between them: none of it may be changed."""

    name: str
    template: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackState:
    """A stack as it is. `status` is Heat's: CREATE_COMPLETE, UPDATE_FAILED, …"""

    status: str
    reason: str = ""
    template: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Stacks(Protocol):
    """Orchestration in one region. Changes are accepted, and go on afterwards."""

    def get(self, name: str) -> StackState | None:
        """The stack as it is at this moment; None if there is none."""

    def settled(self, name: str, limits: Limits) -> StackState | None:
        """The stack once nothing goes on with it, changes accepted before included; None if there is none.

        Ends with what the limits raise if the session is cancelled or out of time.
        """

    def create(self, request: StackRequest) -> None:
        """Raises Busy, OutsideFault."""

    def update(self, request: StackRequest) -> None:
        """Raises Busy, Absent, OutsideFault. Parameters that are not given keep no old value."""

    def delete(self, name: str) -> None:
        """Raises Busy, Absent."""


class Networks(Protocol):
    """Networking in one region, as its API has it."""

    def list(self, collection: str, **filters: Any) -> Sequence[Mapping[str, Any]]:
        """`networks`, `subnets`, `ports`, `routers`, `extensions`, of those that the project sees."""

    def show(self, collection: str, ident: str) -> Mapping[str, Any] | None: ...

    def create_router(self, body: Mapping[str, Any]) -> Mapping[str, Any]: ...


class Metadefs(Protocol):
    """The image service's catalogue of metadata definitions in one region."""

    def namespaces(self, resource_type: str) -> Sequence[Mapping[str, Any]]: ...

    def objects(self, namespace: str) -> Sequence[Mapping[str, Any]]: ...


@dataclass(frozen=True)
class WorkflowState:
    """An execution that ended (`SUCCESS`, `ERROR`) or, once waited for long enough, did not."""

    ident: str
    state: str
    output: Mapping[str, Any] = field(default_factory=dict)


class Workflows(Protocol):
    """Workflows in one region."""

    def upload(self, definition: str) -> None: ...

    def start(self, name: str, inputs: Mapping[str, Any], params: Mapping[str, Any]) -> str:
        """The id of the execution."""

    def ended(self, ident: str, seconds: float, limits: Limits) -> WorkflowState:
        """The execution when it has ended, or after so many seconds."""


class Agents(Protocol):
    """The way to agents on machines. `timeout` in seconds."""

    enabled: bool
    timeout: float
    signer: Signer | None

    def transport(self, region: str) -> Transport: ...

    def settings(self, region: str, queue: str) -> Mapping[str, str]:
        """The section `[transport]` of the configuration of the agent behind that queue; may be empty."""


class Identity(Protocol):
    """Who there is, as the identity API tells it."""

    def user(self, ident: str) -> Mapping[str, Any]: ...

    def project(self, ident: str) -> Mapping[str, Any]: ...


class Reports(Protocol):
    """Where the story of a deployment is told."""

    def report(self, environment: str, entity: str, text: str, level: str, details: Any = None) -> None:
        """`level`: info, warning, error."""


class Statistics(Protocol):
    """The account of what runs. `kind`: 100 applications, 200 machines."""

    def track(
        self,
        environment: str,
        instance: str,
        kind: int,
        type_name: str,
        type_title: str | None,
        unit_count: int | None,
    ) -> None: ...

    def untrack(self, environment: str, instance: str, kind: int) -> None: ...


class Logs(Protocol):
    """Where applications log."""

    def log(self, name: str, level: str, text: str) -> None:
        """`level`: trace, debug, info, warning, error, critical."""


@dataclass(frozen=True)
class Who:
    """For whom the session runs, and whose the environment is."""

    user: str
    project: str
    owner_user: str
    owner_project: str


class Outside(Protocol):
    """Everything of it together."""

    who: Who
    agents: Agents
    identity: Identity
    reports: Reports
    statistics: Statistics
    logs: Logs

    def stacks(self, region: str) -> Stacks: ...

    def networks(self, region: str) -> Networks: ...

    def metadefs(self, region: str) -> Metadefs: ...

    def workflows(self, region: str) -> Workflows: ...

    def config(self, section: str, option: str, read_as_file: bool = False) -> Any:
        """An option (see OPTIONS); what is in the file that it names, if asked for."""

    def encrypt(self, value: str) -> str:
        """A reference under which the secret is kept."""

    def decrypt(self, value: str) -> str: ...


def outside(session: Any) -> Outside:
    """What the session is connected to. Raises OutsideFault."""
    found: Outside | None = session.services
    if found is None:
        raise OutsideFault("this session is not connected to a cloud")
    return found
