"""The contract between the container service and a container engine.

An engine runs containers on one host. It knows nothing of projects, ports or the database: the service says
what is to be, the engine makes it so and tells what it sees. Rules that every driver keeps:

- Names derive from ids (``zun-<uuid>``, ``zun-sandbox-<uuid>``), so that work may be done again after a
  crash: ``create``, ``claim_sandbox``, ``start``, ``stop``, ``pause``, ``unpause``, ``delete`` and
  ``release_sandbox`` succeed when what they ask for is so already.
- Only :class:`EngineError` and its kinds leave a driver. Their text is fit for a user's eyes: it says what
  was tried and what would help.
- All methods may be called from many threads at once.
- A driver touches only what it made itself (its *scope*: one Knarr on one state directory), although others
  may use the same engine.
- Times are aware ``datetime`` in UTC, sizes are bytes unless the name says MiB or GiB, durations are
  seconds.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol, Unpack

from knarr.services.container.drivers.logs import LogChoice

NAME_PREFIX = "zun-"
SANDBOX_PREFIX = "zun-sandbox-"


def container_name(uuid: str) -> str:
    """The name of a container on the engine, as upstream has it."""
    return NAME_PREFIX + uuid


def sandbox_name(uuid: str) -> str:
    """The name of the sandbox that holds a container's network namespace."""
    return SANDBOX_PREFIX + uuid


# -- errors ------------------------------------------------------------------------------------------------


class EngineError(Exception):
    """The engine could not do what was asked. ``str(error)`` is fit to be shown as a status reason.

    ``retryable`` says that the same call may well succeed later, without anybody changing the request.
    """

    retryable: ClassVar[bool] = False


class EngineUnavailable(EngineError):  # noqa: N818
    """The engine does not answer, or not in a version that we speak."""

    retryable = True


class EngineTimeout(EngineError):  # noqa: N818
    """The engine, or what runs in the container, did not finish in time."""

    retryable = True


class NotThere(EngineError):  # noqa: N818
    """No such container, sandbox, image or exec session on this engine (or no such path inside the
    container)."""


class ImageNotFound(NotThere):
    """The image cannot be had: no such name, or the registry refuses it."""


class RegistryUnavailable(ImageNotFound):
    """The image's registry does not answer: the image may exist."""

    retryable = True


class EngineConflict(EngineError):  # noqa: N818
    """What was asked does not go with the container's state (exec in a stopped one, unpause of a running
    one)."""


class SandboxDown(EngineConflict):
    """The container's sandbox does not run, so the container cannot start: claim and wire the sandbox, then
    start again."""

    retryable = True


class InvalidRequest(EngineError):  # noqa: N818
    """The engine refuses a value (an unknown runtime, signal or path, a limit below its minimum)."""


class CommandNotFound(InvalidRequest):
    """The container's or exec's command does not exist in the image or cannot be executed."""


# -- what is asked -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """``no``, ``always``, ``on-failure`` (with a count; 0: without end) or ``unless-stopped``."""

    name: str = "no"
    max_retries: int = 0


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the host (absolute path) that appears at ``destination``."""

    source: str
    destination: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """``cmd`` is run by a shell in the container; ``retries`` failures in a row make it unhealthy.
    Seconds."""

    cmd: str
    interval: float = 30.0
    retries: int = 3
    timeout: float = 30.0


@dataclass(slots=True)
class ContainerSpec:
    """All that makes a container.

    ``command`` and ``entrypoint`` are argument lists; None keeps the image's own. ``cpu`` is in cores: a
    weight of 1024 shares each, as upstream. ``sandbox`` is the name of the sandbox whose network namespace
    (and hostname, hosts and resolv.conf) the container gets; None: no network at all. ``hostname`` only
    counts without a sandbox: hand it to :meth:`ContainerEngine.claim_sandbox`. ``cpuset`` and
    ``cpuset_mems`` are kernel lists (``0-1,4``).
    """

    uuid: str
    image: str
    name: str = ""
    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    workdir: str | None = None
    hostname: str | None = None
    cpu: float = 1.0
    memory_mib: int = 512
    disk_gib: int | None = None
    interactive: bool = False
    tty: bool = False
    privileged: bool = False
    restart_policy: RestartPolicy = RestartPolicy()
    runtime: str | None = None
    cpuset: str | None = None
    cpuset_mems: str | None = None
    mounts: Sequence[Mount] = ()
    healthcheck: Healthcheck | None = None
    sandbox: str | None = None

    def __post_init__(self) -> None:
        self.name = self.name or container_name(self.uuid)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a registry asks for. ``registry`` is its domain (``registry.example.org:5000``)."""

    username: str
    password: str = field(repr=False)
    registry: str | None = None


