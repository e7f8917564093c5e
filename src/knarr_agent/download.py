"""Fetches the files of a plan that it names by URL: over HTTP, or by cloning a repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from knarr_agent.errors import RunFailed
from knarr_agent.plan import PlanFile

_CHUNK = 256 * 1024
_SVN = re.compile(r"svn://|https?://[^/]*(/.*)?/svn/")
_WEB = ("http", "https")


@dataclass(frozen=True)
class Downloader:
    """`limit` bytes at most for one file or repository, `timeout` seconds to wait for the other side."""

    limit: int
    timeout: float

    def fetch(self, file: PlanFile, folder: Path) -> None:
        """Bring what the file's URL names into the folder. Raises RunFailed naming the file and the URL."""
        try:
            kind, url = _kind(file.url)
            if kind == "web":
                self._download(url, folder / _last_part(url))
            else:
                self._clone(kind, url, folder)
        except (OSError, ValueError, HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise RunFailed(
                f"cannot download {file.name} from {_without_password(file.url)}: {reason}"
            ) from error

    def _download(self, url: str, path: Path) -> None:
        opener = urllib.request.build_opener(_WebOnly())
        with opener.open(url, timeout=self.timeout) as response, path.open("wb") as stream:
            size = 0
            while data := response.read(_CHUNK):
                size += len(data)
                if size > self.limit:
                    raise ValueError(f"it has more than {self.limit} bytes")
                stream.write(data)
            announced = response.headers.get("Content-Length")
            if announced and announced.isdecimal() and size < int(announced):
                raise ValueError(f"it broke off after {size} of {announced} bytes")

    def _clone(self, kind: str, url: str, folder: Path) -> None:
        command = {
            "git": ["git", "clone", "--quiet", "--", url, str(folder)],
            "svn": ["svn", "checkout", "--quiet", "--non-interactive", "--", url, str(folder)],
        }[kind]
        if shutil.which(command[0]) is None:
            raise ValueError(f"{command[0]} is not installed on this machine")
        environment = os.environ | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "http:https:git:ssh",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
            "LC_ALL": "C.UTF-8",
        }
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
            )
            try:
                self._watch(process, folder)
            finally:
                process.kill()
                process.wait()
            if process.returncode:
                said.seek(0)
                words = said.read(4096).decode("utf-8", "replace").strip()
                raise ValueError(f"{command[0]} ended with {process.returncode}: {_without_password(words)}")

    def _watch(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Wait for the program's end, looking each second at how much it has brought."""
        seconds = 0.0
        while True:
            try:
                process.wait(1)
                ended = True
            except subprocess.TimeoutExpired:
                ended = False
            seconds += 1
            if _size(folder) > self.limit:
                raise ValueError(f"it has more than {self.limit} bytes")
            if ended:
                return
            if seconds >= self.timeout:
                raise ValueError(f"it took more than {self.timeout:g} seconds")


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections to web addresses only."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme not in _WEB:
            raise ValueError(f"it redirects to {newurl!r}, which is no web address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _kind(url: str) -> tuple[str, str]:
    """What brings it (web, git, svn), and from where."""
    scheme = urlsplit(url).scheme.lower()
    if scheme in ("git+http", "git+https"):
        return "git", url[len("git+") :]
    if scheme in ("git", "ssh") or url.endswith(".git"):
        return "git", url
    if _SVN.match(url):
        return "svn", url
    if scheme in _WEB:
        return "web", url
    raise ValueError(f"addresses of {scheme}:// are for repositories; this one does not end in .git")


def _last_part(url: str) -> str:
    """The name under which a downloaded file is kept: the last part of its address."""
    name = unquote(urlsplit(url).path.rpartition("/")[2]).replace("/", "_").replace("\x00", "_")
    return name if name not in ("", ".", "..") else "index"


def _size(folder: Path) -> int:
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(base, name)).st_size  # noqa: PTH118  many files, each second
            except FileNotFoundError:
                continue
    return total


def _without_password(text: str) -> str:
    return re.sub(r"(://[^/@\s:]*):[^/@\s]*@", r"\1:***@", text)
