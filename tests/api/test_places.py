"""Others' ids in every place where an id can stand: path, query and body.

What is another project's answers as what is not there: the same status and the same words, in which only the
id differs. So nothing can be used, and nobody finds out which ids exist.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from tests.support.cloud import Answer, Cloud, Person

N, C, G = "/network/v2.0", "/container/v1", "/image/v2"
VERSION = {"OpenStack-API-Version": "container 1.40"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
REQUEST = re.compile(r"req-[0-9a-f-]{36}")


class Estate:
    """One thing of each kind of a person's: `ids` by kind."""

    def __init__(self, cloud: Cloud, person: Person, octet: int) -> None:
        self.cloud, self.person = cloud, person
        self.ids: dict[str, str] = {"project": person.project_id, "user": person.id}
        external = cloud.admin.get(f"{N}/networks?router:external=true").json["networks"][0]["id"]
        self.ids["external"] = external
        net = self.make("network", name=f"net-{octet}")
        self.ids["subnet"] = self.make("subnet", network_id=net, ip_version=4, cidr=f"10.{octet}.0.0/24")
        for kind in ("parent", "child"):
            self.ids[kind] = self.make("port", network_id=net)
        self.make("port", network_id=net)
        self.make("security_group", name=f"group-{octet}")
        self.make("security_group_rule", security_group_id=self.ids["security_group"], direction="ingress")
        self.make("address_group", addresses=["10.0.0.0/8"])
        self.make("router", external_gateway_info={"network_id": external})
        interface = f"{N}/routers/{self.ids['router']}/add_router_interface"
        assert person.put(interface, {"subnet_id": self.ids["subnet"]}).status == 200
        self.make("floatingip", floating_network_id=external)
        self.make("trunk", port_id=self.ids["parent"])
        self.make("subnetpool", name="pool", prefixes=["10.200.0.0/16"], default_prefixlen=26)
        self.make("address_scope", name="scope")
        self.ids["policy"] = self.made(
            cloud.admin.post(
                f"{N}/qos/policies", {"policy": {"name": "qos", "project_id": person.project_id}}
            )
        )
        image = {"name": "image", "disk_format": "raw", "container_format": "docker"}
        self.ids["image"] = self.made(person.post(f"{G}/images", image))
        registry = {
            "name": f"registry-{octet}",
            "domain": f"r{octet}.example",
            "username": "me",
            "password": "x",
        }
        self.ids["registry"] = self.made(
            person.post(f"{C}/registries", {"registry": registry}, headers=VERSION)
        )
        container = {"image": "busybox", "name": f"container-{octet}", "nets": [{"network": net}]}
        self.ids["container"] = self.made(person.post(f"{C}/containers", container, headers=VERSION))

    def make(self, kind: str, **body: Any) -> str:
        path = {"address_scope": "address-scopes", "address_group": "address-groups"}.get(kind)
        path = path or kind.replace("_", "-") + "s"
        self.ids[kind] = self.made(self.person.post(f"{N}/{path}", {kind: body}))
        return self.ids[kind]

    @staticmethod
    def made(answer: Answer) -> str:
        assert answer.status < 300, answer.body
        found = answer.json
        if len(found) == 1:
            found = next(iter(found.values()))
        return str(found.get("id") or found["uuid"])


@pytest.fixture(scope="module")
def owner(cloud: Cloud) -> Estate:
    return Estate(cloud, cloud.person("member"), 91)


@pytest.fixture(scope="module")
def stranger(cloud: Cloud) -> Estate:
    return Estate(cloud, cloud.person("member"), 92)


