"""How these tests talk to the identity service: a client that logs in and keeps the answers short to read."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tests.support import faults
from tests.support.cloud import send

from knarr.kernel.routing import Route

PASSWORD = "correct horse"

_numbers = itertools.count(1)


def unique(what: str) -> str:
    """A name that no other test uses."""
    return f"{what}-{next(_numbers)}"


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def message(self) -> str:
        return self.body["error"]["message"]


@dataclass
class Person:
    """A user that a test made, and a token on the project that the test gave it a role on."""

    id: str
    name: str
    project: str
    token: str


class Api:
    """Calls in process. Without `token`, calls are the administrator's; `token=None` sends none at all."""

    def __init__(self, app: Any, admin_password: str) -> None:
        self.app = app
        self.admin_password = admin_password
        self.admin = self.login("admin", admin_password, project="admin").headers["x-subject-token"]

    def call(
        self, method: str, path: str, body: Any = None, token: str | None = "admin", **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        used = self.admin if token == "admin" else token
        answer = send(self.app, method, f"/identity{path}", body, token=used, headers=sent)
        return Answer(answer.status, answer.json, answer.headers)

    def get(self, path: str, **more: Any) -> Answer:
        return self.call("GET", path, **more)

    def head(self, path: str, **more: Any) -> Answer:
        return self.call("HEAD", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> Answer:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any, **more: Any) -> Answer:
        return self.call("PATCH", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        return self.call("DELETE", path, **more)

    # Logging in

    def authenticate(self, identity: Any, scope: Any = None, query: str = "", **headers: str) -> Answer:
        auth = {"identity": identity} | ({} if scope is None else {"scope": scope})
        return self.post(f"/v3/auth/tokens{query}", {"auth": auth}, token=None, **headers)

    def login(
        self, user: str, password: str = PASSWORD, scope: Any = None, project: str | None = None
    ) -> Answer:
        """By name in the default domain; `project` is a name in it."""
        if project is not None:
            scope = {"project": {"name": project, "domain": {"id": "default"}}}
        return self.authenticate(by_password(user, password), scope)

    def rescope(self, token: str, scope: Any = None) -> Answer:
        return self.authenticate({"methods": ["token"], "token": {"id": token}}, scope)

    def is_valid(self, token: str) -> bool:
        """Whether a token opens anything, and whether the administrator is told the same."""
        own = self.get("/v3/auth/projects", token=token).status
        seen = self.head("/v3/auth/tokens", x_subject_token=token).status
        assert (own, seen) in ((200, 200), (401, 404))
        return own == 200

    # Making things

    def make(self, what: str, **values: Any) -> dict[str, Any]:
        """A new user, project, domain, role, group, region, service or endpoint, as the answer shows it."""
        body = {"name": unique(what), **values} if what not in ("region", "endpoint") else values
        answer = self.post(f"/v3/{what}s", {what: body})
        assert answer.status == 201, answer.body
        return answer.body[what]

    def role(self, name: str) -> str:
        return self.get(f"/v3/roles?name={name}").body["roles"][0]["id"]

    def grant(self, role: str, user: str, project: str) -> None:
        assert self.put(f"/v3/projects/{project}/users/{user}/roles/{self.role(role)}").status == 204

    def person(self, role: str = "member", project: str | None = None) -> Person:
        """A user with a role on a project (a new one if none is given), logged in."""
        project = project or self.make("project")["id"]
        user = self.make("user", password=PASSWORD)
        self.grant(role, user["id"], project)
        token = self.login(user["name"], scope={"project": {"id": project}}).headers["x-subject-token"]
        return Person(user["id"], user["name"], project, token)


def by_password(user: str, password: str = PASSWORD) -> dict[str, Any]:
    """The identity part of a login of a user of the default domain."""
    who = {"name": user, "domain": {"id": "default"}, "password": password}
    return {"methods": ["password"], "password": {"user": who}}


def role_names(answer: Answer) -> list[str]:
    return [role["name"] for role in answer.body["token"]["roles"]]


def route_name(route: Route) -> str:
    return f"{route.method} {route.path}"


def fitting_body(route: Route) -> Any:
    """A body that is right, so that the answer is about the caller's rights; None where there is none."""
    if route.body is None:
        return None
    fitting = faults.sample(route.body)
    return {route.envelope: fitting} if route.envelope else fitting
