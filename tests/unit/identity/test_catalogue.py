"""The service catalogue and the addresses in it."""

import pytest

from knarr.core.identity import catalogue
from knarr.core.identity.catalogue import Catalogue, EndpointEntry, Own, ServiceEntry


def service(url="http://h/v1", types=("container",)):
    return Own(types, "zun", "Containers", url)


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1/{project_id}", "http://h/v1/P"),
        ("http://h/v1/AUTH_$(project_id)s", "http://h/v1/AUTH_P"),
        ("http://h/v1/%(tenant_id)s/$(user_id)s", "http://h/v1/P/U"),
        ("http://h/v1/$(unknown)s", None),
    ],
)
def test_marks_are_filled(url, filled):
    assert catalogue.fill(url, "P", "U") == filled


def test_without_a_project_an_address_that_needs_one_is_left_out():
    assert catalogue.fill("http://h/v1/$(project_id)s", None, "U") is None
    assert catalogue.fill("http://h/v1", None, "U") == "http://h/v1"


def test_ids_of_own_services_are_the_same_for_ever():
    first = catalogue.own([service("http://a/v1")])
    second = catalogue.own([service("http://b/v1")])
    assert [entry.id for entry in first[0]] == [entry.id for entry in second[0]]
    assert [entry.id for entry in first[1]] == [entry.id for entry in second[1]]
    assert len({entry.id for entry in first[1]}) == 3


def test_every_alias_is_a_service_of_its_own_with_three_interfaces():
    services, endpoints = catalogue.own([service(types=("block-storage", "volumev3"))])
    assert [entry.type for entry in services] == ["block-storage", "volumev3"]
    view = Catalogue(services, endpoints).view("P", "U")
    for entry in view:
        assert {e["interface"] for e in entry["endpoints"]} == {"public", "internal", "admin"}
        assert {e["region"] for e in entry["endpoints"]} == {"RegionOne"}


def test_what_is_disabled_is_not_shown():
    services = (ServiceEntry("s1", "a", "a", None), ServiceEntry("s2", "b", "b", None, enabled=False))
    endpoints = (
        EndpointEntry("e1", "s1", "public", "RegionOne", "http://h/1"),
        EndpointEntry("e2", "s1", "admin", "RegionOne", "http://h/2", enabled=False),
    )
    view = Catalogue(services, endpoints).view(None, "U")
    assert [(entry["type"], [e["id"] for e in entry["endpoints"]]) for entry in view] == [("a", ["e1"])]
