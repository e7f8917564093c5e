"""People whose commands go to one kept process of the official clients, which saves most of their time."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .clients import CLIENTS, Commands, Said, programs

SCRIPT = Path(__file__).with_name("client_process.py")


class Clients:
    """The process. One command at a time."""

    def __init__(self) -> None:
        programs()
        self._process = subprocess.Popen(
            [str(CLIENTS / "bin" / "python"), str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, program: str, arguments: tuple[str, ...], environment: dict[str, str], stdin: str = ""
    ) -> Said:
        assert self._process.stdin and self._process.stdout
        asked = {"program": program, "arguments": arguments, "environment": environment, "stdin": stdin}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Said(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


@contextmanager
def clients() -> Iterator[Clients]:
    """Skips the test where the official clients are not installed."""
    made = Clients()
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True)
class Caller(Commands):
    """Somebody with a password and a project. `auth` is as in clouds.yaml."""

    clients: Clients = field(repr=False)
    auth: dict[str, str]

    def run(self, program: str, *arguments: str, check: bool = True, stdin: str = "") -> Said:
        own = {f"OS_{key.upper()}": value for key, value in self.auth.items()}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        fixed = {"OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": "RegionOne"}
        said = self.clients.run(program, arguments, kept | own | fixed, stdin)
        if check:
            assert said.status == 0, f"{program} {' '.join(arguments)}: {said.out}{said.err}"
        return said
