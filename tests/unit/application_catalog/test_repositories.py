"""Repositories in folders and on web servers, what is fetched from them, and the order of packages."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.unit.application_catalog.conftest import archive

from knarr.services.application_catalog.language.versions import spec
from knarr.services.application_catalog.packages import bundles, repository
from knarr.services.application_catalog.packages.dependencies import fetch, fetch_bundle, in_order, missing
from knarr.services.application_catalog.packages.faults import Limits, PackageFault
from knarr.services.application_catalog.packages.images import Image
from knarr.services.application_catalog.packages.package import ApplicationPackage
from knarr.services.application_catalog.packages.packing import pack
from knarr.services.application_catalog.packages.repository import open_repository


def _archive(name: str, version: str = "1.0.0", **require: str) -> bytes:
    needs = "".join(f"\n  {key.replace('_', '.')}: '{value}'" for key, value in require.items())
    text = f"FullName: {name}\nVersion: {version}\nFormat: 1.4\n"
    return archive({"manifest.yaml": text + (f"Require:{needs}\n" if needs else "")})


def _package(name: str, version: str = "1.0.0", **require: str) -> ApplicationPackage:
    return ApplicationPackage.open(_archive(name, version, **require))


TREE = {
    "apps/com.shop.zip": _archive("com.shop", "2.0.0", com_db=">=1,<2", com_cache="1.1.0"),
    "apps/com.db.zip": _archive("com.db", "1.5.0", com_base="1"),
    "apps/com.db.1.4.0.zip": _archive("com.db", "1.4.0"),
    "apps/com.cache.zip": _archive("com.cache", "2.0.0"),
    "apps/com.cache.1.1.0.zip": _archive("com.cache", "1.1.0", com_base="1"),
    "apps/com.base.zip": _archive("com.base", "1.0.0"),
    "apps/com.other.zip": _archive("com.base", "1.0.0"),
    "apps/com.lost.zip": _archive("com.lost", "1.0.0", com_gone="1"),
    "bundles/all.bundle": b'{"Packages": [{"Name": "com.shop"}, {"Name": "com.db", "Version": "1.4.0"}]}',
    "images/disk": b"data of a disk",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return tmp_path


Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, Answer]]]:
    """(URL, special answers by path): a web server with the tree."""
    special: dict[str, Answer] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in special:
                special[self.path](self)
                return
            data = TREE.get(self.path.removeprefix("/repo/"))
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *args: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{web.server_port}/repo", special
    web.shutdown()
    web.server_close()


@pytest.fixture(params=["folder", "web"])
def place(request: pytest.FixtureRequest, folder: Path, server: tuple[str, dict[str, Answer]]) -> str:
    return str(folder) if request.param == "folder" else server[0]


def _names(packages: list[ApplicationPackage]) -> list[str]:
    return [f"{one.manifest.full_name} {one.manifest.version}" for one in packages]


def test_a_package_comes_with_what_it_requires_in_order(place):
    found = fetch(open_repository(place), [("com.shop", repository.ANY)])
    assert _names(found) == ["com.base 1.0.0", "com.cache 1.1.0", "com.db 1.5.0", "com.shop 2.0.0"]


def test_what_is_there_already_is_not_fetched(place):
    found = fetch(open_repository(place), [("com.shop", repository.ANY)], there=["com.db", "com.cache"])
    assert _names(found) == ["com.shop 2.0.0"]


def test_a_bundle_names_packages_with_versions(place):
    from_here = open_repository(place)
    found = fetch_bundle(from_here, from_here.bundle("all"))
    assert _names(found) == ["com.base 1.0.0", "com.cache 1.1.0", "com.db 1.4.0", "com.shop 2.0.0"]
    assert from_here.bundle("all") == bundles.read(TREE["bundles/all.bundle"])


@pytest.mark.parametrize(
    ("name", "versions", "told"),
    [
        ("com.nothing", "*", "there is no package com.nothing"),
        ("com.db", ">=3", "com.db"),
        ("com.other", "*", "holds the package com.base, not com.other"),
        ("../etc/passwd", "*", "is no name of a package"),
        ("com.db\n", "*", "is no name of a package"),
    ],
)
def test_packages_that_are_not_there(place, name, versions, told):
    with pytest.raises(PackageFault, match=told):
        open_repository(place).package(name, spec(versions))


def test_who_requires_what_is_missing(place):
    with pytest.raises(PackageFault, match=r"no package com.gone 1 .*\(required by com.lost\)"):
        fetch(open_repository(place), [("com.lost", repository.ANY)])


@pytest.mark.parametrize("name", ["nothing", "../apps/x", "a/b"])
def test_bundles_that_are_not_there(place, name):
    with pytest.raises(PackageFault, match=r"no bundle|no name of a bundle|not allowed"):
        open_repository(place).bundle(name)


def test_images_come_with_their_digest_checked(place):
    good = hashlib.sha256(TREE["images/disk"]).hexdigest()
    from_here = open_repository(place)
    assert b"".join(from_here.image(Image("disk", "raw", "bare", good))) == TREE["images/disk"]
    with pytest.raises(PackageFault, match="image disk has the digest"):
        b"".join(from_here.image(Image("disk", "raw", "bare", good[::-1])))
    with pytest.raises(PackageFault, match=r"no image other|nothing at"):
        b"".join(from_here.image(Image("other", "raw", "bare")))


def test_a_folder_may_hold_packages_side_by_side(tmp_path):
    (tmp_path / "com.a.zip").write_bytes(_archive("com.a", com_b="1"))
    (tmp_path / "com.b").mkdir()
    (tmp_path / "com.b" / "manifest.yaml").write_text("FullName: com.b\nVersion: 1.1.0\n")
    (tmp_path / "com.b.2.0.0.zip").write_bytes(_archive("com.b", "2.0.0"))
    assert _names(fetch(open_repository(tmp_path), [("com.a", repository.ANY)])) == [
        "com.b 1.1.0",
        "com.a 1.0.0",
    ]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/", "http://", "http://u:p@127.0.0.1/", "http://h:99999/"]
)
def test_only_plain_web_addresses_are_repositories(url):
    with pytest.raises(PackageFault):
        open_repository(url)


def test_a_server_that_is_not_there_is_told_in_a_line():
    with pytest.raises(PackageFault, match="cannot be read"):
        open_repository("http://127.0.0.1:9/").package("a.B")


def _redirect(target: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def _sends(*pieces: bytes, length: int | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        try:
            for piece in pieces:
                handler.wfile.write(piece)
        except OSError:
            pass

    return answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (_redirect("http://127.0.0.2:1/x.zip"), "leads to another server"),
        (_redirect("file:///etc/passwd"), "leads to another server"),
        (_redirect("http://[x/y.zip"), r"leads to 'http://\[x/y.zip', which is no URL"),
        (_redirect("http://127.0.0.1:port/y.zip"), "which is no URL"),
        (_redirect("/repo/apps/com.evil.zip"), "more than 3 times"),
        (_sends(b"x", length=10_000_000), "has 10000000 bytes"),
        (_sends(*[b"x" * 60_000] * 4), "has more than 100000 bytes"),
        (_sends(b"PK", length=50), "cannot be read|ended after 2 of 50"),
        (_sends(b"no archive", length=10), "this is no zip archive"),
        (lambda handler: handler.send_error(500), "answers with status 500"),
    ],
)
def test_what_a_hostile_server_may_try(server, answer, told):
    url, special = server
    special["/repo/apps/com.evil.zip"] = answer
    with pytest.raises(PackageFault, match=told):
        open_repository(url, Limits(archive=100_000)).package("com.evil")


def test_a_server_may_lead_to_another_place_of_its_own(server):
    url, special = server
    special["/repo/apps/com.old.base.zip"] = _redirect("com.base.zip")
    with pytest.raises(PackageFault, match=r"holds the package com.base, not com.old.base"):
        open_repository(url).package("com.old.base")


def test_a_server_that_does_not_answer_is_left(server, monkeypatch):
    url, special = server
    let_go = threading.Event()
    special["/repo/apps/com.slow.zip"] = lambda handler: let_go.wait(10) and None
    monkeypatch.setattr(repository, "READ_SECONDS", 0.2)
    with pytest.raises(PackageFault, match="cannot be read"):
        open_repository(url).package("com.slow")
    let_go.set()


def test_a_server_that_sends_drop_by_drop_is_left(server, monkeypatch):
    url, special = server
    monkeypatch.setattr(repository, "TOTAL_SECONDS", 0.0)
    special["/repo/apps/com.slow.zip"] = _sends(*[b"x"] * 100)
    with pytest.raises(PackageFault, match="takes too long"):
        open_repository(url).package("com.slow")


# Order


def test_packages_come_after_those_that_they_require():
    packages = [_package("c", b="1", a="1"), _package("b", a="1"), _package("a"), _package("z")]
    assert _names(in_order(packages)) == ["a 1.0.0", "b 1.0.0", "c 1.0.0", "z 1.0.0"]


def test_packages_that_require_each_other_are_named():
    packages = [_package("c", b="1"), _package("b", a="1"), _package("a", c="1")]
    with pytest.raises(PackageFault, match="a -> c -> b -> a"):
        in_order(packages)


def test_what_nothing_meets():
    packages = [_package("a", b=">=2", d="1"), _package("b"), _package("c", d="1")]
    assert missing(packages, ["x"]) == {
        "b": [("a", spec(">=2"))],
        "d": [("a", spec("1")), ("c", spec("1"))],
    }
    assert missing(packages, ["b", "d"]) == {}


# Packing


def test_packing_a_folder_gives_the_same_bytes_each_time(tmp_path):
    def write(folder: Path, names: list[str]) -> Path:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("FullName: a.B\n" if name == "manifest.yaml" else name)
        return folder

    names = ["manifest.yaml", "Classes/b.yaml", "Resources/scripts/run.sh", ".git/config"]
    one = pack(write(tmp_path / "one", names))
    other = write(tmp_path / "other", names[::-1])
    (other / "Resources/scripts/run.sh").chmod(0o755)
    assert pack(other) == one
    found = ApplicationPackage.open(one)
    assert found.files.names() == ("Classes/b.yaml", "Resources/scripts/run.sh", "manifest.yaml")
    assert found.resource("scripts/run.sh") == b"Resources/scripts/run.sh"


def test_a_folder_without_a_manifest_is_not_packed(tmp_path):
    with pytest.raises(PackageFault, match=r"it has no manifest.yaml"):
        pack(tmp_path)
