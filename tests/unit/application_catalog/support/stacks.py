"""A small engine of stacks in memory: it checks templates, makes resources with ids, and computes outputs."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from knarr.services.application_catalog.language.limits import Limits
from knarr.services.application_catalog.library.outside import Absent, Busy, StackRequest, StackState

from .networks import MemoryNetworks

DEPLOYMENTS = ("OS::Heat::SoftwareDeployment", "OS::Heat::StructuredDeployment")


class TemplateError(Exception):
    """What a stack fails with."""


class Stack:
    """One stack: its last request and its resources, by name: type, id and resolved properties."""

    def __init__(self, ids: Iterator[int], networks: MemoryNetworks) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, Any] = {}
        self._ids = ids
        self._networks = networks

    def apply(self, template: Mapping[str, Any]) -> None:
        wanted = template.get("resources") or {}
        for name in [name for name in self.resources if name not in wanted]:
            self._networks.gone(self.resources.pop(name)["id"])
        for name, body in wanted.items():
            if "type" not in body:
                raise TemplateError(f"resource {name} has no type")
            kept = self.resources.get(name)
            if kept is None or kept["type"] != body["type"]:
                self.resources[name] = {"type": body["type"], "id": self._new_id(body["type"])}
        for name, body in wanted.items():
            for other in body.get("depends_on") or ():
                if other not in wanted:
                    raise TemplateError(f"{name} depends on {other}, which is not there")
            resource = self.resources[name]
            if resource.get("body") != body:  # ids, which attributes come from, stay what they are
                resource["body"] = body
                resource["properties"] = self.resolved(body.get("properties") or {})
        for resource in self.resources.values():
            self._networks.made(resource)
        outputs = template.get("outputs") or {}
        self.outputs = {name: self.resolved(body["value"]) for name, body in outputs.items()}

    def _new_id(self, kind: str) -> str:
        return f"{kind.rpartition('::')[2].lower()}-{next(self._ids)}"

    def resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            if len(value) == 1 and "get_resource" in value:
                return self._resource(value["get_resource"])["id"]
            if len(value) == 1 and "get_attr" in value:
                name, attribute, *path = value["get_attr"]
                return self._attribute(self._resource(name), attribute, path)
            return {key: self.resolved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        return value

    def _resource(self, name: Any) -> dict[str, Any]:
        if name not in self.resources:
            raise TemplateError(f"The specified reference {name!r} is incorrect")
        return self.resources[name]

    def _of_type(self, *types: str) -> list[dict[str, Any]]:
        return [one for one in self.resources.values() if one["type"] in types and "properties" in one]

    def _attribute(self, resource: dict[str, Any], attribute: str, path: list[Any]) -> Any:
        found: Any = self._attributes(resource).get(attribute)
        for step in path:
            if found is None:
                return None
            found = found[step] if isinstance(step, int) else found.get(step)
        return found

    def _attributes(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Addresses come from the ids, so that they stay what they are."""
        kind, number = resource["type"], int(resource["id"].rpartition("-")[2])
        if kind == "OS::Neutron::Port":
            return {"fixed_ips": [{"ip_address": f"10.0.0.{number}"}]}
        if kind in ("OS::Neutron::FloatingIP", "OS::Nova::FloatingIP"):
            return {"floating_ip_address": f"172.24.4.{number}", "ip": f"172.24.4.{number}"}
        if kind == "OS::Neutron::Subnet":
            return {"cidr": resource["properties"]["cidr"]}
        if kind == "OS::Nova::Server":
            return self._server(resource, number)
        if kind == "OS::Cinder::Volume":
            return {"attachments_list": self._attachments(resource["id"])}
        if kind in DEPLOYMENTS:
            return {"deploy_stdout": f"{resource['id']} ran", "deploy_stderr": ""}
        return {}

    def _server(self, server: dict[str, Any], number: int) -> dict[str, Any]:
        addresses: dict[str, list[dict[str, Any]]] = {}
        for entry in server["properties"].get("networks") or ():
            port = next(one for one in self.resources.values() if one["id"] == entry["port"])
            fixed = self._attributes(port)["fixed_ips"][0]["ip_address"]
            listed = addresses.setdefault(self._networks.name_of(port["properties"]["network"]), [])
            listed.append({"addr": fixed})
            for floating in self._of_type("OS::Neutron::FloatingIP"):
                if floating["properties"]["port_id"] == port["id"]:
                    listed.append({"addr": self._attributes(floating)["floating_ip_address"]})
        return {"addresses": addresses, "networks": {"private": [f"10.1.0.{number}"]}}

    def _attachments(self, volume: str) -> list[dict[str, Any]]:
        found = []
        for one in self._of_type("OS::Cinder::VolumeAttachment"):
            if one["properties"]["volume_id"] == volume:
                server, device = one["properties"]["instance_uuid"], one["properties"]["mountpoint"]
                found.append({"server_id": server, "device": device})
        for one in self._of_type("OS::Nova::Server"):
            for device in one["properties"].get("block_device_mapping_v2") or ():
                if device["volume_id"] == volume:
                    found.append({"server_id": one["id"], "device": device["device_name"]})
        return found


class MemoryStacks:
    """The stacks of a region. `requests` are what was asked for: (verb, request or name).

    `busy` is how many of the next changes are refused because something else goes on; `hold()` keeps changes
    from ending.
    """

    def __init__(self, networks: MemoryNetworks) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.stacks: dict[str, Stack] = {}
        self.states: dict[str, StackState] = {}
        self.busy = 0
        self._ids = itertools.count(11)
        self._networks = networks
        self._free = threading.Event()
        self._free.set()
        self.began = threading.Event()

    def hold(self) -> threading.Event:
        """Changes end when the event is set."""
        self._free.clear()
        return self._free

    def get(self, name: str) -> StackState | None:
        return self.states.get(name)

    def settled(self, name: str, limits: Limits) -> StackState | None:
        limits.on_cancel(self._free.set)
        self._free.wait(30)
        limits.step()
        return self.states.get(name)

    def create(self, request: StackRequest) -> None:
        self._change("create", request, Stack(self._ids, self._networks), "CREATE")

    def update(self, request: StackRequest) -> None:
        if request.name not in self.stacks:
            raise Absent(f"there is no stack {request.name}")
        self._change("update", request, self.stacks[request.name], "UPDATE")

    def delete(self, name: str) -> None:
        self._check_busy()
        if name not in self.stacks:
            raise Absent(f"there is no stack {name}")
        self.requests.append(("delete", name))
        for resource in self.stacks.pop(name).resources.values():
            self._networks.gone(resource["id"])
        del self.states[name]

    def _change(self, verb: str, request: StackRequest, stack: Stack, word: str) -> None:
        self._check_busy()
        self.requests.append((verb, request))
        self.began.set()
        status, reason = f"{word}_COMPLETE", ""
        try:
            stack.apply(request.template)
        except TemplateError as error:
            status, reason = f"{word}_FAILED", str(error)
        self.stacks[request.name] = stack
        self.states[request.name] = StackState(
            status,
            reason,
            request.template,
            {"OS::stack_name": request.name, **request.parameters},
            stack.outputs,
        )

    def _check_busy(self) -> None:
        if self.busy > 0:
            self.busy -= 1
            raise Busy("Stack already has an action in progress")
