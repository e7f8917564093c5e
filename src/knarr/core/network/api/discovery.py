"""What the service can do: versions, extensions, availability zones, agents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from knarr.core.network import binding
from knarr.core.network.api.networks import ZONE
from knarr.core.network.api.routers import ROUTERS
from knarr.core.network.errors import fault
from knarr.core.network.extensions import present
from knarr.core.network.models import Host, Port, Router
from knarr.core.network.offering import offered
from knarr.core.network.resources import only_fields
from knarr.kernel.db import utcnow
from knarr.kernel.request import Request

COLLECTIONS = (
    *("networks", "subnets", "subnetpools", "ports", "routers", "floatingips"),
    *("security-groups", "security-group-rules", "default-security-group-rules", "address-groups"),
    *("address-scopes", "rbac-policies", "extensions", "quotas"),
)
AGENT_TIME = "%Y-%m-%d %H:%M:%S"


def list_versions(req: Request) -> dict[str, Any]:
    links = [{"rel": "self", "href": req.url("/v2.0/")}]
    return {"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}


def show_version(req: Request) -> dict[str, Any]:
    return {
        "resources": [
            {
                "name": name.removesuffix("s"),
                "collection": name,
                "links": [{"rel": "self", "href": req.url(f"/v2.0/{name}")}],
            }
            for name in COLLECTIONS
        ]
    }


def list_extensions(req: Request) -> dict[str, Any]:
    found = present(offered(req.runtime))
    return {"extensions": only_fields(req, [extension.view() for extension in found])}


def show_extension(req: Request, alias: str) -> dict[str, Any]:
    for extension in present(offered(req.runtime)):
        if extension.alias == alias:
            return {"extension": extension.view()}
    raise fault("ExtensionNotFound", id=alias)


def list_zones(req: Request) -> dict[str, Any]:
    kinds = ("network", "router") if "routers" in offered(req.runtime) else ("network",)
    zones = [{"name": ZONE, "resource": kind, "state": "available"} for kind in kinds]
    return {"availability_zones": only_fields(req, zones)}


def list_agents(req: Request) -> dict[str, Any]:
    with req.db.read() as session:
        rows = session.execute(select(*Host.__table__.columns).order_by(Host.host)).all()
    agents = [_agent(row) for row in rows]
    for name in ("host", "binary", "agent_type", "id"):
        wanted = req.params.get(name)
        agents = [agent for agent in agents if not wanted or agent[name] in wanted]
    return {"agents": only_fields(req, agents)}


def show_agent(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        row = session.execute(select(*Host.__table__.columns).where(Host.id == ident)).first()
    if row is None:
        raise fault("AgentNotFound", id=ident)
    return {"agent": _agent(row)}


def delete_agent(req: Request, ident: str) -> None:
    """Forget a host that is not heard of any more and carries nothing."""
    with req.db.write() as session:
        row = session.execute(select(*Host.__table__.columns).where(Host.id == ident)).first()
        if row is None:
            raise fault("AgentNotFound", id=ident)
        carries = session.scalar(select(Port.id).where(Port.host == row.host).limit(1))
        if carries or utcnow() - row.seen_at <= binding.ALIVE:
            raise fault("AgentInUse", id=ident)
        session.execute(delete(Host).where(Host.id == ident))


def list_l3_agents(req: Request, ident: str) -> dict[str, Any]:
    """The host that carries the router."""
    with req.db.read() as session:
        router = ROUTERS.load(session, req.ctx, ident)
        rows = session.execute(select(*Host.__table__.columns).where(Host.host == router.host)).all()
    return {"agents": [_agent(row) for row in rows]}


def list_l3_routers(req: Request, ident: str) -> dict[str, Any]:
    """The routers that a host carries."""
    with req.db.read() as session:
        host = session.scalar(select(Host.host).where(Host.id == ident))
        if host is None:
            raise fault("AgentNotFound", id=ident)
        rows = session.execute(ROUTERS.columns().where(Router.host == host).order_by(Router.id)).all()
        return {"routers": ROUTERS.views(req, session, rows)}


def _agent(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "agent_type": "Linux bridge agent" if row.backend == "linux" else f"{row.backend} agent",
        "binary": "knarr",
        "topic": "N/A",
        "host": row.host,
        "availability_zone": ZONE,
        "admin_state_up": True,
        "alive": utcnow() - row.seen_at <= binding.ALIVE,
        "created_at": row.started_at.strftime(AGENT_TIME),
        "started_at": row.started_at.strftime(AGENT_TIME),
        "heartbeat_timestamp": row.seen_at.strftime(AGENT_TIME),
        "description": None,
        "configurations": {"vif_type": row.vif_type, "port_filter": row.port_filter},
        "resources_synced": None,
    }
