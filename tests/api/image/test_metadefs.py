"""Metadata definitions: namespaces, what they hold, and the types of resources that they are for."""

from __future__ import annotations

import itertools
from urllib.parse import unquote

import pytest

ROOT = "/image/v2/metadefs"
NAMESPACES = f"{ROOT}/namespaces"
NUMBERS = itertools.count(1)
CPU = {"title": "Cores", "type": "integer", "minimum": 1, "maximum": 16, "default": 2}


@pytest.fixture
def namespace(cloud):
    """The path of a new public namespace of the administrator's, and its name."""
    name = f"OS::Test::{next(NUMBERS)}"
    answer = cloud.admin.post(NAMESPACES, {"namespace": name, "visibility": "public"})
    assert answer.status == 201, answer.json
    yield f"{NAMESPACES}/{name}"
    cloud.admin.put(f"{NAMESPACES}/{name}", {"namespace": name})
    cloud.admin.delete(f"{NAMESPACES}/{name}")


def test_a_namespace_is_made_with_all_it_holds(cloud, member):
    body = {
        "namespace": "OS::Whole",
        "display_name": "Whole",
        "description": "All at once",
        "visibility": "public",
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
        "properties": {"cores": CPU},
        "objects": [{"name": "Box", "required": ["side"], "properties": {"side": CPU}}],
        "tags": [{"name": "wide"}, {"name": "high"}],
    }
    made = cloud.admin.post(NAMESPACES, body)
    assert made.status == 201, made.json
    assert made.headers["location"].endswith("/v2/metadefs/namespaces/OS%3A%3AWhole")
    shown = member.get(f"{NAMESPACES}/OS::Whole").json
    assert shown == made.json
    assert (shown["display_name"], shown["protected"]) == ("Whole", False)
    assert shown["properties"] == {"cores": CPU}
    assert [tag["name"] for tag in shown["tags"]] == ["high", "wide"]
    assert shown["objects"][0]["properties"] == {"side": CPU}
    assert shown["resource_type_associations"][0]["prefix"] == "hw_"
    seen = member.get(f"{NAMESPACES}/OS::Whole?resource_type=OS::Glance::Image").json
    assert list(seen["properties"]) == ["hw_cores"]
    assert seen["objects"][0]["required"] == ["hw_side"]
    assert member.get(f"{NAMESPACES}/OS::Whole/properties/cores?resource_type=OS::Glance::Image").json[
        "name"
    ] == ("hw_cores")
    assert cloud.admin.delete(f"{NAMESPACES}/OS::Whole").status == 204
    assert member.get(f"{NAMESPACES}/OS::Whole").status == 404


def test_a_namespace_is_there_once(cloud, namespace):
    name = cloud.admin.get(namespace).json["namespace"]
    answer = cloud.admin.post(NAMESPACES, {"namespace": name})
    assert (answer.status, name in answer.json["error"]["message"]) == (409, True)
    cloud.admin.post(NAMESPACES, {"namespace": "OS::Another"})
    assert cloud.admin.put(namespace, {"namespace": "OS::Another"}).status == 409
    cloud.admin.delete(f"{NAMESPACES}/OS::Another")


def test_a_change_gives_all_of_a_namespace(cloud, namespace):
    name = cloud.admin.get(namespace).json["namespace"]
    changed = cloud.admin.put(namespace, {"namespace": name, "description": "new", "visibility": "public"})
    assert (changed.status, changed.json["description"]) == (200, "new")
    assert "description" not in cloud.admin.put(namespace, {"namespace": name}).json
    assert cloud.admin.get(namespace).json["visibility"] == "private"


def test_definitions_are_for_administrators_to_change(cloud, member, namespace):
    assert member.post(NAMESPACES, {"namespace": "OS::Mine"}).status == 403
    assert member.put(namespace, {"namespace": "OS::Mine"}).status == 403
    assert member.delete(namespace).status == 403
    for kind, body in (
        ("objects", {"name": "o"}),
        ("properties", {"name": "p", "title": "P", "type": "string"}),
        ("tags", {"tags": [{"name": "t"}]}),
        ("resource_types", {"name": "OS::T"}),
    ):
        assert member.post(f"{namespace}/{kind}", body).status == 403
        if kind != "resource_types":
            assert member.delete(f"{namespace}/{kind}").status == 403


