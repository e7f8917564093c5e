"""A small service on the real kernel: a shelf of boxes, with microversions and policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import pytest
from msgspec import UNSET, Meta, UnsetType
from oslo_policy.policy import RuleDefault
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column
from tests.support.cloud import BASE_URL, Cloud

from knarr.core.identity import service as identity
from knarr.kernel import config, runtime
from knarr.kernel.db import Base, Timestamps, new_id
from knarr.kernel.errors import KnarrError
from knarr.kernel.listing import Listing, next_link
from knarr.kernel.ownership import find, owned
from knarr.kernel.request import Request, Response
from knarr.kernel.routing import Microversions, Route
from knarr.kernel.schema import Body, since, until
from knarr.kernel.service import Service


class Box(Timestamps, Base):
    __tablename__ = "test_box"
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(default=0)
    shared: Mapped[bool] = mapped_column(default=False)


class BoxBody(Body):
    name: Annotated[str, Meta(min_length=2, max_length=8)]
    size: Annotated[int, Meta(ge=0, le=100)] | UnsetType = UNSET
    colour: Annotated[str | UnsetType, since("1.3")] = UNSET
    weight: Annotated[int | UnsetType, until("1.2")] = UNSET


class BoxQuery(Body):
    deep: bool = False


LISTING = Listing(Box, sortable=("name", "size", "created_at"), max_limit=5)


def view(box: Any) -> dict[str, Any]:
    return {"id": box.id, "name": box.name, "size": box.size}


def create(req: Request) -> Any:
    bodies = req.body if isinstance(req.body, list) else [req.body]
    with req.db.write() as session:
        boxes = [
            Box(name=b.name, size=0 if b.size is UNSET else b.size, project_id=req.ctx.project_id)
            for b in bodies
        ]
        session.add_all(boxes)
    return {"boxes": [view(b) for b in boxes]} if isinstance(req.body, list) else {"box": view(boxes[0])}


def index(req: Request) -> Any:
    paging = LISTING.paging(req)
    everywhere = "all" in req.params
    stmt = owned(select(Box.id, Box.name, Box.size), Box, req.ctx, everywhere, Box.shared.is_(True))
    with req.db.read() as session:
        page = LISTING.fetch(session, stmt, paging)
    return {"boxes": [view(row) for row in page.rows], "next": next_link(req, page)}


def show(req: Request, ident: str) -> Any:
    with req.db.read() as session:
        return view(find(session, Box, ident, req.ctx, what="box"))


def breaks(req: Request) -> Any:
    raise RuntimeError("the password is hunter2")


def query(req: Request) -> Any:
    return {"deep": req.query.deep}


class Held:
    """A body that notes whether it was closed."""

    closed: ClassVar[list[bool]] = []

    def __iter__(self) -> Iterator[bytes]:
        yield b"data"

    def close(self) -> None:
        self.closed.append(True)


def held(req: Request) -> Any:
    return Response(Held(), headers={"Content-Length": "4"}, content_type="application/octet-stream")


def stream(req: Request) -> Any:
    data = req.stream.read(req.content_length or 0)
    return Response((bytes([byte]) for byte in data), content_type="application/octet-stream")


ROUTES = (
    Route("GET", "/", lambda req: {"versions": []}, None, status=300),
    Route("GET", "/v1/boxes", index, "box:list"),
    Route("POST", "/v1/boxes", create, "box:create", 201, BoxBody, envelope="box", bulk="boxes"),
    Route("GET", "/v1/boxes/{ident}", show, "box:show"),
    Route("DELETE", "/v1/boxes/{ident}", show, "box:delete", 204),
    Route("GET", "/v1/breaks", breaks, "box:show"),
    Route("GET", "/v1/query", query, "box:show", query=BoxQuery),
    Route("GET", "/v1/held", held, "box:show"),
    Route("GET", "/v1/given-out", query, "box:show", query=BoxQuery, head=False),
    Route("PUT", "/v1/stream", stream, "box:show", raw=True),
    Route("GET", "/v1/young", query, "box:show", query=BoxQuery, first="1.3"),
    Route("GET", "/v1/version", lambda req: {"v": list(req.version)}, "box:show", last="1.2"),
    Route("GET", "/v1/version", lambda req: {"newer": list(req.version)}, "box:show", first="1.3"),
)


def error_body(error: KnarrError, request_id: str) -> dict[str, Any]:
    return {"oops": {"status": error.status, "text": error.detail, "id": request_id}}


def shelf() -> Service:
    return Service(
        name="shelf",
        type="shelf",
        prefix="/shelf",
        title="Shelf",
        routes=ROUTES,
        policies=[
            RuleDefault("box:list", "@"),
            RuleDefault("box:show", "project_id:%(project_id)s"),
            RuleDefault("box:create", "role:member"),
            RuleDefault("box:delete", "role:admin"),
        ],
        error_body=error_body,
        microversions=Microversions("shelf", "1.1", "1.4", "1.1", legacy_header="X-Shelf-Version"),
        max_body=2000,
    )


class Shelf(Cloud):
    """The shelf beside the embedded identity."""

    def __init__(self, state_dir: Any, policy_dir: Any = "/nonexistent") -> None:
        services = [identity(), shelf()]
        conf = config.load(
            [], services, state_dir=str(state_dir), base_url=BASE_URL, policy_dir=str(policy_dir)
        )
        conf.set_override("password_hash_rounds", 4, group="identity")
        self.begin(runtime.build(conf, services))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    made = Shelf(tmp_path_factory.mktemp("shelf"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def ann(cloud):
    return cloud.person()


@pytest.fixture(scope="module")
def ben(cloud):
    return cloud.person()
