"""Lets our packets pass other software's FORWARD chain. The one place that touches iptables.

With br_netfilter on, bridged packets go through the host's FORWARD chain too, where Docker sets the policy
DROP. Our own filter has the say on them, so one rule accepts what goes from one of our bridges to the same
kind, and only what is bridged: routed packets are left to whoever rules there. In FORWARD rather than
DOCKER-USER, since that chain may not exist yet and Docker puts its own jumps above ours when it starts.

External networks are routed: a chain of ours accepts what comes from and goes to their bridges, but for what
goes from them to containers that are not ours, which is left to Docker's rules.
"""

from __future__ import annotations

import shutil
import subprocess

RULE = ("-i", "brq+", "-o", "brq+", "-m", "physdev", "--physdev-is-bridged", "-j", "ACCEPT")
PROGRAMS = ("iptables", "ip6tables")
ROUTED_CHAIN = "KNARR-ROUTED"
OTHERS_BRIDGES = ("docker+", "br-+", "podman+", "cni+")
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


def accept_routed(bridges: list[str]) -> list[str]:
    """Has FORWARD accept what is routed from and to these bridges, where it would drop it, and nothing else
    that an earlier call let pass.

    Returns lines on what was changed or failed.
    """
    program = shutil.which("iptables", path=PATH)
    if program is None:
        return []
    chain, jump = _run(program, "-w", "-S", ROUTED_CHAIN), ("FORWARD", "-j", ROUTED_CHAIN)
    wanted = (
        _routed_rules(bridges) if bridges and _obstructed(_run(program, "-w", "-S", "FORWARD").stdout) else []
    )
    found = [tuple(line.split()[2:]) for line in chain.stdout.splitlines() if line.startswith("-A")]
    jumps = _run(program, "-w", "-C", *jump).returncode == 0
    if found == wanted and jumps == bool(wanted):
        return []
    steps: list[tuple[str, ...]] = [("-N", ROUTED_CHAIN)] if chain.returncode and wanted else []
    steps += [("-F", ROUTED_CHAIN)] + [("-A", ROUTED_CHAIN, *rule) for rule in wanted]
    if wanted and not jumps:
        steps.append(("-I", *jump))
    if not wanted:
        steps = ([("-D", *jump)] if jumps else []) + [("-F", ROUTED_CHAIN), ("-X", ROUTED_CHAIN)]
    failed = [done.stderr.strip() for step in steps if (done := _run(program, "-w", *step)).returncode]
    return [f"iptables: {line}" for line in failed] or [f"iptables chain {ROUTED_CHAIN}"]


def _routed_rules(bridges: list[str]) -> list[tuple[str, ...]]:
    rules: list[tuple[str, ...]] = []
    for bridge in bridges:
        rules += [("-i", bridge, "-o", others, "-j", "RETURN") for others in OTHERS_BRIDGES]
        rules += [(side, bridge, "-j", "ACCEPT") for side in ("-i", "-o")]
    return rules


def _obstructed(chain: str) -> bool:
    """Whether there are rules or a policy that may stop what is forwarded, other than ours."""
    ours = ("brq+", ROUTED_CHAIN)
    lines = [line for line in chain.splitlines() if not any(name in line for name in ours)]
    return any(not line.startswith("-P") or line.endswith("DROP") for line in lines)


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
