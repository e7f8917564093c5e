"""Projects that see a part of the catalogue: OS-EP-FILTER."""

import pytest

from .helpers import unique

ROOT = "/v3/OS-EP-FILTER"


@pytest.fixture
def endpoint(api):
    service = api.make("service", type=unique("type"))["id"]
    return api.make("endpoint", service_id=service, interface="public", url="http://a.example.org")


def group(api, **filters):
    body = {"name": unique("group"), "filters": filters}
    answer = api.post(f"{ROOT}/endpoint_groups", {"endpoint_group": body})
    assert answer.status == 201, answer.body
    return answer.body["endpoint_group"]


def seen(api, person):
    """The ids of the endpoints in the catalogue of a new token."""
    token = api.rescope(person.token, {"project": {"id": person.project}}).body["token"]
    return {endpoint["id"] for service in token["catalog"] for endpoint in service["endpoints"]}


def ids(answer, key):
    return [row["id"] for row in answer.body[key]]


def test_a_project_with_endpoints_of_its_own_sees_those_only(api, bob, endpoint):
    before = seen(api, bob)
    assert len(before) > 1
    path = f"{ROOT}/projects/{bob.project}/endpoints/{endpoint['id']}"
    assert api.get(path).status == api.head(path).status == 404
    for _ in range(2):
        assert api.put(path).status == 204
    assert api.get(path).status == api.head(path).status == 204
    assert seen(api, bob) == {endpoint["id"]}
    assert ids(api.get(f"{ROOT}/projects/{bob.project}/endpoints"), "endpoints") == [endpoint["id"]]
    assert ids(api.get(f"{ROOT}/endpoints/{endpoint['id']}/projects"), "projects") == [bob.project]
    assert seen(api, api.person()) == before
    assert api.delete(path).status == 204
    assert api.delete(path).status == 404
    assert seen(api, bob) == before


def test_or_those_of_a_group(api, bob, endpoint):
    made = group(api, service_id=endpoint["service_id"], interface="public")
    path = f"{ROOT}/endpoint_groups/{made['id']}"
    member = f"{path}/projects/{bob.project}"
    assert api.get(member).status == 404
    assert api.put(member).status == 204
    assert api.get(member).status == api.head(member).status == 200
    assert seen(api, bob) == {endpoint["id"]}
    assert ids(api.get(f"{path}/endpoints"), "endpoints") == [endpoint["id"]]
    assert ids(api.get(f"{path}/projects"), "projects") == [bob.project]
    assert ids(api.get(f"{ROOT}/projects/{bob.project}/endpoint_groups"), "endpoint_groups") == [made["id"]]
    later = {"service_id": endpoint["service_id"], "interface": "admin", "url": "http://b.example.org"}
    api.make("endpoint", **later)
    assert seen(api, bob) == {endpoint["id"]}
    assert api.delete(member).status == 204
    assert len(seen(api, bob)) > 2


def test_groups_are_seen_renamed_and_deleted(api, bob, endpoint):
    made = group(api, interface="public")
    path = f"{ROOT}/endpoint_groups/{made['id']}"
    assert api.get(path).body == {"endpoint_group": made}
    change = {"name": unique("group"), "filters": {"region_id": "RegionOne"}, "description": "d"}
    changed = {**made, **change}
    assert api.patch(path, {"endpoint_group": change}).body == {"endpoint_group": changed}
    # The client sends null for what it was not told.
    nothing = {"name": None, "filters": None, "description": None}
    assert api.patch(path, {"endpoint_group": nothing}).body == {"endpoint_group": changed}
    api.put(f"{path}/projects/{bob.project}")
    assert api.delete(path).status == 204
    assert api.get(path).status == 404
    assert len(seen(api, bob)) > 1


@pytest.mark.parametrize("filters", [{}, {"colour": "red"}, "public", None])
def test_a_group_needs_filters_that_are_known(api, filters):
    body = {"endpoint_group": {"name": "x", "filters": filters}}
    answer = api.post(f"{ROOT}/endpoint_groups", body)
    assert answer.status == 400
    assert "filters" in answer.message


def test_what_is_not_there_is_not_found(api, bob, endpoint):
    nothing = "0" * 32
    for path in (
        f"{ROOT}/projects/{nothing}/endpoints/{endpoint['id']}",
        f"{ROOT}/projects/{bob.project}/endpoints/{nothing}",
        f"{ROOT}/endpoint_groups/{nothing}/projects/{bob.project}",
        f"{ROOT}/endpoint_groups/{group(api, interface='public')['id']}/projects/{nothing}",
    ):
        assert api.put(path).status == 404
        assert api.get(path).status == 404
        assert api.delete(path).status == 404


def test_with_the_endpoint_its_filter_goes(api, bob, endpoint):
    api.put(f"{ROOT}/projects/{bob.project}/endpoints/{endpoint['id']}")
    api.delete(f"/v3/endpoints/{endpoint['id']}")
    assert len(seen(api, bob)) > 1
