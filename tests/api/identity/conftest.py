"""A cloud of the identity service alone, in this process, for all tests of this folder."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import quote, unquote_to_bytes
from wsgiref.util import setup_testing_defaults

import pytest

from knarr.core import identity
from knarr.core.identity import clouds
from knarr.kernel import config, runtime

from .helpers import Api

# bcrypt's least work: these tests log in hundreds of times.
FEWEST_ROUNDS = 4


def start(state_dir: Any, **options: Any) -> runtime.Runtime:
    """A prepared runtime of the identity service with its state in that folder."""
    service = identity.service()
    conf = config.load(files=[], services=[service], state_dir=str(state_dir))
    for name, value in {"password_hash_rounds": FEWEST_ROUNDS, **options}.items():
        conf.set_override(name, value, group="identity")
    running = runtime.Runtime(conf, [service])
    running.prepare()
    return running


def sender(app: Any) -> Any:
    """A function that sends one request straight into a WSGI app: (status, body, headers)."""

    def send(
        method: str, path: str, body: Any, token: str | None, headers: dict[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        address, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote_to_bytes(f"/identity{address}").decode("latin-1"),
            "QUERY_STRING": quote(query, safe="=&%.:,-_~+"),
        }
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            environ |= {
                "wsgi.input": io.BytesIO(data),
                "CONTENT_LENGTH": str(len(data)),
                "CONTENT_TYPE": "application/json",
            }
        if token is not None:
            headers = {**headers, "X-Auth-Token": token}
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        setup_testing_defaults(environ)
        answer: list[Any] = []
        chunks = app(environ, lambda line, received, _exc=None: answer.extend((line, received)))
        text = b"".join(chunks)
        line, received = answer
        return int(line[:3]), json.loads(text) if text else None, dict(received)

    return send


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    running = start(tmp_path_factory.mktemp("identity"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def api(cloud):
    password = clouds.read(cloud.state_dir)["auth"]["password"]
    return Api(sender(cloud.wsgi), password)
