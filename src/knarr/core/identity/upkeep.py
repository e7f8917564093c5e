"""What the identity service does now and then:

new token keys, and forgetting revocations of tokens long gone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import delete

from knarr.core.identity.backend import embedded
from knarr.core.identity.models import RevokedToken
from knarr.kernel.db import utcnow
from knarr.kernel.periodic import Periodic

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)

HOUR = 3600.0


def rotate_keys(runtime: Runtime) -> None:
    """Let a new key take over once the present one has sealed for `key_rotation_interval`."""
    interval = runtime.conf.identity.key_rotation_interval
    if interval and embedded(runtime).keys.rotate_if_older(interval):
        LOG.info("a new token key took over")


def forget_revocations(runtime: Runtime) -> None:
    """Delete the records of revoked tokens that would be refused for their age as well."""
    with runtime.db.write() as session:
        session.execute(delete(RevokedToken).where(RevokedToken.expires_at < utcnow()))


PERIODICS = (
    Periodic("identity.rotate_keys", HOUR, rotate_keys, run_at_start=True),
    Periodic("identity.forget_revocations", HOUR, forget_revocations),
)
