"""The network service as the kernel mounts it."""

from __future__ import annotations

from typing import Any

from knarr.core.network import bootstrap, hosting
from knarr.core.network.errors import error_body
from knarr.core.network.policies import policies
from knarr.core.network.routes import ROUTES
from knarr.core.network.settings import default_quotas, options
from knarr.core.network.work import OPERATIONS, PERIODICS
from knarr.kernel.quota import Quotas
from knarr.kernel.service import Service


def build() -> Service:
    return Service(
        name="neutron",
        type="network",
        prefix="/network",
        title="Network",
        endpoint="",
        routes=ROUTES,
        policies=policies(),
        error_body=error_body,
        operations=OPERATIONS,
        periodics=PERIODICS,
        options=(("network", options()),),
        quotas=quotas,
        prepare=bootstrap.prepare,
        start=hosting.start,
        stop=hosting.stop,
    )


def quotas(conf: Any) -> Quotas:
    return Quotas("network", default_quotas, conf)
