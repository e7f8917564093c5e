"""Every command of a client, walked by a member, an administrator, and somebody of another project.

The member's things are what is acted on. Each command finds them in the state that it needs, so that any
command may be walked alone. What comes out is one word, and stands in the table of the documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .clients import Said
from .kept import Caller, Clients
from .server import Knarr, wait_until

MEMBER, ADMIN, STRANGER = WHO = ("member", "admin", "stranger")
YES, NONE, LATER = "yes", "sees none", "later"
FORBIDDEN, HIDDEN = "403", "404"
# What became of `print "…" % value` when the client went to Python 3, and of its functions as formatters when
# those became classes: the answer is there, the output is not.
BROKEN, CLIENTS_OWN = "the client fails", ("unsupported operand type(s) for %", "Invalid formatter provided")
REFUSED = re.compile(r"HTTP (\d{3})")
# What `openstack` says itself of things that it finds in no list.
UNSEEN = re.compile(r"No \w+ found for")

V1, V2 = "/container/v1", "/network/v2.0"
IDLE = ["sleep", "100000"]


@dataclass(frozen=True)
class Step:
    """A command with its arguments ({words} are facts of the world) and what comes out for each person.

    `state`: that of the container {c} when the command begins. `says` is in the output of whoever may,
    `hides` is not in that of somebody who sees none. `options` come before the command. `stdin` is typed
    to it.
    """

    command: str
    arguments: str = ""
    member: str = YES
    admin: str = YES
    stranger: str = HIDDEN
    state: str = ""
    says: str = ""
    hides: str = "{c}"
    options: str = ""
    stdin: str = ""

    def expected(self, who: str) -> str:
        return str(getattr(self, who))


@dataclass(frozen=True)
class Walked:
    """A command that a person has given: what came out, and whether the output is as it should be."""

    outcome: str
    right: bool
    output: str


def outcome(said: Said) -> str:
    """What a command came to. The clients end well even when the cloud said no, so the words count."""
    text = said.out + said.err
    refused = REFUSED.search(text)
    if refused:
        return refused.group(1)
    if any(words in text for words in CLIENTS_OWN):
        return BROKEN
    if UNSEEN.search(text):
        return HIDDEN
    if said.status != 0 or "failed:" in text:
        return f"failed: {text.strip()[-300:]}"
    return YES


class World:
    """A cloud with the three people in it, and the member's things."""

    def __init__(self, knarr: Knarr, clients: Clients) -> None:
        self.knarr = knarr
        admin = Caller(clients, knarr.admin())
        self.people = {
            ADMIN: admin,
            MEMBER: _person(admin, "walked", "walker"),
            STRANGER: _person(admin, "elsewhere", "stranger"),
        }
        self._tokens = {who: knarr.token(person.auth) for who, person in self.people.items()}
        self._containers: dict[str, str] = {}
        self._number = 0
        self.network = self.made_network("walked", "10.66.0.0/24")
        self.project = self.call("GET", "/identity/v3/projects?name=walked", who=ADMIN)["projects"][0]["id"]
        self.host = self._hosts()[0]["hostname"]

    def call(self, method: str, path: str, body: Any = None, who: str = MEMBER, version: str = "1.40") -> Any:
        """As the person; what the answer holds. `version` is that of the container service."""
        answer = self.knarr.call(method, path, body, token=self._tokens[who], version=f"container {version}")
        assert answer.status < 400, (method, path, answer)
        return answer.json

    def walk(self, step: Step, who: str, program: str) -> Walked:
        """Give the command as the person, with everything as it needs it."""
        wait_until(self._hosts, 30)
        facts, expected = _Facts(self, step, who), step.expected(who)
        hidden = step.hides.format_map(facts) if NONE in (step.admin, step.stranger) else ""
        says = step.says.format_map(facts) if expected == YES else ""
        words = [word.format_map(facts) for word in step.arguments.split()]
        command = step.command.split() if program == "openstack" else [step.command]
        said = self.people[who].run(
            program, *step.options.split(), *command, *words, check=False, stdin=step.stdin
        )
        text = said.out + said.err
        result = outcome(said)
        if expected == NONE and result == YES:
            return Walked(NONE, hidden not in text, text)
        return Walked(result, says in text, text)

    def _hosts(self) -> list[Any]:
        """One that was forgotten comes back with its next heartbeat."""
        return list(self.call("GET", f"{V1}/hosts", who=ADMIN)["hosts"])

    def container(self, who: str, state: str) -> str:
        """The member's container that this person acts on, in that state; its id."""
        found = self._containers.get(who)
        if found is None or self._status(found) in (None, "Error"):
            found = self._containers[who] = self.made(f"walked-{who}")
            self._reach(found, "Running")
        if state:
            self._bring(found, state)
        return str(found)

    def made(self, name: str) -> str:
        """A new container of the member; its id."""
        body = {"image": "busybox", "command": IDLE, "name": name, "memory": 32, "cpu": 0.1}
        return str(self.call("POST", f"{V1}/containers?run=true", body)["uuid"])

    def made_network(self, name: str, cidr: str) -> str:
        """A network of the member with a subnet; its id."""
        network = self.call("POST", f"{V2}/networks", {"network": {"name": name}})["network"]["id"]
        subnet = {"network_id": network, "cidr": cidr, "ip_version": 4}
        self.call("POST", f"{V2}/subnets", {"subnet": subnet})
        return str(network)

    @cached_property
    def outside(self) -> str:
        """The external network, with a router of the member's before their own network; its id."""
        public = self.call("GET", f"{V2}/networks?router:external=true")["networks"][0]["id"]
        router = {"name": "walked", "external_gateway_info": {"network_id": public}}
        made = self.call("POST", f"{V2}/routers", {"router": router})["router"]["id"]
        [subnet] = self.call("GET", f"{V2}/subnets?network_id={self.network}")["subnets"]
        self.call("PUT", f"{V2}/routers/{made}/add_router_interface", {"subnet_id": subnet["id"]})
        return str(public)

    @cached_property
    def group(self) -> str:
        """A security group of the member; its id."""
        body = {"security_group": {"name": "walked"}}
        return str(self.call("POST", f"{V2}/security-groups", body)["security_group"]["id"])

    def at_rest(self, uuid: str) -> dict[str, Any]:
        """The container once no task is under way."""
        wait_until(lambda: self._at_rest(uuid), 30)
        return dict(self.call("GET", f"{V1}/containers/{uuid}"))

    def _bring(self, uuid: str, state: str) -> None:
        now = wait_until(lambda: self._at_rest(uuid), 30)
        moves = {"Paused": "unpause", "Stopped": "start", "Created": "start"}
        if now != state and now in moves:
            self._act(uuid, moves[now], "Running")
        if state in ("Paused", "Stopped"):
            self._act(uuid, {"Paused": "pause", "Stopped": "stop?timeout=0"}[state], state)

    def _act(self, uuid: str, action: str, state: str) -> None:
        if self._at_rest(uuid) != state:
            self.call("POST", f"{V1}/containers/{uuid}/{action}")
            self._reach(uuid, state)

    def _reach(self, uuid: str, state: str) -> None:
        wait_until(
            lambda: self._at_rest(uuid) == state, 30, lambda: self.call("GET", f"{V1}/containers/{uuid}")
        )

    def _at_rest(self, uuid: str) -> str | None:
        row = self.call("GET", f"{V1}/containers/{uuid}")
        return None if row["task_state"] else str(row["status"])

    def _status(self, uuid: str) -> str | None:
        answer = self.knarr.call("GET", f"{V1}/containers/{uuid}", token=self._tokens[MEMBER])
        return str(answer.json["status"]) if answer.status == 200 else None

    def new(self, kind: str) -> str:
        self._number += 1
        return f"walked-{kind}-{self._number}"

    def empty(self) -> None:
        """No container of anybody is left."""
        path = f"{V1}/containers?all_projects=true"
        for row in self.call("GET", path, who=ADMIN)["containers"]:
            self.call("DELETE", f"{V1}/containers/{row['uuid']}?force=true", who=ADMIN)
        wait_until(lambda: not self.call("GET", path, who=ADMIN)["containers"], 30)


