"""`make bench`: the figures beside their targets and the baselines of the same run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from bench import figures

# key: what it is, unit, target, baseline's name (None: the target is a number; else a part of the baseline)
ROWS: dict[str, tuple[str, str, float, str | None]] = {
    "start-fake": ("knarr up to the first authenticated answer, fake engine", "s", 1.0, None),
    "start-docker": ("knarr up to the first authenticated answer, docker", "s", 2.0, None),
    "memory": ("memory of all processes, idle (PSS)", "MiB", 150.0, None),
    "list": ("CPU of a list of 1,000 containers", "ms", 15.0, None),
    "show": ("CPU of showing a container", "ms", 1.5, None),
    "validate": ("CPU of validating a token", "ms", 0.3, None),
    "port": ("CPU of POST port", "ms", 8.0, None),
    "answer": ("POST containers?run=true, answer (median)", "ms", 15.0, None),
    "running": ("POST to Running (median)", "ms", 1.0, "docker run -d on a bridge"),
}


def line(key: str, value: float, baseline: float | None) -> str:
    what, unit, target, beside = ROWS[key]
    if beside is None or baseline is None:
        met, goal = value <= target, f"{target:g} {unit}"
    else:
        met, goal = value <= target * baseline, f"{target:g} x {baseline:.0f} {unit} ({beside})"
        what = f"{what}: {value / baseline:.2f} x"
    return f"{what:<62}{value:>9.2f} {unit:<4} {goal:<38} {'met' if met else 'MISSED'}"


def has_docker() -> bool:
    if os.geteuid() != 0 or not shutil.which("docker"):
        return False
    command = ["docker", "image", "inspect", figures.IMAGE]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main() -> int:
    print(f"{'figure':<62}{'value':>9} {'':<4} target", flush=True)
    print(line("start-fake", figures.start_times("fake"), None), flush=True)
    for figure in figures.memory_and_cpu():
        print(line(*figure), flush=True)
    if not has_docker():
        print(f"without root and a Docker engine that has {figures.IMAGE}, the others cannot be measured")
        return 0
    print(line("start-docker", figures.start_times("docker"), None), flush=True)
    for figure in figures.containers():
        print(line(*figure), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
