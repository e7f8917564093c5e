"""Imports: data that is staged first, or fetched from the web, and the tasks that tell how it went."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from tests.api.image.conftest import IMAGES, OCTETS, files
from tests.support.cloud import Cloud, wait_for

DIRECT = {"method": {"name": "glance-direct"}}
DATA = bytes(range(256)) * 2000
TASKS = "/image/v2/tasks"


@contextmanager
def serving(pages):
    """A web server with these pages: path -> (status, headers, body)."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, headers, body = pages[self.path]
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", pages=pages, asked=asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def web() -> Iterator[SimpleNamespace]:
    with serving({}) as server:
        yield server


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, web) -> Iterator[Cloud]:
    """A cloud that may import from the web server."""
    port = web.url.rpartition(":")[2]
    settings = {
        "image__web_download_hosts": ["127.0.0.1"],
        "image__web_download_ports": [int(port), 80],
        "image__image_size_cap": 1,
    }
    made = Cloud(tmp_path_factory.mktemp("cloud"), ("identity", "image"), **settings)
    yield made
    made.close()


def stage(person, image, data=DATA):
    return person.put(f"{IMAGES}/{image['id']}/stage", data, headers=OCTETS)


def begin(person, image, body):
    return person.post(f"{IMAGES}/{image['id']}/import", body)


def download(uri):
    return {"method": {"name": "web-download", "uri": uri}}


def show(person, image):
    return person.get(f"{IMAGES}/{image['id']}").json


def ended(person, image):
    """The last task of the image, once it has ended."""

    def look():
        tasks = person.get(f"{IMAGES}/{image['id']}/tasks").json["tasks"]
        return tasks[0] if tasks and tasks[0]["status"] in ("success", "failure") else None

    return wait_for(look, 30)


def test_staged_data_becomes_the_image_s_by_an_import(cloud, member, make):
    image = make()
    assert stage(member, image).status == 204
    assert show(member, image)["status"] == "uploading"
    assert member.get(f"{IMAGES}/{image['id']}/file").status == 204
    assert begin(member, image, DIRECT).status == 202
    task = ended(member, image)
    assert (task["status"], task["type"], task["message"]) == ("success", "api_image_import", "")
    assert task["input"]["import_req"] == DIRECT
    assert task["expires_at"] > task["created_at"]
    shown = show(member, image)
    assert (shown["status"], shown["size"]) == ("active", len(DATA))
    assert shown["os_hash_value"] == hashlib.sha512(DATA).hexdigest()
    assert member.get(f"{IMAGES}/{image['id']}/file").body == DATA
    assert [name for name in files(cloud) if name.startswith(image["id"])] == [image["id"]]


def test_what_can_be_imported_is_told(member):
    methods = member.get("/image/v2/info/import").json["import-methods"]
    assert methods["value"] == ["glance-direct", "web-download"]
    created = member.post(IMAGES, {})
    assert created.headers["openstack-image-import-methods"] == "glance-direct,web-download"


def test_the_web_is_no_source_unless_hosts_are_allowed(tmp_path):
    plain = Cloud(tmp_path, ("identity", "image"))
    try:
        assert plain.admin.get("/image/v2/info/import").json["import-methods"]["value"] == ["glance-direct"]
        image = plain.admin.post(IMAGES, {"container_format": "bare", "disk_format": "raw"}).json
        answer = begin(plain.admin, image, download("http://127.0.0.1/x"))
        assert (answer.status, "method.name" in answer.json["error"]["message"]) == (400, True)
    finally:
        plain.close()


