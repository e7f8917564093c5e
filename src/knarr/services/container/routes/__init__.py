"""The container API as one table, a module for each kind of resource."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container.routes.actions import ACTIONS
from knarr.services.container.routes.compute import COMPUTE
from knarr.services.container.routes.containers import CONTAINERS
from knarr.services.container.routes.fake_engine import FAKE_ENGINE
from knarr.services.container.routes.images import IMAGES
from knarr.services.container.routes.inside import INSIDE
from knarr.services.container.routes.interfaces import INTERFACES
from knarr.services.container.routes.networks import NETWORKS
from knarr.services.container.routes.quotas import QUOTAS
from knarr.services.container.routes.registries import REGISTRIES
from knarr.services.container.routes.root import ROOT

ROUTES: tuple[Route, ...] = (
    *ROOT,
    *CONTAINERS,
    *INTERFACES,
    *INSIDE,
    *ACTIONS,
    *COMPUTE,
    *QUOTAS,
    *IMAGES,
    *REGISTRIES,
    *NETWORKS,
    *FAKE_ENGINE,
)
