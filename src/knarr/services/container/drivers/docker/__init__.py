"""Driver for the Docker engine (API 1.24 and later) and for Podman's compatible socket."""

from knarr.services.container.drivers.docker.engine import DockerEngine

__all__ = ["DockerEngine"]
