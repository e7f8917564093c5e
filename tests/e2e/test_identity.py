"""Every identity command of the official client: an administrator's, a member's and a stranger's.

docs/commands/identity.md says what each of them comes to; it is compared with what happens here.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.support import alone, kept
from tests.e2e.support.clients import Said
from tests.e2e.support.identity_commands import ADMIN, MEMBER, NOT_OFFERED, STEPS, STRANGER, Step

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

TABLE = Path(__file__).parents[2] / "docs" / "commands" / "identity.md"
ROW = re.compile(r"^\| `([a-z0-9 ]+)` \| (works|administrators|not offered)(?:: .+)? \|$")
GROUP = "openstack.identity.v3"
# How a refused command ends. Two of them end well all the same: the steps after them look at what was done.
SAYS_NO = re.compile("403|Policy doesn't allow")
SILENT = ("role add", "role remove", "group contains user")
# Commands that print a thing or things, and so can print them as JSON
PRINTS = re.compile(r"( create| show| list| issue|limit set)$")


@dataclass(frozen=True)
class Ran:
    """A step as it was taken: with what stands for its names, and how it ended."""

    step: Step
    line: str
    said: Said
    wrong: str

    def __str__(self) -> str:
        end = f"-> {self.said.status}\n{self.said.out}{self.said.err}"
        return f"{self.step.who}: {self.line} {end}{self.wrong}"


class Names(dict[str, str]):
    """A step that failed has named nothing; the next ones that need it then fail as well, and say so."""

    def __missing__(self, name: str) -> str:
        return f"no-{name}"


class Cloud:
    """The people, and what the names in the steps stand for."""

    def __init__(self, clients: kept.Clients, auth: dict[str, str], folder: Path) -> None:
        admin = kept.Caller(clients, auth)
        filters = folder / "filters.json"
        filters.write_text('{"interface": "public"}')
        self.names = Names(filters=str(filters), any="0" * 32, password="the word of member")
        self.people = {
            ADMIN: admin,
            MEMBER: self._person(admin, "member", "own"),
            STRANGER: self._person(admin, "stranger", "other"),
        }
        mine = admin.data("token issue")
        self.names |= {"admin": mine["user_id"], "admin_project": mine["project_id"]}
        roles = {role["Name"]: role["ID"] for role in admin.data("role list")}
        self.names |= {f"{name}_role": roles[name] for name in ("admin", "member")}

    def _person(self, admin: kept.Caller, name: str, called: str) -> kept.Caller:
        password = f"the word of {name}"
        project = admin.data("project create", f"project-of-{name}")["id"]
        user = admin.data("user create", "--password", password, name)["id"]
        admin.openstack("role", "add", "--project", project, "--user", user, "member")
        self.names |= {called: user, f"{called}_project": project}
        login = {"username": name, "password": password, "project_name": f"project-of-{name}"}
        return kept.Caller(admin.clients, admin.auth | login)

    def take(self, step: Step) -> Ran:
        arguments = [word.format_map(self.names) for word in shlex.split(step.arguments)]
        as_json = ["-f", "json"] if PRINTS.search(step.command) else []
        command = [*step.command.split(), *as_json, *arguments]
        said = self.people[step.who].openstack(*command, check=False)
        return Ran(step, shlex.join(command), said, self._wrong(step, said))

    def _wrong(self, step: Step, said: Said) -> str:
        """What is not as the step has it; empty if nothing."""
        text = said.out + said.err
        if step.refused:
            ended = said.status != 0 and step.refused in text
            return "" if ended else f"not refused with {step.refused!r}"
        if said.status != 0:
            return "refused"
        missing = [words for words in step.shows if words.format_map(self.names) not in text]
        if missing:
            return f"does not show {missing}"
        if step.hides and step.hides.format_map(self.names) in text:
            return f"shows {step.hides}"
        return self._keep(step, said) if step.keep else ""

    def _keep(self, step: Step, said: Said) -> str:
        name, _, path = step.keep.partition("=")
        found: Any = json.loads(said.out)
        try:
            for part in path.split("."):
                found = found[int(part)] if isinstance(found, list) else found[part]
        except LookupError:
            return f"has no {path}"
        self.names[name] = str(found)
        return ""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("identity")
    with kept.clients() as clients, alone.started(folder) as knarr:
        yield Cloud(clients, knarr.admin(), folder)


@pytest.fixture(scope="module")
def ran(cloud: Cloud) -> list[Ran]:
    """All stories, told once."""
    return [cloud.take(step) for step in STEPS]


def table() -> dict[str, str]:
    """{command: what it comes to}, as documented."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    rows = [ROW.match(line) for line in lines]
    assert None not in rows
    return {row.group(1): row.group(2) for row in rows if row}


