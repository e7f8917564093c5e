"""How the Docker driver reads what engines of many ages say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from knarr.services.container.drivers import base, words
from knarr.services.container.drivers.docker import pause
from knarr.services.container.drivers.docker.errors import from_answer
from knarr.services.container.drivers.docker.images import pull_failed
from knarr.services.container.drivers.docker.state import from_inspect, from_list, parse_time
from knarr.services.container.drivers.names import registry_of, signal_name, split_ref

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 min"),
        (3599, "59 mins"),
        (7200, "2 hours"),
        (86400 * 3, "3 days"),
        (-5, "0 seconds"),
    ],
)
def test_spans(ago: int, text: str) -> None:
    assert words.span(NOW - timedelta(seconds=ago), NOW) == text


@pytest.mark.parametrize(
    ("state", "says", "status", "detail", "code", "health"),
    [
        ("running", "Up 5 minutes", "Running", "Up 5 mins", None, None),
        ("running", "Up About a minute (healthy)", "Running", "Up 1 min", None, "healthy"),
        ("running", "Up Less than a second (health: starting)", "Running", "Up 0 seconds", None, "starting"),
        ("running", "Up About an hour", "Running", "Up 1 hour", None, None),
        ("paused", "Up 2 weeks (Paused)", "Paused", "Up 2 weeks (paused)", None, None),
        ("exited", "Exited (0) 2 hours ago", "Stopped", "Exited(0) 2 hours ago", 0, None),
        ("exited", "Exited (137) 3 minutes ago", "Stopped", "Exited(137) 3 mins ago", 137, None),
        ("created", "Created", "Created", "Created", None, None),
        ("restarting", "Restarting (1) 2 seconds ago", "Restarting", "Restarting", None, None),
        ("dead", "Dead", "Dead", "Dead", None, None),
        ("stopped", "Exited (0) 1 second ago", "Stopped", "Exited(0) 1 second ago", 0, None),
        ("something new", "?", "Unknown", "Unknown", None, None),
    ],
)
def test_rows_of_the_list(
    state: str, says: str, status: str, detail: str, code: int | None, health: str | None
) -> None:
    row = {
        "Id": "1",
        "Names": ["/zun-u"],
        "State": state,
        "Status": says,
        "Labels": {"knarr.uuid": "u", "a": "b"},
    }
    seen = from_list(row)
    assert (seen.uuid, seen.status, seen.status_detail, seen.exit_code, seen.health, seen.labels) == (
        "u",
        status,
        detail,
        code,
        health,
        {"a": "b"},
    )


def test_a_start_that_failed_is_an_error() -> None:
    seen = from_inspect(
        {
            "Id": "1",
            "Name": "/zun-u",
            "Config": {},
            "State": {
                "Status": "created",
                "Error": "exec: not found",
                "ExitCode": 127,
                "FinishedAt": "0001-01-01T00:00:00Z",
            },
        }
    )
    assert (seen.status, seen.status_detail, seen.exit_code) == ("Error", "(error)", 127)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2030-01-01T00:00:00.123456789Z", NOW + timedelta(microseconds=123456)),
        ("2030-01-01T00:00:00Z", NOW),
        ("2030-01-01T00:00:00.5Z", NOW + timedelta(seconds=0.5)),
        ("2030-01-01T02:00:00.1+02:00", NOW + timedelta(seconds=0.1)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_times(text: str | None, time: datetime | None) -> None:
    assert parse_time(text) == time


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, "No such container: zun-x", base.NotThere),
        (404, "No such image: nosuch:latest", base.ImageNotFound),
        (404, "Could not find the file /x in container y", base.NotThere),
        (409, "cannot join network of a non running container: abc", base.SandboxDown),
        (409, "Container abc is not running", base.EngineConflict),
        (500, "Container abc is not paused", base.EngineConflict),
        (400, 'exec: "x": executable file not found in $PATH: unknown', base.CommandNotFound),
        (400, "unknown or invalid runtime name: x", base.InvalidRequest),
        (500, "something else", base.EngineError),
        (500, "", base.EngineError),
    ],
)
def test_answers_become_errors(status: int, text: str, kind: type[base.EngineError]) -> None:
    error = from_answer(status, text, "starting zun-x")
    assert type(error) is kind
    assert str(error).startswith("starting zun-x: ")


@pytest.mark.parametrize(
    ("ref", "repo", "tag", "registry"),
    [
        ("busybox", "busybox", "latest", "docker.io"),
        ("team/app:1", "team/app", "1", "docker.io"),
        ("localhost:5000/app", "localhost:5000/app", "latest", "localhost:5000"),
        ("r.example.org/a/b:2", "r.example.org/a/b", "2", "r.example.org"),
        ("app@sha256:00", "app", "sha256:00", "docker.io"),
    ],
)
def test_names_of_images(ref: str, repo: str, tag: str, registry: str) -> None:
    assert split_ref(ref) == (repo, tag)
    assert registry_of(ref) == registry


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("term", "SIGTERM"), ("SIGHUP", "SIGHUP"), (15, "15"), (" usr1 ", "SIGUSR1"), ("rtmin+3", "SIGRTMIN+3")],
)
def test_names_of_signals(wanted: str | int, name: str) -> None:
    assert signal_name(wanted) == name


@pytest.mark.parametrize("machine", list(pause.MACHINES))
def test_the_sandbox_image_is_the_same_each_time_and_small(machine: str) -> None:
    assert pause.image_tar(machine) == pause.image_tar(machine)
    program = pause.program(machine)
    assert program[:4] == b"\x7fELF"
    assert len(program) < 512


@pytest.mark.parametrize(
    ("ref", "said", "kind"),
    [
        (
            "127.0.0.1:50255/a:b",
            "manifest for 127.0.0.1:50255/a:b not found: manifest unknown",
            base.ImageNotFound,
        ),
        ("r.org:502/tls/eof:b", "manifest for r.org:502/tls/eof:b not found", base.ImageNotFound),
        ("r.org/a:b", "received unexpected HTTP status: 503 Service Unavailable", base.RegistryUnavailable),
        (
            "r.org/a:b",
            "Get https://r.org/v2/: dial tcp: lookup r.org: no such host",
            base.RegistryUnavailable,
        ),
        ("r.org/a:b", "Get https://r.org/v2/: EOF", base.RegistryUnavailable),
    ],
)
def test_a_registry_s_name_says_nothing_of_whether_it_answers(ref: str, said: str, kind: type) -> None:
    failed = pull_failed(ref, None, base.EngineError(f"pulling {ref}: {said}"))
    assert type(failed) is kind
