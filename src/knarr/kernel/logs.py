"""Logging: one line per event, the request id on every line, secrets masked.

`setup()` configures the root logger once per process. Code logs with the standard library; whatever stands
where a secret stands (a token, a password, a key in a URL) is masked in the finished line, so that no caller
has to think of it.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO, Any

import orjson

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

MASK = "***"

# The ends of the names under which secrets travel in headers, JSON, reprs, URLs and command lines. What
# stands before ("X-Auth-Token", "mysql_root_password") need not be looked at.
_NAME = (
    r"(?:token|password|passwd|admin_?pass|secret|secret[_-]key|private[_-]key|authorization"
    r"|registry[_-]auth|credential(?:_?blob)?)"
)
_QUOTED = r"""({name}["']?\s*[:=]\s*[ub]?)(["'])(?:\\.|(?!\2).)*\2"""
_BARE = r"""({name}["']?\s*[:=]\s*)((?:basic|bearer)\s+)?[^\s"'&,;}}\)\]\[]+"""
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # "password": "x", 'token': 'x', password="x"
    (re.compile(_QUOTED.format(name=_NAME), re.IGNORECASE), rf"\1\2{MASK}\2"),
    # X-Auth-Token: x, Authorization: Bearer x, password=x
    (re.compile(_BARE.format(name=_NAME), re.IGNORECASE), rf"\1\2{MASK}"),
    # scheme://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]*:)[^\s@/]+(@)", re.IGNORECASE), rf"\1{MASK}\2"),
    # Fernet tokens, whatever they stand behind
    (re.compile(r"\bgAAAAA[A-Za-z0-9_=-]{20,}"), MASK),
)
_SECRET_FIELD = re.compile(_NAME + "$", re.IGNORECASE)

# Most lines have nothing to hide; this finds out with one pass.
_SUSPECT = re.compile(r"token|pass|secret|auth|credential|private_key|gAAAAA|://[^\s/@]+@", re.IGNORECASE)

# What every LogRecord has; anything else was given as `extra` and is printed with the line.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

# Libraries that say too much at the level that is chosen for our own code.
QUIET = ("alembic", "docker", "keystoneauth", "keystonemiddleware", "pyroute2", "stevedore", "urllib3")


def mask(text: str) -> str:
    """The text with the values of tokens, passwords and keys replaced by ***."""
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@contextmanager
def request(identity: str | None) -> Iterator[None]:
    """Put this request id on the lines that this thread logs in the block."""
    token = request_id.set(identity)
    try:
        yield
    finally:
        request_id.reset(token)


def setup(
    level: str = "INFO",
    fmt: str = "plain",
    stream: IO[str] | None = None,
    levels: Mapping[str, str] | None = None,
) -> None:
    """Send all logging to `stream` (standard error) as lines of `fmt` "plain" or "json".

    `levels` overrides the level of single loggers. Raises ValueError for an unknown level or format.
    """
    if fmt not in FORMATTERS:
        raise ValueError(f"unknown log format {fmt!r}: use one of {', '.join(FORMATTERS)}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(FORMATTERS[fmt]())
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, _Formatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name, own in (levels or {}).items():
        logging.getLogger(name).setLevel(own.upper())


class _Formatter(logging.Formatter):
    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What the line says: the fields in order, unmasked."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "level": record.levelname,
            "logger": record.name,
            "request_id": request_id.get(),
            "message": record.getMessage(),
        }
        line.update((k, v) for k, v in vars(record).items() if k not in _STANDARD)
        if record.exc_info and record.exc_info[0]:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return line


class PlainFormatter(_Formatter):
    """2026-01-31T12:00:00.123Z INFO knarr.kernel.engine [req-…] message key=value"""

    def format(self, record: logging.LogRecord) -> str:
        line = self.fields(record)
        request = line.pop("request_id") or "-"
        head = f"{line.pop('time')} {line.pop('level')} {line.pop('logger')} [{request}]"
        # A message with line breaks in it, from wherever, must not look like several events.
        message = line.pop("message").replace("\r", "\\r").replace("\n", "\\n")
        trace = line.pop("traceback", "")
        extra = "".join(f" {key}={value!r}" for key, value in line.items())
        return mask(f"{head} {message}{extra}" + (f"\n{trace}" if trace else ""))


class JsonFormatter(_Formatter):
    """One JSON object per line with time, level, logger, request_id, message, extras and, for errors,
    traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {k: self._masked(k, v) for k, v in self.fields(record).items()}
        return orjson.dumps(line, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def _masked(key: str, value: Any) -> Any:
        if _SECRET_FIELD.search(key):
            return MASK
        if value is None or isinstance(value, int | float | bool):
            return value
        return mask(value if isinstance(value, str) else repr(value))


FORMATTERS: dict[str, type[_Formatter]] = {"plain": PlainFormatter, "json": JsonFormatter}