def test_each_command_does_what_is_told_of_it(ran: list[Ran]) -> None:
    wrong = [str(one) for one in ran if one.wrong]
    assert not wrong, "\n".join(wrong)


def test_no_failure_is_a_fault_of_the_server_or_the_client(ran: list[Ran]) -> None:
    faults = [str(one) for one in ran if re.search(r"HTTP 5\d\d|Traceback|Error: ", one.said.err)]
    assert not faults, "\n".join(faults)


def test_the_table_names_every_command_of_the_client(cloud: Cloud) -> None:
    groups = cloud.people[ADMIN].data("command list", "--group", GROUP)
    (known,) = (group["Commands"] for group in groups if group["Command Group"] == GROUP)
    assert set(table()) == set(known)


@pytest.mark.parametrize("name", [name for name, result in table().items() if result == "works"])
def test_what_the_table_says_to_work_works_for_a_member(ran: list[Ran], name: str) -> None:
    assert any(one.step.who == MEMBER and not one.said.status for one in ran if one.step.command == name)


@pytest.mark.parametrize("name", [name for name, result in table().items() if result == "administrators"])
def test_what_is_for_administrators_works_for_them_and_is_refused_to_a_member(
    ran: list[Ran], name: str
) -> None:
    done = [one for one in ran if one.step.command == name]
    assert any(one.step.who == ADMIN and not one.said.status for one in done)
    by_members = [one for one in done if one.step.who == MEMBER]
    assert by_members
    if name in SILENT:
        return
    assert all(SAYS_NO.search(one.said.err) for one in by_members), [str(one) for one in by_members]


def test_what_is_not_offered_is_of_the_groups_that_are_not() -> None:
    absent = {name for name, result in table().items() if result == "not offered"}
    assert absent == {name for name in table() if name.startswith(tuple(NOT_OFFERED))}


# Every way to log in, by the client's own variables for it


@pytest.fixture(scope="module")
def logins(cloud: Cloud) -> dict[str, Any]:
    """What {name} stands for in WAYS: things that the administrator lends, and to whom."""
    admin = cloud.people[ADMIN]
    stranger = cloud.people[STRANGER]
    own = cloud.names["admin"]
    trustee = cloud.names["other"]
    lent = admin.data("trust create", "--project", "admin", "--role", "reader", own, trustee)
    secret = admin.data("application credential create", "--role", "reader", "for-logins")
    admin.openstack("role", "add", "--domain", "default", "--user", own, "admin")
    return {
        "trust": lent["id"],
        "credential": secret["ID"],
        "secret": secret["Secret"],
        "token": admin.data("token issue")["id"],
        "stranger": stranger.auth["username"],
        "stranger_password": stranger.auth["password"],
        "user": own,
        "other": trustee,
        "admin_project": cloud.names["admin_project"],
    }


NO_PROJECT = {"project_name": None, "project_domain_name": None}
NOBODY = NO_PROJECT | {"username": None, "password": None, "user_domain_name": None}
STRANGERS = {"username": "{stranger}", "password": "{stranger_password}"}
# How somebody logs in (what differs from the administrator's password), and what the token then says.
WAYS: dict[str, tuple[dict[str, str | None], dict[str, str]]] = {
    "on a project": ({}, {"user_id": "{user}", "project_id": "{admin_project}"}),
    "on no scope": (NO_PROJECT, {"user_id": "{user}"}),
    "on a domain": (NO_PROJECT | {"domain_name": "Default"}, {"domain_id": "default"}),
    "on the system": (NO_PROJECT | {"system_scope": "all"}, {"system": "all"}),
    "with a token": (
        NOBODY | {"auth_type": "v3token", "token": "{token}", "project_id": "{admin_project}"},
        {"project_id": "{admin_project}", "user_id": "{user}"},
    ),
    "with an application credential": (
        NOBODY
        | {
            "auth_type": "v3applicationcredential",
            "application_credential_id": "{credential}",
            "application_credential_secret": "{secret}",
        },
        {"project_id": "{admin_project}", "user_id": "{user}"},
    ),
    "on a trust": (
        NO_PROJECT | STRANGERS | {"trust_id": "{trust}"},
        {"project_id": "{admin_project}", "user_id": "{other}"},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_client_logs_in(cloud: Cloud, logins: dict[str, Any], way: str) -> None:
    changes, expected = WAYS[way]
    auth = {**cloud.people[ADMIN].auth, **changes}
    caller = kept.Caller(
        cloud.people[ADMIN].clients,
        {name: value.format_map(logins) for name, value in auth.items() if value is not None},
    )
    shown = caller.data("token issue")
    del shown["id"], shown["expires"]
    assert shown.items() >= {name: value.format_map(logins) for name, value in expected.items()}.items()
    scopes = {"project_id", "domain_id", "system"}
    assert scopes & set(shown) == scopes & set(expected)
