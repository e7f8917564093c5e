"""What happens to a request between the socket and the handler, and to an answer on its way back."""

import json

import pytest

from .conftest import Held, Shelf

URL = "/shelf/v1/boxes"


def oops(answer):
    return answer.json["oops"]["text"]


class TestWhoAsks:
    def test_without_a_token_the_way_to_one_is_told(self, cloud):
        answer = cloud.call("GET", URL)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Keystone uri="http://127.0.0.1:9140/identity"'

    @pytest.mark.parametrize("token", ["x", "gAAAAA", "é", "a" * 5000])
    def test_a_token_that_nobody_issued_is_refused(self, cloud, token):
        assert cloud.call("GET", URL, token=token).status == 401

    def test_public_routes_need_none(self, cloud):
        assert cloud.call("GET", "/shelf").status == 300

    def test_a_role_that_the_rule_wants_is_needed(self, cloud):
        reader = cloud.person("reader")
        assert reader.get(URL).status == 200
        answer = reader.post(URL, {"box": {"name": "tin"}})
        assert answer.status == 403
        assert "box:create" in oops(answer)

    def test_a_policy_file_overrides_a_rule(self, tmp_path):
        (tmp_path / "shelf.yaml").write_text('"box:create": "role:admin"\n')
        cloud = Shelf(tmp_path / "state", tmp_path)
        assert cloud.person().post(URL, {"box": {"name": "tin"}}).status == 403
        assert cloud.admin.post(URL, {"box": {"name": "tin"}}).status == 201
        cloud.close()


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"box": {}}, "'box.name' is a required property"),
            ({"box": {"name": 5}}, "'box.name': expected str, got int"),
            ({"box": {"name": "a"}}, "'box.name': expected str of length >= 2"),
            ({"box": {"name": "a" * 9}}, "'box.name': expected str of length <= 8"),
            ({"box": {"name": "tin", "size": 101}}, "'box.size': expected int <= 100"),
            ({"box": {"name": "tin", "size": "5"}}, "'box.size': expected int, got str"),
            ({"box": {"name": "tin", "sise": 5}}, "'box.sise' is unknown. Known here: colour, name, size"),
            ({"box": {"name": "tin"}, "bux": 1}, "beside 'box': bux"),
            ({"bix": {"name": "tin"}}, "'box' is a required property"),
            ([], "'box' is a required property"),
            ({"boxes": []}, "'boxes' must be a list"),
            ({"boxes": [{"name": "tin"}, {"name": 1}]}, "'boxes[1].name': expected str"),
        ],
    )
    def test_a_wrong_field_is_named_with_what_is_right(self, ann, body, words):
        answer = ann.post(URL, body)
        assert answer.status == 400
        assert words in oops(answer)

    @pytest.mark.parametrize("text", [b"{", b"\xff", b'{"box": NaN}', b""])
    def test_what_is_no_json_is_said_to_be_none(self, ann, text):
        answer = ann.call("POST", URL, text)
        assert answer.status == 400
        assert "JSON" in oops(answer)

    def test_deep_nesting_is_refused(self, ann):
        for deep in (b"[" * 1900, b'{"a":' * 300, b'["[",' * 101):
            answer = ann.call("POST", URL, deep)
            assert answer.status == 400
            assert "nested too deeply" in oops(answer)

    def test_brackets_in_texts_and_side_by_side_are_no_depth(self, ann):
        for wide in (b'{"box": {"name": "' + b"[" * 200 + b'\\"{[[["}}', b"[" + b"[]," * 300 + b"[]]"):
            assert "nested" not in oops(ann.call("POST", URL, wide))

    def test_a_nul_character_is_refused(self, ann):
        assert ann.call("POST", URL, b'{"box": {"name": "a\\u0000b"}}').status == 400
        assert ann.get(f"{URL}?name=a%00b").status == 400

    def test_another_content_type_is_415(self, ann):
        answer = ann.call("POST", URL, b"<box/>", headers={"Content-Type": "text/xml"})
        assert answer.status == 415
        assert "application/json" in oops(answer)

    def test_a_body_past_the_limit_is_413(self, ann):
        assert ann.post(URL, {"box": {"name": "x" * 3000}}).status == 413

    def test_several_at_once_where_the_route_takes_them(self, ann):
        answer = ann.post(URL, {"boxes": [{"name": "one"}, {"name": "two"}]})
        assert answer.status == 201
        assert [box["name"] for box in answer.json["boxes"]] == ["one", "two"]

    def test_a_raw_body_goes_through_as_it_is_and_streams_back(self, ann):
        answer = ann.call("PUT", "/shelf/v1/stream", b"\x00\x01bytes")
        assert answer.body == b"\x00\x01bytes"
        assert answer.headers["content-type"] == "application/octet-stream"

    def test_query_parameters_are_typed_and_unknown_ones_refused(self, ann):
        assert ann.get("/shelf/v1/query?deep=true").json == {"deep": True}
        assert ann.get("/shelf/v1/query?deep=0").json == {"deep": False}
        assert "'deep'" in oops(ann.get("/shelf/v1/query?deep=maybe"))
        assert "'deap' is unknown" in oops(ann.get("/shelf/v1/query?deap=1"))


