"""Request bodies and query strings of the container service, with their limits and microversions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from knarr.kernel.schema import UNSET, Body, UnsetType, since

ContainerName = Annotated[
    str,
    Meta(
        min_length=2, max_length=255, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z", description="Container name"
    ),
]
Text = Annotated[str, Meta(max_length=1024)]
Short = Annotated[str, Meta(max_length=255)]
Word = Annotated[str, Meta(max_length=65536)]
Words = Annotated[list[Word], Meta(max_length=1024)]
Seconds = Annotated[int, Meta(ge=0, le=86400)]
Count = Annotated[int, Meta(ge=0, le=1000000)]
StringMap = Annotated[dict[Short, Word], Meta(max_length=1024)]
Limit = Annotated[int, Meta(ge=-1, le=2**31 - 1)]


class Net(Body):
    """One interface: a network, or a port of one's own. The official client sends empty strings for what
    is unset."""

    network: Short | None = None
    port: Short | None = None
    v4: Annotated[str, Meta(max_length=64)] | None = field(default=None, name="v4-fixed-ip")
    v6: Annotated[str, Meta(max_length=64)] | None = field(default=None, name="v6-fixed-ip")


class RestartPolicy(Body):
    name: Literal["no", "always", "on-failure", "unless-stopped"] = field(name="Name")
    retries: Count | Literal[""] | None = field(default=None, name="MaximumRetryCount")


class Healthcheck(Body):
    cmd: Annotated[str, Meta(min_length=1, max_length=4096)]
    interval: Seconds | None = None
    retries: Count | None = None
    timeout: Seconds | None = None


class Mount(Body):
    destination: Text
    source: Annotated[str, Meta(max_length=1048576)] | None = None
    size: Annotated[str, Meta(max_length=16)] | None = None
    type: Literal["volume", "bind"] | None = None


class ContainerCreate(Body):
    """Attributes of a new container. cpu in cores, memory in MiB, disk in GiB."""

    image: Annotated[str, Meta(min_length=2, max_length=255)]
    name: ContainerName | None = None
    command: Words | Word | None = None
    entrypoint: Annotated[Words | None, since("1.40")] = None
    cpu: Annotated[float, Meta(ge=0, le=10000)] | None = None
    cpu_policy: Annotated[Literal["dedicated", "shared"] | None, since("1.28")] = None
    memory: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    disk: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    workdir: Text | None = None
    hostname: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")] | None,
        since("1.9"),
    ] = None
    runtime: Annotated[Short | None, since("1.5")] = None
    environment: StringMap | None = None
    labels: StringMap | None = None
    auto_remove: Annotated[bool | None, since("1.3")] = None
    auto_heal: bool | None = None
    interactive: bool | None = None
    tty: Annotated[bool | None, since("1.36")] = None
    privileged: Annotated[bool | None, since("1.21")] = None
    image_pull_policy: Literal["never", "always", "ifnotpresent"] | None = None
    image_driver: Literal["docker", "glance"] | None = None
    restart_policy: RestartPolicy | None = None
    security_groups: Annotated[list[Short], Meta(max_length=64)] | None = None
    exposed_ports: Annotated[
        Annotated[dict[Short, dict[str, Any]], Meta(max_length=64)] | None, since("1.24")
    ] = None
    nets: Annotated[Annotated[list[Net], Meta(max_length=16)] | None, since("1.2")] = None
    mounts: Annotated[Annotated[list[Mount], Meta(max_length=64)] | None, since("1.11")] = None
    healthcheck: Annotated[Healthcheck | None, since("1.22")] = None
    hints: Annotated[dict[Short, Short], Meta(max_length=64)] | None = None
    availability_zone: Short | None = None
    registry: Annotated[Short | None, since("1.31")] = None
    host: Annotated[Short | None, since("1.39")] = None


class Limits(Body):
    """Limits of a container that is there: cpu in cores, memory in MiB. None leaves one as it is."""

    cpu: Annotated[float, Meta(ge=0, le=10000)] | None = None
    memory: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None


class ContainerUpdate(Limits):
    name: Annotated[ContainerName | None, since("1.14")] = None
    auto_heal: bool | None = None


class Rebuild(Body):
    """Another image for a container; without one, the same is taken anew."""

    image: Annotated[str, Meta(min_length=2, max_length=255)] | None = None
    image_driver: Literal["docker", "glance"] | None = None


class SecurityGroup(Body):
    name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class NetworkAttach(Body):
    """A network, or a port of one's own; an address of the network's subnets goes with the former."""

    network: Short | None = None
    port: Short | None = None
    fixed_ip: Annotated[str, Meta(max_length=64)] | None = None


class NetworkDetach(Body):
    network: Short | None = None
    port: Annotated[Short | None, since("1.17")] = None


class Run(Body):
    run: bool = False


class Listed(Body):
    """Paging that every list takes."""

    limit: Annotated[str, Meta(max_length=20)] | None = None
    marker: Short | None = None
    sort_key: Short | None = None
    sort_dir: Short | None = None


class ContainerList(Listed):
    all_projects: bool = False
    name: Short | None = None
    image: Short | None = None
    project_id: Short | None = None
    user_id: Short | None = None
    memory: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    host: Short | None = None
    task_state: Short | None = None
    status: Short | None = None
    auto_remove: bool | None = None


class AllProjects(Body):
    all_projects: bool = False


class Delete(AllProjects):
    force: bool = False
    stop: Annotated[bool, since("1.12")] = False


class Timeout(Body):
    timeout: Seconds | None = None


class Kill(Body):
    signal: Annotated[str, Meta(max_length=32)] | None = None


class Rename(Body):
    name: ContainerName


class Logs(Body):
    stdout: bool = True
    stderr: bool = True
    timestamps: bool = False
    tail: Annotated[str, Meta(max_length=16)] = "all"
    since: Annotated[str, Meta(max_length=64)] | None = None
    follow: bool = False


Side = Annotated[int, Meta(ge=0, le=65535)]
Path = Annotated[str, Meta(min_length=1, max_length=4096)]


class Resize(Body):
    """A window, in characters. 0 and 0: there is none."""

    h: Side
    w: Side


class ExecuteResize(Resize):
    exec_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="64 hexadecimal digits")]


class ArchivePath(Body):
    path: Path


class ArchivePut(Body):
    """The path stands in the query string or in the body."""

    data: str
    path: Path | None = None


class ArchiveWhere(Body):
    path: Path | None = None


class Events(Body):
    all_projects: bool = False
    container: Short | None = None
    format: Literal["sse", "lines"] | None = None


class Execute(Body):
    """What to run: from the query string or, as some programs do, from the body."""

    command: Annotated[str, Meta(max_length=65536)] | None = None
    run: bool = True
    interactive: bool = False


class Top(Body):
    ps_args: Annotated[str, Meta(max_length=255)] | None = None


class ServiceWhere(Body):
    host: Short
    binary: Short


class ServiceDisable(ServiceWhere):
    disabled_reason: Short | None = None


class ServiceForceDown(ServiceWhere):
    forced_down: bool


class QuotaShow(Body):
    usages: bool = False


class QuotaUpdate(Body):
    """-1 is no limit."""

    containers: Limit | None = None
    memory: Limit | None = None
    cpu: Limit | None = None
    disk: Limit | None = None


class ImagePull(Body):
    """An image for a host (its name or id). `image_id` and `size` are the engine's once it has the image."""

    repo: Annotated[str, Meta(min_length=2, max_length=255)]
    host: Annotated[str, Meta(min_length=1, max_length=255)]
    tag: Annotated[str, Meta(max_length=128)] | None = None
    image_id: Short | None = None
    size: Annotated[int, Meta(ge=0, le=2**62)] | Annotated[str, Meta(max_length=19)] | None = None
    image_pull_policy: Literal["never", "always", "ifnotpresent"] | None = None


