"""Random work on a Knarr that may be killed at any instant, and what has to be true afterwards."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import sqlite3
import threading
import urllib.error
from pathlib import Path
from typing import Any

from .server import Answer, Knarr

CONTAINERS = "/container/v1/containers"
PORTS, FLOATING = "/network/v2.0/ports", "/network/v2.0/floatingips"
IMAGES, USERS = "/image/v2/images", "/identity/v3/users"
# collection -> the key that its things are under, in bodies and in lists
ENVELOPES = {PORTS: "port", FLOATING: "floatingip", USERS: "user"}
UNFINISHED = ("queued", "running")


class Away(Exception):  # noqa: N818
    """Knarr did not hear of the request."""


class Worker(threading.Thread):
    """One caller. `made` are the things that it was told are there, by address; `asked` those whose end it
    has asked for without being told.
    """

    def __init__(self, knarr: Knarr, token: str, networks: tuple[str, str], seed: int) -> None:
        super().__init__(daemon=True)
        self.knarr, self.token = knarr, token
        self.network, self.external = networks
        self.random = random.Random(seed)
        self.made: set[str] = set()
        self.asked: set[str] = set()
        self.ended: set[str] = set()
        self.odd: list[Answer] = []
        self.over = threading.Event()

    def run(self) -> None:
        tasks = (self.container, self.container, self.act, self.act, self.port, self.floating, self.image,
                 self.user, self.end, self.end)  # fmt: skip
        while not self.over.is_set():
            try:
                self.random.choice(tasks)()
            except Away:
                self.over.wait(0.05)
            except (OSError, http.client.HTTPException):
                pass  # it was killed meanwhile: nobody knows whether it was done

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        try:
            answer = self.knarr.call(method, path, body, token=self.token)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ConnectionRefusedError):
                raise Away from None
            raise
        if answer.status >= 500:
            self.odd.append(answer)
        return answer

    def make(self, collection: str, body: dict[str, Any]) -> str | None:
        key = ENVELOPES.get(collection)
        answer = self.call("POST", collection, {key: body} if key else body)
        if answer.status not in (201, 202):
            return None
        thing = answer.json[key] if key else answer.json
        self.made.add(address := f"{collection}/{thing.get('id') or thing.get('uuid')}")
        return address

    def container(self) -> None:
        body: dict[str, Any] = {"image": "busybox", "command": ["sleep", "1000"], "memory": "4"}
        body["nets"] = [{"network": self.network}] * self.random.randint(1, 2)
        if self.random.random() < 0.3:
            body["mounts"] = [{"type": "bind", "source": "aGVsbG8=", "destination": "/etc/greeting"}]
        answer = self.call("POST", f"{CONTAINERS}?run={self.random.random() < 0.7}", body)
        if answer.status == 202:
            self.made.add(f"{CONTAINERS}/{answer.json['uuid']}")

    def act(self) -> None:
        ours = self.of(CONTAINERS)
        if not ours:
            return
        action = self.random.choice(
            ("start", "stop", "reboot", "rebuild", "kill", "network_attach", "resize")
        )
        path = f"{self.random.choice(ours)}/{action}"
        if action == "network_attach":
            path += f"?network={self.network}"
        body = {"memory": str(self.random.randint(5, 9))} if action == "resize" else None
        self.call("POST", path.replace("/resize", "/resize_container"), body)

    def port(self) -> None:
        self.make(PORTS, {"network_id": self.network})

    def floating(self) -> None:
        self.make(FLOATING, {"floating_network_id": self.external})

    def user(self) -> None:
        self.make(USERS, {"name": f"user-{self.random.getrandbits(64):x}"})

    def image(self) -> None:
        made = self.make(IMAGES, {"name": "data", "disk_format": "raw", "container_format": "bare"})
        if made is None:
            return
        host, _, port = self.knarr.listen.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/octet-stream"}
        with contextlib.closing(connection):
            connection.request("PUT", f"{made}/file", b"x" * self.random.choice((10, 3_000_000)), headers)
            connection.getresponse().read()

    def end(self) -> None:
        ours = sorted(self.made - self.asked)
        if not ours:
            return
        address = self.random.choice(ours)
        self.asked.add(address)
        stop = "?stop=true" if address.startswith(CONTAINERS) else ""
        try:
            status = self.call("DELETE", address + stop).status
        except Away:
            status = 0
        if status == 204:
            self.ended.add(address)
        elif status in (0, 409):
            self.asked.discard(address)  # it was not heard, or busy and said so

    def of(self, collection: str) -> list[str]:
        return sorted(address for address in self.made - self.asked if address.startswith(collection))


def kill_all(knarr: Knarr) -> None:
    """`kill -9` for the parent and the worker, the worker first: the parent may be about to replace it."""
    assert knarr.process is not None
    pid = knarr.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGSTOP)
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    knarr.kill()


class Ledger:
    """The database of a Knarr, read beside it."""

    def __init__(self, knarr: Knarr) -> None:
        self.path = knarr.state / "knarr.db"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        ) as database:
            return database.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def unfinished(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT kind, resource_id, state, step, error FROM operation WHERE state IN (?, ?)", *UNFINISHED
        )
