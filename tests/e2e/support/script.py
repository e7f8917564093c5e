"""A script of a client's commands, and the table of the documentation that says what each comes to.

A line is `who: command`. Before the command may stand `name = ` (its id is kept as {name}), `!` (it must
fail) and `~` (it is given again until it does what it should); after it ` >> text` (which it must print) or
` !> text` (which it must not).
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .clients import Said

ROW = re.compile(r"^\| `([a-z0-9 ]+)` \| (works|administrators|not offered)(?:: .+)? \|$")
LINE = re.compile(
    r"(?P<who>\w+): (?P<sign>[!~] )?(?:(?P<name>\w+) = )?(?P<command>.+?)(?: (?P<how>>>|!>) (?P<text>.+))?$"
)
# How a command ends that was refused. The last is a client that does not pass on why.
SAYS_NO = re.compile("Policy doesn't allow|403|Failed to clear image cache")
FAULT = re.compile(r"\b500: |HTTP 500\b|Traceback")
SECONDS = 30.0

Run = Callable[[str], Said]
"""Gives a command line to the client as somebody."""


class _Names(dict[str, str]):
    """A command that failed has named nothing; the next ones that need it then fail as well, and say so."""

    def __missing__(self, name: str) -> str:
        return f"no-{name}"


@dataclass(frozen=True)
class Ran:
    """A command that was given: who by, what it was, how it ended, and whether that is as it should be."""

    who: str
    command: str
    said: Said
    right: bool

    def __str__(self) -> str:
        return f"{self.who}: {self.command} -> {self.said.status}\n{self.said.out}{self.said.err}"


def play(
    script: str,
    people: Mapping[str, Run],
    names: dict[str, str],
    named: Callable[[str], None] = lambda name: None,
) -> Iterator[Ran]:
    """Give every command in its turn. `names` has what stands in braces, and gets what is kept, of which
    `named` is told."""
    for text in script.replace("\\\n", "").splitlines():
        if not text:
            continue
        line = LINE.match(text)
        assert line, text
        command = line["command"].format_map(names)
        kept = line["name"] and "-f value" not in command
        said, right = _give(
            people[line["who"]], f"{command} -f value -c id" if kept else command, line, names
        )
        if line["name"]:
            names[line["name"]] = said.out.strip()
            named(line["name"])
        yield Ran(line["who"], command, said, right)


def _give(run: Run, command: str, line: re.Match[str], names: dict[str, str]) -> tuple[Said, bool]:
    end = time.monotonic() + (SECONDS if line["sign"] == "~ " else 0)
    while True:
        said = run(command)
        right = (said.status != 0) is (line["sign"] == "! ")
        if line["how"]:
            is_there = line["text"].format_map(_Names(names)) in said.out + said.err
            right = right and is_there is (line["how"] == ">>")
        if right or time.monotonic() > end:
            return said, right
        time.sleep(0.1)


def table(path: Path) -> dict[str, str]:
    """{command: what it comes to}, as documented."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("| `")]
    rows = [ROW.match(line) for line in lines]
    assert all(rows), lines
    return {row.group(1): row.group(2) for row in rows if row}


def by_command(ran: list[Ran], known: Mapping[str, str]) -> dict[str, list[Ran]]:
    """What was given of each documented command; the longest name that fits is the command."""
    longest = sorted(known, key=len, reverse=True)
    found = defaultdict(list)
    for one in ran:
        found[next(name for name in longest if f"{one.command} ".startswith(f"{name} "))].append(one)
    return found


def untrue(ran: list[Ran], known: Mapping[str, str]) -> list[str]:
    """The rows of the table that what was given does not bear out."""
    done = by_command(ran, known)
    return [f"{name}: {known[name]}" for name in known if not _CHECKS[known[name]](done[name])]


def _works(ran: list[Ran]) -> bool:
    return any(one.who == "member" and not one.said.status for one in ran)


def _administrators(ran: list[Ran]) -> bool:
    """Members are refused for what they are, and always."""
    asked = [one for one in ran if one.who == "member"]
    return bool(asked) and all(one.said.status and _refused(one.said) for one in asked)


def _refused(said: Said) -> bool:
    return bool(SAYS_NO.search(said.err))


def _not_offered(ran: list[Ran]) -> bool:
    return not any(not one.said.status for one in ran)


_CHECKS = {"works": _works, "administrators": _administrators, "not offered": _not_offered}


def faults(ran: list[Ran]) -> list[str]:
    """What failed by a fault of the server or the client."""
    return [str(one) for one in ran if FAULT.search(one.said.err)]
