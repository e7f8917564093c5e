"""A Docker registry on loopback, which the engine needs no certificate for."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from .host import free_port
from .server import wait_until

PROGRAM = "docker-registry"
CONFIG = """\
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder}}}
  delete: {{enabled: true}}
http: {{addr: "{address}"}}
"""
AUTH = """\
auth:
  htpasswd: {{realm: knarr-e2e, path: {passwords}}}
"""


@contextmanager
def running(folder: Path, users: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a registry that keeps its images in the folder. It stands where the engine stands.

    With `users` (name -> password) it lets in nobody else.
    """
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"there is no {PROGRAM}: apt-get install docker-registry")
    port = free_port()
    address = f"127.0.0.1:{port}"
    config = folder / "registry.yml"
    config.write_text(CONFIG.format(folder=folder / "images", address=address) + _auth(folder, users))
    log = folder / "registry.log"
    with log.open("wb") as output:
        process = subprocess.Popen([PROGRAM, "serve", str(config)], stdout=output, stderr=output)
    try:
        wait_until(lambda: _listens(port), 15, lambda: log.read_text(errors="replace"))
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _auth(folder: Path, users: Mapping[str, str] | None) -> str:
    """The section of the configuration that asks for a password, which the registry reads as bcrypt."""
    if not users:
        return ""
    import bcrypt

    passwords = folder / "htpasswd"
    rows = (f"{n}:{bcrypt.hashpw(p.encode(), bcrypt.gensalt(4)).decode()}\n" for n, p in users.items())
    passwords.write_text("".join(rows))
    return AUTH.format(passwords=passwords)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
