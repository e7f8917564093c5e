"""The first networks: `private`, shared with every project, and the external `public`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from knarr.core.network import defaultrules, sharing, subnetting
from knarr.core.network.models import DefaultRule, Network, Subnet
from knarr.kernel.db import new_id
from knarr.kernel.schema import UNSET

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

OWNER = "admin"  # the name of the project that has them, where identity is embedded


def prepare(runtime: Runtime) -> None:
    """Make the networks that are configured, unless there is any network from earlier."""
    conf = runtime.conf.network
    with runtime.db.read() as session:
        templated = session.scalar(select(DefaultRule.id).limit(1)) is not None
    if not templated:
        with runtime.db.write() as session:
            defaultrules.prepare(session)
    wanted = (
        ("private", conf.first_network_cidr, {"shared": True}, True),
        ("public", conf.public_network_cidr, {"external": True, "is_default": True}, False),
    )
    with runtime.db.read() as session:
        there = session.scalar(select(Network.id).limit(1)) is not None
    if there or not any(cidr for _, cidr, _, _ in wanted):
        return
    project_id = _project(runtime)
    if project_id is None:
        return
    with runtime.db.write() as session:
        for name, cidr, flags, dhcp in wanted:
            if cidr:
                _make(session, project_id, name, cidr, {**flags, "mtu": conf.mtu}, dhcp)
        quotas = runtime.quotas("network")
        count = sum(bool(cidr) for _, cidr, _, _ in wanted)
        quotas.charge(session, project_id, {"network": count, "subnet": count})


def _project(runtime: Runtime) -> str | None:
    """The administrator's project, asked of the identity service; None if it cannot be told."""
    import logging

    answer = runtime.service_client("identity").get(f"/v3/projects?name={OWNER}", raise_exc=False)
    projects = answer.json().get("projects", []) if answer.status_code == 200 else []
    if not projects:
        logging.getLogger(__name__).warning(
            "no first networks: identity answered %s and knows no project %s", answer.status_code, OWNER
        )
        return None
    return str(projects[0]["id"])


def _make(
    session: Session, project_id: str, name: str, cidr: str, values: dict[str, Any], dhcp: bool
) -> None:
    network_id = new_id()
    session.execute(insert(Network), [{"id": network_id, "project_id": project_id, "name": name, **values}])
    for flag, action in (("shared", sharing.SHARED), ("external", sharing.EXTERNAL)):
        sharing.share(session, project_id, "network", network_id, bool(values.get(flag)), action)
    net = subnetting.parse_cidr(cidr, UNSET, f"network.{name}")
    gateway = str(net[1])
    subnet = {
        "id": new_id(),
        "project_id": project_id,
        "network_id": network_id,
        "name": f"{name}-subnet",
        "ip_version": net.version,
        "cidr": str(net),
        "gateway_ip": gateway,
        "enable_dhcp": dhcp,
        "allocation_pools": subnetting.default_pools(net, gateway),
        "dns_nameservers": [],
        "host_routes": [],
    }
    session.execute(insert(Subnet), [subnet])
