"""The interactive sessions of a host: how their addresses come about, how they are opened and ended."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from knarr.kernel.errors import Forbidden, KnarrError, NotFound, OverQuota, ServiceUnavailable
from knarr.services.container.drivers.base import EngineError, Terminal, container_name
from knarr.services.container.errors import from_engine
from knarr.services.container.locator import engine_of
from knarr.services.container.sessions import origin
from knarr.services.container.sessions.connection import Connection, Gone
from knarr.services.container.sessions.ledger import Leave, Ledger
from knarr.services.container.sessions.listener import Listener
from knarr.services.container.sessions.options import GROUP
from knarr.services.container.sessions.relay import Relay

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)

STOP_SECONDS = 3.0
WRONG_TOKEN = "This address opens no session: it is used up, too old or wrong. Ask for a new one."  # noqa: S105


class CannotListen(OSError):  # noqa: N818
    """The address of sessions cannot be had; the text says which, why, and what sets it."""


@dataclass
class _Open:
    leave: Leave
    relay: Relay


class Proxy:
    """One in each process that has an engine."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._conf = runtime.conf[GROUP]
        self._ledger = Ledger(runtime.db, runtime.host)
        self._listener: Listener | None = None
        self._open: dict[str, _Open] = {}
        self._lock = threading.Condition()
        self._stopped = False

    # the address

    def start(self) -> None:
        """Clear up what a killed process left, and take the address. A busy one is told, and tried again
        when somebody asks for a session."""
        self._forget(self._ledger.left_behind())
        try:
            self._listen()
        except CannotListen as error:
            LOG.warning("no interactive sessions: %s", error)

    def _listen(self) -> Listener:
        with self._lock:
            if self._listener is None and not self._stopped:
                host, port = address(self._runtime.conf)
                try:
                    check(self._runtime.conf)
                    context = tls(self._conf)
                    self._listener = Listener(
                        (host, port), self._serve, self._conf.max_sessions, context, self._conf.ssl_only
                    )
                except OSError as error:
                    raise CannotListen(
                        f"cannot listen on {host}:{port}: {error.strerror or error}; "
                        f"[{GROUP}] wsproxy_host and wsproxy_port choose another address"
                    ) from None
            if self._listener is None:
                raise CannotListen("the service is shutting down")
            return self._listener

    @property
    def base_url(self) -> str:
        """What the addresses of sessions begin with. Raises CannotListen."""
        port = self._listen().port
        if self._conf.base_url:
            return str(self._conf.base_url)
        host, _ = address(self._runtime.conf)
        if ipaddress.ip_address(host).is_unspecified:
            host = urlsplit(self._runtime.base_url).hostname or host
        return f"{'wss' if self._conf.cert else 'ws'}://{f'[{host}]' if ':' in host else host}:{port}/"

    def stop(self) -> None:
        """End all sessions and give the address back."""
        with self._lock:
            self._stopped = True
            listener, open_now = self._listener, list(self._open.values())
        if listener:
            listener.close()
        for one in open_now:
            one.relay.stop("Knarr ends")
        with self._lock:
            self._lock.wait_for(lambda: not self._open, STOP_SECONDS)
        self._forget(self._ledger.left_behind())

    # asking for one

    def grant(self, container_uuid: str, exec_id: str | None = None) -> str:
        """The address at which the terminal of the container, or of the exec, is opened once."""
        try:
            base = self.base_url
        except CannotListen as error:
            raise ServiceUnavailable(f"Interactive sessions are not available: {error}.") from None
        token, pushed = self._ledger.grant(container_uuid, exec_id, self._conf.token_ttl)
        self._forget(pushed)
        query = {"token": token, "uuid": container_uuid, **({"exec_id": exec_id} if exec_id else {})}
        return f"{base}{'&' if '?' in base else '?'}{urlencode(query)}"

    def check_room(self, container_uuid: str, project_id: str) -> None:
        """Raises OverQuota, naming the limit, if one session more would pass it."""
        with self._lock:
            leaves = [one.leave for one in self._open.values()]
        counts = Counter(leave.container_uuid for leave in leaves)
        counts.update(leave.project_id for leave in leaves)
        counts.update({"": len(leaves)})
        for what, key, option in (
            ("container", container_uuid, "max_sessions_per_container"),
            ("project", project_id, "max_sessions_per_project"),
            ("host", "", "max_sessions"),
        ):
            most = self._conf[option]
            if counts[key] >= most:
                raise OverQuota(
                    f"This {what} has {most} sessions open, which is the limit ({option}); end one.",
                    code="SessionLimitExceeded",
                )

    def resize(self, container_uuid: str, exec_id: str, height: int, width: int) -> None:
        is_open = self._ledger.resize(container_uuid, exec_id, height, width)
        if is_open is None:
            raise NotFound(
                f"Container {container_uuid} has no exec session {exec_id}.", code="ExecInstanceNotFound"
            )
        if is_open and height and width:
            engine_of(self._runtime).exec_resize(exec_id, height, width)

    # one session

    def _serve(self, sock: socket.socket) -> None:
        connection = Connection(sock, self._conf.max_frame)
        try:
            request = connection.request()
            if not connection.asks_for_websocket(request):
                connection.finish()
                return
            try:
                leave = self._admit(request)
            except KnarrError as error:
                connection.reject(error.status, error.detail)
                connection.finish()
                return
            try:
                self._run(connection, request, leave)
            finally:
                self._end(leave)
        except Gone:
            connection.finish()

    def _admit(self, request: Any) -> Leave:
        """The session that the request opens. Raises KnarrError."""
        headers = request.headers
        page, host, scheme = (
            next(iter(headers.get_all(name)), None) for name in ("Origin", "Host", "X-Forwarded-Proto")
        )
        refusal = origin.refusal(page, host, scheme, self.base_url, self._conf.allowed_origins)
        if refusal:
            raise Forbidden(refusal)
        query = parse_qs(urlsplit(request.path).query)
        container, token, exec_id = (query.get(name, [""])[-1] for name in ("uuid", "token", "exec_id"))
        leave = self._ledger.redeem(container[:36], exec_id[:64] or None, token) if token else None
        if leave is None:
            raise NotFound(WRONG_TOKEN)
        return leave

    def _run(self, connection: Connection, request: Any, leave: Leave) -> None:
        try:
            self.check_room(leave.container_uuid, leave.project_id)
            terminal = self._terminal(leave)
        except (EngineError, KnarrError) as error:
            known = error if isinstance(error, KnarrError) else from_engine(error)
            connection.reject(known.status, known.detail)
            connection.finish()
            return
        relay = Relay(connection, terminal, self._conf.idle_timeout, self._conf.escape)
        with self._lock:
            refused = self._stopped
            self._open[leave.uuid] = _Open(leave, relay)
        if refused:
            connection.reject(503, "Knarr ends.")
            terminal.close()
            connection.finish()
            return
        connection.accept(request)
        relay.run()

    def _terminal(self, leave: Leave) -> Terminal:
        engine = engine_of(self._runtime)
        if leave.exec_id is None:
            return engine.attach(container_name(leave.container_uuid))
        terminal = engine.exec_attach(leave.exec_id)
        if leave.height and leave.width:
            engine.exec_resize(leave.exec_id, leave.height, leave.width)
        return terminal

    def _end(self, leave: Leave) -> None:
        try:
            self._end_exec(leave)
            self._ledger.end(leave.uuid)
        finally:
            with self._lock:
                self._open.pop(leave.uuid, None)
                self._lock.notify_all()

    def _end_exec(self, leave: Leave) -> None:
        """What runs in a terminal ends with it."""
        if leave.exec_id is None:
            return
        try:
            engine_of(self._runtime).exec_end(leave.exec_id)
        except EngineError as error:
            LOG.warning("exec session %s could not be ended: %s", leave.exec_id[:12], error)

    # tidying up

    def _forget(self, leaves: list[Leave]) -> None:
        for leave in leaves:
            self._end_exec(leave)

    def sweep(self) -> None:
        """Forget what nobody opened in time."""
        self._forget(self._ledger.overdue())


