"""What goes on inside a container: logs, exec, terminals, processes, files."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Unpack
from urllib.parse import quote

from knarr.services.container.drivers.base import (
    ArchiveStat,
    EngineConflict,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    InvalidRequest,
    NotThere,
    Pieces,
    Terminal,
)
from knarr.services.container.drivers.docker import wire
from knarr.services.container.drivers.docker.connection import Connection
from knarr.services.container.drivers.logs import LOG_MAX, LogChoice, LogQuery, last_bytes

MIB = 1024 * 1024
# After a hang-up: how often, in seconds, to look whether it was heard
HANGUP_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.3)
# What leaves an attached terminal, as the engine counts it. Its own, ^P^Q, would keep each ^P that is typed
# until the next key; nobody types this by chance.
DETACH_KEYS = "ctrl-^,ctrl-_,ctrl-^,ctrl-_"


class LogStream:
    """A log as it comes; ``close`` (from any thread) ends the iteration."""

    def __init__(self, answer: wire.Answer, framed: bool) -> None:
        self._answer = answer
        self._pieces = wire.unframed(iter(answer)) if framed else iter(answer)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        self._answer.close()


class Inside:
    """Part of DockerEngine."""

    connection: Connection

    # logs

    def logs(self, name: str, **what: Unpack[LogChoice]) -> bytes:
        query = LogQuery(**what)
        if not (query.stdout or query.stderr):
            return b""
        pieces = self._log(name, _parameters(query), f"reading the log of {name}")
        try:
            return last_bytes(pieces, LOG_MAX)
        finally:
            pieces.close()

    def follow_logs(self, name: str, **what: Unpack[LogChoice]) -> Pieces:
        parameters = {"follow": 1, **_parameters(LogQuery(**what))}
        return self._log(name, parameters, f"following the log of {name}")

    def _log(self, name: str, parameters: dict[str, Any], doing: str) -> LogStream:
        tty = self._has_tty(name)
        answer = wire.stream(self.connection, f"/containers/{quote(name)}/logs", parameters, doing)
        return LogStream(answer, framed=not tty)

    def _has_tty(self, name: str) -> bool:
        with self.connection.speak(f"inspecting {name}") as api:
            return bool(api.inspect_container(name)["Config"]["Tty"])

    # exec

    def exec_create(
        self, name: str, argv: Sequence[str], interactive: bool = False, tty: bool | None = None
    ) -> str:
        if not argv or not argv[0]:
            raise InvalidRequest("the command is empty")
        with self.connection.speak(f"preparing a command in {name}") as api:
            terminal = interactive if tty is None else tty
            made = api.exec_create(name, list(argv), stdin=interactive, tty=terminal, detach_keys=DETACH_KEYS)
            return str(made["Id"])

    def exec_run(self, name: str, argv: Sequence[str], timeout: float = 5.0) -> tuple[bytes, int]:
        deadline = time.monotonic() + timeout
        exec_id = self.exec_create(name, argv)
        stream = self._exec_stream(exec_id, tty=False)
        try:
            output = stream.read_all(deadline)
        except EngineTimeout:
            self._kill_exec(exec_id)
            raise EngineTimeout(f"{argv[0]!r} in {name} did not end within {timeout:g} s") from None
        finally:
            stream.close()
        return output, self._exit_code(exec_id, argv, output)

    def _exit_code(self, exec_id: str, argv: Sequence[str], output: bytes) -> int:
        """The output ends a moment before the engine has noted the exit code."""
        for pause in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
            time.sleep(pause)
            code = self.exec_exit_code(exec_id)
            if code is not None:
                return code
        raise EngineError(f"{argv[0]!r} ended, but the engine gives no exit code for it")

    def _kill_exec(self, exec_id: str) -> None:
        """The engine has no call for it; its process id is one of ours if the engine runs on this host."""
        pid = self._exec_pid(exec_id)
        if pid:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def _exec_pid(self, exec_id: str) -> int:
        """0 if it does not run, or where we cannot reach it. Only a process that is in the namespace of its
        container is taken for it."""
        if not self.connection.local:
            return 0
        with contextlib.suppress(EngineError, OSError), self.connection.speak("inspecting an exec") as api:
            data = api.exec_inspect(exec_id)
            if data.get("Running") and data["Pid"]:
                main = api.inspect_container(data["ContainerID"])["State"]["Pid"]
                if _pid_namespace(data["Pid"]) == _pid_namespace(main):
                    return int(data["Pid"])
        return 0

    def exec_end(self, exec_id: str) -> None:
        """To its whole process group, for a terminal's shell leads one."""
        pid = self._exec_pid(exec_id)
        if not pid:
            return
        for number in (signal.SIGHUP, signal.SIGKILL):
            with contextlib.suppress(OSError):
                os.killpg(pid, number) if os.getpgid(pid) == pid else os.kill(pid, number)
            for pause in HANGUP_PAUSES:
                time.sleep(pause)
                if self._exec_pid(exec_id) != pid:
                    return

    def exec_attach(self, exec_id: str) -> Terminal:
        with self.connection.speak("inspecting an exec") as api:
            data = api.exec_inspect(exec_id)
        if data.get("Running") or data.get("ExitCode") is not None:
            raise EngineConflict(f"exec session {exec_id[:12]} was started already")
        return self._exec_stream(exec_id, tty=bool(data["ProcessConfig"]["tty"]))

    def _exec_stream(self, exec_id: str, tty: bool) -> wire.Hijacked:
        body = {"Detach": False, "Tty": tty}
        return wire.hijack(
            self.connection, f"/exec/{quote(exec_id)}/start", body, not tty, "running a command"
        )

    def exec_exit_code(self, exec_id: str) -> int | None:
        with self.connection.speak("inspecting an exec") as api:
            data = api.exec_inspect(exec_id)
        return None if data.get("Running") else data.get("ExitCode")

    def exec_resize(self, exec_id: str, height: int, width: int) -> None:
        with self.connection.speak("resizing a terminal") as api:
            api.exec_resize(exec_id, height=height, width=width)

    # the main process's terminal

    def attach(self, name: str) -> Terminal:
        path = f"/containers/{quote(name)}/attach?stream=1&stdin=1&stdout=1&stderr=1&logs=0"
        path += f"&detachKeys={quote(DETACH_KEYS)}"
        return wire.hijack(self.connection, path, None, not self._has_tty(name), f"attaching to {name}")

    def resize(self, name: str, height: int, width: int) -> None:
        with self.connection.speak(f"resizing the terminal of {name}") as api:
            api.resize(name, height=height, width=width)

    # processes and files

    def top(self, name: str, ps_args: str | None = None) -> dict[str, Any]:
        try:
            with self.connection.speak(f"listing processes of {name}") as api:
                found = api.top(name, ps_args=ps_args or None)
        except (NotThere, InvalidRequest, EngineConflict):
            raise
        except EngineError:
            # Podman says nothing of use of a container that does not run.
            with self.connection.speak(f"inspecting {name}") as api:
                running = api.inspect_container(name)["State"]["Running"]
            if running:
                raise
            raise EngineConflict(f"listing processes of {name}: it does not run") from None
        return {"Titles": found.get("Titles") or [], "Processes": found.get("Processes") or []}

    def open_archive(self, name: str, path: str) -> tuple[Pieces, ArchiveStat]:
        what = f"reading {path} of {name}"
        answer = wire.stream(self.connection, f"/containers/{quote(name)}/archive", {"path": path}, what)
        stat = _stat(answer.header("X-Docker-Container-Path-Stat"))
        return Bounded(answer, path, self.connection.settings.archive_max_mib), stat

    def put_archive(self, name: str, path: str, data: bytes | BinaryIO) -> None:
        try:
            with self.connection.speak(f"writing to {path} of {name}", slow=True) as api:
                api.put_archive(name, path, data)
        except (NotThere, InvalidRequest, EngineConflict):
            raise
        except EngineError as error:
            if any(word in str(error) for word in ("tar", "EOF", "archive", "header")):
                raise InvalidRequest(f"writing to {path} of {name}: this is not a tar archive") from error
            if "not a directory" in str(error):
                raise InvalidRequest(f"{path} of {name} is not a directory") from error
            raise


