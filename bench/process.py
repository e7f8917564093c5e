"""A Knarr of the benchmark's own: started like a user's, on a free port of loopback, with its own state."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

PROGRAM = Path(sys.executable).with_name("knarr")
START_LIMIT = 30.0


class Knarr:
    """`knarr up` in the foreground as a child process."""

    def __init__(self, state_dir: Path, engine: str, config: str = "") -> None:
        self.state_dir = state_dir
        self.engine = engine
        self.port = _free_port()
        self.config = state_dir / "bench.conf"
        self.config.write_text(config)
        self.seconds_to_answer = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._connection: http.client.HTTPConnection | None = None

    def start(self) -> Knarr:
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [PROGRAM, "up", "--engine", self.engine, "--state-dir", self.state_dir,
             "--listen", f"127.0.0.1:{self.port}", "--config-file", self.config],
            stdout=(self.state_dir / "bench.log").open("ab"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._log_in(began + START_LIMIT)
        self.seconds_to_answer = time.perf_counter() - began
        return self

    def stop(self) -> None:
        """End it, however far it has come, and remove what it left on the engine."""
        self._connection = None
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._sweep()

    def _sweep(self) -> None:
        scope = self.state_dir / "engine-scope"
        if self.engine != "docker" or not scope.exists():
            return
        chosen = f"label=knarr.scope={scope.read_text().strip()}"
        listed = subprocess.run(["docker", "ps", "-aq", "--filter", chosen], capture_output=True, text=True)
        if listed.stdout:
            subprocess.run(["docker", "rm", "-f", *listed.stdout.split()], capture_output=True)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request on a kept connection; the status and the decoded answer."""
        status, data, _ = self.raw(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        return status, json.loads(data) if data else None

    def raw(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"X-Auth-Token": self.token, **headers}
        data = None if body is None else json.dumps(body)
        if data is not None:
            sent["Content-Type"] = "application/json"
        try:
            self._connection.request(method, path, data, sent)
            answer = self._connection.getresponse()
            return answer.status, answer.read(), answer.headers
        except (OSError, http.client.HTTPException):
            self._connection = None
            raise

    def processes(self) -> list[int]:
        """The program's process and all below it."""
        assert self.process is not None
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting.extend(int(child) for child in children.read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """CPU used so far by all of its processes."""
        ticks = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def pss_mebibytes(self) -> float:
        total = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total / 1024

    def _log_in(self, deadline: float) -> None:
        """The first authenticated answer: a token, and a request with it."""
        self.token = ""
        while True:
            try:
                clouds = yaml.safe_load((self.state_dir / "clouds.yaml").read_text())
                auth = clouds["clouds"]["knarr"]["auth"]
                self.token = self._token(auth["password"])
                status, _ = self.call("GET", "/identity/v3/auth/projects")
                if status == 200:
                    return
            except (OSError, http.client.HTTPException, KeyError, TypeError):
                self.token = ""
            if time.perf_counter() > deadline or self.process is None or self.process.poll() is not None:
                log = (self.state_dir / "bench.log").read_text()[-2000:]
                raise RuntimeError(f"knarr did not start:\n{log}")
            time.sleep(0.005)

    def _token(self, password: str) -> str:
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        user = {"name": "admin", "domain": {"id": "default"}, "password": password}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
        status, _, headers = self.raw("POST", "/identity/v3/auth/tokens", {"auth": auth}, {})
        if status != 201:
            raise OSError(f"log-in answered {status}")
        return str(headers["X-Subject-Token"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
