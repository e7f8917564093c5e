"""The connection to one engine: address, TLS, API version, who we are there."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.base import EngineError, EngineUnavailable
from knarr.services.container.drivers.docker import options
from knarr.services.container.drivers.docker.errors import translated

LOG = logging.getLogger(__name__)

OLDEST = (1, 24)
# Engines take any version between their own minimum and maximum; ours ends where we know what the answers
# look like.
NEWEST = (1, 51)

LABEL_SCOPE = "knarr.scope"
LABEL_UUID = "knarr.uuid"
LABEL_KIND = "knarr.kind"
KIND_CONTAINER = "container"
KIND_SANDBOX = "sandbox"

SLOW_TIMEOUT = 3600


class Connection:
    """Shared by all threads; the SDK is imported and the engine asked with the first use."""

    def __init__(self, conf: Any, state_dir: Path | None) -> None:
        self.settings = options.register(conf)
        self.url: str = self.settings.api_url
        self.local = self.url.startswith(("unix:", "/"))
        self.observer: Callable[[str, float, bool], None] | None = None
        self._state_dir = state_dir
        self._lock = threading.Lock()
        self._clients: dict[int, Any] = {}
        self._version: dict[str, Any] | None = None
        self._scope = ""

    # who we are

    @property
    def scope(self) -> str:
        """Marks what is ours on an engine that several share; the same across restarts on one state
        directory."""
        if not self._scope:
            with self._lock:
                self._scope = self._scope or _kept_scope(self._state_dir)
        return self._scope

    def labels(self, kind: str, uuid: str = "") -> dict[str, str]:
        return {LABEL_SCOPE: self.scope, LABEL_KIND: kind, LABEL_UUID: uuid}

    def filters(self, kind: str | None = None) -> dict[str, list[str]]:
        """Filter of list calls: what is ours."""
        labels = [f"{LABEL_SCOPE}={self.scope}"]
        if kind:
            labels.append(f"{LABEL_KIND}={kind}")
        return {"label": labels}

    # the client

    @contextmanager
    def speak(self, what: str, slow: bool = False) -> Iterator[Any]:
        """The SDK's client for one thing to do, with its errors translated: ``what`` begins the error's
        text."""
        begun = time.perf_counter()
        done = False
        try:
            with translated(what, self.url):
                yield self._client(SLOW_TIMEOUT if slow else self.settings.default_timeout)
            done = True
        except EngineError as error:
            if isinstance(error, EngineUnavailable):
                self.forget_version()
            raise
        finally:
            if self.observer:
                self.observer(what.split(" ", 1)[0], time.perf_counter() - begun, done)

    def _client(self, timeout: int) -> Any:
        client = self._clients.get(timeout)
        if client is not None:
            return client
        with self._lock:
            if timeout not in self._clients:
                version = self._negotiate()
                self._clients[timeout] = self._new_client(timeout, version)
            return self._clients[timeout]

    def _new_client(self, timeout: int, version: str) -> Any:
        from docker import APIClient

        client = APIClient(
            base_url=self.url,
            version=version,
            timeout=timeout,
            num_pools=self.settings.connections,
            tls=self._tls(),
        )
        # Neither a proxy nor REQUESTS_CA_BUNDLE of the environment may come between us and the engine.
        client.trust_env = False
        # Nor may a project use the registry passwords of the account that we run as.
        client._auth_configs = client._auth_configs.__class__({})
        return client

    def _tls(self) -> Any:
        settings = self.settings
        if self.local or not (settings.ca_file or settings.cert_file):
            return False
        from docker.tls import TLSConfig

        pair = (settings.cert_file, settings.key_file) if settings.cert_file else None
        return TLSConfig(client_cert=pair, ca_cert=settings.ca_file, verify=bool(settings.ca_file))

    # the version

    def _negotiate(self) -> str:
        """A version that both sides speak: current engines refuse old ones, old engines refuse new ones."""
        with translated("asking the engine for its version", self.url):
            probe = self._new_client(self.settings.default_timeout, _text(OLDEST))
            try:
                self._version = dict(probe.version(api_version=False))
            finally:
                probe.close()
        top = _version_tuple(self._version.get("ApiVersion") or "1.24")
        bottom = _version_tuple(self._version.get("MinAPIVersion") or _text(OLDEST))
        if bottom > NEWEST or top < OLDEST:
            raise EngineUnavailable(
                f"the engine at {self.url} speaks API {bottom[0]}.{bottom[1]} to {top[0]}.{top[1]}; "
                f"this program speaks {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
            )
        chosen = _text(min(top, NEWEST))
        LOG.info("engine %s at %s, API %s", self.engine_version, self.url, chosen)
        return chosen

    def forget_version(self) -> None:
        """The next call negotiates anew: the engine may come back as another one."""
        with self._lock:
            clients, self._clients, self._version = self._clients, {}, None
        for client in clients.values():
            client.close()

    @property
    def version(self) -> dict[str, Any]:
        if self._version is None:
            self._client(self.settings.default_timeout)
        return self._version or {}

    @property
    def api_version(self) -> str:
        return str(self._client(self.settings.default_timeout).api_version)

    @property
    def engine_version(self) -> str:
        return str((self._version or {}).get("Version", ""))

    @property
    def podman(self) -> bool:
        """Podman's compatible socket names itself among the components."""
        return any(
            "podman" in str(part.get("Name", "")).lower() for part in self.version.get("Components") or ()
        )

    def close(self) -> None:
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()


def _kept_scope(state_dir: Path | None) -> str:
    fresh = secrets.token_hex(8)
    if state_dir is None:
        return fresh
    path = state_dir / "engine-scope"
    try:
        return path.read_text().strip() or fresh
    except FileNotFoundError:
        state_dir.mkdir(parents=True, exist_ok=True)
        # Two processes on one directory must agree: the first one's link stays.
        draft = state_dir / f"engine-scope.{fresh}"
        draft.write_text(fresh + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_text().strip()


def _version_tuple(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major or 1), int(minor or 0)


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
