"""Format versions of execution plans, and what each of them allows."""

from __future__ import annotations

import re
from typing import Any

from knarr_agent.errors import UnsupportedFormat

Version = tuple[int, int, int]

LEGACY = "1.0.0"  # also what a plan without FormatVersion has
NEWEST: Version = (2, 2, 0)
CONFIGURATION_TOOLS: Version = (2, 1, 0)  # scripts of types Chef and Puppet
DOWNLOADS: Version = (2, 1, 0)  # files of type Downloadable
BERKSHELF: Version = (2, 2, 0)  # options useBerkshelf and berksfilePath

SCRIPT_TYPES: dict[str, Version] = {
    "Application": (2, 0, 0),
    "Chef": CONFIGURATION_TOOLS,
    "Puppet": CONFIGURATION_TOOLS,
}

# Options of scripts: what they must be, since which format, and for which type (none: any).
OPTIONS: dict[str, tuple[type, Version, str | None]] = {
    "captureStdout": (bool, (2, 0, 0), None),
    "captureStderr": (bool, (2, 0, 0), None),
    "verifyExitcode": (bool, (2, 0, 0), None),
    "useBerkshelf": (bool, BERKSHELF, "Chef"),
    "berksfilePath": (str, BERKSHELF, "Chef"),
}

_VERSION = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?", re.ASCII)


def text(version: Version) -> str:
    return ".".join(map(str, version))


def parse(value: Any) -> Version:
    """The version that a plan's FormatVersion names; nothing means 1.0.0. Raises UnsupportedFormat."""
    written = LEGACY if value is None else str(value)
    found = _VERSION.fullmatch(written.strip()) if not isinstance(value, bool) else None
    if found is None:
        raise UnsupportedFormat(f"FormatVersion: {written!r} is no version; versions look like 2.1.0")
    major, minor, patch = (int(part or 0) for part in found.groups())
    if (major, minor, patch) > NEWEST:
        raise UnsupportedFormat(f"FormatVersion: {written} is not known; the newest one is {text(NEWEST)}")
    return major, minor, patch


def is_legacy(version: Version) -> bool:
    """Whether plans of this version are lists of commands for Windows rather than a body with scripts."""
    return version < (2, 0, 0)
