"""Fixtures that all tests may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.cloud import Cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of all services on the fake engine and the fake network, for the tests of one module."""
    made = Cloud(tmp_path_factory.mktemp("cloud"))
    yield made
    made.close()