def test_private_namespaces_are_not_there_for_others(cloud, member, namespace):
    name = cloud.admin.get(namespace).json["namespace"]
    assert member.get(namespace).status == 200
    cloud.admin.put(namespace, {"namespace": name, "visibility": "private"})
    for path in ("", "/objects", "/objects/x", "/properties", "/tags", "/tags/x", "/resource_types"):
        assert member.get(namespace + path).status == 404
    assert member.get(f"{NAMESPACES}?visibility=private").json["namespaces"] == []


def test_a_protected_namespace_keeps_what_it_has(cloud, namespace):
    name = cloud.admin.get(namespace).json["namespace"]
    cloud.admin.post(f"{namespace}/tags/t")
    cloud.admin.post(f"{namespace}/resource_types", {"name": "OS::T"})
    cloud.admin.put(namespace, {"namespace": name, "protected": True})
    for path in ("", "/tags", "/tags/t", "/objects", "/properties", "/resource_types/OS::T"):
        assert cloud.admin.delete(namespace + path).status == 403


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        (
            "objects",
            {"name": "a", "description": "d", "required": ["p"], "properties": {"p": CPU}},
            {"name": "b"},
        ),
        ("properties", {"name": "a", **CPU}, {"name": "b", "title": "B", "type": "string", "maxLength": 3}),
        ("tags", {"name": "a"}, {"name": "b"}),
    ],
)
def test_items_are_added_replaced_and_removed(cloud, namespace, kind, first, second):
    call = cloud.admin
    path = f"{namespace}/{kind}"
    made = call.post(f"{path}/a") if kind == "tags" else call.post(path, first)
    assert made.status == 201, made.json
    assert made.json.items() >= first.items()
    again = call.post(f"{path}/a") if kind == "tags" else call.post(path, first)
    assert again.status == 409
    assert call.get(f"{path}/a").json.items() >= first.items()
    changed = call.put(f"{path}/a", second)
    assert changed.status == 200
    assert changed.json.items() >= second.items()
    assert call.get(f"{path}/a").status == 404
    listed = call.get(path).json[kind]
    assert list(listed if kind == "properties" else [row["name"] for row in listed]) == ["b"]
    assert call.delete(f"{path}/b").status == 204
    assert call.delete(f"{path}/b").status == 404
    call.post(f"{path}/c") if kind == "tags" else call.post(path, {**second, "name": "c"})
    assert call.delete(path).status == 204
    assert not call.get(path).json[kind]


def test_a_list_of_tags_replaces_them_or_is_added(cloud, namespace):
    def names():
        return [tag["name"] for tag in cloud.admin.get(f"{namespace}/tags").json["tags"]]

    def put(*tags, **headers):
        body = {"tags": [{"name": tag} for tag in tags]}
        return cloud.admin.post(f"{namespace}/tags", body, headers=headers)

    assert put("a", "b").status == 201
    assert put("c").status == 201
    assert names() == ["c"]
    assert put("d", **{"X-Openstack-Append": "True"}).status == 201
    assert names() == ["c", "d"]
    assert put("d", **{"X-Openstack-Append": "True"}).status == 409
    assert put("e", "e").status == 409
    assert names() == ["c", "d"]


def test_namespaces_are_found_by_the_type_they_are_for(cloud, member, namespace):
    body = {"name": "OS::Nova::Flavor", "prefix": "hw:", "properties_target": "extra"}
    made = cloud.admin.post(f"{namespace}/resource_types", body)
    assert (made.status, made.json["prefix"], made.json["properties_target"]) == (201, "hw:", "extra")
    assert cloud.admin.post(f"{namespace}/resource_types", body).status == 409
    types = [row["name"] for row in member.get(f"{ROOT}/resource_types").json["resource_types"]]
    assert "OS::Nova::Flavor" in types
    name = cloud.admin.get(namespace).json["namespace"]
    found = member.get(f"{NAMESPACES}?resource_types=OS::X,OS::Nova::Flavor").json["namespaces"]
    assert [row["namespace"] for row in found] == [name]
    assert found[0]["resource_type_associations"][0]["name"] == "OS::Nova::Flavor"
    assert cloud.admin.delete(f"{namespace}/resource_types/OS::Nova::Flavor").status == 204
    assert cloud.admin.delete(f"{namespace}/resource_types/OS::Nova::Flavor").status == 404
    assert member.get(f"{namespace}/resource_types").json["resource_type_associations"] == []


