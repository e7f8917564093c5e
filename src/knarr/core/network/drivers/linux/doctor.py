"""What this host lacks for the Linux backend."""

from __future__ import annotations

import os
from pathlib import Path

from knarr.core.network.drivers.base import Finding
from knarr.core.network.drivers.linux import external, forwarding, probe
from knarr.kernel.hostnet import nft

CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21


def findings() -> list[Finding]:
    """One line for each thing that is needed; nothing is changed."""
    found = [_capability(CAP_NET_ADMIN, "CAP_NET_ADMIN"), _capability(CAP_SYS_ADMIN, "CAP_SYS_ADMIN"), _nft()]
    found.append(_bridge_filter())
    if os.geteuid() == 0:
        found.append(_forward())
        found += _beyond()
    return found


def _capability(bit: int, name: str) -> Finding:
    status = Path("/proc/self/status").read_text()
    held = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    good = bool(int(held, 16) >> bit & 1)
    return Finding(name, good, "held" if good else "not held", "" if good else "run as root")


def _nft() -> Finding:
    through = nft.available()
    remedy = "" if through else "install nftables (apt-get install nftables)"
    return Finding("nftables", through is not None, through or "missing", remedy)


def _bridge_filter() -> Finding:
    good = Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists()
    detail = "loaded" if good else "not loaded"
    return Finding("br_netfilter", good, detail, "" if good else "modprobe br_netfilter")


def _forward() -> Finding:
    program = forwarding.obstacle()
    detail = f"{program} drops bridged packets" if program else "bridged packets pass"
    remedy = "Knarr adds a rule for its bridges when it starts" if program else ""
    return Finding("FORWARD chain", program is None, detail, remedy)


def _beyond() -> list[Finding]:
    """What routers, bandwidth limits, trunks and DHCP need; the host does without where one is missing."""
    able = probe.able()
    remedies = (
        ("nf_nat", "routers and floating IPs", able.routing, "modprobe nf_nat"),
        (
            "ifb, sch_tbf, act_mirred",
            "bandwidth limits",
            able.shaping,
            "modprobe ifb sch_tbf cls_u32 act_mirred",
        ),
        ("cls_bpf", "trunks", able.tagging, "modprobe cls_bpf sch_ingress"),
    )
    found = [
        Finding(what, not fault, f"no {use}: {fault}" if fault else use, remedy if fault else "")
        for what, use, fault, remedy in remedies
    ]
    # Only machines ask for DHCP: containers are configured without.
    detail = (
        "no DHCP for machines without it (apt-get install dnsmasq-base)" if able.dhcp else probe.dnsmasq()
    )
    found.append(Finding("dnsmasq", True, detail or ""))
    on = external.forwards()
    remedy = "" if on else "Knarr turns it on when the first external network comes"
    return [*found, Finding("ip_forward", on, "on" if on else "off", remedy)]
