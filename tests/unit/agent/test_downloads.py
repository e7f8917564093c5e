"""Files that the agent downloads itself: from web servers and repositories that are real."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, make_plan


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        target = {"/moved": "/tool.tar", "/away": "file:///etc/passwd", "/ftp": "ftp://127.0.0.1/x"}.get(
            self.path
        )
        if target is not None:
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
        elif self.path == "/slow":
            time.sleep(5)
        elif self.path == "/broken":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: _Handler(*a, directory=str(folder)))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "tool.tar").write_bytes(b"content")
    made = Site(folder)
    yield made
    made.close()


def git(folder: Path, *arguments: str) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    subprocess.run(["git", *arguments], cwd=folder, check=True, env=os.environ | who, capture_output=True)


def publish(site: Site, name: str, files: dict[str, str], links: dict[str, str] | None = None) -> str:
    """A repository with these files behind the web server."""
    work = site.folder.parent / f"work-{name}"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    for path, text in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    for path, target in (links or {}).items():
        (work / path).symlink_to(target)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "all")
    git(site.folder, "clone", "-q", "--bare", str(work), name)
    git(site.folder / name, "update-server-info")
    return f"{site.url}/{name}"


LIST = "#!/bin/sh\nfind -L . -type f -not -path '*/.git/*'\n"


def downloading(url: str, name: str = "thing", **more: Any) -> dict[str, Any]:
    return (
        make_plan(
            "return run().stdout",
            Files={
                "1": {"Name": "run.sh", "BodyType": "Text", "Body": LIST},
                "2": {"Name": name, "Type": "Downloadable", "URL": url},
            },
            Scripts={"run": {"Type": "Application", "EntryPoint": "1", "Files": ["2"]}},
        )
        | more
    )


def test_a_file_lies_in_a_folder_of_its_name(run: Run, site: Site) -> None:
    answer = run(downloading(f"{site.url}/tool.tar"))
    assert sorted(answer["Body"].split()) == ["./run.sh", "./thing/tool.tar"]


def test_redirections_are_followed_on_the_web(run: Run, site: Site) -> None:
    assert "./thing/moved" in run(downloading(f"{site.url}/moved"))["Body"]


def test_a_repository_is_cloned(run: Run, site: Site) -> None:
    url = publish(site, "cookbook.git", {"recipes/default.rb": "x", "metadata.rb": "y"})
    answer = run(downloading(url, "cookbook"))
    assert sorted(answer["Body"].split()) == [
        "./cookbook/metadata.rb",
        "./cookbook/recipes/default.rb",
        "./run.sh",
    ]


def test_a_repository_may_say_that_it_is_one(run: Run, site: Site) -> None:
    url = publish(site, "plain", {"a": "x"})
    assert "./thing/a" in run(downloading("git+" + url))["Body"]


def test_one_download_serves_all_scripts(run: Run, site: Site) -> None:
    plan = downloading(f"{site.url}/tool.tar")
    plan["Scripts"]["other"] = plan["Scripts"]["run"]
    plan["Body"] = "run()\n(__import__('os').remove)(args.path)\nreturn other().stdout"
    plan["Parameters"] = {"path": str(site.folder / "tool.tar")}
    assert "./thing/tool.tar" in run(plan)["Body"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing", "Not Found|File not found"),
        ("/missing.git", "git ended with 128: .*not found"),
        ("/away", "Redirection to url 'file:///etc/passwd' is not allowed"),
        ("/ftp", "it redirects to 'ftp://127.0.0.1/x', which is no web address"),
        ("/broken", "it broke off after 4 of 100 bytes"),
    ],
)
def test_a_download_that_fails_is_told_with_its_address(run: Run, site: Site, path: str, reason: str) -> None:
    import re

    answer = run(downloading(site.url + path))
    assert answer["ErrorCode"] == 1
    assert re.match(f"cannot download thing from {site.url}{path}: .*({reason})", answer["Body"]["Message"])


def test_nobody_who_does_not_answer_is_waited_for(run: Run, site: Site) -> None:
    answer = run(downloading(f"{site.url}/slow"), download_timeout=0.3)
    assert answer["ErrorCode"] == 1
    assert "timed out" in answer["Body"]["Message"]


def test_a_port_without_a_server_is_told(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = run(downloading(f"http://127.0.0.1:{port}/x"))
    assert "Connection refused" in answer["Body"]["Message"]


@pytest.mark.parametrize("what", ["file", "repository"])
def test_downloads_are_bounded(run: Run, site: Site, what: str) -> None:
    if what == "file":
        (site.folder / "big").write_bytes(b"x" * 100_000)
        url = f"{site.url}/big"
    else:
        url = publish(site, "big.git", {"big": "x" * 100_000})
    answer = run(downloading(url), download=50_000)
    assert answer["ErrorCode"] == 1
    assert answer["Body"]["Message"].endswith(": it has more than 50000 bytes")


def test_no_option_of_git_hides_in_an_address(run: Run, tmp_path: Path) -> None:
    answer = run(downloading(f"ssh://-oProxyCommand=touch${{IFS}}{tmp_path}/owned/x.git"))
    assert answer["ErrorCode"] == 2
    assert "Files/2 (thing)/URL: must be a URL" in answer["Body"]["Message"]


def test_no_file_is_written_through_a_link_that_a_repository_brings(
    run: Run, site: Site, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    url = publish(site, "evil.git", {"a": "x"}, {"door": str(outside)})
    plan = downloading(url, "evil")
    plan["Files"]["3"] = {"Name": "evil/door/owned", "BodyType": "Text", "Body": "x"}
    plan["Scripts"]["run"]["Files"] = ["2", "3"]
    answer = run(plan)
    assert answer["ErrorCode"] == 2
    assert "lies inside 'evil/door', which is another file" in answer["Body"]["Message"]
    assert list(outside.iterdir()) == []


def test_passwords_in_addresses_are_not_told(run: Run) -> None:
    answer = run(downloading("http://user:secret@127.0.0.1:9/x"))
    assert "secret" not in answer["Body"]["Message"]
    assert "http://user:***@127.0.0.1:9/x" in answer["Body"]["Message"]


def test_a_file_that_is_not_asked_for_is_not_downloaded(run: Run) -> None:
    plan = downloading("http://127.0.0.1:9/x")
    plan["Scripts"]["run"]["Files"] = []
    assert run(plan)["ErrorCode"] == 0