# -- what is seen ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container as the engine sees it.

    ``status``: Created, Running, Paused, Restarting, Stopped, Dead, Error or Unknown (Zun's words).
    ``status_detail`` reads like ``Up 5 mins``, ``Up 5 mins (paused)``, ``Exited(0) 2 hours ago``.
    ``health``: starting, healthy, unhealthy or None without a check. ``list_containers`` leaves ``pid``,
    ``started_at``, ``finished_at``, ``health_log``, ``hostname`` and ``error`` empty.
    """

    uuid: str
    name: str
    id: str
    status: str
    status_detail: str = ""
    exit_code: int | None = None
    pid: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    image: str = ""
    image_id: str = ""
    health: str | None = None
    health_log: str = ""
    error: str = ""
    hostname: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.status in ("Running", "Paused")


@dataclass(frozen=True, slots=True)
class HostInfo:
    """What the engine's host has. ``disk_quota``: whether ``ContainerSpec.disk_gib`` can be held to.
    ``local``: same machine as we are."""

    hostname: str
    cpus: int
    memory_mib: int
    disk_gib: int
    disk_used_gib: int
    architecture: str
    os: str
    os_type: str
    kernel_version: str
    runtimes: tuple[str, ...]
    labels: Mapping[str, str]
    disk_quota: bool
    engine: str
    engine_version: str
    api_version: str = ""
    default_runtime: str = ""
    local: bool = True
    containers: int = 0


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """One name of an image: an image with two tags is two of these. ``size`` in bytes; ``tag`` may be
    ``<none>``."""

    id: str
    repo: str
    tag: str
    size: int

    @property
    def ref(self) -> str:
        return f"{self.repo}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Holder of a network namespace. ``pid`` 0 and ``netns`` "" when it does not run. An engine without
    namespaces (the fake) gives ``netns`` "": then there is nothing to plug."""

    uuid: str
    name: str
    id: str
    pid: int
    netns: str
    hostname: str = ""


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """Something happened to a container of ours.

    ``action``: create, start, die, stop, kill, pause, unpause, restart, destroy, rename, update, oom,
    health (``health`` tells which), or ``resync`` with an empty uuid: the stream was (re)opened and events
    may have been missed, so compare everything.
    """

    uuid: str
    action: str
    time: datetime
    exit_code: int | None = None
    health: str | None = None


@dataclass(frozen=True, slots=True)
class ArchiveStat:
    """``stat`` of get_archive, with the engine's keys in ``as_dict``."""

    name: str
    size: int
    mode: int
    mtime: str
    link_target: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "size": self.size,
            "mode": self.mode,
            "mtime": self.mtime,
            "linkTarget": self.link_target,
        }


class Terminal(Protocol):
    """A two-way stream with a process in a container: raw bytes of its TTY, or of both outputs together
    without one."""

    def read(self, size: int = 65536) -> bytes:
        """Blocks for at least one byte; b"" at the end."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None:
        """Ends a read that blocks in another thread, too."""


class Pieces(Protocol):
    """Bytes that come in pieces: a log that is followed, a tar."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None:
        """Give up before its end."""


Progress = Callable[[int, int, str], None]
"""Called with (bytes done, bytes in all or 0 if unknown, text): the shape of ``Work.progress``."""


# -- the engine --------------------------------------------------------------------------------------------


