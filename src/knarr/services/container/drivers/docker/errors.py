"""Turns what the SDK and the engine say into the contract's errors: the one place that reads the engine's
sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from knarr.services.container.drivers.base import (
    CommandNotFound,
    EngineConflict,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    SandboxDown,
)

# First match wins: (HTTP status or None for any, pattern in the engine's text, kind of error)
RULES: tuple[tuple[int | None, str, type[EngineError]], ...] = (
    (None, r"cannot join network of a non running|network namespace of a non running", SandboxDown),
    (None, r"dependency container", SandboxDown),
    (404, r"(?i)no such image|image not known", ImageNotFound),
    (404, r"(?i)not exist in container|could not find the file|no such file", NotThere),
    (
        None,
        r"executable file .*not found|exec: .*(no such file|permission denied|is a directory)",
        CommandNotFound,
    ),
    (None, r"(?i)exec format error|chdir to cwd .* failed", CommandNotFound),
    (404, r"", NotThere),
    (400, r"", InvalidRequest),
    (409, r"", EngineConflict),
    (
        None,
        r"(?i)is not running|is not paused|already paused|is already in use|is restarting",
        EngineConflict,
    ),
    (
        None,
        r"(?i)must be (a|at|less|in)|not allowed|invalid|unknown runtime|minimum memory limit",
        InvalidRequest,
    ),
    (None, r"(?i)memory limit|memory\.limit_in_bytes|memory\.memsw", InvalidRequest),
    (None, r"(?i)bind source path does not exist|error running ps|ps:", InvalidRequest),
    (None, r"(?i)no such container", NotThere),
)
_RULES = tuple((status, re.compile(pattern), kind) for status, pattern, kind in RULES)


def from_answer(status: int, text: str, what: str) -> EngineError:
    """The error for an answer of the engine; ``what`` says what was tried ("starting zun-…")."""
    text = (text or f"status {status}").strip()
    for wanted, pattern, kind in _RULES:
        if wanted in (None, status) and pattern.search(text):
            return kind(f"{what}: {_readable(text)}")
    return EngineError(f"{what}: {_readable(text)}")


def _readable(text: str) -> str:
    """Without the runtime's own repetitions; one line."""
    text = re.sub(r"(failed to create (shim )?task(: )?|OCI runtime create failed: |: unknown$)", "", text)
    text = re.sub(r"(container_linux|process_linux|rootfs_linux)\.go:\d+: ", "", text)
    return " ".join(text.split())


@contextmanager
def translated(what: str, where: str) -> Iterator[None]:
    """Lets only the contract's errors out. ``where``: the engine's address, for errors of the
    connection."""
    import docker.errors
    import requests.exceptions
    import urllib3.exceptions

    try:
        yield
    except EngineError:
        raise
    except docker.errors.APIError as error:
        status = error.response.status_code if error.response is not None else 500
        raise from_answer(status, str(error.explanation or error), what) from error
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError) as error:
        raise EngineTimeout(f"{what}: the engine at {where} did not answer in time") from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise EngineUnavailable(f"{what}: the engine at {where} does not answer: {_cause(error)}") from error
    except docker.errors.DockerException as error:
        raise EngineUnavailable(f"{what}: the engine at {where} cannot be used: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    """The innermost reason in words: the libraries wrap "No such file or directory" four times."""
    found = re.findall(
        r"(?:FileNotFoundError|PermissionError|ConnectionRefusedError|OSError)\(([^()]*)\)", str(error)
    )
    if found:
        return found[-1].split(",", 1)[-1].strip(" '\"")
    return " ".join(str(error).split())[:300]
