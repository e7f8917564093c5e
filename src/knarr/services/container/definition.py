"""The container service as the kernel mounts it."""

from __future__ import annotations

from knarr.kernel.routing import Microversions
from knarr.kernel.service import Service
from knarr.services.container import agent, fake_admin, image_work, remote, streams, usage, work
from knarr.services.container.api.root import MAXIMUM, MINIMUM
from knarr.services.container.drivers.docker.options import docker_options
from knarr.services.container.drivers.fake.options import fake_options
from knarr.services.container.errors import error_body
from knarr.services.container.options import GROUP, OPTIONS
from knarr.services.container.policies import POLICIES
from knarr.services.container.routes import ROUTES
from knarr.services.container.sessions import options as sessions

INSIDE = ((sessions.GROUP, sessions.OPTIONS), (streams.GROUP, streams.options()))


def build() -> Service:
    return Service(
        name="zun",
        type="container",
        prefix="/container",
        title="Containers",
        endpoint="/v1",
        routes=ROUTES,
        policies=POLICIES,
        error_body=error_body,
        microversions=Microversions("container", MINIMUM, MAXIMUM, MINIMUM),
        operations=(*work.OPERATIONS, *image_work.OPERATIONS),
        periodics=(*agent.PERIODICS, *usage.PERIODICS, *image_work.PERIODICS),
        options=((GROUP, OPTIONS), ("docker", docker_options()), ("fake_engine", fake_options()), *INSIDE),
        rpc={**remote.METHODS, **fake_admin.METHODS},
        quotas=usage.quotas,
        start=agent.start,
        stop=agent.stop,
    )
