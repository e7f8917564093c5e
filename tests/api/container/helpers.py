"""A member of a project with a network of their own, speaking the container API."""

from __future__ import annotations

import itertools
from typing import Any

from tests.support.cloud import Answer, Cloud, Person, wait_for

LATEST = "1.40"
_subnets = itertools.count(1)


class Member:
    def __init__(self, cloud: Cloud, person: Person) -> None:
        self.cloud = cloud
        self.person = person
        self.network_id = self._make("network", {"name": "own"})["id"]
        n = next(_subnets)
        cidr = f"10.{100 + n // 250}.{n % 250}.0/24"
        self._make("subnet", {"network_id": self.network_id, "cidr": cidr, "ip_version": 4})

    @property
    def project_id(self) -> str:
        return self.person.project_id

    def _make(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.person.post(f"/network/v2.0/{kind}s", {kind: body})
        assert answer.status == 201, answer.body
        return dict(answer.json[kind])

    def call(self, method: str, path: str, body: Any = None, version: str = LATEST) -> Answer:
        headers = {"OpenStack-API-Version": f"container {version}"}
        return self.person.call(method, f"/container/v1/{path}", body, headers=headers)

    def get(self, path: str, version: str = LATEST) -> Answer:
        return self.call("GET", path, version=version)

    def post(self, path: str, body: Any = None, version: str = LATEST) -> Answer:
        return self.call("POST", path, body, version)

    def delete(self, path: str, version: str = LATEST) -> Answer:
        return self.call("DELETE", path, version=version)

    def create(self, run: bool = True, **attributes: Any) -> str:
        """A container that came to rest; its uuid. Its program waits unless the attributes say otherwise."""
        body = {"image": "busybox:latest", "command": ["sleep", "1000"], "memory": 64, **attributes}
        answer = self.post(f"containers?run={str(run).lower()}", body)
        assert answer.status == 202, answer.body
        uuid = str(answer.json["uuid"])
        self.settled(uuid)
        return uuid

    def show(self, ident: str) -> dict[str, Any]:
        answer = self.get(f"containers/{ident}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def settled(self, ident: str) -> dict[str, Any]:
        """The container once no task is under way."""
        wait_for(lambda: self.show(ident)["task_state"] is None)
        return self.show(ident)

    def becomes(self, ident: str, status: str) -> dict[str, Any]:
        wait_for(lambda: self.show(ident)["status"] == status)
        return self.show(ident)

    def gone(self, ident: str) -> None:
        wait_for(lambda: self.get(f"containers/{ident}").status == 404)

    def ports(self) -> list[dict[str, Any]]:
        answer = self.person.get(f"/network/v2.0/ports?project_id={self.project_id}")
        return list(answer.json["ports"])


def error(answer: Answer) -> dict[str, Any]:
    """The one error of the answer, in Zun's form."""
    errors = answer.json["errors"]
    assert len(errors) == 1
    assert set(errors[0]) == {"request_id", "code", "status", "title", "detail", "links"}
    assert errors[0]["status"] == answer.status
    return dict(errors[0])
