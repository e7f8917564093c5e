"""Every network command of the official client, by an administrator, a member and a stranger.

docs/commands/network.md says what each of them comes to; it is compared with what happens here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.support.batch import Client
from tests.e2e.support.clients import Said, administrator, member

pytestmark = pytest.mark.clients

TABLE = Path(__file__).parents[2] / "docs" / "commands" / "network.md"
ROW = re.compile(r"^\| `([a-z0-9 ]+)` \| (works|administrators|not offered)(?:: .+)? \|$")
GROUP = "openstack.network.v2"

# who, then the command; `name = command` keeps the id of what is made as {name}; `!` expects a failure.
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
member: ! network trunk list
member: ! router ndp proxy list
admin: ! security group default statefulness list
"""

FIXED = re.compile(r"'ip_address': '([0-9.]+)'")


class Ran:
    """A command that was run: who by, what it was, whether it should work, and how it ended."""

    def __init__(self, who: str, line: str, fails: bool, said: Said) -> None:
        self.who, self.line, self.fails, self.said = who, line, fails, said

    def __str__(self) -> str:
        return f"{self.who}: {self.line} -> {self.said.status}\n{self.said.out}{self.said.err}"


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
    names = {
        name: people["admin"].run(f"project show {name} -c id -f value").out.strip()
        for name in ("mine", "theirs")
    }
    found = []
    for text in SCRIPT.replace("\\\n", "").strip().splitlines():
        if not text:
            continue
        person, _, line = text.partition(": ")
        fails, line = line.startswith("! "), line.removeprefix("! ")
        name, sign, rest = line.partition(" = ")
        command = (rest if sign else line).format(**names)
        shown = f"{command} -f value -c id" if sign and "-f value" not in command else command
        said = people[person].run(shown)
        if sign:
            names[name] = said.out.strip()
        found.append(Ran(person, command, fails, said))
        if sign and name == "port":
            shown = people[person].run(f"port show {said.out.strip()} -c fixed_ips -f value").out
            names["fixed"] = next(iter(FIXED.findall(shown)), "")
    return found


def table() -> dict[str, str]:
    """{command: what it comes to}, as documented."""
    rows = (ROW.match(line) for line in TABLE.read_text().splitlines() if line.startswith("| `"))
    found = {row.group(1): row.group(2) for row in rows if row}
    assert len(found) == sum(line.startswith("| `") for line in TABLE.read_text().splitlines())
    return found


def test_each_command_ends_as_it_should(ran):
    wrong = [str(one) for one in ran if (one.said.status != 0) is not one.fails]
    assert not wrong, "\n".join(wrong)


def test_no_failure_is_a_fault_of_the_server_or_the_client(ran):
    said = [str(one) for one in ran if "500" in one.said.err or "Traceback" in one.said.err]
    assert not said, "\n".join(said)


def test_the_table_names_every_command_of_the_client(people):
    groups = json.loads(people["admin"].run(f"command list --group {GROUP} -f json").out)
    (known,) = (group["Commands"] for group in groups if group["Command Group"] == GROUP)
    assert set(table()) == set(known)


def commands(ran: list[Ran]) -> dict[str, list[Ran]]:
    """What was run of each documented command; the longest name that fits is the command."""
    known = sorted(table(), key=len, reverse=True)
    found = defaultdict(list)
    for one in ran:
        found[next(name for name in known if f"{one.line} ".startswith(f"{name} "))].append(one)
    return found


def test_what_the_table_says_to_work_works_for_a_member(ran):
    done = commands(ran)
    for name, result in table().items():
        if result == "works":
            by = {one.who for one in done[name] if one.said.status == 0}
            assert "member" in by, f"{name}: worked for {by or 'nobody'}"


def test_what_the_table_says_to_be_for_administrators_is_refused_to_others(ran):
    done = commands(ran)
    for name, result in table().items():
        if result == "administrators":
            refused = [one for one in done[name] if one.who == "member" and one.said.status]
            assert refused, f"{name} was not refused to a member"
            assert all("Policy doesn't allow" in one.said.err for one in refused), str(refused[0])
            assert not [one for one in done[name] if one.who == "member" and not one.said.status]


def test_what_the_table_says_not_to_be_offered_is_not(ran):
    done = commands(ran)
    for name, result in table().items():
        if result == "not offered":
            assert not [one for one in done[name] if not one.said.status], name
