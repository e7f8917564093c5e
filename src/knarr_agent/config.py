"""The agent's configuration: an INI file with the names that agents of the field have always had."""

from __future__ import annotations

import configparser
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from knarr_agent import signature
from knarr_agent.body import DIALECTS
from knarr_agent.errors import ConfigError
from knarr_agent.names import is_queue

DEFAULT_FILE = Path("/etc/murano/agent.conf")
TRANSPORTS = ("folder", "http")
ON_INTERRUPTION = ("rerun", "report")
MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a plan may use; section `[plans]`. Bytes and seconds; a plan_timeout of 0 is none."""

    message: int = 64 * MIB
    output: int = 1 * MIB
    result: int = 8 * MIB
    download: int = 1024 * MIB
    download_timeout: float = 300
    plan_timeout: float = 86_400
    attempts: int = 3
    queued: int = 100
    log: int = 10 * MIB
    python2: str = "auto"
    on_interruption: str = "rerun"


@dataclass(frozen=True)
class Config:
    """The whole configuration. `input_queue` and `result_queue` come from the section `[rabbitmq]`."""

    storage: Path = Path("/var/murano/plans")
    input_queue: str = ""
    result_queue: str = ""
    dynamic_result_queue: bool = False
    engine_key: signature.PublicKey | None = None
    log_file: Path | None = None
    debug: bool = False
    transport: str = "folder"
    folder: Path | None = None
    url: str = ""
    token: str = field(default="", repr=False)
    ca_file: Path | None = None
    limits: Limits = Limits()


def _boolean(text: str) -> bool:
    known = configparser.ConfigParser.BOOLEAN_STATES
    if text.lower() not in known:
        raise ValueError("must be true or false")
    return known[text.lower()]


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise ValueError("must be a number") from None
        if not 0 <= value < 2**63:
            raise ValueError("must be a number, not negative")
        return value

    return read


def _one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return text

    return read


def _text(text: str) -> str:
    return text.strip("'\"")


def _path(text: str) -> Path:
    path = Path(_text(text)).expanduser()
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


# Section and option in the file: the field that it sets, and how it is read.
_OPTIONS: dict[tuple[str, str], tuple[str, Callable[[str], Any]]] = {
    ("DEFAULT", "storage"): ("storage", _path),
    ("DEFAULT", "engine_key"): ("engine_key", signature.load),
    ("DEFAULT", "log_file"): ("log_file", _path),
    ("DEFAULT", "debug"): ("debug", _boolean),
    ("DEFAULT", "enable_dynamic_result_queue"): ("dynamic_result_queue", _boolean),
    ("rabbitmq", "input_queue"): ("input_queue", _text),
    ("rabbitmq", "result_routing_key"): ("result_queue", _text),
    ("transport", "type"): ("transport", _one_of(*TRANSPORTS)),
    ("transport", "folder"): ("folder", _path),
    ("transport", "url"): ("url", _text),
    ("transport", "token"): ("token", _text),
    ("transport", "ca_file"): ("ca_file", _path),
}
_LIMITS: dict[str, Callable[[str], Any]] = {
    one.name: {"int": _positive(int), "float": _positive(float)}.get(str(one.type), _text)
    for one in fields(Limits)
} | {"python2": _one_of(*DIALECTS), "on_interruption": _one_of(*ON_INTERRUPTION)}


def load(path: Path) -> Config:
    """The configuration in the file; options of other agents are passed over. Raises ConfigError."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="\0")
    try:
        with path.open(encoding="utf-8") as stream:
            parser.read_file(stream)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ConfigError(f"{path}: {error}") from error
    found: dict[str, Any] = {}
    for (section, option), (name, read) in _OPTIONS.items():
        text = parser.get(section, option, fallback="").strip()
        if text:
            found[name] = _read(read, text, section, option)
    limits = {
        name: _read(read, text.strip(), "plans", name)
        for name, read in _LIMITS.items()
        if (text := parser.get("plans", name, fallback=""))
    }
    return checked(Config(**found, limits=replace(Limits(), **limits)))


def _read(read: Callable[[str], Any], text: str, section: str, option: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise ConfigError(f"[{section}] {option}: {error}") from error


def checked(config: Config) -> Config:
    """The configuration, if it is complete. Raises ConfigError naming what is missing."""
    if not config.input_queue:
        raise ConfigError(
            "[rabbitmq] input_queue: is missing; the agent would not know which plans are its own"
        )
    for option, name in (("input_queue", config.input_queue), ("result_routing_key", config.result_queue)):
        if name and not is_queue(name):
            raise ConfigError(f"[rabbitmq] {option}: {name!r} is no name of a queue")
    if not config.result_queue and not config.dynamic_result_queue:
        raise ConfigError(
            "[rabbitmq] result_routing_key: is missing; the agent would not know where to answer"
        )
    if config.transport == "folder" and config.folder is None:
        raise ConfigError("[transport] folder: is missing; it is needed for type = folder")
    if config.transport == "http" and not config.url.startswith(("http://", "https://")):
        raise ConfigError("[transport] url: must be an http:// or https:// address for type = http")
    return config