def test_lists_come_in_pages(cloud, member):
    for number in range(3):
        cloud.admin.post(NAMESPACES, {"namespace": f"OS::Page{number}", "visibility": "public"})
    page = member.get(f"{NAMESPACES}?limit=2&sort_key=namespace&sort_dir=asc").json
    names = [row["namespace"] for row in page["namespaces"]]
    page = member.get("/image" + page["next"]).json
    names += [row["namespace"] for row in page["namespaces"]]
    assert names == ["OS::Page0", "OS::Page1", "OS::Page2"]
    assert "next" not in page
    tags = {"tags": [{"name": name} for name in "abc"]}
    cloud.admin.post(f"{NAMESPACES}/OS::Page0/tags", tags)
    page = member.get(f"{NAMESPACES}/OS::Page0/tags?limit=2").json
    rest = member.get("/image" + unquote(page["next"])).json
    assert [tag["name"] for tag in page["tags"] + rest["tags"]] == ["a", "b", "c"]
    for number in range(3):
        cloud.admin.delete(f"{NAMESPACES}/OS::Page{number}")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "namespace"),
        ({"namespace": ""}, "namespace"),
        ({"namespace": 5}, "namespace"),
        ({"namespace": "a/b"}, "namespace"),
        ({"namespace": "x" * 81}, "namespace"),
        ({"namespace": "x", "visibility": "shared"}, "visibility"),
        ({"namespace": "x", "protected": "yes"}, "protected"),
        ({"namespace": "x", "description": "d" * 501}, "description"),
        ({"namespace": "x", "created_at": "now"}, "created_at"),
        ({"namespace": "x", "tags": [{"name": ""}]}, "tags"),
        ({"namespace": "x", "properties": {"p": {"title": "P"}}}, "type"),
        ({"namespace": "x", "properties": {"p": {"title": "P", "type": "text"}}}, "type"),
        ({"namespace": "x", "objects": [{"name": "o", "required": "p"}]}, "required"),
        ({"namespace": "x", "resource_type_associations": [{"prefix": "p"}]}, "name"),
    ],
)
def test_a_wrong_namespace_is_named(cloud, body, named):
    answer = cloud.admin.post(NAMESPACES, body)
    assert (answer.status, named in answer.json["error"]["message"]) == (400, True), answer.json


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", None),
        ("type", "text"),
        ("minimum", "one"),
        ("minimum", 2**60),
        ("maxLength", -1),
        ("maxLength", 2**40),
        ("enum", "red"),
        ("readonly", 1),
        ("operators", [1]),
        ("items", []),
        ("colour", "red"),
        ("default", 2**70),
        ("enum", [2**70]),
    ],
)
def test_a_wrong_definition_is_named(cloud, namespace, field, value):
    body = {"name": "wrong", "title": "T", "type": "string", field: value}
    answer = cloud.admin.post(f"{namespace}/properties", body)
    named = field in answer.json["error"]["message"] or "wrong" in answer.json["error"]["message"]
    assert (answer.status, named) == (400, True), answer.json


@pytest.mark.parametrize("query", ["visibility=shared", "colour=red", "limit=0", "marker=none", "sort_key=x"])
def test_a_wrong_filter_is_named(cloud, query):
    answer = cloud.admin.get(f"{NAMESPACES}?{query}")
    assert (answer.status, query.partition("=")[0] in answer.json["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    "name",
    [
        "metadefs/namespace",
        "metadefs/namespaces",
        "metadefs/object",
        "metadefs/objects",
        "metadefs/property",
        "metadefs/properties",
        "metadefs/tag",
        "metadefs/tags",
        "metadefs/resource_type",
        "metadefs/resource_types",
        "task",
        "tasks",
    ],
)
def test_each_has_a_schema(member, name):
    schema = member.get(f"/image/v2/schemas/{name}").json
    assert schema["properties"]
    assert member.get("/image/v2/schemas/metadefs/none").status == 404
