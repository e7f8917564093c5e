"""Builds execution plans from templates and the files of a package.

A template of format 2 names its scripts' files as they lie in `Resources/scripts`; in a plan each of them is
an entry of `Files` under an id. `name` is sent as text, `<name>` as base64, a URL is left to the agent to
download, and `{other name: any of these}` gives it another name on the machine.
"""

from __future__ import annotations

import base64
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from knarr.services.application_catalog.language.errors import SyntaxFault
from knarr.services.application_catalog.language.source import plain
from knarr.services.application_catalog.language.toolbox import bind
from knarr.services.application_catalog.plans.faults import PlanFault
from knarr_agent import formats, plan
from knarr_agent.errors import AgentError, MalformedPlan

SCRIPTS = "scripts"  # folder of the package's Resources
MAX_VALUES = 200_000  # in one template, every text, number, list and mapping counted

Resource = Callable[[str], bytes]


class Stamps:
    """Numbers that grow from plan to plan: tenths of milliseconds since 1970, never one twice."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last = 0
        self._mutex = threading.Lock()

    def __call__(self) -> int:
        with self._mutex:
            self._last = max(self._last + 1, int(self._clock() * 10_000))
            return self._last


class PlanBuilder:
    """Builds plans of one package.

    `resource` gives the bytes of a file of the package's Resources and raises FileNotFoundError; `ids` gives
    the plan's id first, then one for each file that is placed.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        ids: Callable[[], str] = lambda: uuid.uuid4().hex,
        stamps: Callable[[], int] | None = None,
    ) -> None:
        self._resource = resource
        self._ids = ids
        self._stamps = stamps or Stamps()

    def build(
        self, template: Mapping[str, Any] | str | bytes, parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The plan, ready to be sent. The template stays as it is.

        `template` is a mapping, or YAML text; `parameters` are put in where it says `$name`. Raises PlanFault
        that names the key, and the file.
        """
        data = _read(template)
        if parameters is not None:
            data = bind(data, parameters)
        built = _plain(data)
        try:
            version = formats.parse(built.get("FormatVersion"))
        except AgentError as error:
            raise PlanFault(error.message) from error
        if formats.is_legacy(version):
            return self._legacy(built)
        built["ID"] = self._ids()
        built["Stamp"] = self._stamps()
        built.setdefault("Action", "Execute")
        for key in ("Files", "Scripts"):
            built[key] = built.get(key) or {}
            if not isinstance(built[key], dict):
                raise PlanFault("must be a mapping", key)
        self._place_files(built)
        try:
            plan.parse(built)
        except MalformedPlan as error:
            raise PlanFault(error.reason, error.place) from error
        except AgentError as error:
            raise PlanFault(error.message) from error
        return built

    # -- formats 2.x

    def _place_files(self, built: dict[str, Any]) -> None:
        files = built["Files"]
        known: dict[str, str] = {}
        for ident, file in files.items():
            if not isinstance(file, dict) or not isinstance(file.get("Name"), str):
                raise PlanFault("must be a mapping with a Name", f"Files/{ident}")
            known[file["Name"]] = ident
        for name, script in built["Scripts"].items():
            place = f"Scripts/{name}"
            if not isinstance(script, dict):
                raise PlanFault("must be a mapping with Type and EntryPoint", place)
            if "EntryPoint" not in script:
                raise PlanFault("is missing", f"{place}/EntryPoint")
            if script.get("Type") == "Application":
                script["EntryPoint"] = self._placed(script["EntryPoint"], files, known, f"{place}/EntryPoint")
            listed = script.get("Files")
            if listed is not None:
                if not isinstance(listed, list):
                    raise PlanFault("must be a list of files", f"{place}/Files")
                script["Files"] = [
                    self._placed(entry, files, known, f"{place}/Files/{index}")
                    for index, entry in enumerate(listed)
                ]

    def _placed(self, entry: Any, files: dict[str, Any], known: dict[str, str], place: str) -> str:
        """The id of the file that the entry means, placed if it is not yet there."""
        name, source = _entry(entry, place)
        if name not in known:
            described = (
                {"Name": name, "URL": source, "Type": "Downloadable"}
                if _is_url(source)
                else self._content(name, source, place)
            )
            known[name] = self._ids()
            files[known[name]] = described
        return known[name]

    def _content(self, name: str, source: str, place: str) -> dict[str, Any]:
        if _is_bracketed(source):
            body = base64.b64encode(self._file(source[1:-1], place)).decode("ascii") + "\n"
            return {"Name": name, "BodyType": "Base64", "Body": body}
        try:
            return {"Name": name, "BodyType": "Text", "Body": self._file(source, place).decode("utf-8")}
        except UnicodeDecodeError as error:
            message = f"{source} is not text in UTF-8; written as <{source}> it is sent as it is"
            raise PlanFault(message, place) from error

    def _file(self, name: str, place: str) -> bytes:
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts:
            raise PlanFault(f"{name!r} is no file below Resources/{SCRIPTS}", place)
        try:
            return self._resource(f"{SCRIPTS}/{name}")
        except (FileNotFoundError, KeyError) as error:
            raise PlanFault(f"the package has no file Resources/{SCRIPTS}/{name}", place) from error

    # -- format 1

    def _legacy(self, built: dict[str, Any]) -> dict[str, Any]:
        """Scripts, whole, to be loaded before; then commands, one after another."""
        scripts = built.get("Scripts") or []
        if not isinstance(scripts, list) or not all(isinstance(name, str) for name in scripts):
            raise PlanFault("must be a list of names of files, in a plan of format 1", "Scripts")
        built["Scripts"] = [
            base64.b64encode(self._file(name, f"Scripts/{index}")).decode("ascii")
            for index, name in enumerate(scripts)
        ]
        commands = built.get("Commands") or []
        if not isinstance(commands, list):
            raise PlanFault("must be a list of commands", "Commands")
        for index, command in enumerate(commands):
            _check_command(command, f"Commands/{index}")
        if built.get("RebootOnCompletion", 0) not in (0, 1, 2):
            raise PlanFault("must be 0 (never), 1 (if all went well) or 2 (always)", "RebootOnCompletion")
        built["Stamp"] = self._stamps()
        return built


def _check_command(command: Any, place: str) -> None:
    if not isinstance(command, dict) or not isinstance(command.get("Name"), str):
        raise PlanFault("must be a mapping with Name, and with Arguments if it has some", place)
    if not isinstance(command.get("Arguments") or {}, dict):
        raise PlanFault("must be a mapping from names to values", f"{place}/Arguments")


def _entry(entry: Any, place: str) -> tuple[str, str]:
    """The name that a file gets, and where it comes from."""
    if isinstance(entry, dict):
        if len(entry) != 1:
            raise PlanFault("must have one name: `name: source`", place)
        name, source = next(iter(entry.items()))
    else:
        name = source = entry
    if not isinstance(name, str) or not isinstance(source, str) or not name or not source:
        raise PlanFault("must be the name of a file, a URL, or `name: one of these`", place)
    if _is_url(name):
        name = name.rpartition("/")[2]
    elif _is_bracketed(name):
        name = name[1:-1]
    return name, source


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def _is_bracketed(text: str) -> bool:
    return len(text) > 2 and text.startswith("<") and text.endswith(">")


def _read(template: Mapping[str, Any] | str | bytes) -> Mapping[str, Any]:
    if isinstance(template, (str, bytes)):
        try:
            template = plain(template if isinstance(template, str) else template.decode(), "template")
        except (SyntaxFault, UnicodeDecodeError) as error:
            raise PlanFault(f"the template is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(template, Mapping):
        raise PlanFault("a template is a mapping: FormatVersion, Body, Scripts, …")
    return template


def _plain(template: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of what may be frozen, or stand in several places, with texts for keys."""
    left = MAX_VALUES

    def copy(value: Any, place: str) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise PlanFault(f"the template has more than {MAX_VALUES} values")
        if isinstance(value, Mapping):
            return {
                _key(key, place): copy(item, f"{place}/{key}" if place else str(key))
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [copy(item, f"{place}/{index}") for index, item in enumerate(value)]
        if isinstance(value, (set, frozenset)):
            return [copy(item, place) for item in sorted(value, key=str)]
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if hasattr(value, "isoformat"):  # YAML reads dates as such
            return value.isoformat()
        raise PlanFault(f"a value of type {type(value).__name__} cannot be sent", place)

    try:
        copied: dict[str, Any] = copy(template, "")
    except RecursionError as error:
        raise PlanFault("the template is nested too deeply") from error
    return copied


def _key(key: Any, place: str) -> str:
    if isinstance(key, (str, int, float, bool)):
        return str(key)
    raise PlanFault(f"{key!r} is no key that can be sent", place)
