"""The image service as the kernel mounts it."""

from __future__ import annotations

from knarr.core.image import caching, importing, upkeep
from knarr.core.image.errors import error_body
from knarr.core.image.policies import policies
from knarr.core.image.routes import ROUTES
from knarr.core.image.settings import GROUP, options
from knarr.kernel.periodic import Periodic
from knarr.kernel.service import Service

HOUR = 3600.0


def build() -> Service:
    return Service(
        name="glance",
        type="image",
        prefix="/image",
        title="Image",
        endpoint="",
        routes=ROUTES,
        policies=policies(),
        error_body=error_body,
        options=((GROUP, options()),),
        operations=(*importing.OPERATIONS, caching.OPERATION),
        periodics=(Periodic("image.tasks.expire", HOUR, upkeep.expire_tasks),),
        prepare=upkeep.prepare,
    )
