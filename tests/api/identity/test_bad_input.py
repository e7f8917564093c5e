"""Every route, asked without a token, with the wrong method, and with bodies that make no sense."""

import json
import re
import threading

import pytest

from knarr.core.identity.routes import ROUTES
from knarr.kernel.schema import OpenBody

from .helpers import PASSWORD, unique

IDS = re.compile(r"\{\w+\}")
PROTECTED = [route for route in ROUTES if route.policy is not None]
WITH_BODY = [route for route in ROUTES if route.body is not None]
PUBLIC = {
    ("GET", "/"),
    ("GET", "/v3"),
    ("POST", "/v3/auth/tokens"),
    ("POST", "/v3/users/{user_id}/password"),
}


def name(route):
    return f"{route.method} {route.path}"


def path(route):
    return IDS.sub("0" * 32, route.path)


def check_error(answer, status):
    assert answer.status == status, answer.body
    assert set(answer.body) == {"error"}
    assert set(answer.body["error"]) == {"code", "title", "message"}
    assert answer.body["error"]["code"] == status
    assert answer.headers["x-openstack-request-id"].startswith("req-")


def test_only_these_routes_are_public():
    assert {(route.method, route.path) for route in ROUTES if route.policy is None} == PUBLIC


@pytest.mark.parametrize("route", PROTECTED, ids=name)
def test_without_a_valid_token_nothing_is_answered(api, route):
    for token in (None, "nonsense", "gAAAAABnonsense"):
        answer = api.call(route.method, path(route), {} if route.body else None, token=token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Keystone uri=")
        if route.method != "HEAD":
            check_error(answer, 401)


# What every user may do: see the catalogue's regions, and what its own token opens.
FOR_ALL = {"identity:list_regions", "identity:get_region", "identity:get_auth_catalog"}
FOR_ALL |= {f"identity:get_auth_{what}" for what in ("projects", "domains", "system")}
FOR_ALL |= {"identity:list_registered_limits", "identity:get_registered_limit", "identity:get_limit_model"}
FOR_ALL |= {"identity:list_limits"}
# Lists in which everybody finds what is their own.
OWN_LISTS = {"GET /v3/credentials"}
CLOSED = [route for route in PROTECTED if route.policy not in FOR_ALL and name(route) not in OWN_LISTS]


@pytest.mark.parametrize("route", CLOSED, ids=name)
def test_a_reader_gets_nothing_of_others(api, reader, route):
    body = SAMPLES.get(name(route), {}) if route.body else None
    if body is not None and route.envelope:
        body = {route.envelope: body}
    answer = api.call(route.method, path(route), body, token=reader.token, x_subject_token=api.admin)
    assert answer.status == 403, (answer.status, answer.body)


@pytest.fixture(scope="module")
def reader(api):
    return api.person("reader")


# Bodies that are right, so that the answer is about the caller's rights.
SAMPLES = {
    "POST /v3/users": {"name": "x"},
    "POST /v3/users/{user_id}/application_credentials": {"name": "x"},
    "POST /v3/OS-TRUST/trusts": {
        "trustor_user_id": "x",
        "trustee_user_id": "y",
        "impersonation": True,
        "roles": [{"name": "reader"}],
    },
    "POST /v3/groups": {"name": "x"},
    "POST /v3/projects": {"name": "x"},
    "PUT /v3/projects/{project_id}/tags": {"tags": []},
    "POST /v3/domains": {"name": "x"},
    "POST /v3/roles": {"name": "x"},
    "POST /v3/services": {"type": "x"},
    "POST /v3/credentials": {"type": "x", "blob": "x", "user_id": "x"},
    "POST /v3/policies": {"type": "x", "blob": "x"},
    "POST /v3/registered_limits": {
        "registered_limits": [{"service_id": "x", "resource_name": "x", "default_limit": 1}]
    },
    "POST /v3/limits": {
        "limits": [{"service_id": "x", "resource_name": "x", "resource_limit": 1, "project_id": "x"}]
    },
    "POST /v3/OS-EP-FILTER/endpoint_groups": {"name": "x", "filters": {"interface": "public"}},
    "POST /v3/endpoints": {"service_id": "x", "interface": "public", "url": "http://h/"},
}


@pytest.mark.parametrize("route", WITH_BODY, ids=name)
class TestBodies:
    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"x"', b"null", b"\xff\xfe", b"[" * 100_000])
    def test_broken_ones(self, api, route, body):
        check_error(api.call(route.method, path(route), body), 400)

    def test_another_content_type(self, api, route):
        check_error(api.call(route.method, path(route), {}, content_type="text/plain"), 415)

    def test_a_body_past_the_limit(self, api, route):
        check_error(api.call(route.method, path(route), b" " * (1024 * 1024 + 1)), 413)

    def test_an_unknown_field(self, api, route):
        if issubclass(route.body, OpenBody):
            pytest.skip("it keeps attributes of its users' own")
        body = {"colour": "red"}
        answer = api.call(route.method, path(route), {route.envelope: body} if route.envelope else body)
        check_error(answer, 400)

    def test_every_field_of_a_wrong_type_is_named(self, api, route):
        for field in set(route.body.__struct_encode_fields__) - {"extra"}:
            for value in (object_, [[]], 1.5):
                given = {**SAMPLES.get(name(route), {}), field: value}
                body = {route.envelope: given} if route.envelope else given
                answer = api.call(route.method, path(route), body)
                check_error(answer, 400)
                assert field in answer.message


object_ = {"no": {"such": "thing"}}


@pytest.mark.parametrize("address", ["/v3/nothing", "/v2.0/tokens", "/v3/users/x/y/z", "/v3/auth"])
def test_there_is_no_such_resource(api, address):
    check_error(api.get(address), 404)


def test_the_wrong_method_names_the_right_ones(api):
    answer = api.put("/v3/users", {})
    check_error(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("kind", ["user", "group", "project", "domain", "role"])
def test_odd_names_are_kept_as_they_are(api, kind):
    for odd in ("ünïcødé", "a/b", "it's; DROP TABLE x", "%_", "<b>", "𝄞", "tab\there"):
        made = api.make(kind, name=unique(odd))
        assert made["name"].startswith(odd)
        assert api.get(f"/v3/{kind}s/{made['id']}").body[kind]["name"] == made["name"]


@pytest.mark.parametrize("ident", ["%00", "%ff", "..", "%2e%2e%2fusers", "'", "x" * 5000, "%F0%9F%92%A9"])
def test_odd_ids_are_not_found(api, ident):
    answer = api.get(f"/v3/users/{ident}")
    assert answer.status in (400, 404)
    assert "error" in answer.body


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "enabled=7", "name__like=x", "marker=%ff&limit=1"])
def test_odd_queries_are_told_or_empty(api, query):
    answer = api.get(f"/v3/users?{query}")
    assert answer.status in (200, 400)
    if not query.startswith("marker"):
        check_error(answer, 400)


def test_of_many_with_one_name_at_the_same_time_one_is_made(api):
    body, answers = {"user": {"name": unique("twin"), "password": PASSWORD}}, []
    barrier = threading.Barrier(8)

    def create():
        barrier.wait()
        answers.append(api.post("/v3/users", body).status)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [409] * 7


def test_the_openapi_document_knows_every_route(api):
    document = api.get("/openapi.json", token=None)
    assert document.status == 200
    text = json.dumps(document.body)
    assert all(IDS.sub("", route.path).split("/")[-1] in text for route in ROUTES)
