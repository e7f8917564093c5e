"""Knarr as a user runs it: the program `knarr up` as a process, and plain HTTP calls to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .host import Host

START_SECONDS = 30.0
STOP_SECONDS = 20.0
PROGRAM = Path(sys.executable).with_name("knarr")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    json: Any


class Knarr:
    """One `knarr up` on a state directory of its own; it may be killed and started again."""

    engine = "docker"

    def __init__(self, host: Host, folder: Path, **sections: dict[str, str]) -> None:
        self.host, self.folder = host, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.state, self.log = folder / "state", folder / "knarr.log"
        self.listen = f"127.0.0.1:{host.free_port()}"
        self.url = f"http://{self.listen}"
        self.config = folder / "knarr.conf"
        # Several may run beside each other on one address.
        self.config.write_text(_ini({"websocket_proxy": {"wsproxy_port": "0"}} | sections))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = [str(PROGRAM), "up", "--engine", self.engine, "--config-file", str(self.config)]
        arguments += ["--state-dir", str(self.state), "--listen", self.listen]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.host.command(arguments),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        wait_until(self._healthy, START_SECONDS, lambda: f"Knarr is not healthy:\n{self.log_end()}")

    def _healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"Knarr ended with {self.process.returncode}:\n{self.log_end()}"
        try:
            return self.call("GET", "/healthcheck").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """As `kill -9`: nothing can be tidied up."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def log_end(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-80:])
        return ""

    @property
    def scope(self) -> str | None:
        """What the labels of this Knarr's containers on the engine say; None before there were any."""
        with contextlib.suppress(OSError):
            return (self.state / "engine-scope").read_text().strip()
        return None

    def admin(self) -> dict[str, str]:
        """auth_url, username, password, project_name and the names of the domains."""
        document = yaml.safe_load((self.state / "clouds.yaml").read_text())
        return dict(document["clouds"]["knarr"]["auth"])

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", version: str = "container 1.40"
    ) -> Answer:
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("OpenStack-API-Version", version)
        if token:
            request.add_header("X-Auth-Token", token)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        return self.host.do(lambda: _open(request))

    def token(self, auth: dict[str, str] | None = None) -> str:
        """A project token; the administrator's if no one else is named."""
        auth = auth or self.admin()
        domain = {"name": "Default"}
        user = {"name": auth["username"], "password": auth["password"], "domain": domain}
        scope = {"project": {"name": auth["project_name"], "domain": domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = self.call("POST", "/identity/v3/auth/tokens", body)
        assert answer.status == 201, answer
        return answer.headers["x-subject-token"]


def wait_until(
    condition: Callable[[], Any], seconds: float, why: Callable[[], Any] = str, pause: float = 0.1
) -> Any:
    """The first true value of the condition; AssertionError with `why` after that time."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s. {why()}")
        time.sleep(pause)


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _open(request: urllib.request.Request) -> Answer:
    try:
        with _opener.open(request, timeout=30) as response:
            return _answer(response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error)


def _answer(response: Any) -> Answer:
    text = response.read()
    is_json = "json" in (response.headers.get("Content-Type") or "")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, headers, json.loads(text) if text and is_json else text)


def _ini(sections: dict[str, dict[str, str]]) -> str:
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *(f"{name} = {value}" for name, value in values.items()), ""]
    return "\n".join(lines)
