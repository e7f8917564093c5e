"""Drivers of the container service: what can be exchanged below it.

``base`` holds the contract of a container engine, ``docker`` the driver for Docker (and Podman's compatible
socket), ``fake`` a whole engine in memory. Others are found through the entry point group
``knarr.container.engine``.
"""