class ContainerEngine(ABC):
    """One container engine. Making one is cheap and does not talk to it; the first call does.

    ``conf`` is the program's oslo.config object, ``state_dir`` a directory that is ours across restarts
    (None: nothing is kept and the scope is new each time).
    """

    name: ClassVar[str]

    observer: Callable[[str, float, bool], None] | None = None
    """Set by whoever keeps metrics: called after each call of the engine with (verb, seconds, worked)."""

    def __init__(self, conf: Any, state_dir: Path | str | None = None) -> None:
        self.conf = conf
        self.state_dir = Path(state_dir) if state_dir else None

    @staticmethod
    def options() -> list[tuple[str, list[Any]]]:
        """(group, oslo.config options) of this driver. The driver registers them itself; here for the
        sample configuration."""
        return []

    # host

    @abstractmethod
    def ping(self) -> None:
        """Raises EngineUnavailable, with the reason, unless the engine answers."""

    @abstractmethod
    def info(self) -> HostInfo: ...

    def start_background(self) -> None:
        """Makes ready what speeds up the first calls (the pool of sandboxes), in the background. Errors are
        only logged."""
        return

    @abstractmethod
    def close(self) -> None:
        """Ends threads and connections; removes ready sandboxes that nobody claimed. Containers go on. Safe
        to call twice."""

    # images

    @abstractmethod
    def image_present(self, ref: str) -> ImageInfo | None:
        """The image if it lies on the engine. ``ref``: ``repo[:tag]``, ``repo@digest`` or an id."""

    @abstractmethod
    def pull(
        self, ref: str, credentials: Credentials | None = None, progress: Progress | None = None
    ) -> ImageInfo:
        """ImageNotFound (with what was tried) or RegistryUnavailable if it cannot be had. Without a tag:
        ``latest``."""

    @abstractmethod
    def image_check(self, ref: str, credentials: Credentials | None = None) -> None:
        """Ask the registry whether a pull would find the image. Raises as `pull` does."""

    @abstractmethod
    def load(self, tar: BinaryIO, ref: str | None = None) -> list[ImageInfo]:
        """Loads a ``docker save`` tar, streamed; with ``ref`` the (first) image gets this name as well.
        InvalidRequest if it is none."""

    @abstractmethod
    def images(self) -> list[ImageInfo]: ...

    @abstractmethod
    def image_delete(self, ref: str, force: bool = False) -> None:
        """EngineConflict if a container uses it; NotThere if it is not on the engine."""

    @abstractmethod
    def image_search(self, term: str) -> list[dict[str, Any]]:
        """What the engine's registry (Docker Hub) has by such a name: name, description, star_count,
        is_official of each. RegistryUnavailable if it does not answer."""

    # sandboxes

    @abstractmethod
    def claim_sandbox(self, uuid: str, hostname: str | None = None) -> Sandbox:
        """A running sandbox for this container: the one it has (started again if it stopped), or one out of
        the pool of ready ones.

        A hostname of one's own takes a sandbox made for it, about 100 ms slower; without, the container's
        hostname is the first 12 digits of the sandbox's id.
        """

    @abstractmethod
    def sandbox(self, uuid: str) -> Sandbox | None: ...

    @abstractmethod
    def release_sandbox(self, uuid: str) -> None:
        """Removes it, with the namespace if no container is in it. Never given to anybody else."""

    @abstractmethod
    def write_hosts(
        self,
        uuid: str,
        addresses: Sequence[str],
        hostname: str | None = None,
        dns: Sequence[str] = (),
        search: Sequence[str] = (),
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        """/etc/hosts and /etc/resolv.conf of the sandbox and all that join it: own addresses under the
        hostname, other ``hosts`` (address -> name), name servers. Without ``dns`` the engine's own
        resolv.conf stays."""

    @abstractmethod
    def reap(self, known: Collection[str], min_age: float = 30.0) -> list[str]:
        """Removes our containers and sandboxes whose uuid is not in ``known``, except those that are being
        made; gives what it removed. Ready sandboxes that a killed process left behind are taken back into
        the pool."""

    # a container's life. ``name`` is ``container_name(uuid)`` throughout; NotThere if there is none

    @abstractmethod
    def create(self, spec: ContainerSpec) -> str:
        """Makes the container (not started); gives the engine's id. If one of this name is there, its id.
        ImageNotFound if the image does not lie on the engine, InvalidRequest for values that it refuses."""

    @abstractmethod
    def start(self, name: str) -> None:
        """SandboxDown if its sandbox does not run; CommandNotFound if the command cannot be executed."""

    @abstractmethod
    def stop(self, name: str, timeout: int = 10) -> None:
        """TERM, and KILL after ``timeout`` seconds."""

    @abstractmethod
    def kill(self, name: str, signal: str | int = "KILL") -> None:
        """``signal``: number, or name with or without SIG, in either case. EngineConflict unless it
        runs."""

    @abstractmethod
    def reboot(self, name: str, timeout: int = 10) -> None: ...

    @abstractmethod
    def pause(self, name: str) -> None: ...

    @abstractmethod
    def unpause(self, name: str) -> None: ...

    @abstractmethod
    def delete(self, name: str, force: bool = False) -> None:
        """EngineConflict if it runs and ``force`` is not asked. Not an error if it is gone."""

    @abstractmethod
    def inspect(self, name: str) -> ContainerState | None: ...

    @abstractmethod
    def list_containers(self) -> list[ContainerState]:
        """Ours, without sandboxes, in one call of the engine."""

    @abstractmethod
    def update(
        self,
        name: str,
        cpu: float | None = None,
        memory_mib: int | None = None,
        cpuset: str | None = None,
        cpuset_mems: str | None = None,
    ) -> None:
        """Other limits from now on; None leaves one as it is. InvalidRequest for less memory than it uses."""

    # what runs inside

    @abstractmethod
    def logs(self, name: str, **what: Unpack[LogChoice]) -> bytes:
        """At most the last LOG_MAX bytes."""

    @abstractmethod
    def follow_logs(self, name: str, **what: Unpack[LogChoice]) -> Pieces:
        """As they come, until the container ends or the iterator is closed (from any thread)."""

    @abstractmethod
    def exec_create(
        self, name: str, argv: Sequence[str], interactive: bool = False, tty: bool | None = None
    ) -> str:
        """Prepares an exec; gives its id (64 hex digits). ``tty`` None: as ``interactive``. EngineConflict
        unless it runs."""

    @abstractmethod
    def exec_run(self, name: str, argv: Sequence[str], timeout: float = 5.0) -> tuple[bytes, int]:
        """Runs it to its end: (both outputs, exit code). EngineTimeout after ``timeout`` (and the process
        is killed where we can)."""

    @abstractmethod
    def exec_attach(self, exec_id: str) -> Terminal:
        """Starts a prepared exec and gives its terminal."""

    @abstractmethod
    def exec_exit_code(self, exec_id: str) -> int | None:
        """None while it runs."""

    @abstractmethod
    def exec_resize(self, exec_id: str, height: int, width: int) -> None: ...

    @abstractmethod
    def exec_end(self, exec_id: str) -> None:
        """Ends what runs in an exec, as the hang-up of a terminal does; KILL if that is not heard. One that
        has ended, was never started or is not there is left as it is."""

    @abstractmethod
    def attach(self, name: str) -> Terminal:
        """The main process's terminal, from now on."""

    @abstractmethod
    def resize(self, name: str, height: int, width: int) -> None: ...

    @abstractmethod
    def top(self, name: str, ps_args: str | None = None) -> dict[str, Any]:
        """``{"Titles": [...], "Processes": [[...], ...]}``."""

    @abstractmethod
    def stats(self, name: str) -> dict[str, Any]:
        """Zun's keys: CONTAINER, CPU %, MEM USAGE(MiB), MEM LIMIT(MiB), MEM %, BLOCK I/O(B), NET I/O(B).
        ``CPU %`` is a rate over the last moments, 100 for one core kept busy (upstream: an average since
        the start, over all cores)."""

    @abstractmethod
    def open_archive(self, name: str, path: str) -> tuple[Pieces, ArchiveStat]:
        """A tar of a path, in pieces. NotThere for a path that does not exist. The iterator raises
        InvalidRequest above ``archive_max_mib``."""

    def get_archive(self, name: str, path: str) -> tuple[bytes, ArchiveStat]:
        """The same as a whole."""
        pieces, stat = self.open_archive(name, path)
        return b"".join(pieces), stat

    @abstractmethod
    def put_archive(self, name: str, path: str, data: bytes | BinaryIO) -> None:
        """Unpacks a tar into a directory that exists. InvalidRequest if it is no tar."""

    # watching

    @abstractmethod
    def events(self, callback: Callable[[ContainerEvent], None], stop: threading.Event) -> None:
        """Blocks, and calls back with each event of our containers until ``stop`` is set (noticed within a
        second). Reconnects by itself; each time the stream is open a ``resync`` event comes first. An error
        in the callback is logged, and does not end it."""
