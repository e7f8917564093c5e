"""The official clients in one process that is kept: run by the clients' own Python, not imported.

Most of what a client costs is the import of its modules. Here they are imported once, and each command line
runs in a fork that has them. A line on standard input is {"program", "arguments", "environment", "stdin"},
the line that answers it {"status", "out", "err"}.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile

SECONDS = 60
PROGRAMS = {"openstack": "openstackclient.shell", "zun": "zunclient.shell"}
WARM = (("openstack", ["command", "list"]), ("zun", ["help"]))
# What the programs import only once a command asks for it
LATER = (
    "openstack.connection", "openstack.network.v2._proxy", "keystoneauth1.loading",
    "keystoneauth1.identity.v3", "keystoneauth1.identity.generic", "openstackclient.network.client",
    "openstackclient.identity.client", "openstackclient.image.client", "zunclient.osc.plugin",
    "zunclient.osc.v1.containers", "zunclient.v1.client", "zunclient.v1.shell", "websocket",
)  # fmt: skip


def main() -> None:
    for name in (*PROGRAMS.values(), *LATER):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for program, arguments in WARM:
        warm(program, arguments)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)


def warm(program: str, arguments: list[str]) -> None:
    """Something that needs no cloud, for the modules of all commands."""
    with (
        open(os.devnull, "w") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.suppress(SystemExit),
    ):
        sys.argv = [program, *arguments]
        importlib.import_module(PROGRAMS[program]).main()


def serve(asked: dict) -> dict:
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        stdin.write(asked.get("stdin", "").encode())
        stdin.seek(0)
        child = os.fork()
        if child == 0:
            for source, target in ((stdin, 0), (out, 1), (err, 2)):
                os.dup2(source.fileno(), target)
            os._exit(run(asked))
        _, code = os.waitpid(child, 0)
        return {"status": os.waitstatus_to_exitcode(code), "out": text(out), "err": text(err)}


def run(asked: dict) -> int:
    """In the child: the program, as its console script calls it."""
    signal.alarm(SECONDS)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = [asked["program"], *asked["arguments"]]
    status = 1
    try:
        status = importlib.import_module(PROGRAMS[asked["program"]]).main() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    return status


def text(file) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


if __name__ == "__main__":
    main()
