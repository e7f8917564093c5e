"""The HTTP server: a parent that only watches, and one worker that holds all of Knarr.

The services, the engine's threads and the database live in the worker, so the parent stays slim. They end
together: the worker by a signal of the kernel when the parent is gone, the parent when its worker has ended.
A worker that was killed is replaced (see `supervisor`).
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from knarr.cli.problem import Problem, told
from knarr.cli.process import die_with_parent
from knarr.kernel.turns import THREADS, Turns

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

# Seconds until a worker that was asked to end is killed; what it had under way goes on at the next start.
PATIENCE = 15

# How often young objects are looked through. A list of 1,000 containers makes some ten thousand objects
# that all go with the answer; with Python's own 700 that costs a twentieth of the request.
GARBAGE = (20_000, 20, 20)


def serve(host: str, port: int, threads: int, build: Callable[[], Runtime]) -> None:
    """Serve the runtime that `build` makes in the worker, `threads` requests at once, until a signal comes.

    Raises Problem if the address cannot be had, and SystemExit if the worker has died.
    """
    claim(host, port)
    from knarr.cli.supervisor import Supervisor

    parent = os.getpid()

    def worker(_target: str) -> Any:
        die_with_parent(parent)
        # What the parent does at these signals is not for us; the server sets its own when it is ready.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with told():
                return Turns(_begin(build()).front, threads)
        except Problem as problem:
            print(f"knarr: {problem}", file=sys.stderr, flush=True)
            raise SystemExit(1) from None

    server = Supervisor(
        "knarr",
        address=host,
        port=port,
        interface="wsgi",
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        workers_kill_timeout=PATIENCE,
        log_enabled=False,
    )
    with told():
        server.serve(target_loader=worker)


def _begin(runtime: Runtime) -> Runtime:
    """Ready for the first requests, and started, at once or meanwhile; stopped when the worker ends in an
    orderly way."""
    try:
        runtime.begin()
        if runtime.is_whole:
            _start(runtime)
    except BaseException:
        runtime.stop()
        raise
    Finalize(runtime, runtime.stop, exitpriority=100)
    if not runtime.is_whole:
        threading.Thread(target=_go_on, args=(runtime,), name="start", daemon=True).start()
    return runtime


def _start(runtime: Runtime) -> None:
    runtime.start()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()
    print(f"Knarr listens on {runtime.base_url} (state in {runtime.state_dir})", flush=True)


def _go_on(runtime: Runtime) -> None:
    """Start the rest while the first requests are answered. If that fails, the worker ends."""
    try:
        with told():
            _start(runtime)
    except Problem as problem:
        print(f"knarr: {problem}", file=sys.stderr, flush=True)
    except Exception:
        logging.getLogger(__name__).exception("the services could not be started")
    else:
        return
    try:
        runtime.stop()
    finally:
        os._exit(1)


def claim(host: str, port: int) -> None:
    """Find out whether the address is free. Servers that share ports would not tell."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Problem(f"cannot listen on {host}:{port}: {error.strerror}") from None
