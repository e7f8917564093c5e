"""A service as the kernel mounts it: its tables and hooks. The kernel knows no service by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knarr.kernel.errors import KnarrError
from knarr.kernel.routing import Microversions, Route

if TYPE_CHECKING:
    from knarr.kernel.identity import IdentityBackend
    from knarr.kernel.operations import OperationKind
    from knarr.kernel.periodic import Periodic
    from knarr.kernel.quota import Quotas
    from knarr.kernel.runtime import Runtime

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Service:
    """`type` and `aliases` are catalogue types; `endpoint` is what the catalogue adds after the prefix.

    `rpc` holds what other processes may call on this host, `fn(runtime, **arguments)`. `prepare` makes the
    first rows before anything is served; `start` begins background work; `stop` ends it.
    """

    name: str
    type: str
    prefix: str
    title: str
    routes: tuple[Route, ...]
    policies: Sequence[Any]
    error_body: Callable[[KnarrError, str], Any]
    endpoint: str = ""
    aliases: tuple[str, ...] = ()
    microversions: Microversions | None = None
    operations: tuple[OperationKind, ...] = ()
    periodics: tuple[Periodic, ...] = ()
    options: tuple[tuple[str, Sequence[Any]], ...] = ()
    rpc: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    quotas: Callable[[Any], Quotas] | None = None
    prepare: Callable[[Runtime], None] | None = None
    start: Callable[[Runtime], None] | None = None
    stop: Callable[[Runtime], None] | None = None
    identity: Callable[[Runtime], IdentityBackend] | None = None
    max_body: int = MEBIBYTE
