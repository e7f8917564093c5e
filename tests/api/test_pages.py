"""Lists in pages of any size are the whole list, for every key that can be sorted by and both directions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.cloud import BASE_URL, Answer, Cloud, Person

from knarr.core.image.api import images, metadefs
from knarr.core.network import portviews
from knarr.core.network.api import networks
from knarr.services.container.api import containers, registries

N, C, G, I = "/network/v2.0", "/container/v1", "/image/v2", "/identity/v3"  # noqa: E741
VERSION = {"OpenStack-API-Version": "container 1.40"}
COUNT = 7


def sortable(listing: Any) -> tuple[str, ...]:
    return (*listing.sortable, listing.id)


# path, key of the list, key of the ids, what it can be sorted by
LISTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    f"{N}/networks": ("networks", "id", sortable(networks.NETWORKS.listing)),
    f"{N}/ports": ("ports", "id", sortable(portviews.PORTS.listing)),
    f"{C}/containers": ("containers", "uuid", sortable(containers.LISTING)),
    f"{C}/registries": ("registries", "uuid", sortable(registries.LISTING)),
    f"{G}/images": ("images", "id", tuple(k for k in sortable(images.LISTING) if k != "project_id")),
    f"{G}/metadefs/namespaces": ("namespaces", "namespace", sortable(metadefs.LISTING)),
    f"{I}/users": ("users", "id", ("id", "name")),
    f"{I}/projects": ("projects", "id", ("id", "name")),
}
# Lists whose next page stands in `next`, and those that have links
CASES = [(path, key) for path, (_, _, keys) in LISTS.items() for key in keys]


@pytest.fixture(scope="module")
def admin(cloud: Cloud) -> Person:
    """Whose things are of all kinds, some with and some without what they are sorted by."""
    admin = cloud.admin
    network = admin.get(f"{N}/networks?name=private").json["networks"][0]["id"]
    for number in range(COUNT):
        name = f"n{number % 3}"
        admin.post(f"{N}/networks", {"network": {"name": name}})
        admin.post(f"{N}/ports", {"port": {"network_id": network, "name": name}})
        container = {"image": "busybox", "nets": [{"network": network}]}
        made = admin.post(f"{C}/containers", container, headers=VERSION)
        if number % 2:
            body = {"name": f"renamed-{number}"}
            admin.patch(f"{C}/containers/{made.json['uuid']}", body, headers=VERSION)
        registry = {"name": f"registry-{number}", "domain": f"{name}.example"}
        registry |= {"username": "me", "password": "x"} if number % 2 else {}
        assert admin.post(f"{C}/registries", {"registry": registry}, headers=VERSION).status == 201
        image = {"name": name} | ({"disk_format": "raw", "container_format": "bare"} if number % 2 else {})
        made = admin.post(f"{G}/images", image)
        if number in (1, 5):
            octets = {"Content-Type": "application/octet-stream"}
            assert admin.put(f"{G}/images/{made.json['id']}/file", b"data", headers=octets).status == 204
        namespace = {"namespace": f"space-{number}"} | ({"display_name": name} if number % 2 else {})
        assert admin.post(f"{G}/metadefs/namespaces", namespace).status == 201
        admin.post(f"{I}/users", {"user": {"name": f"listed-{number}"}})
        admin.post(f"{I}/projects", {"project": {"name": f"listed-{number}"}})
    return admin


def following(answer: Answer, key: str) -> str | None:
    """The path of the next page, as the answer gives it."""
    body = answer.json
    links = [link["href"] for link in body.get(f"{key}_links", ()) if link["rel"] == "next"]
    found = next(iter(links), None) or body.get("next") or body.get("links", {}).get("next")
    if not found:
        return None
    if found.startswith(BASE_URL):
        found = found.removeprefix(BASE_URL)
    elif found.startswith("/v2"):  # Glance's are relative to the service
        found = f"/image{found}"
    assert not urlsplit(found).netloc, found
    return str(found)


def pages(admin: Person, path: str, key: str) -> Iterator[list[dict[str, Any]]]:
    where: str | None = path
    while where:
        answer = admin.get(where, headers=VERSION)
        assert answer.status == 200, answer.body
        if answer.json[key]:
            yield answer.json[key]
        where = following(answer, key)


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize(("path", "sort"), CASES)
def test_pages_are_the_whole_list_in_its_order(admin: Person, path: str, sort: str, way: str) -> None:
    key, ident, _ = LISTS[path]
    query = f"sort_key={sort}&sort_dir={way}"
    whole = [row[ident] for page in pages(admin, f"{path}?{query}&limit=1000", key) for row in page]
    assert len(whole) >= COUNT
    assert len(set(whole)) == len(whole)
    for limit in (1, 3):
        parts = list(pages(admin, f"{path}?{query}&limit={limit}", key))
        assert all(len(part) <= limit for part in parts)
        assert [row[ident] for part in parts for row in part] == whole


@pytest.mark.parametrize("path", [f"{N}/networks", f"{N}/ports"])
@pytest.mark.parametrize("sort", ["name", "id"])
def test_pages_backwards_are_those_before(admin: Person, path: str, sort: str) -> None:
    key, ident, _ = LISTS[path]
    query = f"sort_key={sort}&sort_dir=asc"
    whole = [row[ident] for row in admin.get(f"{path}?{query}").json[key]]
    before = admin.get(f"{path}?{query}&marker={whole[5]}&limit=3&page_reverse=True").json[key]
    assert [row[ident] for row in before] == whole[2:5]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=abc", "limit=1e3", "sort_key=password", "sort_key=no_such", "sort_key=id&sort_dir=up",
     "marker=00000000-0000-4000-8000-000000000000", "limit=%D9%A3x"],
)  # fmt: skip
def test_what_makes_no_page_is_refused(admin: Person, path: str, query: str) -> None:
    assert admin.get(f"{path}?{query}", headers=VERSION).status in (400, 404), query


def test_a_hidden_attribute_is_nothing_to_sort_by(cloud: Cloud) -> None:
    person = cloud.person()
    assert person.get(f"{C}/containers?sort_key=host", headers=VERSION).status == 403
    assert person.get(f"{C}/containers?sort_key=name", headers=VERSION).status == 200


@pytest.mark.parametrize("value", ["--5", "-", "1.5", "9" * 5000])
def test_a_number_to_filter_by_that_is_none_is_refused(admin: Person, value: str) -> None:
    assert admin.get(f"{N}/networks?mtu={value}").status == 400
    assert admin.get(f"{N}/networks?revision_number={value}").status == 400


def test_a_revision_of_any_length_is_refused(admin: Person) -> None:
    network = admin.get(f"{N}/networks").json["networks"][0]["id"]
    for value in ("9" * 20, "9" * 5000):
        header = {"If-Match": f"revision_number={value}"}
        answer = admin.put(f"{N}/networks/{network}", {"network": {"name": "x"}}, headers=header)
        assert answer.status in (400, 412), answer.body
