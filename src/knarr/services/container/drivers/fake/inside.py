"""What goes on inside a fake container: logs, exec, terminals, processes, files."""

from __future__ import annotations

import contextlib
import io
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, Unpack

from knarr.services.container.drivers.base import (
    ArchiveStat,
    EngineConflict,
    EngineTimeout,
    InvalidRequest,
    NotThere,
    Pieces,
    Terminal,
)
from knarr.services.container.drivers.fake import files
from knarr.services.container.drivers.fake.programs import (
    NOT_FOUND,
    SHELLS,
    STDERR,
    STDOUT,
    Line,
    Plan,
    Surroundings,
    found,
    plan,
    script_plan,
)
from knarr.services.container.drivers.fake.terminal import FakeTerminal
from knarr.services.container.drivers.fake.world import Container, World
from knarr.services.container.drivers.logs import LOG_MAX, LogChoice, LogQuery, last_bytes

MIB = 1024 * 1024
PIECE = 65536
HANGUP = 1
FOLLOW_STEP = 0.1
TITLES = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
# What a small process takes
MEMORY = int(1.5 * MIB)
# Bytes that a container's network has seen in a second of its life
NET_RATE = 100


@dataclass(slots=True)
class ExecSession:
    id: str
    name: str
    argv: list[str]
    interactive: bool
    tty: bool
    pid: int
    started: bool = False
    exit_code: int | None = None
    terminal: FakeTerminal | None = None


class Inside:
    """Part of FakeEngine."""

    world: World
    _get: Callable[[str], Container]
    _running: Callable[[str, str], Container]
    _plan: Callable[[Container], Plan]
    _argv: Callable[[Any], list[str]]
    _surroundings: Callable[[Container], Surroundings]
    _stops: Callable[[Container, int], None]

    def __init__(self) -> None:
        self._execs: dict[str, ExecSession] = {}
        self._terminals: dict[str, list[FakeTerminal]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}

    # logs

    def logs(self, name: str, **what: Unpack[LogChoice]) -> bytes:
        query = LogQuery(**what)
        with self.world.lock:
            printed = self._printed(self._get(name), query.since or 0.0)
        wanted = {STDOUT: query.stdout, STDERR: query.stderr}
        lines = [(at, line) for at, line in printed if wanted[line.stream]]
        if query.tail is not None:
            lines = lines[-query.tail :] if query.tail > 0 else []
        return last_bytes((_as_bytes(at, line, query.timestamps) for at, line in lines), LOG_MAX)

    def _printed(self, container: Container, since: float) -> list[tuple[float, Line]]:
        """(when, line) of all runs."""
        program = self._plan(container)
        now = time.time()
        return [
            (start + line.at, line)
            for start, end in container.runs
            if start is not None
            for line in program.output((end or now) - start)
            if start + line.at >= since
        ]

    def follow_logs(self, name: str, **what: Unpack[LogChoice]) -> Pieces:
        with self.world.lock:
            self._get(name)
        return _Follower(self, name, LogQuery(**what))

    # exec

    def exec_create(
        self, name: str, argv: Sequence[str], interactive: bool = False, tty: bool | None = None
    ) -> str:
        if not argv or not argv[0]:
            raise InvalidRequest("the command is empty")
        with self.world.lock:
            self._running(name, "preparing a command in")
            session = ExecSession(
                id=secrets.token_hex(32),
                name=name,
                argv=list(argv),
                interactive=interactive,
                tty=interactive if tty is None else tty,
                pid=2000 + len(self._execs),
            )
            self._execs[session.id] = session
            return session.id

    def exec_run(self, name: str, argv: Sequence[str], timeout: float = 5.0) -> tuple[bytes, int]:
        if not argv or not argv[0]:
            raise InvalidRequest("the command is empty")
        with self.world.lock:
            program = self._exec_plan(self._running(name, "running a command in"), argv)
        if program.ends is None or program.ends > timeout:
            time.sleep(timeout)
            raise EngineTimeout(f"{argv[0]!r} in {name} did not end within {timeout:g} s")
        time.sleep(program.ends)
        return "".join(line.text for line in program.lines).encode(), program.exit_code

    def _exec_plan(self, container: Container, argv: Sequence[str]) -> Plan:
        around = self._surroundings(container)
        if not found(argv[0], around):
            text = f"exec failed: {argv[0]!r}: executable file not found in $PATH\r\n"
            return Plan([Line(0.0, text)], exit_code=NOT_FOUND)
        return plan(argv, around)

    def _session(self, exec_id: str) -> ExecSession:
        session = self._execs.get(exec_id)
        if session is None:
            raise NotThere(f"there is no exec session {exec_id[:12]} on this engine")
        return session

    def exec_attach(self, exec_id: str) -> Terminal:
        with self.world.lock:
            session = self._session(exec_id)
            if session.started:
                raise EngineConflict(f"exec session {exec_id[:12]} was started already")
            container = self._running(session.name, "running a command in")
            session.started = True

            def ended(code: int) -> None:
                session.exit_code = code

            session.terminal = self._terminal(
                container, session.argv, session.tty, ended, session.interactive, exec_id
            )
            return session.terminal

    def _terminal(
        self,
        container: Container,
        argv: Sequence[str],
        tty: bool,
        ended: Callable[[int], None],
        interactive: bool,
        window: str,
    ) -> FakeTerminal:
        """`window`: whose size `stty size` tells."""
        around = self._surroundings(container)
        shell = argv[0].rsplit("/", 1)[-1] in SHELLS and len(argv) == 1 and interactive

        def run(line: str) -> Plan:
            if line.split() == ["stty", "size"]:
                height, width = self._sizes.get(window, (0, 0))
                return Plan([Line(0.0, f"{height} {width}\n")])
            return script_plan(line, around)

        terminal = FakeTerminal(run, ended, tty, shell)
        self._terminals.setdefault(container.spec.name, []).append(terminal)
        if not shell:
            program = self._exec_plan(container, argv)
            threading.Thread(
                target=_play, args=(program, terminal), daemon=True, name="fake-terminal"
            ).start()
        return terminal

    def exec_exit_code(self, exec_id: str) -> int | None:
        with self.world.lock:
            return self._session(exec_id).exit_code

    def exec_resize(self, exec_id: str, height: int, width: int) -> None:
        with self.world.lock:
            session = self._session(exec_id)
            if not session.started or session.exit_code is not None:
                raise EngineConflict(f"exec session {exec_id[:12]} does not run")
            self._sizes[exec_id] = (height, width)

    def exec_end(self, exec_id: str) -> None:
        with self.world.lock:
            session = self._execs.get(exec_id)
            if session is None or not session.started or session.exit_code is not None:
                return
            session.exit_code = 128 + HANGUP
            terminal = session.terminal
        if terminal is not None:
            terminal.close()

    # the main process's terminal

    def attach(self, name: str) -> Terminal:
        with self.world.lock:
            container = self._running(name, "attaching to")
            argv = self._argv(container.spec) or ["server"]

            def ended(code: int) -> None:
                with self.world.lock:
                    if container.alive:
                        self._stops(container, code)

            return self._terminal(
                container, argv, container.spec.tty, ended, container.spec.interactive, name
            )

    def resize(self, name: str, height: int, width: int) -> None:
        with self.world.lock:
            self._running(name, "resizing the terminal of")
            self._sizes[name] = (height, width)

    # processes and figures

    def top(self, name: str, ps_args: str | None = None) -> dict[str, Any]:
        with self.world.lock:
            container = self._running(name, "listing processes of")
            started = datetime.fromtimestamp(container.started_at or 0.0, UTC).strftime("%H:%M")
            argv = self._argv(container.spec) or [container.spec.image]
            rows = [(container.pid, 1, " ".join(argv))]
            rows += [
                (session.pid, 0, " ".join(session.argv))
                for session in self._execs.values()
                if session.name == name and session.started and session.exit_code is None
            ]
        return {
            "Titles": list(TITLES),
            "Processes": [
                ["root", str(pid), str(above), "0", started, "?", "00:00:00", cmd] for pid, above, cmd in rows
            ],
        }

    def stats(self, name: str) -> dict[str, Any]:
        with self.world.lock:
            container = self._running(name, "measuring")
            busy = self._plan(container).busy
            limit = container.spec.memory_mib * MIB
            seen = int((time.time() - (container.started_at or 0.0)) * NET_RATE)
        return {
            "CONTAINER": name,
            "CPU %": 100.0 if busy else 0.0,
            "MEM USAGE(MiB)": round(MEMORY / MIB, 2),
            "MEM LIMIT(MiB)": round(limit / MIB, 2),
            "MEM %": round(MEMORY / limit * 100, 2),
            "BLOCK I/O(B)": "0/0",
            "NET I/O(B)": f"{seen}/{seen}",
        }

    # files

    def open_archive(self, name: str, path: str) -> tuple[Pieces, ArchiveStat]:
        with self.world.lock:
            container = self._get(name)
            tree = dict(container.files)
            for known in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf"):
                tree[known] = self._surroundings(container).read_file(known) or b""
            data, stat = files.pack(tree, path, container.created_at)
        return (data[at : at + PIECE] for at in range(0, len(data), PIECE)), stat

    def put_archive(self, name: str, path: str, data: bytes | BinaryIO) -> None:
        with self.world.lock:
            container = self._get(name)
            stream = io.BytesIO(data) if isinstance(data, bytes) else data
            container.files = files.unpack(container.files, path, stream)
            self.world.save("container", name, container)


