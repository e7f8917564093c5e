"""A cloud of the identity service alone, in this process, for all tests of this folder."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support import databases

from knarr.core import identity
from knarr.core.identity import clouds
from knarr.kernel import config, runtime

from .helpers import Api

# bcrypt's least work: these tests log in hundreds of times.
FEWEST_ROUNDS = 4


def start(state_dir: Any, **options: Any) -> runtime.Runtime:
    """A prepared runtime of the identity service with its state in that folder."""
    service = identity.service()
    conf = config.load(files=[], services=[service], state_dir=str(state_dir))
    conf.set_override("url", databases.of(state_dir), group="database")
    for name, value in {"password_hash_rounds": FEWEST_ROUNDS, **options}.items():
        conf.set_override(name, value, group="identity")
    running = runtime.Runtime(conf, [service])
    running.prepare()
    return running


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    running = start(tmp_path_factory.mktemp("identity"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def api(cloud):
    password = clouds.read(cloud.state_dir)["auth"]["password"]
    return Api(cloud.wsgi, password)


# Members of a project of their own


@pytest.fixture
def bob(api):
    return api.person()


@pytest.fixture
def carol(api):
    return api.person()
