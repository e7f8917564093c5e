"""Execution plans of formats 2.0.0 to 2.2.0, read from what a message holds and checked on the way."""

from __future__ import annotations

import base64
import binascii
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from knarr_agent import formats
from knarr_agent.errors import MalformedPlan, UnsupportedFormat

BODY_TYPES = ("Text", "Base64")
URL_SCHEMES = ("http", "https", "git", "git+http", "git+https", "ssh", "svn")
_ENTRY_POINT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(::[A-Za-z0-9_.-]*)+", re.ASCII)
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class PlanFile:
    """A file that scripts need: its content, or where to download it from. `name` may hold slashes."""

    id: str
    name: str
    content: bytes | None = None
    url: str = ""


@dataclass(frozen=True)
class PlanScript:
    """A script that the body calls by its name.

    `entry_point` is the id of a file for an Application, `module::recipe` for Chef and Puppet.
    """

    name: str
    type: str
    entry_point: str
    files: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A plan that can be run."""

    id: str
    format: formats.Version
    body: str
    name: str = ""
    stamp: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scripts: Mapping[str, PlanScript] = field(default_factory=dict)
    files: Mapping[str, PlanFile] = field(default_factory=dict)


def parse(data: Any) -> Plan:
    """The plan in a JSON value. Raises MalformedPlan naming the key, UnsupportedFormat for the version."""
    if not isinstance(data, dict):
        raise MalformedPlan(f"an execution plan is a JSON object, not {_kind(data)}")
    version = formats.parse(data.get("FormatVersion"))
    if formats.is_legacy(version):
        raise UnsupportedFormat(
            f"FormatVersion: {formats.text(version)} holds commands for Windows; this agent runs 2.0.0 to "
            f"{formats.text(formats.NEWEST)}"
        )
    files = {key: _file(str(key), value, version) for key, value in _mapping(data, "Files").items()}
    scripts = {
        key: _script(str(key), value, version, files) for key, value in _mapping(data, "Scripts").items()
    }
    _mapping(data, "Options")
    return Plan(
        id=_identity(data),
        format=version,
        body=_body(data),
        name=str(data.get("Name") or ""),
        stamp=stamp_of(data),
        parameters=_mapping(data, "Parameters"),
        scripts=scripts,
        files=files,
    )


def stamp_of(data: Mapping[str, Any]) -> int | None:
    """The plan's Stamp, which grows from plan to plan; None if it has none."""
    stamp = data.get("Stamp")
    if stamp is None or stamp == -1:
        return None
    if isinstance(stamp, bool) or not isinstance(stamp, int) or not 0 <= stamp < 2**63:
        raise MalformedPlan("must be a whole number, not negative", "Stamp")
    return stamp


def check_name(name: Any, place: str) -> str:
    """A relative path below a folder of the script. Raises MalformedPlan for everything that leaves it."""
    if not isinstance(name, str) or not name.strip():
        raise MalformedPlan("must be the name of a file", place)
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or ".." in path.parts or not path.parts:
        raise MalformedPlan(
            f"{name!r} leaves the folder of its script; names are relative and without ..", place
        )
    longest = max(len(part.encode("utf-8", "surrogatepass")) for part in path.parts)
    if _UNFIT.search(name) or longest > 255 or len(name) > 1024:
        raise MalformedPlan(f"{name[:80]!r} is no name that a file can have", place)
    return name


def _kind(value: Any) -> str:
    return {type(None): "nothing", list: "a list", str: "text", bool: "a boolean"}.get(
        type(value), f"a value of type {type(value).__name__}"
    )


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedPlan(f"must be a mapping, not {_kind(value)}", key)
    return value


def _identity(data: Mapping[str, Any]) -> str:
    value = data.get("ID")
    if not isinstance(value, str) or not 0 < len(value) <= 255 or _CONTROL.search(value):
        raise MalformedPlan("must be text of 1 to 255 characters", "ID")
    return value


def _body(data: Mapping[str, Any]) -> str:
    value = data.get("Body")
    if not isinstance(value, str):
        raise MalformedPlan("must be Python statements, as text", "Body")
    if "\x00" in value:
        raise MalformedPlan("holds a NUL character", "Body")
    return value


