"""A whole Knarr in the test's own process: the real services on their own database, called through WSGI."""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import yaml
from tests.support import databases

from knarr.kernel import config, runtime

BASE_URL = "http://127.0.0.1:9140"
ENDLESS = ("text/event-stream", "application/x-ndjson")
_numbers = itertools.count(1)


@dataclass
class Answer:
    """Status, headers (names in small letters) and body of an answer; `json` is the decoded body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass
class Person:
    """A user with a role on a project of their own, and a client that calls as them."""

    id: str
    name: str
    password: str
    project_id: str
    token: str
    cloud: Cloud = field(repr=False)

    def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Answer:
        return self.cloud.call(method, path, body, token=self.token, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        return self.call("POST", path, body, **kwargs)

    def put(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        return self.call("PUT", path, body, **kwargs)

    def patch(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        return self.call("PATCH", path, body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Answer:
        return self.call("DELETE", path, **kwargs)


class Cloud:
    """`services` are types (all installed ones if empty). `settings` are `group__option` or `option`."""

    def __init__(
        self, state_dir: Path, services: Iterable[str] = (), start: bool = True, **settings: Any
    ) -> None:
        found = config.installed(list(services))
        conf = config.load(
            [], found, state_dir=str(state_dir), engine="fake", base_url=BASE_URL, host="test-host"
        )
        conf.set_override("password_hash_rounds", 4, group="identity")
        settings.setdefault("database__url", databases.of(state_dir))
        if "websocket_proxy" in conf:
            conf.set_override("wsproxy_port", 0, group="websocket_proxy")
        for name, value in settings.items():
            group, _, option = name.rpartition("__")
            conf.set_override(option, value, group=group or None)
        self.begin(runtime.build(conf, found), start)

    def begin(self, built: runtime.Runtime, start: bool = True) -> None:
        """Prepare and start the runtime, and log the administrator in."""
        self.runtime = built
        built.prepare()
        if start:
            built.start()
        clouds = yaml.safe_load((built.state_dir / "clouds.yaml").read_text())
        self.admin_password: str = clouds["clouds"]["knarr"]["auth"]["password"]
        self.admin = self._login("admin", self.admin_password, "admin")

    def close(self) -> None:
        self.runtime.stop()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; a body that is not bytes is sent as JSON. An answer without an end: how it begins."""
        return send(self.runtime.wsgi, method, path, body, token=token, headers=headers)

    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """The same with a body that is still to be read, piece by piece: status, headers, pieces."""
        return begin(self.runtime.wsgi, method, path, body, token=token, headers=headers)

    def login(self, name: str, password: str, project: str | None = None) -> Answer:
        user = {"name": name, "domain": {"id": "default"}, "password": password}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
        if project:
            auth["scope"] = {"project": {"name": project, "domain": {"id": "default"}}}
        return self.call("POST", "/identity/v3/auth/tokens", {"auth": auth})

    def person(self, role: str = "member", project: str | None = None) -> Person:
        """A new user with the role on a new project (or on the named one that exists)."""
        number = next(_numbers)
        name, password = f"user-{number}", f"secret word {number}"
        made = self.admin.post("/identity/v3/users", {"user": {"name": name, "password": password}})
        user_id = made.json["user"]["id"]
        if project is None:
            project = f"project-{number}"
            self.admin.post("/identity/v3/projects", {"project": {"name": project}})
        project_id = self.admin.get(f"/identity/v3/projects?name={project}").json["projects"][0]["id"]
        role_id = self.admin.get(f"/identity/v3/roles?name={role}").json["roles"][0]["id"]
        self.admin.put(f"/identity/v3/projects/{project_id}/users/{user_id}/roles/{role_id}")
        return self._login(name, password, project)

    def _login(self, name: str, password: str, project: str) -> Person:
        answer = self.login(name, password, project)
        assert answer.status == 201, answer.body
        token = answer.json["token"]
        return Person(
            id=token["user"]["id"],
            name=name,
            password=password,
            project_id=token["project"]["id"],
            token=answer.headers["x-subject-token"],
            cloud=self,
        )


def send(
    app: Any,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request straight into a WSGI app. A body that is not bytes is sent as JSON."""
    status, got, chunks = begin(app, method, path, body, token=token, headers=headers)
    endless = got.get("content-type", "").startswith(ENDLESS)
    text = next(iter(chunks), b"") if endless else b"".join(chunks)
    close = getattr(chunks, "close", None)
    if close:
        close()
    return Answer(status, got, text)


def begin(
    app: Any, method: str, path: str, body: Any, *, token: str | None, headers: dict[str, str] | None
) -> tuple[int, dict[str, str], Any]:
    """A request that is answered, and whose answer is not read yet: status, headers, pieces of the body."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    environ = _environ(method, path, data)
    sent = {"Content-Type": "application/json"} if body is not None else {}
    sent |= {"X-Auth-Token": token} if token else {}
    for name, value in (sent | (headers or {})).items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    received: list[Any] = []
    chunks = app(environ, lambda *head: received.extend(head))
    status, got = received[:2]
    return int(status[:3]), {name.lower(): value for name, value in got}, chunks


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true value of the condition, looked at often; AssertionError after that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {condition}")


def _environ(method: str, path: str, data: bytes) -> dict[str, Any]:
    address, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(address).decode("latin-1"),
        "QUERY_STRING": quote(query, safe="=&%.:,-_~+/"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "9140",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
