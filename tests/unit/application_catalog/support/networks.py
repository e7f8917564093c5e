"""Networks in memory, those of stacks among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

EXTERNAL = {"id": "ext-1", "name": "ext-net", "router:external": True, "tenant_id": "admin"}
ROUTER = {
    "id": "router-1",
    "name": "murano-default-router",
    "tenant_id": "project-1",
    "external_gateway_info": {"network_id": "ext-1"},
}


class MemoryNetworks:
    """`tables` are what the API lists, by the names of the collections."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {
            "networks": [dict(EXTERNAL)],
            "subnets": [],
            "ports": [],
            "routers": [dict(ROUTER)],
            "extensions": [{"alias": "security-group"}, {"alias": "router"}],
        }

    def list(self, collection: str, **filters: Any) -> Sequence[Mapping[str, Any]]:
        rows = self.tables[collection]
        return [row for row in rows if all(row.get(key) == value for key, value in filters.items())]

    def show(self, collection: str, ident: str) -> Mapping[str, Any] | None:
        return next((row for row in self.tables[collection] if row["id"] == ident), None)

    def create_router(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        router = {"id": f"router-{len(self.tables['routers']) + 10}", "tenant_id": "project-1", **body}
        self.tables["routers"].append(router)
        return router

    def name_of(self, ident: str) -> str:
        row = self.show("networks", ident)
        return str(row["name"]) if row is not None else ident

    def existing(self, name: str, cidr: str, project: str = "project-1", router: str = "router-1") -> str:
        """A network with a subnet at a router; its id."""
        network, subnet = f"id-of-{name}", f"id-of-{name}-subnet"
        self.tables["networks"].insert(
            0, {"id": network, "name": name, "router:external": False, "tenant_id": project}
        )
        self._subnet(subnet, f"{name}-subnet", network, cidr)
        self._interface(f"{network}-port", network, subnet, router)
        return network

    # Of stacks

    def made(self, resource: Mapping[str, Any]) -> None:
        ident, properties = resource["id"], resource["properties"]
        if self.show("networks", ident) or self.show("subnets", ident) or self.show("ports", ident):
            return
        if resource["type"] == "OS::Neutron::Net":
            row = {"id": ident, "name": properties["name"], "router:external": False}
            self.tables["networks"].append(row | {"tenant_id": "project-1"})
        elif resource["type"] == "OS::Neutron::Subnet":
            self._subnet(ident, ident, properties["network"], properties["cidr"])
        elif resource["type"] == "OS::Neutron::RouterInterface":
            subnet = self.show("subnets", properties["subnet"]) or {}
            self._interface(
                ident, subnet.get("network_id", ""), properties["subnet"], properties["router_id"]
            )

    def gone(self, ident: str) -> None:
        for name, rows in self.tables.items():
            self.tables[name] = [row for row in rows if row.get("id") != ident]

    def _subnet(self, ident: str, name: str, network: str, cidr: str) -> None:
        gateway = cidr.rpartition(".")[0] + ".1"
        self.tables["subnets"].append(
            {
                "id": ident,
                "name": name,
                "network_id": network,
                "cidr": cidr,
                "dns_nameservers": ["8.8.8.8"],
                "gateway_ip": gateway,
            }
        )

    def _interface(self, ident: str, network: str, subnet: str, router: str) -> None:
        row = {"id": ident, "network_id": network, "device_id": router}
        self.tables["ports"] += [
            row | {"device_owner": "network:router_interface", "fixed_ips": [{"subnet_id": subnet}]},
        ]
        gateway = f"{router}-gateway"
        if self.show("ports", gateway) is None and self.show("routers", router) is not None:
            info = (self.show("routers", router) or {}).get("external_gateway_info") or {}
            outside = {"id": gateway, "network_id": info.get("network_id"), "device_id": router}
            self.tables["ports"].append(outside | {"device_owner": "network:router_gateway", "fixed_ips": []})
