"""Lists page by page, and who sees which rows."""

from itertools import count

import pytest

URL = "/shelf/v1/boxes"
numbers = count()


@pytest.fixture
def owner(cloud):
    """Somebody with twelve boxes whose sizes repeat."""
    person = cloud.person()
    made = person.post(URL, {"boxes": [{"name": f"b{n:02}", "size": n % 3} for n in range(12)]})
    person.names = [box["name"] for box in made.json["boxes"]]
    return person


def walk(person, query):
    """The names on all pages, following the next links."""
    names, url = [], f"{URL}?{query}"
    while url:
        page = person.get(url).json
        names.append([box["name"] for box in page["boxes"]])
        url = page["next"] and page["next"].removeprefix("http://127.0.0.1:9140")
    return names


def flat(pages):
    return [name for page in pages for name in page]


class TestPages:
    def test_next_links_lead_through_everything_once(self, owner):
        pages = walk(owner, "limit=5&sort_key=name")
        assert [len(page) for page in pages] == [5, 5, 2]
        assert flat(pages) == sorted(owner.names)

    def test_equal_sort_values_lose_nothing_at_the_border(self, owner):
        pages = walk(owner, "limit=2&sort_key=size&sort_dir=desc")
        assert sorted(flat(pages)) == sorted(owner.names)

    def test_several_sort_keys(self, owner):
        pages = walk(owner, "limit=4&sort=size:desc,name:asc")
        boxes = {f"b{n:02}": n % 3 for n in range(12)}
        assert flat(pages) == sorted(owner.names, key=lambda name: (-boxes[name], name))

    def test_a_page_is_never_longer_than_the_service_allows(self, owner):
        assert [len(page) for page in walk(owner, "limit=100")] == [5, 5, 2]
        assert len(owner.get(URL).json["boxes"]) == 5

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=many", "limit"),
            ("sort_key=secret", "sort_key"),
            ("sort_key=name&sort_dir=up", "sort_dir"),
            ("marker=nothing", "marker"),
        ],
    )
    def test_a_wrong_parameter_is_named(self, owner, query, name):
        answer = owner.get(f"{URL}?{query}")
        assert answer.status == 400
        assert f"'{name}'" in answer.json["oops"]["text"]


class TestOwnership:
    @pytest.fixture
    def box(self, ann):
        return ann.post(URL, {"box": {"name": f"own{next(numbers)}"}}).json["box"]

    def test_others_see_nothing_of_it(self, ann, ben, box):
        assert ann.get(f"{URL}/{box['id']}").json["id"] == box["id"]
        for ident in (box["id"], box["name"]):
            assert ben.get(f"{URL}/{ident}").status == 404
        assert box["id"] not in ben.get(URL).body.decode()

    def test_a_name_serves_as_well_as_an_id(self, ann, box):
        assert ann.get(f"{URL}/{box['name']}").json["id"] == box["id"]

    def test_a_name_that_means_two_is_a_conflict(self, ann, box):
        ann.post(URL, {"box": {"name": box["name"]}})
        answer = ann.get(f"{URL}/{box['name']}")
        assert answer.status == 409
        assert "id" in answer.json["oops"]["text"]

    def test_administrators_see_all_projects_when_they_ask(self, cloud, ann, box):
        assert cloud.admin.get(f"{URL}/{box['id']}").status == 200
        mine = cloud.admin.get(f"{URL}?limit=5&sort_key=created_at&sort_dir=desc").body.decode()
        every = cloud.admin.get(f"{URL}?all&limit=5&sort_key=created_at&sort_dir=desc").body.decode()
        assert box["id"] not in mine
        assert box["id"] in every

    def test_all_projects_is_nothing_to_others(self, ben, box):
        assert box["id"] not in ben.get(f"{URL}?all&sort_key=created_at&sort_dir=desc").body.decode()


class TestSessions:
    def test_a_service_calls_another_as_its_caller_without_a_socket(self, cloud, ann):
        from knarr.kernel import context

        ctx = context.from_token(ann.token, cloud.runtime.identity.validate(ann.token), "req-1")
        client = cloud.runtime.client("shelf", ctx)
        made = client.post("/v1/boxes", json={"box": {"name": "inner"}})
        assert made.status_code == 201
        assert ann.get(f"{URL}/{made.json()['box']['id']}").status == 200
        assert client.get("/v1/boxes/nothing").status_code == 404

    def test_a_service_calls_as_itself(self, cloud, ann):
        box = ann.post(URL, {"box": {"name": "mine"}}).json["box"]
        assert cloud.runtime.service_client("shelf").get(f"/v1/boxes/{box['id']}").status_code == 200

    def test_streams_go_through_in_both_directions(self, cloud):
        client = cloud.runtime.service_client("shelf")
        answer = client.put("/v1/stream", data=b"12345", headers={"Content-Length": "5"})
        assert answer.content == b"12345"
