"""What commands do in a fake container: a plan of what is printed when, and how it ends. Nothing is
executed.

A small part of the shell is understood: ``;`` ``&&`` ``||``, newlines, and an endless ``while true; do …;
done``. A program that is not known here runs until it is stopped, like a server.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

STDOUT, STDERR = 1, 2
NOT_FOUND, NOT_EXECUTABLE = 127, 126
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SHELLS = ("sh", "bash", "ash", "dash")
BUSY = ("yes", "stress", "stress-ng", ":", "dd")
PING_TARGET_TIME = "0.042"


@dataclass(frozen=True, slots=True)
class Line:
    """Text (with its newline) on one output, so many seconds after the start."""

    at: float
    text: str
    stream: int = STDOUT


@dataclass(slots=True)
class Plan:
    """``ends`` None: runs until it is stopped. ``again``: (from, period, lines) repeats; ``{seq}`` in them
    counts."""

    lines: list[Line] = field(default_factory=list)
    ends: float | None = 0.0
    exit_code: int = 0
    again: tuple[float, float, tuple[Line, ...]] | None = None
    busy: bool = False

    def output(self, elapsed: float, most: int = 10_000) -> list[Line]:
        """What was printed until now; of endless repetitions the last ``most`` lines."""
        until = elapsed if self.ends is None else min(elapsed, self.ends)
        printed = [line for line in self.lines if line.at <= until]
        if self.again:
            first, period, lines = self.again
            rounds = int(max(0.0, until - first) / period) + 1 if until >= first else 0
            begin = max(0, rounds - most // max(1, len(lines)))
            for seq in range(begin, rounds):
                printed += [
                    Line(first + seq * period + line.at, line.text.replace("{seq}", str(seq)), line.stream)
                    for line in lines
                    if first + seq * period + line.at <= until
                ]
        return printed[-most:]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a program may look at."""

    hostname: str
    environment: Mapping[str, str]
    read_file: Callable[[str], bytes | None]
    list_dir: Callable[[str], list[str] | None]
    missing: re.Pattern[str]
    interactive: bool = False
    workdir: str = "/"


def plan(argv: Sequence[str], around: Surroundings) -> Plan:
    """The plan for one command line. An empty one is a server."""
    if not argv:
        return Plan(ends=None)
    name = argv[0].rsplit("/", 1)[-1]
    if name in SHELLS:
        return _shell(argv[1:], around)
    program = PROGRAMS.get(name)
    if program:
        return program(list(argv[1:]), around)
    if found(argv[0], around):
        return Plan(ends=None, busy=name in BUSY)
    return _says(f"{argv[0]}: not found", NOT_FOUND, STDERR)


def found(command: str, around: Surroundings) -> bool:
    return not around.missing.search(command)


def _says(text: str, code: int = 0, stream: int = STDOUT) -> Plan:
    return Plan([Line(0.0, text + "\n", stream)], exit_code=code)


# -- the shell ----------------------------------------------------------------


def _shell(arguments: Sequence[str], around: Surroundings) -> Plan:
    if "-c" not in [option for option in arguments if option.startswith("-")] and not any(
        re.fullmatch(r"-\w*c\w*", option) for option in arguments
    ):
        return Plan(ends=None) if around.interactive else Plan()
    script = next((argument for argument in arguments if not argument.startswith("-")), "")
    return script_plan(script, around)


LOOP = re.compile(
    r"while\s+(?:true|:|sleep\s+(?P<pause>[\d.]+))\s*;\s*do\s+(?P<body>.*?);?\s*done", re.DOTALL
)


def script_plan(script: str, around: Surroundings) -> Plan:
    whole = Plan()
    loop = LOOP.search(script)
    if loop:
        whole = _sequence(script[: loop.start()], around)
        if whole.ends is None:
            return whole
        body = _sequence((f"sleep {loop['pause']};" if loop["pause"] else "") + loop["body"], around)
        if body.ends is None:
            return _after(whole, body)
        period = max(body.ends, 0.01)
        whole.again = (whole.ends or 0.0, period, tuple(body.lines))
        whole.busy = body.ends == 0
        whole.ends = None
        return whole
    return _sequence(script, around)


def _sequence(script: str, around: Surroundings) -> Plan:
    whole = Plan()
    for joiner, command in _commands(script):
        if (joiner == "&&" and whole.exit_code) or (joiner == "||" and not whole.exit_code):
            continue
        if command[0] == "exit":
            whole.exit_code = (
                int(command[1]) % 256 if len(command) > 1 and command[1].isdigit() else whole.exit_code
            )
            return whole
        if command[0] == "exec":
            return _after(whole, plan(command[1:], around))
        whole = _after(whole, plan(_expanded(command, around), around))
        if whole.ends is None:
            return whole
    return whole