def test_an_image_comes_from_the_web_by_way_of_a_redirect(cloud, member, make, web):
    web.pages["/first"] = (302, {"Location": "/image?x=1"}, b"")
    web.pages["/image?x=1"] = (200, {}, DATA)
    image = make()
    assert begin(member, image, download(f"{web.url}/first")).status == 202
    assert ended(member, image)["status"] == "success"
    assert member.get(f"{IMAGES}/{image['id']}/file").body == DATA


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {}, b""), "answered 404"),
        ((302, {"Location": "http://localhost/secret"}, b""), "the host localhost is not allowed"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "no address"),
        ((302, {"Location": "/wrong"}, b""), "redirected more than 5 times"),
        ((200, {"Content-Length": str(2**40)}, b""), "larger than 1 MiB"),
        ((200, {}, b"x" * (1024 * 1024 + 1)), "larger than 1 MiB"),
    ],
)
def test_a_download_that_cannot_work_leaves_the_image_queued(cloud, member, make, web, answer, why):
    web.pages["/wrong"] = answer
    image = make()
    assert begin(member, image, download(f"{web.url}/wrong")).status == 202
    task = ended(member, image)
    assert (task["status"], why in task["message"]) == ("failure", True), task["message"]
    assert show(member, image)["status"] == "queued"
    assert not [name for name in files(cloud) if name.startswith(image["id"])]


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://127.0.0.1/x",
        "http://localhost/x",
        "http://127.0.0.1:81/x",
        "http://127.0.0.1@localhost/x",
        "http://user:word@127.0.0.1/x",
        "http://127.0.0.1\\@localhost/x",
        "http://127.0.0.1.localhost/x",
        "http://[::1]/x",
        "http://2130706433/x",
        "http:///x",
        "//127.0.0.1/x",
        "file:///etc/passwd",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\u00e9",
        "x" * 5000,
        "",
    ],
)
def test_addresses_that_are_not_allowed_are_refused_at_once(member, make, web, uri):
    before = len(web.asked)
    image = make()
    answer = begin(member, image, download(uri))
    assert (answer.status, "uri" in answer.json["error"]["message"]) == (400, True)
    assert show(member, image)["status"] == "queued"
    assert len(web.asked) == before


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "method"),
        ({"method": "glance-direct"}, "method"),
        ({"method": {}}, "method.name"),
        ({"method": {"name": "copy-image"}}, "method.name"),
        ({"method": {"name": "glance-direct", "uri": "http://127.0.0.1/"}}, "method.uri"),
        ({"method": {"name": "web-download"}}, "method.uri"),
        (DIRECT | {"stores": ["ceph"]}, "stores"),
        (DIRECT | {"stores": ["file"], "all_stores": True}, "all_stores"),
        (DIRECT | {"all_stores": "yes"}, "all_stores"),
        (DIRECT | {"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_import_is_named(member, make, body, named):
    answer = begin(member, make(), body)
    assert (answer.status, named in answer.json["error"]["message"]) == (400, True), answer.json


def test_each_method_needs_its_state(member, make, web):
    image = make()
    assert begin(member, image, DIRECT).status == 409
    stage(member, image)
    assert stage(member, image).status == 409
    assert member.put(f"{IMAGES}/{image['id']}/file", b"x", headers=OCTETS).status == 409
    assert begin(member, image, download(f"{web.url}/x")).status == 409
    bare = make(container_format=None, disk_format=None)
    answer = begin(member, bare, download(f"{web.url}/x"))
    assert (answer.status, "container_format" in answer.json["error"]["message"]) == (400, True)


def test_an_image_that_is_deleted_takes_what_was_staged_along(cloud, member, make):
    image = make()
    stage(member, image)
    assert member.delete(f"{IMAGES}/{image['id']}").status == 204
    assert not [name for name in files(cloud) if name.startswith(image["id"])]


def test_a_staging_that_ends_too_early_leaves_the_image_queued(cloud, member, make):
    image = make()
    headers = OCTETS | {"Content-Length": "20"}
    assert member.put(f"{IMAGES}/{image['id']}/stage", b"x" * 10, headers=headers).status == 400
    assert show(member, image)["status"] == "queued"
    assert not [name for name in files(cloud) if name.startswith(image["id"])]


def test_others_neither_stage_nor_import_nor_see_the_tasks(cloud, make, other):
    image = make()
    assert stage(other, image).status == 404
    assert begin(other, image, DIRECT).status == 404
    assert other.get(f"{IMAGES}/{image['id']}/tasks").status == 404
    public = cloud.admin.post(IMAGES, {"visibility": "public"}).json
    assert stage(other, public).status == 403
    assert begin(other, public, DIRECT).status in (403, 409)
    assert other.get(f"{IMAGES}/{public['id']}/tasks").json == {"tasks": []}


def test_a_store_that_there_is_not_is_named(member, make):
    path = f"{IMAGES}/{make()['id']}/file"
    answer = member.put(path, b"x", headers=OCTETS | {"X-Image-Meta-Store": "ceph"})
    assert (answer.status, "ceph" in answer.json["error"]["message"]) == (400, True)
    assert member.put(path, b"x", headers=OCTETS | {"X-Image-Meta-Store": "file"}).status == 204


def test_a_task_imports_a_new_image(cloud, web):
    web.pages["/new"] = (200, {}, DATA)
    properties = {"name": "fetched", "container_format": "docker", "disk_format": "raw", "k": "v"}
    given = {"import_from": f"{web.url}/new", "import_from_format": "raw", "image_properties": properties}
    made = cloud.admin.post(TASKS, {"type": "import", "input": given})
    assert made.status == 201, made.json
    path = f"{TASKS}/{made.json['id']}"
    task = wait_for(lambda: (t := cloud.admin.get(path).json)["status"] == "success" and t)
    image = cloud.admin.get(f"{IMAGES}/{task['result']['image_id']}").json
    assert (image["name"], image["k"], image["status"]) == ("fetched", "v", "active")
    listed = cloud.admin.get(f"{TASKS}?type=import&status=success&limit=1").json
    assert [row["id"] for row in listed["tasks"]] == [task["id"]]
    assert "input" not in listed["tasks"][0]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"type": "import"}, "input"),
        ({"type": "clone", "input": {"import_from": "http://127.0.0.1/", "image_properties": {}}}, "type"),
        ({"type": "import", "input": {"import_from": "http://h/", "image_properties": {}}}, "host"),
        ({"type": "import", "input": {"import_from": "http://127.0.0.1/"}}, "image_properties"),
        (
            {"type": "import", "input": {"import_from": "http://127.0.0.1/", "image_properties": {}}},
            "container_format",
        ),
        (
            {
                "type": "import",
                "input": {"import_from": "http://127.0.0.1/", "image_properties": {"min_ram": -1}},
            },
            "min_ram",
        ),
    ],
)
def test_a_wrong_task_is_named(cloud, body, named):
    before = cloud.admin.get(TASKS).json["tasks"]
    answer = cloud.admin.post(TASKS, body)
    assert (answer.status, named in answer.json["error"]["message"]) == (400, True), answer.json
    assert cloud.admin.get(TASKS).json["tasks"] == before


