"""The official client `openstack` in one process for many commands: its start costs more than they do."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterable

from .clients import Person, Said, programs

CALL_SECONDS = 300

# Runs in the clients' own environment: a line of arguments in, a line with status, output and errors out.
DRIVER = """
import contextlib, io, json, sys
from openstackclient import shell

for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = shell.OpenStackShell().run(json.loads(line))
        except SystemExit as end:
            status = end.code
    print(json.dumps([status or 0, out.getvalue(), err.getvalue()]), file=sys.__stdout__, flush=True)
"""


class Shell:
    """`openstack` as one person, command after command."""

    def __init__(self, person: Person) -> None:
        self._process = subprocess.Popen(
            person.host.command([str(programs() / "python"), "-c", DRIVER]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=person.environment(),
        )

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate(timeout=CALL_SECONDS)

    def run(self, arguments: Iterable[str]) -> Said:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(list(arguments)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the client ended"
        return Said(*json.loads(answer))

    def line(self, text: str) -> Said:
        return self.run(shlex.split(text))
