"""`make bench`: the figures beside their targets and the baselines of the same run."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys

from bench import figures, library

CLONE_NEWNET = 0x40000000

# key: what it is, unit, target, baseline's name (None: the target is a number; else a part of the baseline)
ROWS: dict[str, tuple[str, str, float, str | None]] = {
    "start-fake": ("knarr up to the first authenticated answer, fake engine", "s", 1.0, None),
    "start-docker": ("knarr up to the first authenticated answer, docker", "s", 2.0, None),
    "memory": ("memory of all processes, idle (PSS)", "MiB", 150.0, None),
    "list": ("CPU of a list of 1,000 containers", "ms", 15.0, None),
    "show": ("CPU of showing a container", "ms", 1.5, None),
    "validate": ("CPU of validating a token", "ms", 0.3, None),
    "port": ("CPU of POST port", "ms", 8.0, None),
    "list-20": ("CPU of a list of 20 among 100,000 containers", "ms", 3.0, None),
    "ports-20": ("CPU of a list of 20 among 100,000 ports", "ms", 3.0, None),
    "core-library": ("reading the core library of applications", "s", 0.3, None),
    "deploy-100": ("building and deploying a model of 100 objects", "s", 1.0, None),
    "expressions": ("expressions a second, thousands", "k/s", 1.0, "plain YAQL"),
    "answer": ("POST containers?run=true, answer (median)", "ms", 15.0, None),
    "running": ("POST to Running (median)", "ms", 1.0, "docker run -d on a bridge"),
}

# More is better.
AT_LEAST = ("expressions",)


def line(key: str, value: float, baseline: float | None) -> str:
    what, unit, target, beside = ROWS[key]
    if beside is None or baseline is None:
        met, goal = value <= target, f"{target:g} {unit}"
    else:
        enough = value >= target * baseline if key in AT_LEAST else value <= target * baseline
        met, goal = enough, f"{target:g} x {baseline:.0f} {unit} ({beside})"
        what = f"{what}: {value / baseline:.2f} x"
    return f"{what:<62}{value:>9.2f} {unit:<4} {goal:<38} {'met' if met else 'MISSED'}"


def has_docker() -> bool:
    if os.geteuid() != 0 or not shutil.which("docker"):
        return False
    command = ["docker", "image", "inspect", figures.IMAGE]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def leave_network() -> None:
    """Stand in a network namespace of our own, which ends with us and all that was made in it.

    The network service removes bridges and filters of its host that it does not know: on the host's own
    network that would be those of a Knarr that runs there. The engine is reached by its socket's path.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise SystemExit(f"no network namespace could be made: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def main() -> int:
    # An end from outside still stops Knarr and sweeps the engine.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if os.geteuid() == 0:
        leave_network()
    print(f"{'figure':<62}{'value':>9} {'':<4} target", flush=True)
    print(line("start-fake", figures.start_times("fake"), None), flush=True)
    for figure in figures.memory_and_cpu():
        print(line(*figure), flush=True)
    print(line("core-library", library.read_core(), None), flush=True)
    print(line("deploy-100", library.deploy_hundred(), None), flush=True)
    print(line("expressions", *library.expressions()), flush=True)
    if not has_docker():
        print(f"without root and a Docker engine that has {figures.IMAGE}, the others cannot be measured")
        return 0
    print(line("start-docker", figures.start_times("docker"), None), flush=True)
    for figure in figures.containers():
        print(line(*figure), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
