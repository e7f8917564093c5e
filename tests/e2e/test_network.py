"""Every network command of the official client, by an administrator, a member and a stranger.

docs/commands/network.md says what each of them comes to; it is compared with what happens here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.support import script
from tests.e2e.support.batch import Client
from tests.e2e.support.clients import administrator, member
from tests.e2e.support.script import Ran

pytestmark = pytest.mark.clients

TABLE = Path(__file__).parents[2] / "docs" / "commands" / "network.md"
GROUP = "openstack.network.v2"

# As tests/e2e/support/script.py explains
SCRIPT = """
member: net = network create --description d --mtu 1400 --dns-domain example.org. n1
member: network set --name n1 --description e --tag red n1
member: network unset --tag red n1
member: network list --name n1
member: network show n1
member: ! network create --share n2
member: ! network create --external n2
admin: ext = network create --external --share out
admin: extsub = subnet create --network out --subnet-range 198.51.100.0/24 --no-dhcp outsub
member: ! network delete out
stranger: ! network show {net}

member: pool = subnet pool create --pool-prefix 10.50.0.0/16 --default-prefix-length 24 p1
member: subnet pool set --pool-prefix 10.51.0.0/16 --default-quota 10000 --tag t p1
member: subnet pool unset --tag t p1
member: subnet pool list
member: subnet pool show p1
member: ! subnet pool create --pool-prefix 10.52.0.0/16 --share p2
member: ! subnet pool create --pool-prefix 10.52.0.0/16 --default p2
stranger: ! subnet pool show {pool}
member: sub = subnet create --subnet-pool p1 --network n1 --dns-nameserver 9.9.9.9 s1
member: ! subnet create --subnet-range 10.9.0.0/24 --network n1 s2
member: subnet set --host-route destination=10.0.0.0/8,gateway=10.50.0.9 --tag a --name s1 s1
member: subnet unset --host-route destination=10.0.0.0/8,gateway=10.50.0.9 --tag a s1
member: subnet list --network n1
member: subnet show s1
member: six = subnet create --ip-version 6 --subnet-range fd00:6::/64 --ipv6-ra-mode slaac \
--ipv6-address-mode slaac --network n1 s6
member: taken = network create n9
member: subnet create --network n9 --subnet-range 10.53.0.0/24 s9
member: network onboard subnet n9 p1
member: more = network create n8
member: subnet create --network n8 --subnet-range 10.54.0.0/24 s8
member: subnet pool add network n8 p1
member: scope = address scope create --ip-version 4 scope1
member: address scope set --name scope1 scope1
member: address scope list
member: address scope show scope1
member: ! address scope create --share scope2
member: address scope delete scope1

admin: slow = network qos policy create --share --description d slow
admin: network qos policy set --name slow --description e slow
member: network qos policy list
member: network qos policy show slow
member: ! network qos policy create mine
member: ! network qos policy set --name x slow
member: ! network qos policy delete slow
admin: limit = network qos rule create --type bandwidth-limit --max-kbps 1000 --egress slow
admin: ! network qos rule create --type dscp-marking --dscp-mark 26 slow
admin: network qos rule set --max-kbps 2000 slow {limit}
member: network qos rule list slow
member: network qos rule show slow {limit}
member: ! network qos rule create --type bandwidth-limit --max-kbps 1 --ingress slow
member: ! network qos rule set --max-kbps 1 slow {limit}
member: ! network qos rule delete slow {limit}
member: network qos rule type list
member: network qos rule type show bandwidth_limit

member: group = security group create --description d g1
member: security group set --name g1 --tag x g1
member: security group unset --tag x g1
member: security group list
member: security group show g1
member: offices = address group create --address 192.0.2.0/24 --address 203.0.113.7 offices
member: address group set --address 198.51.100.0/24 --name offices offices
member: address group unset --address 198.51.100.0/24 offices
member: address group list
member: address group show offices
member: rule = security group rule create --protocol tcp --dst-port 22 --remote-ip 10.0.0.0/8 g1
member: rule2 = security group rule create --protocol udp --dst-port 53 --remote-address-group offices g1
member: security group rule list g1
member: security group rule show {rule}
member: security group rule delete {rule} {rule2}
member: address group delete offices
admin: begin = default security group rule create --protocol icmp --ingress
member: default security group rule list
member: default security group rule show {begin}
member: ! default security group rule create --protocol icmp --ingress
member: ! default security group rule delete {begin}
admin: default security group rule delete {begin}

member: port = port create --network n1 --fixed-ip subnet=s1 --dns-name web --security-group g1 po1
member: port set --qos-policy slow --name po1 --tag z po1
member: port unset --qos-policy --tag z po1
member: port list --network n1
member: port show po1
member: ! port set --host elsewhere po1
stranger: ! port show {port}

