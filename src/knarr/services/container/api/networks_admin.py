"""Networks that administrators make known to the container service.

Upstream makes a network of the engine for each. Here ports are plugged into sandboxes, so nothing has to be
made: the row says that containers may count on the network, and holds its name.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from knarr.kernel.db import new_id
from knarr.kernel.errors import Conflict, NotFound
from knarr.kernel.request import Request
from knarr.services.container.models import Network
from knarr.services.container.rest import get
from knarr.services.container.schemas import NetworkCreate
from knarr.services.container.views import network_view


def create(req: Request) -> dict[str, Any]:
    body: NetworkCreate = req.body
    client = req.runtime.client("network", req.ctx)
    if not get(client, "/v2.0/networks", [("id", body.neutron_net_id), ("fields", "id")])["networks"]:
        raise NotFound(
            f"Network {body.neutron_net_id} could not be found in the network service.",
            code="NetworkNotFound",
        )
    with req.db.write() as session:
        where = Network.neutron_net_id == body.neutron_net_id
        if session.scalar(select(Network.uuid).where(where)) is not None:
            raise Conflict(f"Network {body.neutron_net_id} is known already.", code="NetworkAlreadyExists")
        row = Network(
            uuid=new_id(),
            name=body.name,
            neutron_net_id=body.neutron_net_id,
            project_id=req.ctx.project_id or "",
            user_id=req.ctx.user_id or "",
        )
        session.add(row)
        session.flush()
    return network_view(req, row)


def remove(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = session.get(Network, ident)
        if row is None:
            raise NotFound(f"Network {ident[:255]} could not be found.", code="NetworkNotFound")
        session.delete(row)
