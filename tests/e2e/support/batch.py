"""Many commands of the official client in one process: its start costs a second, one more a tenth of it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from types import TracebackType

from .clients import Person, Said, programs

# What the process runs: for each line of its input, which are arguments, the client's own main().
PROGRAM = """
import contextlib, io, json, sys
from openstackclient import shell
answers = sys.stdout
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = shell.main(json.loads(line))
        except SystemExit as end:
            status = end.code
    answers.write(json.dumps([int(status or 0), out.getvalue(), err.getvalue()]) + "\\n")
    answers.flush()
"""


class Client:
    """One `openstack` of one person (it would remember the first for whoever came next); a context."""

    def __init__(self, person: Person) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        kept |= {f"OS_{key.upper()}": value for key, value in person.auth.items()}
        self._process = subprocess.Popen(
            person.host.command([str(programs() / "python"), "-c", PROGRAM]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=kept | {"OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": "RegionOne"},
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def run(self, command: str) -> Said:
        """`openstack COMMAND`, as a shell would split it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(shlex.split(command)) + "\n")
        self._process.stdin.flush()
        status, out, err = json.loads(self._process.stdout.readline())
        return Said(status, out, err)
