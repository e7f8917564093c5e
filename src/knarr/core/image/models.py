"""Tables of the image service. The data of an image is a file named after its id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from knarr.kernel.db import Base, new_id, utcnow

ID = String(36)
PROJECT = String(64)
WORD = String(32)


class Image(Base):
    """`project_id` is what the API calls owner; sizes are bytes, min_disk GiB, min_ram MiB."""

    __tablename__ = "image"
    __table_args__ = (
        Index(None, "project_id", "created_at", "id"),
        Index(None, "visibility", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(PROJECT)
    name: Mapped[str | None]
    status: Mapped[str] = mapped_column(WORD, default="queued")
    visibility: Mapped[str] = mapped_column(WORD, default="shared")
    container_format: Mapped[str | None] = mapped_column(WORD)
    disk_format: Mapped[str | None] = mapped_column(WORD)
    size: Mapped[int | None] = mapped_column(BigInteger)
    virtual_size: Mapped[int | None] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(WORD)
    os_hash_algo: Mapped[str | None] = mapped_column(WORD)
    os_hash_value: Mapped[str | None] = mapped_column(String(128))
    min_disk: Mapped[int] = mapped_column(default=0)
    min_ram: Mapped[int] = mapped_column(default=0)
    protected: Mapped[bool] = mapped_column(default=False)
    os_hidden: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class ImageTombstone(Base):
    """The id of an image that was deleted: none is called so again."""

    __tablename__ = "image_tombstone"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(default=utcnow)


class ImageCopy(Base):
    """That a host has, or is to have (`queued`), a copy of an image's data of its own, read instead of the
    store's."""

    __tablename__ = "image_copy"

    image_id: Mapped[str] = mapped_column(ID, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    host: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(WORD)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    hits: Mapped[int] = mapped_column(BigInteger, default=0)
    last_accessed: Mapped[datetime] = mapped_column(default=utcnow)
    last_modified: Mapped[datetime] = mapped_column(default=utcnow)


class ImageProperty(Base):
    """What an image has beyond its own fields."""

    __tablename__ = "image_property"
    __table_args__ = (Index(None, "name", "image_id"),)

    image_id: Mapped[str] = mapped_column(ID, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class ImageTag(Base):
    __tablename__ = "image_tag"
    __table_args__ = (Index(None, "tag", "image_id"),)

    image_id: Mapped[str] = mapped_column(ID, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)


class ImageMember(Base):
    """A project that may see a shared image; in its lists only once it has accepted."""

    __tablename__ = "image_member"
    __table_args__ = (Index(None, "member_id", "image_id"),)

    image_id: Mapped[str] = mapped_column(ID, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(PROJECT, primary_key=True)
    status: Mapped[str] = mapped_column(WORD, default="pending")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class ImageTask(Base):
    """An import as its user follows it. What does the work is an operation, and knows the task by its id."""

    __tablename__ = "image_task"
    __table_args__ = (
        Index(None, "project_id", "created_at", "id"),
        Index(None, "image_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    type: Mapped[str] = mapped_column(WORD)
    status: Mapped[str] = mapped_column(WORD, default="pending")
    project_id: Mapped[str] = mapped_column(PROJECT)
    user_id: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    image_id: Mapped[str] = mapped_column(ID)
    input: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    message: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class MetadefNamespace(Base):
    """A set of definitions of properties. `namespace` is its name, one for the whole cloud."""

    __tablename__ = "metadef_namespace"
    __table_args__ = (UniqueConstraint("namespace"), Index(None, "created_at", "namespace"))

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    namespace: Mapped[str] = mapped_column(String(80))
    display_name: Mapped[str | None] = mapped_column(String(80))
    description: Mapped[str | None] = mapped_column(Text)
    visibility: Mapped[str] = mapped_column(WORD, default="private")
    protected: Mapped[bool] = mapped_column(default=False)
    project_id: Mapped[str] = mapped_column(PROJECT)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class MetadefItem(Base):
    """An object, property or tag (`kind`) of a namespace; `body` is what it has beside its name."""

    __tablename__ = "metadef_item"

    namespace_id: Mapped[str] = mapped_column(
        ID, ForeignKey("metadef_namespace.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(WORD, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class MetadefResourceType(Base):
    """A kind of resource that definitions are for, like OS::Glance::Image."""

    __tablename__ = "metadef_resource_type"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class MetadefAssociation(Base):
    """That a namespace is for a type of resource, whose properties then begin with `prefix`."""

    __tablename__ = "metadef_association"
    __table_args__ = (Index(None, "name"),)

    namespace_id: Mapped[str] = mapped_column(
        ID, ForeignKey("metadef_namespace.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(80), ForeignKey("metadef_resource_type.name"), primary_key=True)
    prefix: Mapped[str | None] = mapped_column(String(80))
    properties_target: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
