"""What is measured: each function gives one or more figures, the baselines from the same run."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import rows
from bench.process import Knarr

IMAGE = "busybox:latest"
CONTAINERS = 1000
VERSION = {"OpenStack_API_Version": "container 1.40"}
ROOMY = {"containers": -1, "memory": -1, "cpu": -1, "disk": -1}

BATCHES = 5
MANY = 100_000
# Tables of which MANY rows are made, and their keys; the lists of 20 that are measured then.
COPIED = {"containers": "uuid", "port": "id"}
MANY_LISTS = {
    "list-20": "/container/v1/containers?limit=20",
    "ports-20": "/network/v2.0/ports?limit=20",
}

Figure = tuple[str, float, float | None]


def start_times(engine: str, runs: int = 3) -> float:
    """Seconds from `knarr up` to the first authenticated answer, the database being there."""
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for _ in range(runs + 1):
            knarr = Knarr(Path(folder), engine)
            try:
                times.append(knarr.start().seconds_to_answer)
            finally:
                knarr.stop()
        return statistics.median(times[1:])


def memory_and_cpu() -> Iterator[Figure]:
    """Idle memory, then the CPU of requests over HTTP with 1,000 containers made through the API."""
    with tempfile.TemporaryDirectory() as folder:
        knarr = Knarr(Path(folder), "fake")
        try:
            knarr.start()
            time.sleep(3)
            yield "memory", knarr.pss_mebibytes(), None
            network = _network(knarr)
            _roomy(knarr)
            ident = [_create(knarr, network, run=False) for _ in range(CONTAINERS)][-1]
            _wait_idle(knarr)
            yield "list", _cpu(knarr, "GET", f"/container/v1/containers?limit={CONTAINERS}", 40), None
            yield "show", _cpu(knarr, "GET", f"/container/v1/containers/{ident}", 1000), None
            subject = {"X_Subject_Token": knarr.token}
            yield "validate", _cpu(knarr, "GET", "/identity/v3/auth/tokens", 3000, **subject), None
            body = {"port": {"network_id": network}}
            yield "port", _cpu(knarr, "POST", "/network/v2.0/ports", 300, body), None
            knarr.stop()
            for table, key in COPIED.items():
                rows.copy(Path(folder) / "knarr.db", table, key, MANY)
            knarr.start()
            _wait_idle(knarr)
            for key, path in MANY_LISTS.items():
                yield key, _cpu(knarr, "GET", path, 200), None
        finally:
            knarr.stop()


def containers(runs: int = 15) -> Iterator[Figure]:
    """POST containers?run=true: its answer, and the time to Running beside `docker run -d` on a bridge."""
    with tempfile.TemporaryDirectory() as folder:
        knarr = Knarr(Path(folder), "docker")
        try:
            knarr.start()
            network = _network(knarr)
            time.sleep(3)
            answers, ready, docker = [], [], []
            for number in range(runs + 2):
                baseline = _docker_run()
                answer, running = _time_to_running(knarr, network)
                if number >= 2:
                    docker.append(baseline)
                    answers.append(answer)
                    ready.append(running)
            yield "answer", statistics.median(answers) * 1000, None
            yield "running", statistics.median(ready) * 1000, statistics.median(docker) * 1000
        finally:
            knarr.stop()


def _time_to_running(knarr: Knarr, network: str) -> tuple[float, float]:
    began = time.perf_counter()
    ident = _create(knarr, network, run=True)
    answered = time.perf_counter() - began
    while True:
        _, body = knarr.call("GET", f"/container/v1/containers/{ident}", **VERSION)
        if body["status"] == "Running":
            break
        if body["status"] == "Error":
            raise RuntimeError(f"the container ended in Error: {body['status_reason']}")
        time.sleep(0.004)
    running = time.perf_counter() - began
    knarr.call("DELETE", f"/container/v1/containers/{ident}?force=true", **VERSION)
    _until(lambda: knarr.call("GET", f"/container/v1/containers/{ident}", **VERSION)[0] == 404)
    time.sleep(0.5)
    return answered, running


def _docker_run() -> float:
    began = time.perf_counter()
    command = ["docker", "run", "-d", "--network", "bridge", IMAGE, "sleep", "600"]
    ident = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    taken = time.perf_counter() - began
    subprocess.run(["docker", "rm", "-f", ident], check=True, capture_output=True)
    time.sleep(0.3)
    return taken


def _create(knarr: Knarr, network: str, run: bool) -> str:
    body = {"image": IMAGE, "command": ["sleep", "600"], "nets": [{"network": network}]}
    path = f"/container/v1/containers{'?run=true' if run else ''}"
    status, answer = knarr.call("POST", path, body, **VERSION)
    if status != 202:
        raise RuntimeError(f"POST {path} answered {status}: {answer}")
    return str(answer["uuid"])


def _network(knarr: Knarr) -> str:
    _, body = knarr.call("POST", "/network/v2.0/networks", {"network": {"name": "bench"}})
    network = str(body["network"]["id"])
    subnet = {"network_id": network, "cidr": "10.77.0.0/16", "ip_version": 4}
    knarr.call("POST", "/network/v2.0/subnets", {"subnet": subnet})
    return network


def _roomy(knarr: Knarr) -> None:
    """Lift the quotas that would stop a benchmark."""
    _, body = knarr.call("GET", "/identity/v3/auth/tokens", X_Subject_Token=knarr.token)
    project = body["token"]["project"]["id"]
    knarr.call("PUT", f"/container/v1/quotas/{project}", ROOMY, **VERSION)
    knarr.call("PUT", f"/network/v2.0/quotas/{project}", {"quota": {"port": -1}})


def _cpu(knarr: Knarr, method: str, path: str, count: int, body: object = None, **headers: str) -> float:
    """Milliseconds of CPU of all of Knarr's processes for one request.

    The least of several batches of `count` requests: what else runs on the machine, and shares its caches,
    only ever adds.
    """
    sent = VERSION | headers

    def batch(requests: int) -> float:
        before = knarr.cpu_seconds()
        for _ in range(requests):
            status, answer = knarr.call(method, path, body, **sent)
            if status >= 400:
                raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return (knarr.cpu_seconds() - before) / requests * 1000

    batch(1)
    return min(batch(count) for _ in range(BATCHES))


def _wait_idle(knarr: Knarr) -> None:
    def idle() -> bool:
        before = knarr.cpu_seconds()
        time.sleep(1)
        return knarr.cpu_seconds() - before < 0.05

    _until(idle, 180)


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds} s")
        time.sleep(0.01)