# kind of the other's thing that X is, method, address, body. {kind} is one's own.
Place = tuple[str, str, str, Any]
BODIES: tuple[Place, ...] = (
    ("network", "POST", f"{N}/subnets",
     {"subnet": {"network_id": "X", "ip_version": 4, "cidr": "10.9.0.0/24"}}),
    ("subnetpool", "POST", f"{N}/subnets",
     {"subnet": {"network_id": "{network}", "ip_version": 4, "subnetpool_id": "X"}}),
    ("network", "POST", f"{N}/ports", {"port": {"network_id": "X"}}),
    ("network", "POST", f"{N}/ports", {"ports": [{"network_id": "{network}"}, {"network_id": "X"}]}),
    ("subnet", "POST", f"{N}/ports",
     {"port": {"network_id": "{network}", "fixed_ips": [{"subnet_id": "X"}]}}),
    ("subnet", "PUT", f"{N}/ports/{{port}}", {"port": {"fixed_ips": [{"subnet_id": "X"}]}}),
    ("security_group", "POST", f"{N}/ports", {"port": {"network_id": "{network}", "security_groups": ["X"]}}),
    ("security_group", "PUT", f"{N}/ports/{{port}}", {"port": {"security_groups": ["X"]}}),
    ("policy", "POST", f"{N}/ports", {"port": {"network_id": "{network}", "qos_policy_id": "X"}}),
    ("policy", "PUT", f"{N}/ports/{{port}}", {"port": {"qos_policy_id": "X"}}),
    ("policy", "POST", f"{N}/networks", {"network": {"qos_policy_id": "X"}}),
    ("policy", "PUT", f"{N}/networks/{{network}}", {"network": {"qos_policy_id": "X"}}),
    ("security_group", "POST", f"{N}/security-group-rules",
     {"security_group_rule": {"security_group_id": "X", "direction": "ingress"}}),
    ("security_group", "POST", f"{N}/security-group-rules",
     {"security_group_rule": {"security_group_id": "{security_group}", "direction": "ingress",
                              "remote_group_id": "X"}}),
    ("address_group", "POST", f"{N}/security-group-rules",
     {"security_group_rule": {"security_group_id": "{security_group}", "direction": "ingress",
                              "remote_address_group_id": "X"}}),
    ("network", "POST", f"{N}/routers", {"router": {"external_gateway_info": {"network_id": "X"}}}),
    ("network", "PUT", f"{N}/routers/{{router}}", {"router": {"external_gateway_info": {"network_id": "X"}}}),
    ("subnet", "PUT", f"{N}/routers/{{router}}",
     {"router": {"external_gateway_info": {
         "network_id": "{external}", "external_fixed_ips": [{"subnet_id": "X"}]}}}),
    ("subnet", "PUT", f"{N}/routers/{{router}}/add_router_interface", {"subnet_id": "X"}),
    ("port", "PUT", f"{N}/routers/{{router}}/add_router_interface", {"port_id": "X"}),
    ("subnet", "PUT", f"{N}/routers/{{router}}/remove_router_interface", {"subnet_id": "X"}),
    ("port", "PUT", f"{N}/routers/{{router}}/remove_router_interface", {"port_id": "X"}),
    ("network", "POST", f"{N}/floatingips", {"floatingip": {"floating_network_id": "X"}}),
    ("subnet", "POST", f"{N}/floatingips",
     {"floatingip": {"floating_network_id": "{external}", "subnet_id": "X"}}),
    ("port", "POST", f"{N}/floatingips",
     {"floatingip": {"floating_network_id": "{external}", "port_id": "X"}}),
    ("port", "PUT", f"{N}/floatingips/{{floatingip}}", {"floatingip": {"port_id": "X"}}),
    ("port", "POST", f"{N}/floatingips/{{floatingip}}/port_forwardings",
     {"port_forwarding": {
         "protocol": "tcp", "external_port": 80, "internal_port": 80, "internal_port_id": "X"}}),
    ("port", "POST", f"{N}/trunks", {"trunk": {"port_id": "X"}}),
    ("port", "POST", f"{N}/trunks",
     {"trunk": {"port_id": "{port}", "sub_ports": [
         {"port_id": "X", "segmentation_type": "vlan", "segmentation_id": 5}]}}),
    ("port", "PUT", f"{N}/trunks/{{trunk}}/add_subports",
     {"sub_ports": [{"port_id": "X", "segmentation_type": "vlan", "segmentation_id": 5}]}),
    ("port", "PUT", f"{N}/trunks/{{trunk}}/remove_subports", {"sub_ports": [{"port_id": "X"}]}),
    ("address_scope", "POST", f"{N}/subnetpools",
     {"subnetpool": {"name": "p", "prefixes": ["10.201.0.0/16"], "address_scope_id": "X"}}),
    ("address_scope", "PUT", f"{N}/subnetpools/{{subnetpool}}", {"subnetpool": {"address_scope_id": "X"}}),
    ("network", "PUT", f"{N}/subnetpools/{{subnetpool}}/onboard_network_subnets", {"network_id": "X"}),
    *((kind, "POST", f"{N}/rbac-policies",
       {"rbac_policy": {"object_type": name, "object_id": "X", "action": "access_as_shared",
                        "target_tenant": "{project}"}})
      for kind, name in (("network", "network"), ("security_group", "security_group"),
                         ("policy", "qos_policy"),
                         ("subnetpool", "subnetpool"), ("address_scope", "address_scope"),
                         ("address_group", "address_group"))),
    ("network", "POST", f"{C}/containers", {"image": "busybox", "nets": [{"network": "X"}]}),
    ("port", "POST", f"{C}/containers", {"image": "busybox", "nets": [{"port": "X"}]}),
    ("security_group", "POST", f"{C}/containers",
     {"image": "busybox", "nets": [{"network": "{network}"}], "security_groups": ["X"]}),
    ("registry", "POST", f"{C}/containers",
     {"image": "busybox", "nets": [{"network": "{network}"}], "registry": "X"}),
    ("image", "POST", f"{C}/containers",
     {"image": "X", "image_driver": "glance", "nets": [{"network": "{network}"}]}),
    ("network", "POST", f"{C}/containers/{{container}}/network_attach?network=X", None),
    ("port", "POST", f"{C}/containers/{{container}}/network_attach?port=X", None),
    ("network", "POST", f"{C}/containers/{{container}}/network_detach?network=X", None),
    ("port", "POST", f"{C}/containers/{{container}}/network_detach?port=X", None),
    ("image", "POST", f"{C}/containers/{{container}}/rebuild?image=X&image_driver=glance", None),
    ("image", "POST", f"{G}/images/{{image}}/import",
     {"method": {"name": "glance-download", "glance_image_id": "X", "glance_region": "RegionOne"}}),
)  # fmt: skip

