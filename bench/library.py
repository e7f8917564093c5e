"""The core library of applications: how long it takes to read and to deploy with; expressions a second.

All are measured in processes of their own, so that nothing is at hand already but YAQL's parser.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

APPLICATIONS = 33  # each with a machine and a volume: 100 objects with the environment
RUNS = 3


def read_core() -> float:
    """Seconds to open both packages and read each of their classes."""
    return _median("read")


def deploy_hundred() -> float:
    """Seconds to build a model of 100 objects and to deploy it, in a cloud that answers at once."""
    return _median("deploy")


def expressions() -> tuple[float, float]:
    """(expressions a second in a session, the same evaluated by plain YAQL), thousands."""
    return 1 / _median("expressions") / 1000, 1 / _median("plain") / 1000


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
    _collect_garbage_as_a_server()
    world = World()
    began = time.perf_counter()
    world.load(*(_application(number) for number in range(APPLICATIONS)))
    world.deploy()
    return time.perf_counter() - began


def _collect_garbage_as_a_server() -> None:
    from knarr.cli.server import GARBAGE

    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


EXPRESSIONS = (
    "1 + 2 * 3",
    "$.name + '-' + $.kind",
    "$.rows.where($.size > 2).select($.name)",
    "$.rows.len() > 2 and $.name = app",
    "$.flags.get(ready, false) or coalesce($.other, $.kind) = web",
    "dict(name => $.name, size => $.rows.select($.size).sum())",
)
DATA: dict[str, Any] = {
    "name": "app",
    "kind": "web",
    "rows": [{"name": f"row{n}", "size": n} for n in range(5)],
    "flags": {"ready": True},
    "other": None,
}
ROUNDS = 500


def _expressions() -> float:
    """Seconds for one expression, as the code of a class evaluates it."""
    from knarr.services.application_catalog.language.dialect import dialect
    from knarr.services.application_catalog.language.session import Session
    from knarr.services.application_catalog.language.source import documents
    from knarr.services.application_catalog.language.values import frozen
    from knarr.services.application_catalog.packages.catalogue import Catalogue

    text = "".join(f"- {expression}\n" for expression in EXPRESSIONS)
    (read,) = documents(text, "bench", dialect().parse)
    session = Session(Catalogue([]))
    context = session.type_context(None).create_child_context()
    context["$"] = frozen(DATA)
    return _each(lambda: [session.evaluate(one, context) for one in read])


def _plain() -> float:
    """Seconds for one expression in YAQL alone, with the limits that a session has."""
    import yaql

    from knarr.services.application_catalog.language.dialect import OPTIONS

    engine = yaql.YaqlFactory(allow_delegates=True).create(OPTIONS)
    parsed = [engine(expression) for expression in EXPRESSIONS]
    context = yaql.create_context(delegates=True)
    return _each(lambda: [one.evaluate(data=DATA, context=context) for one in parsed])


def _each(all_of_them: Callable[[], Any]) -> float:
    all_of_them()
    began = time.process_time()
    for _ in range(ROUNDS):
        all_of_them()
    return (time.process_time() - began) / ROUNDS / len(EXPRESSIONS)


def _application(number: int) -> dict[str, Any]:
    from tests.unit.application_catalog.support.environments import machine, of

    volume = of("resources.CinderVolume", f"volume{number}", size=1)
    server = machine(f"server{number}", volumes={"/dev/vdb": volume})
    return of("applications.SingleServerApplication", f"application{number}", server=server)


if __name__ == "__main__":
    print({"read": _read, "deploy": _deploy, "expressions": _expressions, "plain": _plain}[sys.argv[1]]())
