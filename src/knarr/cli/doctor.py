"""`knarr doctor`: what this host lacks, and how to get it."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from knarr.cli import output, process, settings
from knarr.cli.problem import Problem, told

NEEDED_FILES = 4096


class Check(NamedTuple):
    """`good` is None for what is not there and not needed either: nothing that was configured asks for it."""

    what: str
    good: bool | None
    detail: str
    remedy: str = ""


STATES = {True: "good", False: "BAD", None: "absent"}


def add(subparsers: Any, common: argparse.ArgumentParser) -> None:
    made = subparsers.add_parser(
        "doctor", parents=[common], help="what is missing on this host and how to get it (exit status 0 or 1)"
    )
    made.add_argument("--engine", choices=("docker", "fake"), help="the container engine")
    made.add_argument("--listen", metavar="ADDRESS:PORT", help="address and port of all services")
    made.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    conf = settings.load(args)
    settings.services(conf)
    checks = [check for group in _groups(conf) for check in group(conf)]
    output.table(
        ("what", "state", "detail", "remedy"), ((c.what, STATES[c.good], c.detail, c.remedy) for c in checks)
    )
    return 1 if any(check.good is False for check in checks) else 0


def _groups(conf: Any) -> Iterable[Callable[[Any], Iterator[Check]]]:
    yield from (_python, _files, _address, _database)
    if conf.engine == "docker":
        yield from (_docker, _network) if _is_wanted(conf) else (_fake, _docker_at_will, _network_at_will)
    else:
        yield _fake


def _is_wanted(conf: Any) -> bool:
    """Whether real containers are to be had: root can, and others have said so in the configuration."""
    chosen = conf.get_location("engine")
    return os.geteuid() == 0 or (chosen is not None and chosen.location.name != "opt_default")


def _fake(conf: Any) -> Iterator[Check]:
    remedy = "" if conf.engine == "fake" else "knarr up --engine fake"
    yield Check("fake engine", True, "works as any user, and runs nothing", remedy)


def _docker_at_will(conf: Any) -> Iterator[Check]:
    return _optional(_docker(conf))


def _network_at_will(conf: Any) -> Iterator[Check]:
    return _optional(_network(conf))


def _optional(checks: Iterator[Check]) -> Iterator[Check]:
    return (check if check.good else check._replace(good=None) for check in checks)


def _python(_conf: Any) -> Iterator[Check]:
    good = sys.version_info >= (3, 11)
    yield Check("Python", good, sys.version.split()[0], "" if good else "install Python 3.11 or later")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    enough = limit == resource.RLIM_INFINITY or limit >= NEEDED_FILES
    remedy = "" if enough else f"allow {NEEDED_FILES} open files (ulimit -n, LimitNOFILE=)"
    yield Check("open files", enough, str(limit), remedy)


def _files(conf: Any) -> Iterator[Check]:
    folder = settings.state_dir(conf)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    good = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    remedy = "" if good else "run as its owner, or choose another with --state-dir"
    yield Check("state directory", good, str(folder), remedy)
    if good:
        free = shutil.disk_usage(there).free // 2**20
        yield Check("disk space", free >= 512, f"{free} MiB free", "" if free >= 512 else "make room")


def _address(conf: Any) -> Iterator[Check]:
    from knarr.cli import server

    if pid := process.running(settings.state_dir(conf)):
        yield Check("address", True, f"Knarr runs (pid {pid})")
        return
    try:
        server.claim(*settings.address(conf))
    except Problem as problem:
        yield Check("address", False, str(problem), "end what listens there, or choose another with --listen")
    else:
        yield Check("address", True, f"{conf.listen} is free")


def _database(conf: Any) -> Iterator[Check]:
    from knarr.kernel import config, migrations
    from knarr.kernel.db import Database

    if not conf.database.url and not (config.state_dir(conf) / "knarr.db").exists():
        yield Check("database", True, "SQLite, made at the first start")
        return
    try:
        with told():
            db = Database(config.database_url(conf))
            try:
                state = migrations.schema_state(db)
            finally:
                db.close()
    except Problem as problem:
        yield Check("database", False, str(problem), "see [database] url")
        return
    detail = f"{db.dialect}, schema {state.current or 'none yet'}"
    yield Check("database", not state.is_newer, detail, "use a newer Knarr" if state.is_newer else "")


def _docker(conf: Any) -> Iterator[Check]:
    url = conf.docker.api_url if "docker" in conf else "unix:///var/run/docker.sock"
    try:
        import docker

        client = docker.DockerClient(base_url=url, version="auto", timeout=5)
        version = client.version()
        client.close()
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        have = shutil.which("dockerd", path=os.environ.get("PATH", "") + ":/usr/sbin")
        start = "start dockerd (make up does)" if have else "install docker.io (apt-get install docker.io)"
        yield Check("container engine", False, f"{url}: {reason}", f"{start}, or use --engine fake")
    else:
        yield Check("container engine", True, f"{url}: {version['Version']}, API {version['ApiVersion']}")


def _network(conf: Any) -> Iterator[Check]:
    if "network" not in conf or conf.network.backend == "fake":
        return  # another cloud's network service, or one that carries nothing
    from knarr.core.network.drivers.linux import doctor

    for finding in doctor.findings():
        # What Knarr itself puts right when it starts is worth a line, but nothing is missing.
        mended = finding.remedy.startswith("Knarr ")
        yield Check(finding.what, finding.good or mended, finding.detail, finding.remedy)
