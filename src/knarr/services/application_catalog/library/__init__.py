"""The packages that every application stands on: io.murano and io.murano.applications.

Their classes are read when they are asked for; the Python classes beside them are imported then.
"""

from __future__ import annotations

import functools
from pathlib import Path

from knarr.services.application_catalog.packages.package import ApplicationPackage

CORE = "io.murano"
APPLICATIONS = "io.murano.applications"
HERE = Path(__file__).parent


@functools.cache
def core_packages() -> tuple[ApplicationPackage, ...]:
    """Both packages, opened once for each process."""
    return (
        ApplicationPackage.open(HERE / CORE, python=_python()),
        ApplicationPackage.open(HERE / APPLICATIONS),
    )


def _python() -> dict[str, type]:
    from knarr.services.application_catalog.language.pythonclass import name_of
    from knarr.services.application_catalog.library.python import (
        agents,
        clients,
        heat_stack,
        network_explorer,
        reporting,
        resources,
        runtime,
    )
    from knarr.services.application_catalog.testing.fixture import TestFixture

    classes: tuple[type, ...] = (
        agents.Agent,
        agents.AgentListener,
        clients.MetadefBrowser,
        clients.MistralClient,
        clients.Project,
        clients.User,
        heat_stack.HeatStack,
        network_explorer.NetworkExplorer,
        reporting.InstanceNotifier,
        reporting.Logger,
        reporting.StatusReporter,
        resources.Resources,
        runtime.GC,
        runtime.StackTrace,
        TestFixture,
    )
    return {name_of(cls): cls for cls in classes}
