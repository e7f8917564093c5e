"""What is left of images when Knarr is killed while their data comes."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.support import alone
from tests.e2e.support.server import Knarr, wait_until

IMAGES = "/image/v2/images"
DATA = b"0123456789abcdef" * 65536
HALF = len(DATA) // 2


class Web:
    """A web server with one file. The first who asks for it gets half, and waits for the rest."""

    def __init__(self) -> None:
        self.asked = 0
        self.done = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked += 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(DATA)))
                self.end_headers()
                if web.asked > 1:
                    self.wfile.write(DATA)
                    return
                self.wfile.write(DATA[:HALF])
                web.done.wait(60)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> str:
        return str(self.server.server_port)

    def close(self) -> None:
        self.done.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


@pytest.fixture(scope="module")
def knarr(tmp_path_factory: pytest.TempPathFactory, web: Web) -> Iterator[Knarr]:
    allowed = {"web_download_hosts": "127.0.0.1", "web_download_ports": web.port}
    with alone.started(tmp_path_factory.mktemp("knarr"), image=allowed) as started:
        yield started


def _new(knarr: Knarr) -> str:
    body = {"container_format": "bare", "disk_format": "raw"}
    return str(knarr.call("POST", IMAGES, body, token=knarr.token()).json["id"])


def _show(knarr: Knarr, ident: str) -> dict[str, Any]:
    return dict(knarr.call("GET", f"{IMAGES}/{ident}", token=knarr.token()).json)


def _files(knarr: Knarr, ident: str) -> list[Path]:
    return list((knarr.state / "images").glob(f"{ident}*"))


def _begin_upload(knarr: Knarr, ident: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(knarr.listen, timeout=30)
    connection.putrequest("PUT", f"{IMAGES}/{ident}/file")
    for name, value in (
        ("X-Auth-Token", knarr.token()),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", str(len(DATA))),
    ):
        connection.putheader(name, value)
    connection.endheaders(DATA[:HALF])
    return connection


def test_an_upload_that_dies_with_the_server_leaves_a_queued_image(knarr: Knarr) -> None:
    ident = _new(knarr)
    connection = _begin_upload(knarr, ident)
    wait_until(lambda: _files(knarr, ident), 10)
    assert _show(knarr, ident)["status"] == "saving"

    knarr.kill()
    connection.close()
    knarr.start()

    assert _show(knarr, ident)["status"] == "queued"
    assert _files(knarr, ident) == []
    again = _begin_upload(knarr, ident)
    again.send(DATA[HALF:])
    assert again.getresponse().status == 204
    assert _show(knarr, ident)["size"] == len(DATA)


def test_an_import_that_dies_with_the_server_is_taken_up_again(knarr: Knarr, web: Web) -> None:
    ident = _new(knarr)
    method = {"name": "web-download", "uri": f"http://127.0.0.1:{web.port}/disk"}
    token = knarr.token()
    assert knarr.call("POST", f"{IMAGES}/{ident}/import", {"method": method}, token=token).status == 202
    wait_until(lambda: _files(knarr, ident), 10)

    knarr.kill()
    knarr.start()

    wait_until(lambda: _show(knarr, ident)["status"] == "active", 30, lambda: _show(knarr, ident))
    assert _show(knarr, ident)["size"] == len(DATA)
    assert [path.name for path in _files(knarr, ident)] == [ident]