def test_tasks_of_the_cloud_are_for_administrators(cloud, member):
    assert member.get(TASKS).status == 403
    assert member.post(TASKS, {"type": "import", "input": {}}).status == 403
    assert cloud.admin.get(f"{TASKS}/none").status == 404
    assert cloud.admin.get(f"{TASKS}?colour=red").status == 400
    assert cloud.admin.delete(f"{TASKS}/none").status == 405


def test_ended_tasks_are_forgotten_after_their_time(cloud, member, make):
    from datetime import timedelta

    from sqlalchemy import update

    from knarr.core.image import upkeep
    from knarr.core.image.models import ImageTask
    from knarr.kernel.db import utcnow

    image = make()
    stage(member, image)
    begin(member, image, DIRECT)
    task = ended(member, image)
    upkeep.expire_tasks(cloud.runtime)
    assert cloud.admin.get(f"{TASKS}/{task['id']}").status == 200
    with cloud.runtime.db.write() as session:
        session.execute(update(ImageTask).values(expires_at=utcnow() - timedelta(seconds=1)))
    upkeep.expire_tasks(cloud.runtime)
    assert cloud.admin.get(f"{TASKS}/{task['id']}").status == 404


def test_a_start_takes_up_imports_and_leaves_uploads_of_other_processes_alone(tmp_path):
    from sqlalchemy import update

    from knarr.core.image.models import Image

    first = Cloud(tmp_path, ("identity", "image"), start=False)
    formats = {"container_format": "bare", "disk_format": "raw"}
    waiting, staged, half, busy = (first.admin.post(IMAGES, formats).json for _ in range(4))
    for image in (waiting, staged):
        assert stage(first.admin, image).status == 204
    begin(first.admin, waiting, DIRECT)
    with first.runtime.db.write() as session:
        session.execute(update(Image).where(Image.id == half["id"]).values(status="uploading"))
        session.execute(update(Image).where(Image.id == busy["id"]).values(status="saving"))
    first.close()

    import fcntl

    part = first.runtime.state_dir / "images" / f"{busy['id']}.part"
    with part.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        second = Cloud(tmp_path, ("identity", "image"))
        try:
            assert ended(second.admin, waiting)["status"] == "success"
            assert second.admin.get(f"{IMAGES}/{waiting['id']}/file").body == DATA
            assert show(second.admin, staged)["status"] == "uploading"
            assert show(second.admin, half)["status"] == "queued"
            assert show(second.admin, busy)["status"] == "saving"
            assert part.exists()
            assert begin(second.admin, staged, DIRECT).status == 202
            assert ended(second.admin, staged)["status"] == "success"
        finally:
            second.close()
