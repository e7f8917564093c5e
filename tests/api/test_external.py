"""A container service whose Keystone runs elsewhere: another cloud, reached over a real socket."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from tests.support.cloud import Answer, Cloud

from knarr.kernel import config, runtime

CONTAINERS = "/container/v1/containers"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """The server says nothing."""


class Elsewhere:
    """A cloud of identity and network on a socket, which notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.cloud = Cloud(folder, ("identity", "network"), network__backend="fake", base_url=self.url)
        self.asked: list[str] = []
        self._server.set_app(self._answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        return self.cloud.runtime.wsgi(environ, start_response)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.cloud.close()


class Alone:
    """Nothing but a container service of that cloud."""

    def __init__(self, folder: Path, elsewhere: Elsewhere) -> None:
        services = config.installed(["container"])
        conf = config.load([], services, state_dir=str(folder), engine="fake", host="another-host")
        conf.set_override("auth_url", f"{elsewhere.url}/identity/v3", group="external")
        conf.set_override("username", "admin", group="external")
        conf.set_override("project_name", "admin", group="external")
        conf.set_override("password", elsewhere.cloud.admin_password, group="external")
        self.runtime = runtime.Runtime(conf, services)
        self.runtime.prepare()

    def get(self, token: str | None) -> Answer:
        return Cloud.call(self, "GET", CONTAINERS, token=token)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    made = Elsewhere(tmp_path_factory.mktemp("elsewhere"))
    yield made
    made.close()


@pytest.fixture
def alone(tmp_path: Path, elsewhere: Elsewhere) -> Iterator[Alone]:
    made = Alone(tmp_path, elsewhere)
    yield made
    made.runtime.stop()


def test_tokens_of_that_keystone_are_taken_and_others_are_not(alone: Alone, elsewhere: Elsewhere) -> None:
    assert alone.get(elsewhere.cloud.person().token).status == 200
    assert alone.get(None).status == 401
    assert alone.get("gAAAAA-of-nobody").status == 401


def test_a_token_is_asked_about_once(alone: Alone, elsewhere: Elsewhere) -> None:
    token = elsewhere.cloud.person().token
    assert alone.get(token).status == 200
    before = len(elsewhere.asked)
    assert alone.get(token).status == 200
    assert elsewhere.asked[before:] == []


def test_a_token_that_is_valid_says_nothing_in_the_log(
    tmp_path: Path, elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    alone = Alone(tmp_path, elsewhere)
    assert alone.get(elsewhere.cloud.person().token).status == 200
    assert [r.getMessage() for r in caplog.records if r.name.startswith("keystone")] == []
    alone.runtime.stop()