# Lists and the parameters that an id can stand in: nothing is found, whether the id is there or not.
FILTERS: tuple[tuple[str, str, str], ...] = (
    *(("project", f"{N}/{name}", parameter) for parameter in ("project_id", "tenant_id") for name in (
        "networks", "subnets", "ports", "routers", "floatingips", "security-groups", "security-group-rules",
        "trunks", "subnetpools", "address-scopes", "address-groups", "qos/policies", "rbac-policies")),
    ("network", f"{N}/networks", "id"), ("network", f"{N}/subnets", "network_id"),
    ("network", f"{N}/ports", "network_id"), ("port", f"{N}/ports", "id"),
    ("container", f"{N}/ports", "device_id"),
    ("router", f"{N}/ports", "device_id"), ("subnet", f"{N}/ports", "fixed_ips"),
    ("security_group", f"{N}/ports", "security_groups"), ("policy", f"{N}/ports", "qos_policy_id"),
    ("security_group", f"{N}/security-group-rules", "security_group_id"),
    ("security_group", f"{N}/security-group-rules", "remote_group_id"),
    ("port", f"{N}/floatingips", "port_id"), ("router", f"{N}/floatingips", "router_id"),
    ("parent", f"{N}/trunks", "port_id"), ("network", f"{N}/network-ip-availabilities", "network_id"),
    ("network", f"{N}/rbac-policies", "object_id"), ("address_scope", f"{N}/subnetpools", "address_scope_id"),
    ("project", f"{C}/containers", "project_id"), ("user", f"{C}/containers", "user_id"),
    ("container", f"{C}/containers", "name"), ("project", f"{C}/registries", "project_id"),
    ("project", f"{G}/images", "owner"), ("image", f"{G}/images", "id"), ("project", f"{G}/tasks", "owner"),
)  # fmt: skip
MARKERS: tuple[tuple[str, str], ...] = (
    *((kind, f"{N}/{name}") for kind, name in (
        ("network", "networks"), ("subnet", "subnets"), ("port", "ports"), ("router", "routers"),
        ("floatingip", "floatingips"), ("security_group", "security-groups"), ("trunk", "trunks"),
        ("security_group_rule", "security-group-rules"), ("subnetpool", "subnetpools"),
        ("address_scope", "address-scopes"), ("address_group", "address-groups"),
        ("policy", "qos/policies"))),
    ("container", f"{C}/containers"), ("registry", f"{C}/registries"), ("image", f"{G}/images"),
)  # fmt: skip

each = pytest.mark.parametrize


def filled(value: Any, ids: dict[str, str], x: str) -> Any:
    if isinstance(value, dict):
        return {key: filled(inner, ids, x) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids, x) for inner in value]
    if not isinstance(value, str):
        return value
    if value == "X":
        return x
    return re.sub(r"{(\w+)}", lambda found: ids[found[1]], value).replace("=X", f"={x}")


def words(answer: Answer, x: str) -> tuple[int, str]:
    """What the answer tells: without the id that was sent and the request's own."""
    return answer.status, REQUEST.sub("req", answer.body.decode()).replace(x, "X")


def asked(estate: Estate, method: str, path: str, body: Any, x: str) -> tuple[int, str]:
    answer = estate.person.call(
        method, filled(path, estate.ids, x), filled(body, estate.ids, x), headers=VERSION
    )
    return words(answer, x)


@each("kind,method,path,body", BODIES)
def test_what_is_another_s_is_as_what_is_not_there(
    owner: Estate, stranger: Estate, kind: str, method: str, path: str, body: Any
) -> None:
    theirs = asked(stranger, method, path, body, owner.ids[kind])
    assert 400 <= theirs[0] < 500, theirs
    assert theirs == asked(stranger, method, path, body, str(uuid.uuid4()))


@each("kind,path,parameter", FILTERS)
def test_filters_find_nothing_of_another_s(
    owner: Estate, stranger: Estate, kind: str, path: str, parameter: str
) -> None:
    def found(x: str) -> tuple[int, str]:
        value = f"subnet_id={x}" if parameter == "fixed_ips" else x
        return words(stranger.person.get(f"{path}?{parameter}={value}", headers=VERSION), x)

    assert found(owner.ids[kind]) == found(str(uuid.uuid4()))


@each("kind,path", MARKERS)
@each("more", ["", "&sort_key=created_at&sort_dir=desc", "&page_reverse=true", "&limit=1"])
def test_a_marker_of_another_s_is_no_marker(
    owner: Estate, stranger: Estate, kind: str, path: str, more: str
) -> None:
    def found(x: str) -> tuple[int, str]:
        return words(stranger.person.get(f"{path}?marker={x}{more}", headers=VERSION), x)

    assert found(owner.ids[kind]) == found(str(uuid.uuid4()))
