"""What the fake engine is to get wrong."""

from __future__ import annotations

from knarr.kernel.routing import Route
from knarr.services.container import schemas
from knarr.services.container.api import fake_engine

FAULTS = "/v1/fake_engine/faults"

FAKE_ENGINE: tuple[Route, ...] = (
    Route(
        "GET",
        FAULTS,
        fake_engine.index,
        "fake_engine:get",
        query=schemas.OnHost,
        summary="What will go wrong",
    ),
    Route(
        "POST",
        FAULTS,
        fake_engine.create,
        "fake_engine:change",
        201,
        body=schemas.Fault,
        query=schemas.OnHost,
        summary="Have calls of the engine fail or wait",
    ),
    Route(
        "PUT",
        FAULTS,
        fake_engine.replace,
        "fake_engine:change",
        body=schemas.Faults,
        query=schemas.OnHost,
        summary="Have these calls go wrong and no others",
    ),
    Route(
        "DELETE",
        FAULTS,
        fake_engine.clear,
        "fake_engine:change",
        204,
        query=schemas.FaultClear,
        summary="Have nothing go wrong any more",
    ),
    Route(
        "POST",
        "/v1/fake_engine/end",
        fake_engine.end,
        "fake_engine:change",
        204,
        body=schemas.End,
        summary="Have a container end by itself",
    ),
)
