"""Options of the group [network]."""

from __future__ import annotations

from typing import Any

QUOTAS = {
    "network": 100,
    "subnet": 100,
    "subnetpool": -1,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
    "rbac_policy": 10,
    "trunk": -1,
}


def options() -> list[Any]:
    from oslo_config import cfg

    return [
        cfg.StrOpt(
            "backend",
            default="auto",
            help="What carries packets on this host: linux (bridges and nftables), fake (nothing), or auto: "
            "linux for root, else fake.",
        ),
        cfg.IntOpt("mtu", default=1500, min=68, max=65535, help="MTU of networks that are made without one."),
        cfg.StrOpt(
            "first_network_cidr",
            default="10.10.0.0/22",
            help="CIDR of the network 'private', shared with all projects, that is made if there are no "
            "networks. Empty: it is not made.",
        ),
        cfg.StrOpt(
            "public_network_cidr",
            default="172.24.4.0/24",
            help="CIDR of the external network 'public', made likewise. Empty: it is not made.",
        ),
        cfg.StrOpt(
            "dns_domain",
            default="openstacklocal.",
            help="Domain of the names in the dns_assignment of ports; a final dot makes it absolute.",
        ),
        cfg.FloatOpt(
            "reconcile_interval",
            default=120.0,
            help="Seconds between comparisons of this host with the database. 0: only at the start.",
        ),
        *(
            cfg.IntOpt(
                f"quota_{name}", default=limit, min=-1, help=f"{name} quota of a project; -1: no limit."
            )
            for name, limit in QUOTAS.items()
        ),
    ]


def default_quotas(conf: Any) -> dict[str, int]:
    return {name: getattr(conf.network, f"quota_{name}") for name in QUOTAS}
