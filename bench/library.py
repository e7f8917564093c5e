"""The core library of applications: how long it takes to read, and to deploy a model with it.

Both are measured in processes of their own, so that nothing is at hand already but YAQL's parser.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

APPLICATIONS = 33  # each with a machine and a volume: 100 objects with the environment
RUNS = 3


def read_core() -> float:
    """Seconds to open both packages and read each of their classes."""
    return _median("read")


def deploy_hundred() -> float:
    """Seconds to build a model of 100 objects and to deploy it, in a cloud that answers at once."""
    return _median("deploy")


def _median(what: str) -> float:
    command = [sys.executable, "-m", "bench.library", what]
    times = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(RUNS)]
    return statistics.median(float(one.stdout) for one in times)


def _read() -> float:
    from knarr.services.application_catalog.language.dialect import dialect
    from knarr.services.application_catalog.language.versions import spec
    from knarr.services.application_catalog.packages.catalogue import Catalogue

    dialect()
    began = time.perf_counter()
    from knarr.services.application_catalog.library import APPLICATIONS, CORE, core_packages

    catalogue = Catalogue(core_packages())
    for name in (CORE, APPLICATIONS):
        package = catalogue.load_package(name, spec("*"))
        for class_name in package.class_names:
            _ = package.find_class(class_name).mro
    return time.perf_counter() - began


def _deploy() -> float:
    from tests.unit.application_catalog.support.environments import World

    from knarr.services.application_catalog.language.dialect import dialect

    dialect()
    # The first of a process reads the classes that it needs: that is measured above.
    World().load(_application(APPLICATIONS))
    world = World()
    began = time.perf_counter()
    world.load(*(_application(number) for number in range(APPLICATIONS)))
    world.deploy()
    return time.perf_counter() - began


def _application(number: int) -> dict[str, Any]:
    from tests.unit.application_catalog.support.environments import machine, of

    volume = of("resources.CinderVolume", f"volume{number}", size=1)
    server = machine(f"server{number}", volumes={"/dev/vdb": volume})
    return of("applications.SingleServerApplication", f"application{number}", server=server)


if __name__ == "__main__":
    print({"read": _read, "deploy": _deploy}[sys.argv[1]]())
