"""Exposed ports: a security group of the container's own that lets them in, as upstream does it.

The group is found by its name, which derives from the container's id.
"""

from __future__ import annotations

from typing import Any

from knarr.kernel.errors import BadRequest
from knarr.services.container.rest import call, get

PROTOCOLS = ("tcp", "udp")


def parse(exposed: dict[str, dict[str, Any]]) -> list[str]:
    """The ports of a request as `number/protocol`, in order. Raises BadRequest that names the wrong one."""
    found = {_one(text, options) for text, options in exposed.items()}
    return [f"{number}/{protocol}" for number, protocol in sorted(found)]


def _one(text: str, options: dict[str, Any]) -> tuple[int, str]:
    number, _, protocol = text.partition("/")
    protocol = protocol or "tcp"
    # isdecimal alone lets other scripts' digits pass.
    if not (number.isascii() and number.isdecimal() and len(number) <= 5 and 1 <= int(number) <= 65535):
        raise BadRequest(
            f"Invalid input for field 'exposed_ports': {text[:64]!r} is not port/protocol "
            "with a port from 1 to 65535."
        )
    if protocol not in PROTOCOLS:
        raise BadRequest(
            f"Invalid input for field 'exposed_ports': the protocol of {text[:64]!r} is neither tcp nor udp."
        )
    if options:
        raise BadRequest(f"Invalid input for field 'exposed_ports': {text!r} takes no options, only {{}}.")
    return int(number), protocol


def numbers(ports: list[str]) -> list[int]:
    """As the attribute `ports` of a container shows them."""
    return sorted({int(port.partition("/")[0]) for port in ports})


def group_name(uuid: str) -> str:
    return f"zun-{uuid}"


def ensure_group(client: Any, container: Any) -> str:
    """The id of the container's group with one rule for each port; what is missing is made."""
    group = _find(client, container) or _make(client, container)
    there = {
        (rule["port_range_min"], rule["protocol"])
        for rule in group.get("security_group_rules") or ()
        if rule["direction"] == "ingress"
    }
    for port in container.exposed_ports:
        number, protocol = int(port.partition("/")[0]), port.partition("/")[2]
        if (number, protocol) not in there:
            rule = _rule(group["id"], container.project_id, number, protocol)
            call(client, "POST", "/v2.0/security-group-rules", {"security_group_rule": rule})
    return str(group["id"])


def remove_group(client: Any, container: Any) -> None:
    group = _find(client, container)
    if group is not None:
        call(client, "DELETE", f"/v2.0/security-groups/{group['id']}", absent_ok=True)


def _find(client: Any, container: Any) -> dict[str, Any] | None:
    params = [("name", group_name(container.uuid)), ("project_id", container.project_id)]
    groups = get(client, "/v2.0/security-groups", params)["security_groups"]
    return dict(groups[0]) if groups else None


def _make(client: Any, container: Any) -> dict[str, Any]:
    group = {
        "name": group_name(container.uuid),
        "project_id": container.project_id,
        "description": f"Exposed ports of container {container.uuid}",
    }
    return dict(call(client, "POST", "/v2.0/security-groups", {"security_group": group})["security_group"])


def _rule(group: str, project_id: str, number: int, protocol: str) -> dict[str, Any]:
    return {
        "security_group_id": group,
        "project_id": project_id,
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": protocol,
        "port_range_min": number,
        "port_range_max": number,
        "remote_ip_prefix": "0.0.0.0/0",
    }