def _file(key: str, data: Any, version: formats.Version) -> PlanFile:
    place = f"Files/{key}"
    if not isinstance(data, dict):
        raise MalformedPlan(f"must be a mapping with Name, and Body or URL, not {_kind(data)}", place)
    if "Type" in data or "URL" in data:
        return _download(key, data, version)
    if "Body" not in data:
        raise MalformedPlan("has neither Body nor URL", place)
    name = check_name(data.get("Name"), f"{place}/Name")
    place = f"{place} ({name})"
    body, body_type = data["Body"], data.get("BodyType", "Text")
    if body_type not in BODY_TYPES:
        raise MalformedPlan(f"must be one of {', '.join(BODY_TYPES)}, not {body_type!r}", f"{place}/BodyType")
    if not isinstance(body, str):
        raise MalformedPlan(f"must be text, not {_kind(body)}", f"{place}/Body")
    if body_type == "Text":
        return PlanFile(key, name, body.encode("utf-8", "surrogatepass"))
    try:
        return PlanFile(key, name, base64.b64decode("".join(body.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise MalformedPlan(f"is not base64: {error}", f"{place}/Body") from error


def _download(key: str, data: Mapping[str, Any], version: formats.Version) -> PlanFile:
    place = f"Files/{key}"
    if version < formats.DOWNLOADS:
        raise MalformedPlan(
            f"files to download need FormatVersion {formats.text(formats.DOWNLOADS)}, "
            f"not {formats.text(version)}",
            place,
        )
    if data.get("Type", "Downloadable") != "Downloadable":
        raise MalformedPlan(f"must be Downloadable, not {data['Type']!r}", f"{place}/Type")
    name = check_name(data.get("Name"), f"{place}/Name")
    return PlanFile(key, name, url=check_url(data.get("URL"), f"{place} ({name})/URL"))


def check_url(url: Any, place: str) -> str:
    """An address that files may be fetched from. Raises MalformedPlan."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        parts = None
    host = (parts.hostname or "") if parts is not None else ""
    if (
        parts is None
        or not host
        or host.startswith("-")
        or parts.scheme.lower() not in URL_SCHEMES
        or _CONTROL.search(url)
    ):
        raise MalformedPlan(f"must be a URL of {', '.join(URL_SCHEMES)}, not {url!r}", place)
    return str(url)


def _script(key: str, data: Any, version: formats.Version, files: Mapping[str, PlanFile]) -> PlanScript:
    place = f"Scripts/{key}"
    if not key.isidentifier() or keyword.iskeyword(key):
        raise MalformedPlan("the name of a script must be one that the body can call", place)
    if not isinstance(data, dict):
        raise MalformedPlan(f"must be a mapping with Type and EntryPoint, not {_kind(data)}", place)
    kind, entry_point = data.get("Type"), data.get("EntryPoint")
    if not isinstance(kind, str) or kind not in formats.SCRIPT_TYPES:
        raise MalformedPlan(
            f"must be one of {', '.join(formats.SCRIPT_TYPES)}, not {kind!r}", f"{place}/Type"
        )
    since = formats.SCRIPT_TYPES[kind]
    if version < since:
        raise MalformedPlan(
            f"{kind} needs FormatVersion {formats.text(since)}, not {formats.text(version)}", f"{place}/Type"
        )
    if not isinstance(entry_point, str):
        raise MalformedPlan("is missing" if entry_point is None else "must be text", f"{place}/EntryPoint")
    _check_entry_point(kind, entry_point, files, f"{place}/EntryPoint")
    return PlanScript(
        key, kind, entry_point, _script_files(data, files, place), _options(data, kind, version, place)
    )


def _check_entry_point(kind: str, entry_point: str, files: Mapping[str, PlanFile], place: str) -> None:
    if kind == "Application":
        if entry_point not in files:
            raise MalformedPlan(f"there is no file {entry_point!r} in Files", place)
        if files[entry_point].url:
            raise MalformedPlan("must be a file of the plan, not one to download", place)
    elif not _ENTRY_POINT.fullmatch(entry_point):
        raise MalformedPlan(f"{entry_point!r} must look like module::recipe", place)


def _script_files(data: Mapping[str, Any], files: Mapping[str, PlanFile], place: str) -> tuple[str, ...]:
    listed = data.get("Files")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise MalformedPlan(f"must be a list, not {_kind(listed)}", f"{place}/Files")
    found = []
    for index, entry in enumerate(listed):
        ident = next(iter(entry)) if isinstance(entry, dict) and len(entry) == 1 else entry
        if not isinstance(ident, str) or ident not in files:
            raise MalformedPlan(f"there is no file {entry!r} in Files", f"{place}/Files/{index}")
        found.append(ident)
    return tuple(found)


def _options(data: Mapping[str, Any], kind: str, version: formats.Version, place: str) -> dict[str, Any]:
    options = data.get("Options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise MalformedPlan(f"must be a mapping, not {_kind(options)}", f"{place}/Options")
    for name, (wanted, since, only_for) in formats.OPTIONS.items():
        if name not in options:
            continue
        at = f"{place}/Options/{name}"
        if version < since:
            raise MalformedPlan(f"needs FormatVersion {formats.text(since)}, not {formats.text(version)}", at)
        if only_for not in (None, kind):
            raise MalformedPlan(f"is for scripts of type {only_for}, not {kind}", at)
        if options[name] is not None and not isinstance(options[name], wanted):
            expected = "true or false" if wanted is bool else "text"
            raise MalformedPlan(f"must be {expected}, not {_kind(options[name])}", at)
    if options.get("berksfilePath"):
        check_name(options["berksfilePath"], f"{place}/Options/berksfilePath")
    return {name: value for name, value in options.items() if value is not None}