class Bounded:
    """A tar of the engine, refused when it grows past the bound."""

    def __init__(self, answer: wire.Answer, path: str, bound_mib: int) -> None:
        self._answer = answer
        self._pieces = iter(answer)
        self._path, self._bound = path, bound_mib
        self._length = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece and self._answer.broken:
            raise EngineUnavailable(f"reading {self._path}: the engine's answer ended too early")
        if not piece:
            raise StopIteration
        self._length += len(piece)
        if self._length > self._bound * MIB:
            self.close()
            raise InvalidRequest(
                f"{self._path} is larger than the {self._bound} MiB that may be read at once"
            )
        return piece

    def close(self) -> None:
        self._answer.close()


def _parameters(query: LogQuery) -> dict[str, Any]:
    return {
        "stdout": int(query.stdout),
        "stderr": int(query.stderr),
        "timestamps": int(query.timestamps),
        "tail": "all" if query.tail is None else query.tail,
        "since": query.since or 0,
    }


def _pid_namespace(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115


def _stat(raw: Any) -> ArchiveStat:
    if isinstance(raw, str):
        raw = json.loads(base64.b64decode(raw))
    return ArchiveStat(
        name=raw["name"],
        size=raw["size"],
        mode=raw["mode"],
        mtime=raw["mtime"],
        link_target=raw.get("linkTarget", ""),
    )