def proxy_of(runtime: Runtime) -> Proxy:
    return runtime.component("container.sessions", partial(Proxy, runtime))


def address(conf: Any) -> tuple[str, int]:
    """Where sessions are taken: an IP address and a port."""
    host = conf[GROUP].wsproxy_host or str(conf.listen).rpartition(":")[0].strip("[]")
    if host in ("localhost", "ip6-localhost", ""):
        host = "127.0.0.1"
    return host, conf[GROUP].wsproxy_port


def check(conf: Any) -> None:
    """Raises OSError if the configured addresses make no sense, or reach beyond this host without TLS."""
    own, (host, _) = conf[GROUP], address(conf)
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise OSError(f"{host!r} is not an IP address") from None
    if own.wsproxy_host and not loopback and not own.cert and not conf.get("insecure_listen", False):
        raise OSError(
            "other hosts reach it, and there is no `cert` for TLS (insecure_listen = true allows it)"
        )
    if own.base_url and urlsplit(own.base_url).scheme not in ("ws", "wss"):
        raise OSError(f"base_url is {own.base_url!r}: it must begin with ws:// or wss://")


def tls(conf: Any) -> ssl.SSLContext | None:
    """Raises OSError if a file cannot be used, or if TLS is demanded and there is no certificate."""
    if not conf.cert:
        if conf.ssl_only:
            raise OSError("ssl_only needs a certificate in `cert`")
        return None
    for name in (conf.cert, conf.key):
        if name and not Path(name).is_file():
            raise OSError(f"there is no file {name}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(conf.cert, conf.key)
    except ssl.SSLError as error:
        raise OSError(f"the certificate cannot be used: {error.reason or error}") from None
    return context