class _Facts(dict[str, str]):
    """What words in braces stand for. Things that a command needs are made when it names them."""

    def __init__(self, world: World, step: Step, who: str) -> None:
        super().__init__()
        self.world, self.step, self.who = world, step, who

    def __missing__(self, name: str) -> str:
        self[name] = str(getattr(self, f"_{name}")())
        return self[name]

    def _c(self) -> str:
        # A stranger acts on what the member acts on
        owner = MEMBER if self.who == STRANGER else self.who
        return self.world.container(owner, self.step.state)

    def _doomed(self) -> str:
        """A container for deleting."""
        uuid = self.world.made(self.world.new("doomed"))
        self.world.at_rest(uuid)
        return uuid

    def _request(self) -> str:
        path = f"{V1}/containers/{self._c()}/container_actions"
        return str(self.world.call("GET", path)["containerActions"][-1]["request_id"])

    def _registry(self) -> str:
        body = {"registry": {"domain": "r.example.org", "name": self.world.new("registry")}}
        return str(self.world.call("POST", f"{V1}/registries", body)["registry"]["uuid"])

    def _image(self) -> str:
        body = {"repo": self.world.new("image"), "host": self.world.host}
        made = self.world.call("POST", f"{V1}/images", body, who=ADMIN)["uuid"]
        path = f"{V1}/images/{made}"
        wait_until(lambda: self.world.call("GET", path, who=ADMIN)["status"] == "Available", 30)
        return str(made)

    def _new(self) -> str:
        return self.world.new("made")

    def _shell(self) -> str:
        """A running container whose program is a shell at a terminal."""
        body = {"image": "busybox", "command": ["sh"], "interactive": True, "tty": True, "memory": 32}
        made = str(self.world.call("POST", f"{V1}/containers?run=true", body)["uuid"])
        self.world.at_rest(made)
        return made

    def _network(self) -> str:
        """The name of a network that nothing is on."""
        name = self.world.new("network")
        self.world.made_network(name, "10.67.0.0/24")
        return name

    def _attached(self) -> str:
        """The name of a network that the container {c} is on, beside its first one."""
        name = self._network()
        self.world.call("POST", f"{V1}/containers/{self['c']}/network_attach?network={name}")
        self.world.at_rest(self["c"])
        return name

    def _group(self) -> str:
        """A security group that the container {c} has not got."""
        return self._group_with("remove_security_group")

    def _given(self) -> str:
        """A security group that the container {c} has."""
        return self._group_with("add_security_group")

    def _group_with(self, action: str) -> str:
        group = self.world.group
        has = group in self.world.at_rest(self["c"])["security_groups"]
        if has != (action == "add_security_group"):
            self.world.call("POST", f"{V1}/containers/{self['c']}/{action}?name={group}", version="1.14")
            self.world.at_rest(self["c"])
        return group

    def _floating(self) -> str:
        """A floating address that no port has."""
        body = {"floatingip": {"floating_network_id": self.world.outside}}
        made = self.world.call("POST", f"{V2}/floatingips", body)["floatingip"]
        return str(made["floating_ip_address"])

    def _worn(self) -> str:
        """A floating address that the container {c} has."""
        row = self.world.at_rest(self["c"])["addresses"][self.world.network][0]
        found = self.world.call("GET", f"{V2}/floatingips?port_id={row['port']}")["floatingips"]
        if not found:
            body = {"floatingip": {"floating_network_id": self.world.outside, "port_id": row["port"]}}
            found = [self.world.call("POST", f"{V2}/floatingips", body)["floatingip"]]
        return str(found[0]["floating_ip_address"])

    def _file(self) -> str:
        """A file of this machine."""
        return str(Path(__file__))

    def _folder(self) -> str:
        """A new folder of this machine."""
        return str(self.world.knarr.folder / self.world.new("folder"))

    def _project(self) -> str:
        return str(self.world.project)

    def _host(self) -> str:
        return str(self.world.host)

    def _nobody(self) -> str:
        """The host, once no container is on it."""
        self.world.empty()
        return str(self.world.host)


def _person(admin: Caller, project: str, name: str) -> Caller:
    password = f"the word of {name}"
    admin.openstack("project", "create", project)
    admin.openstack("user", "create", "--password", password, name)
    admin.openstack("role", "add", "--project", project, "--user", name, "member")
    return Caller(
        admin.clients, admin.auth | {"username": name, "password": password, "project_name": project}
    )


# The tables of the documentation

HEAD = "| command | member | administrator | another project |"


def table(steps: tuple[Step, ...], later: tuple[str, ...] = ()) -> list[str]:
    """The rows as the documentation has them; a command that is walked twice stands once."""
    rows = {step.command: [_cell(step.expected(who)) for who in WHO] for step in reversed(steps)}
    rows |= {command: [LATER] * len(WHO) for command in later}
    return [f"| `{name}` | {' | '.join(cells)} |" for name, cells in sorted(rows.items())]


def _cell(result: str) -> str:
    return f"no ({result})" if result.isdigit() else result


def documented(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line for line in lines[lines.index(HEAD) + 2 :] if line.startswith("| `")]
