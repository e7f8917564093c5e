"""Lets bridged packets pass other software's FORWARD chain. The one place that touches iptables.

With br_netfilter on, bridged packets go through the host's FORWARD chain too, where Docker sets the policy
DROP. Our own filter has the say on them, so one rule accepts what goes from one of our bridges to the same
kind, and only what is bridged: routed packets are left to whoever rules there. In FORWARD rather than
DOCKER-USER, since that chain may not exist yet and Docker puts its own jumps above ours when it starts.
"""

from __future__ import annotations

import shutil
import subprocess

RULE = ("-i", "brq+", "-o", "brq+", "-m", "physdev", "--physdev-is-bridged", "-j", "ACCEPT")
PROGRAMS = ("iptables", "ip6tables")
PATH = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin"
TIMEOUT_SECONDS = 30


def accept_bridged() -> list[str]:
    """Adds the rule where a FORWARD chain would drop bridged packets.

    Returns lines on what was added or failed.
    """
    lines = []
    for name in PROGRAMS:
        program = shutil.which(name, path=PATH)
        if program is None:
            continue
        chain = _run(program, "-w", "-S", "FORWARD")
        if chain.returncode or not _needed(chain.stdout):
            continue
        done = _run(program, "-w", "-I", "FORWARD", *RULE)
        lines.append(f"{name}: {done.stderr.strip()}" if done.returncode else f"{name} FORWARD accepts brq+")
    return lines


def obstacle() -> str | None:
    """The program whose FORWARD chain drops bridged packets of ours, or None."""
    for name in PROGRAMS:
        program = shutil.which(name, path=PATH)
        if program is not None and _needed(_run(program, "-w", "-S", "FORWARD").stdout):
            return name
    return None


def _needed(chain: str) -> bool:
    lines = chain.splitlines()
    others = [line for line in lines if not line.startswith("-P") or line.endswith("DROP")]
    return bool(others) and not any("brq+" in line and line.endswith("ACCEPT") for line in lines)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