class _Follower:
    """Follows a log; ``close`` from any thread ends the iteration."""

    def __init__(self, engine: Any, name: str, query: LogQuery) -> None:
        self._engine, self._name, self._tail = engine, name, query.tail
        self._all = asdict(replace(query, tail=None))
        self._shown = 0
        self._first = True
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while not self._closed.is_set():
            with contextlib.suppress(NotThere):
                running = self._engine.inspect(self._name)
                whole = self._engine.logs(self._name, **self._all)
                new = whole[self._shown :]
                if self._first and self._tail is not None:
                    new = b"".join(new.splitlines(keepends=True)[-self._tail :]) if self._tail else b""
                self._first, self._shown = False, len(whole)
                if new:
                    return bytes(new)
                if running is not None and running.status in ("Running", "Paused", "Restarting"):
                    self._closed.wait(FOLLOW_STEP)
                    continue
            raise StopIteration
        raise StopIteration

    def close(self) -> None:
        self._closed.set()


def _play(program: Plan, terminal: FakeTerminal) -> None:
    """Prints what a program without input prints, in its time."""
    begun = time.monotonic()
    for line in program.lines:
        time.sleep(max(0.0, begun + line.at - time.monotonic()))
        terminal.feed(line.text.encode())
    if program.ends is not None:
        time.sleep(max(0.0, begun + program.ends - time.monotonic()))
        terminal.end(program.exit_code)


def _as_bytes(at: float, line: Line, timestamps: bool) -> bytes:
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z ") if timestamps else ""
    return f"{stamp}{line.text}".encode()
