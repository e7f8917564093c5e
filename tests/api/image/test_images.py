"""Images as records: creation, lists, changes, deletion, and who may see them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.api.image.conftest import IMAGES, PATCH, files, patch


def names(person, query=""):
    answer = person.get(f"{IMAGES}?limit=1000&{query}")
    assert answer.status == 200, answer.body
    return {image["name"] for image in answer.json["images"]}


def test_a_new_image_is_queued_and_shows_what_it_was_given(member, make):
    image = make(name="one", min_disk=2, tags=["b", "a", "b"], os_distro="debian", protected=False)
    assert image["status"] == "queued"
    assert image["owner"] == member.project_id
    assert image["visibility"] == "shared"
    assert image["tags"] == ["a", "b"]
    assert image["os_distro"] == "debian"
    assert image["min_disk"] == 2
    assert image["size"] is None
    assert image["self"] == f"/v2/images/{image['id']}"
    assert image["file"] == f"/v2/images/{image['id']}/file"
    assert image["created_at"].endswith("Z")
    assert member.get(f"{IMAGES}/{image['id']}").json == image


def test_the_answer_to_a_creation_says_where_the_image_is(member):
    answer = member.post(IMAGES, {})
    assert answer.headers["location"].endswith(f"/image/v2/images/{answer.json['id']}")


def test_an_image_may_bring_its_id_but_no_second_one_the_same(member):
    ident = "0b5f7c3e-58f1-4d0c-9a4e-6a5b8b1f0001"
    assert member.post(IMAGES, {"id": ident}).json["id"] == ident
    assert member.post(IMAGES, {"id": ident}).status == 409


def test_the_id_of_a_deleted_image_is_not_given_again(member, other, make):
    ident = make()["id"]
    assert member.delete(f"{IMAGES}/{ident}").status == 204
    assert member.get(f"{IMAGES}/{ident}").status == 404
    for person in (member, other):
        answer = person.post(IMAGES, {"id": ident})
        assert (answer.status, ident in answer.json["error"]["message"]) == (409, True)


def test_changes_at_the_same_time_all_arrive(member, make):
    ident = make()["id"]
    tags = [f"t{number}" for number in range(8)]

    def change(tag):
        member.put(f"{IMAGES}/{ident}/tags/{tag}")
        return patch(member, ident, {"op": "add", "path": f"/{tag}", "value": "x"}).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(change, tags * 2)) == {200}
    image = member.get(f"{IMAGES}/{ident}").json
    assert image["tags"] == tags
    assert [image[tag] for tag in tags] == ["x"] * 8


def test_data_is_not_deleted_from_its_only_store(member, other, make):
    image = make(data=b"data")["id"]
    stores = "/image/v2/stores"
    answer = member.delete(f"{stores}/file/{image}")
    assert (answer.status, "only store" in answer.json["error"]["message"]) == (403, True)
    assert member.delete(f"{stores}/fast/{image}").status == 404
    assert other.delete(f"{stores}/file/{image}").status == 404
    assert member.delete(f"{stores}/file/{make()['id']}").status == 404
    assert member.get(f"{IMAGES}/{image}/file").body == b"data"


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"name": 5}, 400, "name"),
        ({"name": "n" * 256}, 400, "name"),
        ({"id": "no uuid"}, 400, "id"),
        ({"visibility": "everybody"}, 400, "visibility"),
        ({"visibility": None}, 400, "visibility"),
        ({"container_format": "box"}, 400, "container_format"),
        ({"disk_format": "floppy"}, 400, "disk_format"),
        ({"min_disk": -1}, 400, "min_disk"),
        ({"min_disk": "1"}, 400, "min_disk"),
        ({"min_ram": 2**31}, 400, "min_ram"),
        ({"min_ram": True}, 400, "min_ram"),
        ({"protected": "yes"}, 400, "protected"),
        ({"os_hidden": 1}, 400, "os_hidden"),
        ({"tags": "one"}, 400, "tags"),
        ({"tags": [1]}, 400, "tags"),
        ({"tags": ["t" * 256]}, 400, "tags"),
        ({"anything": 5}, 400, "anything"),
        ({"anything": None}, 400, "anything"),
        ({"p" * 256: "x"}, 400, "property"),
        ({"": "x"}, 400, "property"),
        ({"status": "active"}, 403, "status"),
        ({"size": 5}, 403, "size"),
        ({"checksum": "0"}, 403, "checksum"),
        ({"locations": []}, 403, "locations"),
        ({"visibility": "public"}, 403, "public"),
        ({"owner": "another"}, 403, "another project"),
        ({f"p{n}": "x" for n in range(129)}, 413, "128"),
        ({"tags": [f"t{n}" for n in range(129)]}, 413, "128"),
    ],
)
def test_what_is_wrong_in_a_creation_is_named(member, body, status, word):
    answer = member.post(IMAGES, body)
    assert answer.status == status, answer.body
    assert word in answer.json["error"]["message"]
    assert answer.json["error"]["code"].startswith(str(status))


def test_an_administrator_makes_images_for_others_and_for_all(cloud, member):
    image = cloud.admin.post(IMAGES, {"name": "given", "owner": member.project_id}).json
    assert image["owner"] == member.project_id
    assert cloud.admin.post(IMAGES, {"visibility": "public"}).status == 201


def test_a_reader_makes_and_changes_nothing(cloud, make, member):
    image = make()
    reader = cloud.person("reader", f"project-{member.name.removeprefix('user-')}")
    assert reader.post(IMAGES, {}).status == 403
    assert patch(reader, image["id"], {"op": "replace", "path": "/name", "value": "x"}).status == 403
    assert reader.delete(f"{IMAGES}/{image['id']}").status == 403
    assert reader.get(f"{IMAGES}/{image['id']}").status == 200


# Who sees what


def test_private_and_shared_images_of_others_are_not_there(make, other):
    for visibility in ("private", "shared"):
        image = make(visibility=visibility)
        path = f"{IMAGES}/{image['id']}"
        assert other.get(path).status == 404
        assert other.delete(path).status == 404
        assert other.get(f"{path}/file").status == 404
        assert patch(other, image["id"], {"op": "replace", "path": "/name", "value": "x"}).status == 404
        assert other.get(f"{path}/members").status == 404
        assert other.put(f"{path}/tags/t").status == 404


def test_community_images_are_reached_by_id_and_only_listed_when_asked_for(make, other):
    image = make(name="of-the-community", visibility="community")
    assert other.get(f"{IMAGES}/{image['id']}").status == 200
    assert "of-the-community" not in names(other)
    assert "of-the-community" in names(other, "visibility=community")
    assert "of-the-community" in names(other, "visibility=all")
    assert other.delete(f"{IMAGES}/{image['id']}").status == 403


def test_public_images_are_everybodys_to_read_and_nobodys_to_change(cloud, other):
    image = cloud.admin.post(IMAGES, {"name": "for-all", "visibility": "public"}).json
    assert "for-all" in names(other)
    answer = patch(other, image["id"], {"op": "replace", "path": "/name", "value": "x"})
    assert answer.status == 403
    assert "not permitted" in answer.json["error"]["message"]


# Lists


def test_filters_narrow_a_list(cloud, member, make):
    for image in cloud.admin.get(f"{IMAGES}?visibility=public&limit=1000").json["images"]:
        cloud.admin.delete(f"{IMAGES}/{image['id']}")
    make(name="small", data=b"x" * 10, tags=["red"], os_distro="debian")
    make(name="large", data=b"x" * 1000, tags=["red", "blue"], container_format="docker")
    make(name="empty", os_hidden=True)
    make(name="a,b", protected=True)
    assert names(member, "name=small") == {"small"}
    assert names(member, "name=in:small,large") == {"small", "large"}
    assert names(member, 'name=in:"a,b",small') == {"a,b", "small"}
    assert names(member, "status=active") == {"small", "large"}
    assert names(member, "status=in:queued,active") == {"small", "large", "a,b"}
    assert names(member, "size_min=11") == {"large"}
    assert names(member, "size_max=10") == {"small"}
    assert names(member, "tag=red") == {"small", "large"}
    assert names(member, "tag=red&tag=blue") == {"large"}
    assert names(member, "os_distro=debian") == {"small"}
    assert names(member, "container_format=docker") == {"large"}
    assert names(member, "os_hidden=true") == {"empty"}
    assert names(member, "protected=true") == {"a,b"}
    assert names(member, "created_at=gte:2020-01-01T00:00:00Z") == {"small", "large", "a,b"}
    assert names(member, "created_at=lt:2020-01-01T00:00:00Z") == set()
    assert names(member, "visibility=private") == set()
    assert names(member, f"owner={member.project_id}") == {"small", "large", "a,b"}


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("visibility=everybody", "visibility"),
        ("member_status=perhaps", "member_status"),
        ("size_min=many", "size_min"),
        ("size_max=-1", "size_max"),
        ("size_max=99999999999999999999", "size_max"),
        ("protected=perhaps", "protected"),
        ("os_hidden=perhaps", "os_hidden"),
        ("created_at=yesterday", "created_at"),
        ("created_at=about:2020-01-01T00:00:00Z", "created_at"),
        ('name=in:"open', "name"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("marker=00000000-0000-0000-0000-000000000000", "marker"),
        ("sort_key=color", "sort_key"),
        ("sort=name:up", "sort_dir"),
        ("sort=name:asc&sort_dir=desc", "sort_dir"),
    ],
)
def test_a_wrong_filter_is_named(member, query, word):
    answer = member.get(f"{IMAGES}?{query}")
    assert answer.status == 400
    assert word in answer.json["error"]["message"]


def test_pages_follow_each_other_by_their_links(member, make):
    for name in "edcba":
        make(name=name)
    seen, link = [], f"/v2/images?limit=2&sort=name:asc&owner={member.project_id}"
    while link:
        answer = member.get(f"/image{link}").json
        assert answer["first"].startswith("/v2/images?limit=2")
        seen += [image["name"] for image in answer["images"]]
        link = answer.get("next")
    assert seen == list("abcde")


def test_a_list_without_a_limit_has_a_page_of_25(member, make):
    for _ in range(26):
        make()
    answer = member.get(IMAGES).json
    assert len(answer["images"]) == 25
    assert "marker=" in answer["next"]


# Changes


def test_a_patch_changes_adds_and_removes(member, make):
    image = make(name="before", color="red", size_of_it="5")
    answer = patch(
        member,
        image["id"],
        {"op": "replace", "path": "/name", "value": "after"},
        {"op": "add", "path": "/shape", "value": "round"},
        {"op": "replace", "path": "/color", "value": "blue"},
        {"op": "remove", "path": "/size_of_it"},
        {"op": "add", "path": "/a~1b~0c", "value": "escaped"},
        {"op": "replace", "path": "/tags", "value": ["x", "y"]},
        {"op": "replace", "path": "/min_ram", "value": 64},
    )
    assert answer.status == 200, answer.body
    after = answer.json
    assert (after["name"], after["shape"], after["color"]) == ("after", "round", "blue")
    assert after["a/b~c"] == "escaped"
    assert "size_of_it" not in after
    assert after["tags"] == ["x", "y"]
    assert after["min_ram"] == 64


def test_the_older_form_of_a_patch_is_understood(member, make):
    image = make()
    answer = member.patch(
        f"{IMAGES}/{image['id']}",
        [{"replace": "/name", "value": "old"}, {"add": "/k", "value": "v"}],
        headers={"Content-Type": "application/openstack-images-v2.0-json-patch"},
    )
    assert (answer.status, answer.json["name"], answer.json["k"]) == (200, "old", "v")


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"op": "replace", "path": "/status", "value": "active"}, 403, "status"),
        ({"op": "replace", "path": "/id", "value": "x"}, 403, "id"),
        ({"op": "add", "path": "/locations", "value": []}, 403, "locations"),
        ({"op": "add", "path": "/locations/-", "value": {}}, 403, "locations"),
        ({"op": "remove", "path": "/name"}, 403, "name"),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403, "public"),
        ({"op": "replace", "path": "/owner", "value": "x"}, 403, "administrator"),
        ({"op": "replace", "path": "/nothing", "value": "x"}, 409, "nothing"),
        ({"op": "remove", "path": "/nothing"}, 409, "nothing"),
        ({"op": "move", "path": "/name", "value": "x"}, 400, "'op'"),
        ({"path": "/name", "value": "x"}, 400, "'op'"),
        ({"op": "replace", "path": "name", "value": "x"}, 400, "'path'"),
        ({"op": "replace", "path": "/a/b", "value": "x"}, 400, "'path'"),
        ({"op": "replace", "path": "/a~2", "value": "x"}, 400, "'path'"),
        ({"op": "replace", "path": "/", "value": "x"}, 400, "'path'"),
        ({"op": "replace", "path": "/name"}, 400, "'value'"),
        ({"op": "replace", "path": "/name", "value": 5}, 400, "name"),
        ({"op": "add", "path": "/k", "value": {}}, 400, "'k'"),
        ("text", 400, "object"),
    ],
)
def test_a_wrong_patch_is_refused_whole(member, make, change, status, word):
    image = make(name="kept")
    answer = patch(member, image["id"], {"op": "replace", "path": "/name", "value": "gone"}, change)
    assert answer.status == status, answer.body
    assert word in answer.json["error"]["message"]
    assert member.get(f"{IMAGES}/{image['id']}").json["name"] == "kept"


def test_a_patch_needs_its_content_type(member, make):
    path = f"{IMAGES}/{make()['id']}"
    assert member.patch(path, [], headers={"Content-Type": "application/json"}).status == 415
    assert member.patch(path, {"op": "add"}, headers=PATCH).status == 400


def test_formats_are_fixed_once_there_is_data(member, make):
    image = make(data=b"x")
    change = {"op": "replace", "path": "/disk_format", "value": "qcow2"}
    assert patch(member, image["id"], change).status == 403
    assert patch(member, make()["id"], change).json["disk_format"] == "qcow2"


def test_tags_come_and_go_one_by_one(member, make):
    path = f"{IMAGES}/{make(tags=['a'])['id']}"
    assert member.put(f"{path}/tags/b c").status == 204
    assert member.put(f"{path}/tags/a").status == 204
    assert member.get(path).json["tags"] == ["a", "b c"]
    assert member.delete(f"{path}/tags/a").status == 204
    assert member.delete(f"{path}/tags/a").status == 404
    assert member.put(f"{path}/tags/{'t' * 256}").status == 400
    assert member.get(path).json["tags"] == ["b c"]


# The end


def test_a_deleted_image_is_gone_with_its_data(cloud, member, make):
    image = make(data=b"data", tags=["t"], k="v")
    assert image["id"] in files(cloud)
    assert member.delete(f"{IMAGES}/{image['id']}").status == 204
    assert member.get(f"{IMAGES}/{image['id']}").status == 404
    assert member.delete(f"{IMAGES}/{image['id']}").status == 404
    assert image["id"] not in files(cloud)


def test_a_protected_image_stays(member, make):
    image = make(protected=True)
    answer = member.delete(f"{IMAGES}/{image['id']}")
    assert (answer.status, "protected" in answer.json["error"]["message"]) == (403, True)
    patch(member, image["id"], {"op": "replace", "path": "/protected", "value": False})
    assert member.delete(f"{IMAGES}/{image['id']}").status == 204


def test_the_service_tells_its_versions_and_schemas(cloud, member):
    for path in ("/image", "/image/"):
        answer = cloud.call("GET", path)
        assert answer.status == 300
        assert answer.json["versions"][0]["status"] == "CURRENT"
    assert member.get("/image/v2/schemas/image").json["additionalProperties"] == {"type": "string"}
    assert member.get("/image/v2/schemas/images").json["properties"]["images"]["items"]["name"] == "image"
    assert member.get("/image/v2/schemas/members").status == 200
    assert member.get("/image/v2/schemas/nothing").status == 404
    assert member.get("/image/v2/info/stores").json["stores"][0]["id"] == "file"
    assert member.get("/image/v2/info/stores/detail").status == 403
    assert cloud.admin.get("/image/v2/info/stores/detail").status == 200


def test_an_image_shows_nothing_that_its_schema_does_not_have(member, make):
    schema = member.get("/image/v2/schemas/image").json["properties"]
    assert set(make(data=b"x")) <= set(schema)