class TestMicroversions:
    def ask(self, person, version, path="/shelf/v1/version"):
        return person.get(path, headers={"OpenStack-API-Version": version})

    def test_without_a_header_it_is_the_default(self, ann):
        answer = ann.get("/shelf/v1/version")
        assert answer.json == {"v": [1, 1]}
        assert answer.headers["openstack-api-version"] == "shelf 1.1"
        assert answer.headers["openstack-api-maximum-version"] == "shelf 1.4"
        assert "OpenStack-API-Version" in answer.headers["vary"]

    def test_the_asked_one_picks_the_route(self, ann):
        assert self.ask(ann, "shelf 1.2").json == {"v": [1, 2]}
        assert self.ask(ann, "shelf 1.3").json == {"newer": [1, 3]}
        assert self.ask(ann, "shelf latest").json == {"newer": [1, 4]}
        assert self.ask(ann, "compute 2.1, shelf 1.2").json == {"v": [1, 2]}

    def test_the_older_header_is_known_too(self, ann):
        assert ann.get("/shelf/v1/version", headers={"X-Shelf-Version": "1.2"}).json == {"v": [1, 2]}

    @pytest.mark.parametrize(
        "version", ["shelf 1.5", "shelf 0.9", "shelf one", "shelf", "compute 1.1", "1.1"]
    )
    def test_what_cannot_be_served_is_406_in_the_services_own_words(self, ann, version):
        answer = self.ask(ann, version)
        assert answer.status == 406
        assert answer.json["oops"]["status"] == 406
        assert answer.headers["openstack-api-minimum-version"] == "shelf 1.1"

    def test_a_route_that_came_later_is_not_there_before(self, ann):
        assert self.ask(ann, "shelf 1.2", "/shelf/v1/young").status == 406
        assert self.ask(ann, "shelf 1.3", "/shelf/v1/young").status == 200

    def test_fields_come_and_go_with_versions(self, ann):
        def post(version, **box):
            return ann.post(URL, {"box": {"name": "tin", **box}}, headers={"OpenStack-API-Version": version})

        assert post("shelf 1.3", colour="red").status == 201
        refused = post("shelf 1.2", colour="red")
        assert refused.status == 400
        assert "'colour' is only supported from version 1.3" in oops(refused)
        assert post("shelf 1.2", weight=3).status == 201
        assert "'weight' is only supported up to version 1.2" in oops(post("shelf 1.3", weight=3))


class TestAnswers:
    def test_an_unknown_path_is_404_and_a_method_405_with_what_is_allowed(self, ann):
        assert ann.get("/shelf/v1/nothing").json["oops"]["status"] == 404
        answer = ann.put(URL)
        assert answer.status == 405
        assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))
        assert ann.get("/nobody/v1").status == 404

    def test_head_is_get_without_its_body(self, ann):
        box = ann.post(URL, {"box": {"name": "tin"}}).json["box"]
        for path in (URL, f"{URL}/{box['id']}", "/shelf", "/shelf/v1/query?deep=true"):
            whole, head = ann.get(path), ann.call("HEAD", path)
            assert (head.status, head.body) == (whole.status, b"")
            assert head.headers["content-length"] == str(len(whole.body))
            assert head.headers["content-type"] == whole.headers["content-type"]

    def test_head_is_refused_where_get_would_be(self, cloud, ann, ben):
        box = ann.post(URL, {"box": {"name": "tin"}}).json["box"]
        assert cloud.call("HEAD", URL).status == 401
        assert ben.call("HEAD", f"{URL}/{box['id']}").status == 404
        assert ann.call("HEAD", "/shelf/v1/query?sheep=1").status == 400
        older = {"OpenStack-API-Version": "shelf 1.2"}
        assert ann.call("HEAD", "/shelf/v1/young", headers=older).status == 406

    def test_head_lets_go_of_what_get_would_have_streamed(self, ann):
        Held.closed.clear()
        answer = ann.call("HEAD", "/shelf/v1/held")
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "4")
        assert Held.closed == [True]

    def test_head_is_not_there_where_get_gives_something_out(self, ann):
        answer = ann.call("HEAD", "/shelf/v1/given-out")
        assert answer.status == 405
        assert "HEAD" not in answer.headers["allow"]

    def test_slashes_may_be_missing_or_doubled(self, ann):
        for path in ("/shelf/", "/shelf", "/shelf//v1//boxes", "/shelf/v1/boxes/"):
            assert ann.get(path).status in (200, 300)

    def test_a_fault_of_ours_tells_its_request_id_and_nothing_else(self, ann, caplog):
        answer = ann.get("/shelf/v1/breaks")
        assert answer.status == 500
        assert "hunter2" not in answer.body.decode()
        assert answer.headers["x-openstack-request-id"] in oops(answer)
        assert "hunter2" in caplog.text

    def test_204_has_no_body(self, cloud, ann):
        box = ann.post(URL, {"box": {"name": "gone"}}).json["box"]
        answer = cloud.admin.delete(f"{URL}/{box['id']}")
        assert (answer.status, answer.body) == (204, b"")

    def test_every_answer_has_an_id_of_its_own(self, ann):
        ids = {ann.get(URL).headers["x-openstack-request-id"] for _ in range(3)}
        assert len(ids) == 3

    def test_the_openapi_document_tells_every_route(self, cloud):
        document = json.loads(cloud.call("GET", "/shelf/openapi.json").body)
        assert set(document["paths"][URL.removeprefix("/shelf")]) == {"get", "post"}
        body = document["paths"]["/v1/boxes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert body["required"] == ["box"]
        fields = document["components"]["schemas"]["BoxBody"]["properties"]
        assert fields["name"]["maxLength"] == 8

    def test_health_and_metrics(self, cloud, ann):
        ann.get(URL)
        assert cloud.call("GET", "/healthcheck").json["status"] == "OK"
        for path in ("/shelf/healthcheck", "/identity/healthcheck"):
            assert cloud.call("GET", path).json["checks"]["database"]["ok"]
            assert cloud.call("HEAD", path).status == 200
        text = cloud.call("GET", "/metrics").body.decode()
        assert 'service="shelf"' in text
        assert "knarr_requests_total" in text
