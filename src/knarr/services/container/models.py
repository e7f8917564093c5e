"""Tables of the container service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB
from sqlalchemy.orm import Mapped, mapped_column

from knarr.kernel.db import Base, Timestamps, new_id
from knarr.services.container.sessions.models import ContainerSession as ContainerSession

Uuid = String(36)
FILE = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
Serial = BigInteger().with_variant(Integer, "sqlite")


class Container(Timestamps, Base):
    """A container; the row goes away with it.

    `cpu` in cores, `memory` in MiB, `disk` in GiB. `nets` are the resolved wishes of the user, in the order
    of the interfaces: {network_id, port_id, preserve, v4, v6, n}, where `n` is the number of eth<n>;
    `addresses` is what came of them, as the API shows it. `image_id` is Glance's, for images from there;
    `image_registry` is the domain of the registry that serves an image whose name has none (None: the
    engine's own).
    `started_at`, `finished_at`, `exit_code` and `health` are the engine's, and give `status_detail`.
    `exposed_ports` are those that a security group of the container's own lets in: ["80/tcp"].
    `cpuset_cpus` and `cpuset_mems` (kernel lists) are the CPUs and the memory node that it is bound to.
    """

    __tablename__ = "containers"
    __table_args__ = (
        Index("ix_containers_project_id_created_at", "project_id", "created_at", "uuid"),
        Index("ix_containers_host", "host"),
        Index("ix_containers_name", "name"),
    )

    uuid: Mapped[str] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str]
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
    image: Mapped[str]
    image_id: Mapped[str | None]
    image_driver: Mapped[str] = mapped_column(String(32))
    image_pull_policy: Mapped[str] = mapped_column(String(32))
    command: Mapped[list[str] | None]
    entrypoint: Mapped[list[str] | None]
    cpu: Mapped[float] = mapped_column(Float)
    cpu_policy: Mapped[str] = mapped_column(String(32), default="shared")
    memory: Mapped[int] = mapped_column(Integer)
    disk: Mapped[int] = mapped_column(Integer, default=0)
    workdir: Mapped[str | None] = mapped_column(String(1024))
    hostname: Mapped[str | None]
    environment: Mapped[dict[str, str]]
    labels: Mapped[dict[str, str]]
    restart_policy: Mapped[dict[str, Any] | None]
    healthcheck: Mapped[dict[str, Any] | None]
    interactive: Mapped[bool] = mapped_column(Boolean, default=False)
    tty: Mapped[bool] = mapped_column(Boolean, default=False)
    auto_remove: Mapped[bool] = mapped_column(Boolean, default=False)
    auto_heal: Mapped[bool] = mapped_column(Boolean, default=False)
    privileged: Mapped[bool] = mapped_column(Boolean, default=False)
    runtime: Mapped[str | None]
    availability_zone: Mapped[str | None]
    hints: Mapped[dict[str, Any]]
    nets: Mapped[list[dict[str, Any]]]
    security_groups: Mapped[list[str]]
    ports: Mapped[list[Any]]
    addresses: Mapped[dict[str, Any]]
    exposed_ports: Mapped[list[str] | None]
    cpuset_cpus: Mapped[str | None]
    cpuset_mems: Mapped[str | None] = mapped_column(String(64))
    registry_id: Mapped[str | None] = mapped_column(Uuid)
    image_registry: Mapped[str | None]
    host: Mapped[str | None]
    engine_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(String(20))
    status_reason: Mapped[str | None] = mapped_column(Text)
    task_state: Mapped[str | None] = mapped_column(String(32))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    exit_code: Mapped[int | None] = mapped_column(Integer)
    health: Mapped[str | None] = mapped_column(String(16))


class ContainerFile(Base):
    """A file that was given with the request, to be seen in the container at `destination`."""

    __tablename__ = "container_files"

    container_uuid: Mapped[str] = mapped_column(
        Uuid, ForeignKey("containers.uuid", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    destination: Mapped[str] = mapped_column(String(1024))
    content: Mapped[bytes] = mapped_column(FILE)


class ContainerAction(Base):
    """What somebody asked of a container, when, and how it ended. Kept when the container is gone."""

    __tablename__ = "container_actions"
    __table_args__ = (Index("ix_container_actions_container_uuid", "container_uuid", "request_id"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    action: Mapped[str] = mapped_column(String(64))
    container_uuid: Mapped[str] = mapped_column(Uuid)
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))
    start_time: Mapped[datetime]
    finish_time: Mapped[datetime | None]
    message: Mapped[str | None] = mapped_column(Text)


class ContainerActionEvent(Base):
    """One piece of work of an action on a host. `traceback` is for administrators."""

    __tablename__ = "container_action_events"

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    action_id: Mapped[int] = mapped_column(
        Serial, ForeignKey("container_actions.id", ondelete="CASCADE"), index=True
    )
    event: Mapped[str] = mapped_column(String(64))
    start_time: Mapped[datetime]
    finish_time: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(String(32))
    traceback: Mapped[str | None] = mapped_column(Text)


class ComputeService(Timestamps, Base):
    """The agent that runs containers on a host, known by its heartbeat."""

    __tablename__ = "container_services"
    __table_args__ = (UniqueConstraint("host", "binary"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    host: Mapped[str]
    binary: Mapped[str] = mapped_column(String(64))
    availability_zone: Mapped[str]
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    disabled_reason: Mapped[str | None]
    forced_down: Mapped[bool] = mapped_column(Boolean, default=False)
    report_count: Mapped[int] = mapped_column(Integer, default=0)
    last_seen_up: Mapped[datetime | None]


class ComputeHost(Timestamps, Base):
    """A host's size and what its containers claim of it. Memory in MiB, disk in GiB, cpu in cores.

    `numa` are the nodes with the CPUs that may be pinned: [{"id", "cpus": [0, 1], "mem_total"}];
    `floating_cpu_set` (a kernel list) are the CPUs that containers without pinned ones share.
    """

    __tablename__ = "container_hosts"

    uuid: Mapped[str] = mapped_column(Uuid, primary_key=True, default=new_id)
    hostname: Mapped[str] = mapped_column(unique=True)
    mem_total: Mapped[int] = mapped_column(Integer, default=0)
    mem_used: Mapped[int] = mapped_column(Integer, default=0)
    cpus: Mapped[int] = mapped_column(Integer, default=0)
    cpu_used: Mapped[float] = mapped_column(Float, default=0.0)
    disk_total: Mapped[int] = mapped_column(Integer, default=0)
    disk_used: Mapped[int] = mapped_column(Integer, default=0)
    disk_quota_supported: Mapped[bool] = mapped_column(Boolean, default=False)
    total_containers: Mapped[int] = mapped_column(Integer, default=0)
    architecture: Mapped[str | None] = mapped_column(String(32))
    os: Mapped[str | None]
    os_type: Mapped[str | None] = mapped_column(String(32))
    kernel_version: Mapped[str | None]
    labels: Mapped[dict[str, str]]
    runtimes: Mapped[list[str]]
    enable_cpu_pinning: Mapped[bool] = mapped_column(Boolean, default=False)
    floating_cpu_set: Mapped[str | None]
    numa: Mapped[list[dict[str, Any]] | None]


class Registry(Timestamps, Base):
    """A registry of a project with what it asks for. The password is encrypted (`runtime.secrets`)."""

    __tablename__ = "container_registries"
    __table_args__ = (Index("ix_container_registries_project_id_name", "project_id", "name"),)

    uuid: Mapped[str] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str | None]
    domain: Mapped[str]
    username: Mapped[str | None]
    password: Mapped[str | None] = mapped_column(Text)
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))


class Image(Timestamps, Base):
    """An image that an administrator had pulled to a host; the row goes away with it.

    `image_id` and `size` (bytes) are the engine's, once it has the image. `status` is Pulling, Available,
    Deleting or Error, with the reason of an error.
    """

    __tablename__ = "container_images"
    __table_args__ = (UniqueConstraint("host", "repo", "tag"),)

    uuid: Mapped[str] = mapped_column(Uuid, primary_key=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
    host: Mapped[str]
    repo: Mapped[str]
    tag: Mapped[str] = mapped_column(String(128))
    image_id: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    image_pull_policy: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(20))
    status_reason: Mapped[str | None] = mapped_column(Text)


class Network(Timestamps, Base):
    """A network of the network service that an administrator made known here."""

    __tablename__ = "container_networks"

    uuid: Mapped[str] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str]
    neutron_net_id: Mapped[str] = mapped_column(String(64), unique=True)
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