class ImageSearch(Body):
    image_driver: Literal["docker", "glance"] | None = None
    exact_match: bool = False


RegistryName = Annotated[str, Meta(min_length=2, max_length=255, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")]
# Host and port, as they stand before the first slash of an image's name.
Domain = Annotated[
    str,
    Meta(
        min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?\Z"
    ),
]


class RegistryCreate(Body):
    domain: Domain
    name: RegistryName | None = None
    username: Short | None = None
    password: Short | None = None


class RegistryUpdate(Body):
    domain: Domain | UnsetType = UNSET
    name: RegistryName | UnsetType | None = UNSET
    username: Short | UnsetType | None = UNSET
    password: Short | UnsetType | None = UNSET


class RegistryList(Listed):
    all_projects: bool = False
    name: Short | None = None
    domain: Short | None = None
    username: Short | None = None
    project_id: Short | None = None
    user_id: Short | None = None


class NetworkCreate(Body):
    neutron_net_id: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Annotated[str, Meta(min_length=1, max_length=255)]


class OnHost(Body):
    """Which host's fake engine is meant; without one, that of the process that answers."""

    host: Short | None = None


class Fault(Body):
    """What the fake engine's next calls of a method are to do; see drivers.fake.faults.Fault. `container` (id
    or name) is the short way to match one container. Seconds."""

    method: Annotated[str, Meta(min_length=1, max_length=64)]
    error: Annotated[str, Meta(max_length=32)] | None = None
    message: Annotated[str, Meta(max_length=1024)] = ""
    delay: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    times: Annotated[int, Meta(ge=1, le=1000000)] | None = None
    seconds: Annotated[float, Meta(gt=0, le=86400)] | None = None
    match: Annotated[str, Meta(max_length=255)] = ""
    container: Short | None = None


class Faults(Body):
    faults: Annotated[list[Fault], Meta(max_length=100)]


class FaultClear(OnHost):
    method: Annotated[str, Meta(max_length=64)] | None = None


class End(Body):
    """A container that ends by itself with this code."""

    container: Short
    exit_code: Annotated[int, Meta(ge=0, le=255)] = 137