member: parent = port create --network n9 parent
member: inner = port create --network n1 inner
member: inner2 = port create --network n1 inner2
member: trunk = network trunk create --parent-port parent --description d \
--subport port=inner,segmentation-type=vlan,segmentation-id=100 t1
member: network trunk set --name t1 --description e --subport \
port=inner2,segmentation-type=vlan,segmentation-id=200 t1
member: network trunk unset --subport inner2 t1
member: network trunk subport add --segmentation-type vlan --segmentation-id 300 t1 inner2
member: network trunk subport list t1
member: network subport list --trunk t1
member: network trunk list
member: network trunk show t1
member: port show parent
member: ! port delete parent
member: ! port delete inner
member: ! network trunk create --parent-port parent t2
member: ! network trunk subport add --segmentation-type vlan --segmentation-id 300 t1 {port}
stranger: ! network trunk show {trunk}
member: network trunk subport remove t1 inner2
member: network trunk delete t1
member: port delete parent inner inner2

member: router = router create --description d r1
member: ! router create --ha r2
member: router set --external-gateway out --name r1 --tag v r1
member: router unset --tag v r1
member: ! router set --external-gateway out --disable-snat r1
admin: router set --external-gateway {ext} --disable-snat {router}
member: router add subnet r1 s1
member: router add route --route destination=192.168.9.0/24,gateway=10.50.0.7 r1
member: router remove route --route destination=192.168.9.0/24,gateway=10.50.0.7 r1
member: router list
member: router show r1
member: leg = port create --network n9 leg
member: router add port r1 leg
member: router remove port r1 leg
member: ! router delete r1
stranger: ! router show {router}
admin: network agent list --router {router}

member: floating = floating ip create --description d out
member: floating ip set --port po1 {floating}
member: floating ip unset --port {floating}
member: floating ip list
member: floating ip show {floating}
member: ! floating ip create --floating-ip-address 198.51.100.99 out
member: ! floating ip create n1
stranger: ! floating ip show {floating}
member: forward = floating ip port forwarding create --port po1 --protocol tcp --internal-protocol-port 80 \
--external-protocol-port 8080 --internal-ip-address {fixed} {floating}
member: floating ip port forwarding set --internal-protocol-port 443 {floating} {forward}
member: floating ip port forwarding list {floating}
member: floating ip port forwarding show {floating} {forward}
member: floating ip port forwarding delete {floating} {forward}
member: ! floating ip set --port po1 00000000-0000-0000-0000-000000000000

member: entry = network rbac create --type network --action access_as_shared --target-project {theirs} n1
stranger: network show {net}
stranger: ! network set --name mine {net}
member: network rbac set --target-project {mine} {entry}
member: network rbac list
member: network rbac show {entry}
member: ! network rbac create --type network --action access_as_shared --target-all-projects n1
member: network rbac delete {entry}

admin: ip availability list
admin: ip availability show {net}
member: ! ip availability list
member: ! ip availability show n1
admin: agent = network agent list -c ID -f value
admin: network agent show {agent}
admin: ! network agent delete {agent}
member: ! network agent list
member: ! network agent show {agent}
member: ! network agent delete {agent}

member: floating ip delete {floating}
member: router remove subnet r1 s1
member: router unset --external-gateway r1
member: router delete r1
member: port delete po1
member: ! subnet pool delete p1
member: subnet delete s1 s6
member: network delete n1 n8 n9
member: subnet pool delete p1
member: security group delete g1
admin: network qos rule delete slow {limit}
admin: network qos policy delete slow
admin: network delete out

member: ! local ip list
member: ! network auto allocated topology create
member: ! network flavor list
member: ! network flavor profile list
member: ! network meter list
member: ! network meter rule list
member: ! network segment list
admin: ! network segment range list
member: ! network service provider list
member: ! router ndp proxy list
admin: ! security group default statefulness list
"""

FIXED = re.compile(r"'ip_address': '([0-9.]+)'")


@pytest.fixture(scope="module")
def people(make_knarr: Any) -> Iterator[dict[str, Client]]:
    knarr = make_knarr(network={"backend": "fake"}, identity={"password_hash_rounds": "4"})
    boss = administrator(knarr)
    one, two = member(boss, "mine", "member-1"), member(boss, "theirs", "member-2")
    with Client(boss) as admin, Client(one) as first, Client(two) as second:
        yield {"admin": admin, "member": first, "stranger": second}


@pytest.fixture(scope="module")
def ran(people: Any) -> list[Ran]:
    """The whole script, run once."""
    admin, member = people["admin"], people["member"]
    names = {
        name: admin.run(f"project show {name} -c id -f value").out.strip() for name in ("mine", "theirs")
    }

    def named(name: str) -> None:
        if name == "port":
            shown = member.run(f"port show {names[name]} -c fixed_ips -f value").out
            names["fixed"] = next(iter(FIXED.findall(shown)), "")

    return list(script.play(SCRIPT, {who: one.run for who, one in people.items()}, names, named))


def test_each_command_ends_as_it_should(ran):
    wrong = [str(one) for one in ran if not one.right]
    assert not wrong, "\n".join(wrong)


def test_no_failure_is_a_fault_of_the_server_or_the_client(ran):
    said = script.faults(ran)
    assert not said, "\n".join(said)


def test_the_table_names_every_command_of_the_client(people):
    groups = json.loads(people["admin"].run(f"command list --group {GROUP} -f json").out)
    (known,) = (group["Commands"] for group in groups if group["Command Group"] == GROUP)
    assert set(script.table(TABLE)) == set(known)


def test_the_table_says_what_each_command_comes_to(ran):
    assert not script.untrue(ran, script.table(TABLE))
