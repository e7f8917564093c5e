"""Names that users write: of images and of signals."""

from __future__ import annotations

import signal

from knarr.services.container.drivers.base import InvalidRequest

HUB = "docker.io"
HUB_NAMES = (f"{HUB}/", "index.docker.io/")


def has_domain(ref: str) -> bool:
    first, slash, _ = ref.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def registry_of(ref: str) -> str:
    return ref.partition("/")[0] if has_domain(ref) else HUB


def split_ref(ref: str) -> tuple[str, str]:
    """``host:5000/a/b:1`` -> (``host:5000/a/b``, ``1``); ``a@sha256:…`` -> (``a``, ``sha256:…``)."""
    repo, at, digest = ref.partition("@")
    if at:
        return repo, digest
    head, colon, tag = ref.rpartition(":")
    if colon and "/" not in tag:
        return head, tag
    return ref, "latest"


def canonical(ref: str) -> str:
    """One name for the ways to write it: ``docker.io/library/box`` and ``box`` are ``box:latest``."""
    for hub in HUB_NAMES:
        ref = ref.removeprefix(hub)
    repo, tag = split_ref(ref.removeprefix("library/"))
    return f"{repo}:{tag}"


def repository(ref: str) -> str:
    """The name without tag and digest, in its one form: ``docker.io/box:1@sha256:…`` -> ``box``."""
    return split_ref(canonical(ref.partition("@")[0]))[0]


def signal_name(wanted: str | int) -> str:
    """``9``, ``"kill"``, ``"SIGKILL"`` -> ``"SIGKILL"``; real-time ones as ``SIGRTMIN+3``."""
    text = str(wanted).strip().upper()
    if text.isdigit():
        if 1 <= int(text) <= signal.SIGRTMAX:
            return text
        raise InvalidRequest(
            f"signal {wanted} does not exist: give a number from 1 to {int(signal.SIGRTMAX)}"
        )
    name = text if text.startswith("SIG") else f"SIG{text}"
    if name in signal.Signals.__members__ or _real_time(name):
        return name
    raise InvalidRequest(
        f"signal {str(wanted)!r} does not exist: give a number or a name like TERM or SIGTERM"
    )


def _real_time(name: str) -> bool:
    base, sign, offset = name[:8], name[8:9], name[9:]
    room = signal.SIGRTMAX - signal.SIGRTMIN
    wanted = {"SIGRTMIN": "+", "SIGRTMAX": "-"}.get(base)
    return sign == wanted and offset.isdigit() and int(offset) <= room