def _commands(script: str) -> list[tuple[str, list[str]]]:
    """(what joins it to the one before, its words)"""
    try:
        lexer = shlex.shlex(script.replace("\n", " ; "), posix=True, punctuation_chars=";&|<>")
        lexer.whitespace_split = True
        tokens = list(lexer)
    except ValueError:
        return []
    commands: list[tuple[str, list[str]]] = []
    words: list[str] = []
    joiner, to_file = ";", False
    for token in tokens:
        if token in (";", "&&", "||", "|", "&"):
            if words:
                commands.append((joiner, words))
            joiner, words = token, []
        elif token.startswith((">", "<")):
            to_file = True
        elif to_file:
            to_file = False
        else:
            words = [*words, token]
    if words:
        commands.append((joiner, words))
    return commands


def _expanded(words: Sequence[str], around: Surroundings) -> list[str]:
    known = {**around.environment, "HOSTNAME": around.hostname}
    return [re.sub(r"\$\{?(\w+)\}?", lambda match: known.get(match[1], ""), word) for word in words]


def _after(first: Plan, second: Plan) -> Plan:
    shift = first.ends or 0.0
    lines = [*first.lines, *(Line(line.at + shift, line.text, line.stream) for line in second.lines)]
    again = second.again and (second.again[0] + shift, *second.again[1:])
    ends = None if second.ends is None else second.ends + shift
    return Plan(lines, ends, second.exit_code, again, second.busy)


# -- the programs -------------------------------------------------------------


def _sleep(arguments: list[str], around: Surroundings) -> Plan:
    total = 0.0
    for argument in arguments:
        if argument in ("inf", "infinity"):
            return Plan(ends=None)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", argument)
        if not match:
            return _says(f"sleep: invalid number '{argument}'", 1, STDERR)
        total += float(match[1]) * UNITS[match[2]]
    return Plan(ends=total)


def _echo(arguments: list[str], around: Surroundings) -> Plan:
    newline = "\n"
    if arguments[:1] == ["-n"]:
        arguments, newline = arguments[1:], ""
    return Plan([Line(0.0, " ".join(arguments) + newline)])


def _cat(arguments: list[str], around: Surroundings) -> Plan:
    if not arguments:
        return Plan(ends=None) if around.interactive else Plan()
    whole = Plan()
    for path in arguments:
        data = around.read_file(path)
        if data is None:
            whole.lines.append(Line(0.0, f"cat: can't open '{path}': No such file or directory\n", STDERR))
            whole.exit_code = 1
        else:
            whole.lines.append(Line(0.0, data.decode("utf-8", "replace")))
    return whole


def _ls(arguments: list[str], around: Surroundings) -> Plan:
    path = next((argument for argument in arguments if not argument.startswith("-")), around.workdir)
    names = around.list_dir(path)
    if names is None:
        return _says(f"ls: {path}: No such file or directory", 1, STDERR)
    return Plan([Line(0.0, "".join(f"{name}\n" for name in names))])


def _ping(arguments: list[str], around: Surroundings) -> Plan:
    count, host = None, "localhost"
    words = iter(arguments)
    for word in words:
        if word in ("-c", "-w", "-W", "-i", "-s", "-I"):
            value = next(words, "0")
            count = int(value) if word == "-c" and value.isdigit() else count
        elif not word.startswith("-"):
            host = word
    head = Line(0.0, f"PING {host} ({host}): 56 data bytes\n")
    answer = f"64 bytes from {host}: seq={{seq}} ttl=64 time={PING_TARGET_TIME} ms\n"
    if count is None:
        return Plan([head], None, 0, (0.0, 1.0, (Line(0.0, answer),)))
    lines = [head, *(Line(float(i), answer.replace("{seq}", str(i))) for i in range(count))]
    end = float(max(0, count - 1))
    lines.append(
        Line(
            end,
            f"\n--- {host} ping statistics ---\n"
            f"{count} packets transmitted, {count} packets received, 0% packet loss\n",
        )
    )
    return Plan(lines, end)


def _tail(arguments: list[str], around: Surroundings) -> Plan:
    paths = [argument for argument in arguments if not argument.startswith("-")]
    shown = _cat(paths, around) if paths else Plan()
    if any(argument in ("-f", "-F") for argument in arguments):
        shown.ends = None
    return shown


def _env(arguments: list[str], around: Surroundings) -> Plan:
    return Plan([Line(0.0, "".join(f"{key}={value}\n" for key, value in around.environment.items()))])


PROGRAMS: dict[str, Callable[[list[str], Surroundings], Plan]] = {
    "sleep": _sleep,
    "echo": _echo,
    "cat": _cat,
    "ls": _ls,
    "ping": _ping,
    "tail": _tail,
    "env": _env,
    "true": lambda arguments, around: Plan(),
    "false": lambda arguments, around: Plan(exit_code=1),
    "hostname": lambda arguments, around: _says(around.hostname),
    "pwd": lambda arguments, around: _says(around.workdir),
    "whoami": lambda arguments, around: _says("root"),
    "id": lambda arguments, around: _says("uid=0(root) gid=0(root)"),
    "uname": lambda arguments, around: _says("Linux"),
    "touch": lambda arguments, around: Plan(),
    "mkdir": lambda arguments, around: Plan(),
}
