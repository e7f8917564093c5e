"""Networks and security groups of a container."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import networks
from knarr.services.container.routes.paths import C

INTERFACES: tuple[Route, ...] = (
    Route(
        "POST",
        C + "/network_attach",
        networks.attach,
        "container:network_attach",
        query=schemas.NetworkAttach,
        body=schemas.NetworkAttach,
        optional_body=True,
        first="1.8",
        summary="Attach to a network",
    ),
    Route(
        "POST",
        C + "/network_detach",
        networks.detach,
        "container:network_detach",
        202,
        query=schemas.NetworkDetach,
        body=schemas.NetworkDetach,
        optional_body=True,
        first="1.6",
        summary="Detach from a network",
    ),
    Route(
        "GET",
        C + "/network_list",
        networks.index,
        "container:network_list",
        first="1.13",
        summary="Networks that it is attached to",
    ),
    Route(
        "POST",
        C + "/add_security_group",
        networks.add_group,
        "container:add_security_group",
        202,
        query=schemas.SecurityGroup,
        body=schemas.SecurityGroup,
        optional_body=True,
        last="1.14",
        summary="Give a security group",
    ),
    Route(
        "POST",
        C + "/remove_security_group",
        networks.remove_group,
        "container:remove_security_group",
        202,
        query=schemas.SecurityGroup,
        body=schemas.SecurityGroup,
        optional_body=True,
        last="1.14",
        summary="Take a security group away",
    ),
)
