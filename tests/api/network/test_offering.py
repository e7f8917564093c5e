"""What no host can do is not offered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.cloud import Cloud

from knarr.core.network.drivers.base import Capabilities
from knarr.core.network.drivers.fake import FakeBackend
from knarr.core.network.hosting import hosting

from .conftest import error

V2 = "/network/v2.0"


class Plain(FakeBackend):
    """A backend that can do no more than bridges and filters."""

    def capabilities(self) -> Capabilities:
        return Capabilities()


@pytest.fixture
def plain(cloud: Cloud) -> Iterator[None]:
    here = hosting(cloud.runtime)
    able, here.backend = here.backend, Plain()
    here.register()
    yield
    here.backend = able
    here.register()


@pytest.mark.parametrize("path", ["routers", "floatingips", "qos/policies", "trunks"])
def test_its_routes_are_not_there_and_say_why(plain, member, path):
    answer = member.get(f"{V2}/{path}")
    assert error(answer) == (404, "HTTPNotFound")
    assert "the network backend has no" in answer.json["NeutronError"]["message"]


def test_its_extensions_are_not_listed(plain, member):
    aliases = {one["alias"] for one in member.get(f"{V2}/extensions").json["extensions"]}
    assert not {"router", "ext-gw-mode", "floating-ip-port-forwarding", "qos", "trunk"} & aliases
    assert {"security-group", "binding", "port-security"} <= aliases
    assert error(member.get(f"{V2}/extensions/trunk")) == (404, "ExtensionNotFound")


def test_all_is_offered_once_a_host_can(member):
    aliases = {one["alias"] for one in member.get(f"{V2}/extensions").json["extensions"]}
    assert {"router", "floating-ip-port-forwarding", "qos", "trunk", "trunk-details"} <= aliases
    assert member.get(f"{V2}/trunks").json == {"trunks": []}
