"""io.murano.system.NetworkExplorer: what networks there are, and where a new one fits in."""

from __future__ import annotations

import ipaddress
import math
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.errors import InvalidArguments
from knarr.services.application_catalog.language.pythonclass import murano_class
from knarr.services.application_catalog.language.values import frozen
from knarr.services.application_catalog.library.outside import Networks, OutsideFault, outside
from knarr.services.application_catalog.library.python.owners import region_name as region_of

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.values import MuranoObject

INTERFACE = "network:router_interface"
ADDRESS_BITS = 32


class NoRouter(OutsideFault):
    """There is no router of the configured name, and none can be made."""

    upstream = "builtins.KeyError"


class RouterWithoutGateway(OutsideFault):
    upstream = "murano.common.exceptions.RouterInfoException"


@murano_class("io.murano.system.NetworkExplorer")
class NetworkExplorer:
    def __init__(self, this: MuranoObject, session: Session, region_name: str | None = None) -> None:
        self._session = session
        self._region = region_of(this, region_name)

    def get_default_router(self) -> str:
        """The id of the project's router of the configured name; made if the configuration allows it.

        Raises NoRouter, RouterWithoutGateway.
        """
        name = self._option("router_name")
        project = outside(self._session).who.project
        found = self._networks.list("routers", tenant_id=project, name=name)
        if not found:
            return self._new_router(name)
        if found[0].get("external_gateway_info") is None:
            raise RouterWithoutGateway(f"Please set external gateway for the router {name}")
        return str(found[0]["id"])

    def _new_router(self, name: str) -> str:
        if not self._option("create_router"):
            raise NoRouter(f"Router {name} was not found")
        wanted = self._option("external_network")
        outer = [
            one
            for one in self._networks.list("networks")
            if one.get("router:external") and wanted in (one["id"], one["name"])
        ]
        if not outer:
            raise NoRouter(f"Router {name} could not be created, no external network {wanted} found")
        gateway = {"network_id": outer[0]["id"]}
        body = {"name": name, "external_gateway_info": gateway, "admin_state_up": True}
        return str(self._networks.create_router(body)["id"])

    def get_available_cidr(self, router_id: Any, net_id: str) -> str | None:
        """A range that no network at the router has; None if all are taken. The same network is offered the
        same one first."""
        taken = self._taken(router_id)
        offered = self._ranges()
        start = zlib.crc32(str(net_id).encode()) % len(offered)
        for one in (*offered[start:], *offered[:start]):
            if not any(one.overlaps(other) for other in taken):
                return str(one)
        return None

    def _ranges(self) -> list[ipaddress.IPv4Network]:
        """The ranges for environments: `max_environments` of them with room for `max_hosts`."""
        hosts = _bits(self._option("max_hosts"), "max_hosts")
        both = min(ADDRESS_BITS, hosts + _bits(self._option("max_environments"), "max_environments"))
        base = f"{self._option('env_ip_template')}/{ADDRESS_BITS - both}"
        try:
            whole = ipaddress.IPv4Network(base, strict=False)
        except ValueError as error:
            raise InvalidArguments(f"[networking] env_ip_template: {error}") from None
        return list(whole.subnets(new_prefix=ADDRESS_BITS - hosts))

    def _taken(self, router_id: Any) -> list[ipaddress.IPv4Network]:
        if not router_id:
            return []
        ports = self._networks.list("ports", device_id=router_id)
        there = {address["subnet_id"] for port in ports for address in port.get("fixed_ips") or ()}
        return list(_ranges_of(one for one in self._networks.list("subnets") if one["id"] in there))

    def get_default_dns(self) -> Any:
        """Name servers for new networks."""
        return frozen(list(self._option("default_dns") or ()))

    def get_external_network_id_for_router(self, router_id: str) -> Any:
        """Where a router leads to; None if nowhere."""
        found = self._networks.show("routers", router_id) or {}
        return (found.get("external_gateway_info") or {}).get("network_id")

    def get_external_network_id_for_network(self, network_id: str) -> Any:
        """The network itself if it is external, else where one of its routers leads to; None if nowhere."""
        network = self._networks.show("networks", network_id)
        if network is None:
            return None
        if network.get("router:external"):
            return network_id
        for port in self._networks.list("ports", device_owner=INTERFACE, network_id=network_id):
            found = self.get_external_network_id_for_router(str(port.get("device_id")))
            if found:
                return found
        return None

    def list_networks(self) -> Any:
        return self._listed("networks")

    def list_subnetworks(self) -> Any:
        return self._listed("subnets")

    def list_ports(self) -> Any:
        return self._listed("ports")

    def list_neutron_extensions(self) -> Any:
        return self._listed("extensions")

    def _listed(self, collection: str) -> Any:
        return frozen([dict(one) for one in self._networks.list(collection)])

    @property
    def _networks(self) -> Networks:
        return outside(self._session).networks(self._region)

    def _option(self, name: str) -> Any:
        return outside(self._session).config("networking", name)


def _bits(number: Any, name: str) -> int:
    if not isinstance(number, int) or number < 1:
        raise InvalidArguments(f"[networking] {name}: must be a number from 1 on, not {number!r}")
    return math.ceil(math.log2(number))


def _ranges_of(subnets: Any) -> Iterator[ipaddress.IPv4Network]:
    for one in subnets:
        found = ipaddress.ip_network(one["cidr"], strict=False)
        if isinstance(found, ipaddress.IPv4Network):
            yield found
